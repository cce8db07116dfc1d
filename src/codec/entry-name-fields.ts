/** The names of entries as peers send them: checked like a client's, because they are looked up and stored like a client's. */
import type { EntryName } from '../core/ids.ts';
import { MAX_BUCKET_CHARACTERS, MAX_KEY_BYTES } from '../core/limits.ts';
import { type FieldReader, FormatError } from './packer.ts';

const BUCKET = /^[A-Za-z0-9._-]+$/;

/** Throws FormatError. A bucket with a zero byte, for one, would be stored as a key of another bucket. */
export function readEntryName(fields: FieldReader): EntryName {
  const bucket = fields.string(MAX_BUCKET_CHARACTERS);
  const key = fields.string(MAX_KEY_BYTES);
  if (!BUCKET.test(bucket)) throw new FormatError('not the name of a bucket');
  if (key === '' || Buffer.byteLength(key) > MAX_KEY_BYTES) throw new FormatError('not a key');
  return { bucket, key };
}
