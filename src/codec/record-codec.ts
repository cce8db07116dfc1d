/**
 * A record as it lies on disk and travels between replicas: the same bytes, so a replica's answer is what it stored.
 *
 *   byte 0        format version: 1, or 4 if its context knows Paxos dots. (It was 2 in stores of format 1, which have all write ids as
 *                 fields.) No flipped bit makes one of the other: the digest is of the payload alone
 *   bytes 1..16   digest of the payload, seeded with the placement hash of bucket and key
 *   bytes 17..    payload: arrays by position (packer.ts), in a canonical order
 *
 * The digest serves three ends: as checksum (LevelDB can drop or damage bytes without an error), as a guard against a
 * record of another key, and as "the same record" between replicas, because equal records give equal bytes.
 */
import type { KeyRecord } from '../core/causality/record.ts';
import type { EntryName } from '../core/ids.ts';
import { DIGEST_BYTES, placementHash, writeDigest } from './hash.ts';
import { FormatError, packFieldsAfterHeader, unpackFields } from './packer.ts';
import { recordFromFields, recordToFields } from './record-fields.ts';

const FORMAT_VERSION = 1;
const FORMAT_VERSION_WITH_BALLOT = 4;
const HEADER_BYTES = 1 + DIGEST_BYTES;

/** Equal records of one key give equal bytes. */
export function encodeRecord(entry: EntryName, record: KeyRecord): Uint8Array {
  const bytes = packFieldsAfterHeader(recordToFields(record), HEADER_BYTES);
  bytes[0] = versionOf(record);
  writeDigest(bytes.subarray(HEADER_BYTES), placementHash(entry), bytes, 1);
  return bytes;
}

/** Throws FormatError for damaged bytes, another version, or a record of another key. Values alias `bytes`. */
export function decodeRecord(entry: EntryName, bytes: Uint8Array): KeyRecord {
  checkRecord(entry, bytes);
  return decodeCheckedRecord(bytes);
}

/** As decodeRecord, of bytes that checkRecord has let through already. */
export function decodeCheckedRecord(bytes: Uint8Array): KeyRecord {
  const fields = unpackFields(bytes.subarray(HEADER_BYTES));
  const record = recordFromFields(fields);
  fields.end();
  if (bytes[0] !== versionOf(record)) throw new FormatError('it is of the other format version');
  if (largestNOf(bytes) !== record.largestN) throw new FormatError('its last byte is not N');
  return record;
}

/** Throws FormatError unless the bytes are a whole record of this key, without decoding it. */
export function checkRecord(entry: EntryName, bytes: Uint8Array): void {
  if (bytes.length <= HEADER_BYTES) throw new FormatError('a record is longer than this');
  if (bytes[0] !== FORMAT_VERSION && bytes[0] !== FORMAT_VERSION_WITH_BALLOT) {
    throw new FormatError(`record format version ${bytes[0]}; this program reads versions 1 and 4`);
  }
  const expected = new Uint8Array(DIGEST_BYTES);
  writeDigest(bytes.subarray(HEADER_BYTES), placementHash(entry), expected, 0);
  if (!sameBytes(expected, recordDigest(bytes))) {
    throw new FormatError('the record is damaged, or belongs to another key');
  }
}

function versionOf({ context }: KeyRecord): number {
  return context.ballot === undefined ? FORMAT_VERSION : FORMAT_VERSION_WITH_BALLOT;
}

/** The digest that an encoded record carries (a view of it). Equal digests are equal records of one key. */
export function recordDigest(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(1, HEADER_BYTES);
}

/** N of an encoded record, without decoding it: it is the last field, and decoding refuses a record that does not end with it. */
export function largestNOf(bytes: Uint8Array): number {
  return bytes.at(-1) ?? 0;
}

export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && Buffer.compare(left, right) === 0;
}
