/**
 * Bucket and key from the raw request target. URL parsers collapse `.` and `..` segments, even percent-encoded ones, so
 * what they give is not looked at: a key with such a segment is refused instead of becoming another key.
 */
import { MAX_BUCKET_CHARACTERS, MAX_KEY_BYTES } from '../../core/limits.ts';
import type { EntryName } from '../../core/ids.ts';
import { Problem } from './problem.ts';

const BUCKET = /^[A-Za-z0-9._-]+$/;
const PLAIN_ASCII = /^[!-$&-~]*$/;

/** Whether a name may be a bucket's: 1..64 of `A-Z a-z 0-9 . _ -`, not `.` or `..`. */
export function isBucketName(name: string): boolean {
  return BUCKET.test(name) && name.length <= MAX_BUCKET_CHARACTERS && name !== '.' && name !== '..';
}

/**
 * Reads `{bucket}` or `{bucket}/{key}` below a prefix such as `/v1/kv`; `key` is undefined if no slash follows the
 * bucket. Throws `invalid-key`.
 */
export function bucketAndKey(path: string, prefix: string): { bucket: string; key: string | undefined } {
  const rest = path.slice(prefix.length + 1);
  const slash = rest.indexOf('/');
  const bucket = validBucket(slash === -1 ? rest : rest.slice(0, slash));
  return { bucket, key: slash === -1 ? undefined : validKey(rest.slice(slash + 1)) };
}

/** As `bucketAndKey`, where a key has to be there. */
export function entryName(path: string, prefix: string): EntryName {
  const { bucket, key } = bucketAndKey(path, prefix);
  if (key === undefined) {
    throw new Problem('invalid-key', `This path names no key. It goes ${prefix}/{bucket}/{key}.`);
  }
  return { bucket, key };
}

function validBucket(raw: string): string {
  const bucket = percentDecoded(raw);
  if (bucket !== undefined && isBucketName(bucket)) return bucket;
  throw new Problem(
    'invalid-key',
    `A bucket name is 1 to ${MAX_BUCKET_CHARACTERS} characters of A-Z a-z 0-9 . _ - and neither "." nor "..".`,
  );
}

function validKey(raw: string): string {
  const key = percentDecoded(raw);
  if (key === undefined) {
    throw new Problem(
      'invalid-key',
      'The key is not percent-encoded UTF-8. Encode each byte outside of A-Z a-z 0-9 - . _ ~.',
    );
  }
  if (key === '') throw new Problem('invalid-key', `The key is empty. A key is 1 to ${MAX_KEY_BYTES} bytes.`);
  const bytes = Buffer.byteLength(key);
  if (bytes > MAX_KEY_BYTES) {
    throw new Problem(
      'invalid-key',
      `The key has ${bytes} bytes of UTF-8. A key is 1 to ${MAX_KEY_BYTES} bytes.`,
    );
  }
  if (hasDotSegment(key)) {
    throw new Problem(
      'invalid-key',
      'A key may not have "." or ".." as a segment between slashes: URL parsers remove them on the way, even when they are percent-encoded.',
    );
  }
  return key;
}

function hasDotSegment(key: string): boolean {
  if (!key.includes('.')) return false;
  return key.split('/').some((segment) => segment === '.' || segment === '..');
}

/** Decodes once; undefined if an escape is malformed, the bytes are no UTF-8, or a `#` was not encoded. */
function percentDecoded(raw: string): string | undefined {
  if (raw.includes('#')) return undefined;
  if (PLAIN_ASCII.test(raw)) return raw;
  try {
    return decodeURIComponent(raw);
  } catch {
    return undefined;
  }
}
