/**
 * Where things lie in a node's ordered store. The first byte names the kind of entry:
 *
 *   'd' partition (2 bytes, big-endian) bucket 0x00 key    a record
 *   'm' name                                               facts about the store itself
 *
 * A partition is one contiguous range. Bucket names hold no zero byte, so the first one ends the bucket. Keys are UTF-8:
 * a string that has no UTF-8 of its own (a lone surrogate) is refused, because it would be stored as another key. Other
 * first bytes are free for what comes later.
 */
import type { EntryName, Partition } from '../core/ids.ts';

const RECORD = 0x64;
const META = 0x6d;
const RECORD_HEADER_BYTES = 3;

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Throws a RangeError for a name that no door lets in: a bug of the caller. */
export function recordKey(partition: Partition, { bucket, key }: EntryName): Uint8Array {
  if (bucket.includes('\0') || LONE_SURROGATE.test(key)) throw new RangeError('not the name of an entry');
  const name = `${bucket}\0${key}`;
  const bytes = Buffer.allocUnsafe(RECORD_HEADER_BYTES + Buffer.byteLength(name, 'utf8'));
  bytes[0] = RECORD;
  bytes.writeUInt16BE(partition, 1);
  bytes.write(name, RECORD_HEADER_BYTES, 'utf8');
  return bytes;
}

/** The range of a partition's records. */
export function partitionRange(partition: Partition): { readonly from: Uint8Array; readonly to: Uint8Array } {
  const from = Buffer.from([RECORD, partition >> 8, partition & 0xff]);
  const next = partition + 1;
  // The last partition is followed by the next kind of entry.
  const to = next > 0xffff ? Buffer.from([RECORD + 1]) : Buffer.from([RECORD, next >> 8, next & 0xff]);
  return { from, to };
}

/** The bucket and key of a record's storage key. */
export function entryOfRecordKey(storageKey: Uint8Array): EntryName {
  const name = Buffer.from(storageKey.buffer, storageKey.byteOffset, storageKey.byteLength).toString(
    'utf8',
    RECORD_HEADER_BYTES,
  );
  const end = name.indexOf('\0');
  return { bucket: name.slice(0, end), key: name.slice(end + 1) };
}

/** The key that follows directly: the begin of a range after this one. */
export function keyAfter(storageKey: Uint8Array): Uint8Array {
  return Buffer.concat([storageKey, Uint8Array.of(0)]);
}

export function metaKey(name: 'store'): Uint8Array {
  return Buffer.concat([Uint8Array.of(META), Buffer.from(name, 'utf8')]);
}

/** The range that holds everything: bounds for a look at whether a store is empty. */
export const WHOLE_STORE = { from: Uint8Array.of(0), to: Uint8Array.of(0xff) } as const;
