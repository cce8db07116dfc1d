/**
 * What an acceptor keeps of a key, as it lies on the disk beside the key's record.
 *
 *   byte 0        format version
 *   bytes 1..16   digest of the payload, seeded with the placement hash of bucket and key, and with the kind of entry: neither
 *                 another key's state nor a record is taken for this one's
 *   bytes 17..    payload: arrays by position (packer.ts); what was accepted lies in it as the bytes of a record
 */
import type { EntryName } from '../core/ids.ts';
import type { AcceptorState } from '../core/paxos/acceptor-state.ts';
import { readOptionalBallot, readOptionalDigest, readOptionalId } from './ballot-fields.ts';
import { EncodedRecord } from './encoded-record.ts';
import { DIGEST_BYTES, placementHash, writeDigest } from './hash.ts';
import { type FieldReader, FormatError, packFieldsAfterHeader, unpackFields } from './packer.ts';
import { checkRecord, sameBytes } from './record-codec.ts';

const FORMAT_VERSION = 2;
const HEADER_BYTES = 1 + DIGEST_BYTES;
const KIND_SEED = 0x6163_6365_7074_6f72n;

export function encodeAcceptorState(entry: EntryName, state: AcceptorState<EncodedRecord>): Uint8Array {
  const { promised, accepted, acceptedIn, chosen, admittedAs, object } = state;
  const names = [promised, accepted, acceptedIn, chosen, admittedAs].map((name) => name ?? null);
  const fields = [...names, object?.bytes ?? null, object?.base ?? null];
  const bytes = packFieldsAfterHeader(fields, HEADER_BYTES);
  bytes[0] = FORMAT_VERSION;
  writeDigest(bytes.subarray(HEADER_BYTES), seedOf(entry), bytes, 1);
  return bytes;
}

/** Throws FormatError for damaged bytes, another version, or what belongs to another key. Values alias `bytes`. */
export function decodeAcceptorState(entry: EntryName, bytes: Uint8Array): AcceptorState<EncodedRecord> {
  if (bytes.length <= HEADER_BYTES) throw new FormatError('an acceptor state is longer than this');
  if (bytes[0] !== FORMAT_VERSION) {
    throw new FormatError(
      `acceptor state of format version ${bytes[0]}; this program reads version ${FORMAT_VERSION}`,
    );
  }
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
  const object = readObject(entry, fields);
  fields.end();
  return { ...names, object };
}

function readObject(entry: EntryName, fields: FieldReader): EncodedRecord | undefined {
  const bytes = fields.optionalBytes();
  const base = readOptionalDigest(fields);
  if (bytes === undefined) {
    if (base !== undefined) throw new FormatError('a digest of what nothing was made of');
    return undefined;
  }
  checkRecord(entry, bytes);
  return new EncodedRecord(bytes, base);
}

function seedOf(entry: EntryName): bigint {
  return placementHash(entry) ^ KIND_SEED;
}
