/**
 * Where things lie in a node's ordered store. The first byte names the kind of entry:
 *
 *   'a' as for a record from there                         what this node's acceptor keeps of that key
 *   'd' partition (2 bytes, big-endian) bucket 0x00 key    a record
 *   'f' partition (2 bytes, big-endian)                    the ballot up to which keys of the partition may have been collected
 *   'h' owner 0x00 and as for a record from there          a hint: this node keeps that record for its owner
 *   'm' name                                               facts about the store itself
 *   's' sequence number (8 bytes, big-endian)              the store has come so far; no value
 *   'u' as for a record from there                         that key needs a round (acceptor-store.ts); no value if that is because it has
 *                                                          something accepted, not known to be chosen
 *
 * A partition is one contiguous range, and so are all hints for one owner. Node ids and bucket names hold no zero byte, so
 * the first one ends them. Keys are UTF-8:
 * a string that has no UTF-8 of its own (a lone surrogate) is refused, because it would be stored as another key. Other
 * first bytes are free for what comes later.
 */
import type { EntryName, NodeId, Partition } from '../core/ids.ts';

const ACCEPTOR = 0x61;
const RECORD = 0x64;
const FLOOR = 0x66;
const HINT = 0x68;
const META = 0x6d;
const SEQUENCE = 0x73;
const UNFINISHED = 0x75;
const RECORD_HEADER_BYTES = 3;
const SEQUENCE_KEY_BYTES = 9;

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Throws a RangeError for a name that no door lets in: a bug of the caller. */
export function recordKey(partition: Partition, entry: EntryName): Uint8Array {
  return keyOfKind(RECORD, partition, entry);
}

/** Where the ballot floor of a partition lies. */
export function floorKey(partition: Partition): Uint8Array {
  return Buffer.from([FLOOR, partition >> 8, partition & 0xff]);
}

/** The range of all ballot floors. */
export const ALL_FLOORS = { from: Uint8Array.of(FLOOR), to: Uint8Array.of(FLOOR + 1) } as const;

/** The partition of the storage key of a ballot floor; undefined if it is none. */
export function partitionOfFloorKey(storageKey: Uint8Array): Partition | undefined {
  const [kind, high, low] = storageKey;
  if (storageKey.length !== RECORD_HEADER_BYTES || kind !== FLOOR) return undefined;
  return (((high as number) << 8) | (low as number)) as Partition;
}

/** Where the acceptor's state of a key lies. Throws a RangeError for a name that no door lets in. */
export function acceptorKey(partition: Partition, entry: EntryName): Uint8Array {
  return keyOfKind(ACCEPTOR, partition, entry);
}

/** The range of all that the acceptor keeps. */
export const ALL_ACCEPTORS = { from: Uint8Array.of(ACCEPTOR), to: Uint8Array.of(ACCEPTOR + 1) } as const;

/** Where it is noted that a key has an unfinished round. Throws a RangeError for a name that no door lets in. */
export function unfinishedKey(partition: Partition, entry: EntryName): Uint8Array {
  return keyOfKind(UNFINISHED, partition, entry);
}

/** The range of all notes of unfinished rounds. */
export const ALL_UNFINISHED = { from: Uint8Array.of(UNFINISHED), to: Uint8Array.of(UNFINISHED + 1) } as const;

function keyOfKind(kind: number, partition: Partition, { bucket, key }: EntryName): Uint8Array {
  if (bucket.includes('\0') || LONE_SURROGATE.test(key)) throw new RangeError('not the name of an entry');
  const name = `${bucket}\0${key}`;
  const bytes = Buffer.allocUnsafe(RECORD_HEADER_BYTES + Buffer.byteLength(name, 'utf8'));
  bytes[0] = kind;
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

/** The bucket and key of the storage key of a record, or of another entry that is laid out like one. */
export function entryOfRecordKey(storageKey: Uint8Array): EntryName {
  const name = Buffer.from(storageKey.buffer, storageKey.byteOffset, storageKey.byteLength).toString(
    'utf8',
    RECORD_HEADER_BYTES,
  );
  const end = name.indexOf('\0');
  return { bucket: name.slice(0, end), key: name.slice(end + 1) };
}

/** Where the hint for an owner of a record lies. Throws a RangeError for a name that no door lets in. */
export function hintKey(owner: NodeId, partition: Partition, entry: EntryName): Uint8Array {
  return Buffer.concat([hintPrefix(owner), recordKey(partition, entry).subarray(1)]);
}

/** The range of all hints for one owner, in the order of the records that they are for. */
export function hintRange(owner: NodeId): { readonly from: Uint8Array; readonly to: Uint8Array } {
  const from = hintPrefix(owner);
  const to = Buffer.from(from);
  to[to.length - 1] = 1;
  return { from, to };
}

/** The range of all hints. */
export const ALL_HINTS = { from: Uint8Array.of(HINT), to: Uint8Array.of(HINT + 1) } as const;

/** Whom a hint is for, and which record. */
export function nameOfHintKey(storageKey: Uint8Array): { readonly owner: NodeId; readonly entry: EntryName } {
  const bytes = Buffer.from(storageKey.buffer, storageKey.byteOffset, storageKey.byteLength);
  const end = bytes.indexOf(0, 1);
  const owner = bytes.toString('utf8', 1, end) as NodeId;
  return { owner, entry: entryOfRecordKey(bytes.subarray(end)) };
}

/** The key that follows directly: the begin of a range after this one. */
export function keyAfter(storageKey: Uint8Array): Uint8Array {
  return Buffer.concat([storageKey, Uint8Array.of(0)]);
}

function hintPrefix(owner: NodeId): Buffer {
  if (owner === '' || owner.includes('\0')) throw new RangeError('not the id of a node');
  return Buffer.concat([Uint8Array.of(HINT), Buffer.from(owner, 'utf8'), Uint8Array.of(0)]);
}

/**
 * `store`: whose store it is. `openings`: when it was opened. `recovery`: what its node has lost. `newcomer`: that it took the place of
 * a store that may have voted, and does not vote on all keys again yet. `peer:` and a node's id: what is remembered of that node's
 * store. `sequence`: how far a store of an earlier program had come.
 */
export function metaKey(
  name: 'store' | 'sequence' | 'openings' | 'recovery' | 'newcomer' | `peer:${NodeId}`,
): Uint8Array {
  return Buffer.concat([Uint8Array.of(META), Buffer.from(name, 'utf8')]);
}

/** What a batch leaves that brings the store to this number. */
export function sequenceKey(sequence: number): Uint8Array {
  const bytes = Buffer.alloc(SEQUENCE_KEY_BYTES, SEQUENCE);
  bytes.writeBigUInt64BE(BigInt(sequence), 1);
  return bytes;
}

/** The range of what batches have left. */
export const ALL_SEQUENCES = { from: Uint8Array.of(SEQUENCE), to: Uint8Array.of(SEQUENCE + 1) } as const;

/** The number of such a key; undefined if it is none. */
export function sequenceOfKey(storageKey: Uint8Array): number | undefined {
  if (storageKey.length !== SEQUENCE_KEY_BYTES || storageKey[0] !== SEQUENCE) return undefined;
  const sequence = Number(Buffer.from(storageKey).readBigUInt64BE(1));
  return Number.isSafeInteger(sequence) ? sequence : undefined;
}

/** The range that holds everything: bounds for a look at whether a store is empty. */
export const WHOLE_STORE = { from: Uint8Array.of(0), to: Uint8Array.of(0xff) } as const;
