/**
 * The ballot floor of a partition, as it lies on the disk: format version (1 byte), digest of the rest, seeded with the partition
 * (16 bytes), and the ballot as text. One that is damaged must not pass for a lower one.
 */
import type { Partition } from '../core/ids.ts';
import { type Ballot, isBallot } from '../core/paxos/ballot.ts';
import { FormatError } from './format-error.ts';
import { DIGEST_BYTES, writeDigest } from './hash.ts';
import { sameBytes } from './record-codec.ts';

const FORMAT_VERSION = 1;
const HEADER_BYTES = 1 + DIGEST_BYTES;
const KIND_SEED = 0x666c_6f6f_7200_0000n;

export function encodeFloor(partition: Partition, floor: Ballot): Uint8Array {
  const text = Buffer.from(floor, 'latin1');
  const bytes = Buffer.alloc(HEADER_BYTES + text.length);
  bytes[0] = FORMAT_VERSION;
  text.copy(bytes, HEADER_BYTES);
  writeDigest(text, KIND_SEED ^ BigInt(partition), bytes, 1);
  return bytes;
}

/** Throws FormatError for damaged bytes, another version, or the floor of another partition. */
export function decodeFloor(partition: Partition, bytes: Uint8Array): Ballot {
  if (bytes.length <= HEADER_BYTES) throw new FormatError('a ballot floor is longer than this');
  if (bytes[0] !== FORMAT_VERSION) throw new FormatError(`a ballot floor of format version ${bytes[0]}`);
  const payload = bytes.subarray(HEADER_BYTES);
  const expected = new Uint8Array(DIGEST_BYTES);
  writeDigest(payload, KIND_SEED ^ BigInt(partition), expected, 0);
  const text = Buffer.from(payload).toString('latin1');
  if (!sameBytes(expected, bytes.subarray(1, HEADER_BYTES)) || !isBallot(text)) {
    throw new FormatError('the ballot floor is damaged, or belongs to another partition');
  }
  return text;
}
