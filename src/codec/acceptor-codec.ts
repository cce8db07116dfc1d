/**
 * What an acceptor keeps of a key, as it lies on the disk beside the key's record.
 *
 *   byte 0        format version
 *   bytes 1..16   digest of the payload, seeded with the placement hash of bucket and key, and with the kind of entry: neither
 *                 another key's state nor a record is taken for this one's
 *   bytes 17..    payload: arrays by position (packer.ts)
 */
import type { EntryName } from '../core/ids.ts';
import type { AcceptorState } from '../core/paxos/acceptor-state.ts';
import { readOptionalBallot, readOptionalId } from './ballot-fields.ts';
import { DIGEST_BYTES, placementHash, writeDigest } from './hash.ts';
import { FormatError, packFieldsAfterHeader, unpackFields } from './packer.ts';
import { sameBytes } from './record-codec.ts';
import { recordFromFields, recordToFields } from './record-fields.ts';

const FORMAT_VERSION = 1;
const HEADER_BYTES = 1 + DIGEST_BYTES;
const KIND_SEED = 0x6163_6365_7074_6f72n;

export function encodeAcceptorState(entry: EntryName, state: AcceptorState): Uint8Array {
  const { promised, accepted, acceptedIn, chosen, admittedAs, object } = state;
  const names = [promised, accepted, acceptedIn, chosen, admittedAs].map((name) => name ?? null);
  const fields = [...names, object === undefined ? null : recordToFields(object)];
  const bytes = packFieldsAfterHeader(fields, HEADER_BYTES);
  bytes[0] = FORMAT_VERSION;
  writeDigest(bytes.subarray(HEADER_BYTES), seedOf(entry), bytes, 1);
  return bytes;
}

/** Throws FormatError for damaged bytes, another version, or what belongs to another key. Values alias `bytes`. */
export function decodeAcceptorState(entry: EntryName, bytes: Uint8Array): AcceptorState {
  if (bytes.length <= HEADER_BYTES) throw new FormatError('an acceptor state is longer than this');
  if (bytes[0] !== FORMAT_VERSION) throw new FormatError(`acceptor state of format version ${bytes[0]}`);
  const expected = new Uint8Array(DIGEST_BYTES);
  writeDigest(bytes.subarray(HEADER_BYTES), seedOf(entry), expected, 0);
  if (!sameBytes(expected, bytes.subarray(1, HEADER_BYTES))) {
    throw new FormatError('the acceptor state is damaged, or belongs to another key');
  }
  const fields = unpackFields(bytes.subarray(HEADER_BYTES));
  const names = {
    promised: readOptionalBallot(fields),
    accepted: readOptionalBallot(fields),
    acceptedIn: readOptionalId(fields),
    chosen: readOptionalBallot(fields),
    admittedAs: readOptionalId(fields),
  };
  const object = fields.optionalFields();
  const state = { ...names, object: object === undefined ? undefined : recordFromFields(object) };
  fields.end();
  return state;
}

function seedOf(entry: EntryName): bigint {
  return placementHash(entry) ^ KIND_SEED;
}
