/**
 * Names of entries as arguments. They are checked here, before a path is made of them: an empty key would ask for something
 * else, and some keys have no form in a path.
 */
import { entryPath, inspectPath, outcomePath } from '../api/paths.ts';
import { assertBucketName, assertKey } from '../client/entry-name.ts';

/** Bucket and key. */
export interface EntryName {
  readonly bucket: string;
  readonly key: string;
}

/** Path of an entry. Throws a `QuorateError` with code `invalid-key` unless bucket and key are allowed. */
export function pathOfEntry(name: EntryName): string {
  assertAllowed(name);
  return entryPath(name.bucket, name.key);
}

/** Path of its inspection. Throws like {@link pathOfEntry}. */
export function inspectPathOfEntry(name: EntryName): string {
  assertAllowed(name);
  return inspectPath(name.bucket, name.key);
}

/** Path of the question what became of a write of it. Throws like {@link pathOfEntry}. */
export function outcomePathOfEntry(name: EntryName, writeId: string): string {
  assertAllowed(name);
  return outcomePath(name.bucket, name.key, writeId);
}

function assertAllowed({ bucket, key }: EntryName): void {
  assertBucketName(bucket);
  assertKey(key);
}
