/**
 * Names of entries, checked before anything is sent: a URL parser on the way would turn some keys into other keys
 * without a word.
 */
import { QuorateError } from './errors.ts';

const MAX_KEY_BYTES = 1024;
const BUCKET = /^[A-Za-z0-9._-]{1,64}$/;
const encoder = new TextEncoder();

/** Throws `invalid-key` unless the bucket's name is allowed. */
export function assertBucketName(bucket: unknown): asserts bucket is string {
  if (typeof bucket === 'string' && BUCKET.test(bucket) && bucket !== '.' && bucket !== '..') return;
  throw new QuorateError(`Bucket ${quoted(bucket)} is not allowed`, {
    code: 'invalid-key',
    hint: 'A bucket is 1 to 64 of A-Z a-z 0-9 . _ - and neither "." nor "..".',
  });
}

/** Throws `invalid-key` unless the key is allowed. */
export function assertKey(key: unknown): asserts key is string {
  const reason = reasonAgainstKey(key);
  if (reason === undefined) return;
  throw new QuorateError(`Key ${quoted(key)} is not allowed: ${reason}`, {
    code: 'invalid-key',
    hint: `A key is 1 to ${MAX_KEY_BYTES} bytes of UTF-8 without "." or ".." between its slashes.`,
  });
}

function reasonAgainstKey(key: unknown): string | undefined {
  if (typeof key !== 'string') return `it is of type ${typeof key}`;
  if (key === '') return 'it is empty';
  // A lone surrogate has no UTF-8 form.
  if (/\p{Surrogate}/u.test(key)) return 'it is not well-formed Unicode';
  const bytes = encoder.encode(key).length;
  if (bytes > MAX_KEY_BYTES) return `it has ${bytes} bytes`;
  // URL parsers collapse these segments even when they are percent-encoded.
  if (key.split('/').some((segment) => segment === '.' || segment === '..'))
    return 'it has a segment "." or ".."';
  return undefined;
}

function quoted(name: unknown): string {
  const written = typeof name === 'string' ? JSON.stringify(name) : String(name);
  return written.length > 80 ? `${written.slice(0, 80)}…` : written;
}
