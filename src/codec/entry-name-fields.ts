/** The names of entries as peers send them: checked like a client's, because they are looked up and stored like a client's. */
import type { EntryName } from '../core/ids.ts';
import { MAX_BUCKET_CHARACTERS, MAX_KEY_BYTES } from '../core/limits.ts';
import { type FieldReader, FormatError } from './packer.ts';

const BUCKET = /^[A-Za-z0-9._-]+$/;

/** Throws FormatError. A bucket with a zero byte, for one, would be stored as a key of another bucket. */
export function readEntryName(fields: FieldReader): EntryName {
  const bucket = fields.string(MAX_BUCKET_CHARACTERS);
  const key = fields.string(MAX_KEY_BYTES);
  if (!isBucket(bucket)) throw new FormatError('not the name of a bucket');
  if (!isKey(key)) throw new FormatError('not a key');
  return { bucket, key };
}

/** Whether a peer would take it for one: a name that is read from a damaged disk may be none. */
export function isEntryName({ bucket, key }: EntryName): boolean {
  return isBucket(bucket) && isKey(key);
}

function isBucket(bucket: string): boolean {
  return bucket.length <= MAX_BUCKET_CHARACTERS && BUCKET.test(bucket);
}

function isKey(key: string): boolean {
  return key !== '' && Buffer.byteLength(key) <= MAX_KEY_BYTES;
}
