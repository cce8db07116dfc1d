/** Ballots, the names of voters and digests as fields. */
import type { Incarnation, StoreId } from '../core/ids.ts';
import { type Ballot, isBallot, MAX_BALLOT_CHARACTERS } from '../core/paxos/ballot.ts';
import type { Voters } from '../core/paxos/messages.ts';
import { DIGEST_BYTES } from './hash.ts';
import { type FieldReader, FormatError } from './packer.ts';

const ID = /^[A-Za-z0-9_-]{22}$/;
const VOTERS = /^[0-9a-f]{32}$/;

/** Throws FormatError. */
export function readBallot(fields: FieldReader): Ballot {
  const text = fields.string(MAX_BALLOT_CHARACTERS);
  if (!isBallot(text)) throw new FormatError('not a ballot');
  return text;
}

/** Throws FormatError. */
export function readOptionalBallot(fields: FieldReader): Ballot | undefined {
  const text = fields.optionalString(MAX_BALLOT_CHARACTERS);
  if (text === undefined) return undefined;
  if (!isBallot(text)) throw new FormatError('not a ballot');
  return text;
}

/** Throws FormatError. */
export function readVoters(fields: FieldReader): Voters {
  const text = fields.string(64);
  if (!VOTERS.test(text)) throw new FormatError('not the name of voters');
  return text as Voters;
}

/** Throws FormatError. */
export function readStoreId(fields: FieldReader): StoreId {
  return idFrom(fields.string(64)) as StoreId;
}

/** Throws FormatError. */
export function readOptionalId(fields: FieldReader): (StoreId & Incarnation) | undefined {
  const text = fields.optionalString(64);
  return text === undefined ? undefined : (idFrom(text) as StoreId & Incarnation);
}

/** Throws FormatError. */
export function readOptionalDigest(fields: FieldReader): Uint8Array | undefined {
  const digest = fields.optionalBytes();
  if (digest !== undefined && digest.length !== DIGEST_BYTES) {
    throw new FormatError(`a digest of ${digest.length} bytes`);
  }
  return digest;
}

function idFrom(text: string): string {
  if (!ID.test(text)) throw new FormatError('not an id');
  return text;
}
