/**
 * The write ids that rounds have left in a record, in short: 64 of them are most of what a key in use costs, at each ACCEPT and each
 * COMMIT. As fields such a write takes some 130 bytes, and much of its ballot is said twice; here it takes 38, if it is of the same
 * proposer as the one before it. One after the other, in the order of the record:
 *
 *   flags (1 byte: the form of the id in the lowest two bits, and those below), id, digest of the request (8 bytes; none of a refusal),
 *   digest of what the client had seen (4), time (6) and counter (3) of the ballot, and, unless it is that of the write before, its
 *   proposer: length of the node's id (1), that id, and the incarnation (16)
 *
 * What has another form is left to be written as fields, like plain writes. Of the 64 in the next object 63 were in this one, so their
 * bytes are copied, all at once.
 */
import { ballotOfActor, paxosDot } from '../core/causality/dot.ts';
import type { RememberedWrite } from '../core/causality/record.ts';
import { isRefusal, refusedWrite } from '../core/causality/remembered-writes.ts';
import type { Incarnation, NodeId } from '../core/ids.ts';
import { MAX_WRITE_IDS } from '../core/limits.ts';
import { type Ballot, ballotOf, type BallotParts, isBallot, partsOfBallot } from '../core/paxos/ballot.ts';
import { ByteReader, textOf } from './byte-stream.ts';
import { FormatError } from './format-error.ts';
import { WRITE_ID_FORMS, type WriteIdForm } from './write-id-forms.ts';

const ID_FORM = 0b11;
const CREATED = 0b100;
const REFUSED = 0b1000;
/** The same proposer as that of the write before. */
const SAME_PROPOSER = 0b1_0000;
const ALL_FLAGS = ID_FORM | CREATED | REFUSED | SAME_PROPOSER;

const DIGEST = /^[0-9a-f]{16}$/;
const DIGEST_BYTES = 8;
const SEEN_DIGEST_BYTES = 4;
const TIME_BYTES = 6;
const COUNTER_BYTES = 3;
const INCARNATION_BYTES = 16;
/** As many as nodes have started, until there are so many. */
const MAX_PROPOSERS = 1_024;

interface Proposer {
  readonly name: string;
  readonly bytes: Uint8Array;
}

type Proposing = Pick<BallotParts, 'node' | 'incarnation'>;

interface Packed {
  /** From the flags to the counter. */
  readonly bytes: Uint8Array;
  readonly proposer: Proposer;
}

interface PackedList {
  readonly writes: readonly RememberedWrite[];
  readonly bytes: Uint8Array;
}

/** Lists that have been packed or unpacked, all of it in short, by their first write. One that was extended is not kept. */
const packedLists = new WeakMap<RememberedWrite, PackedList>();
const packedWrites = new WeakMap<RememberedWrite, Packed | 'as-fields'>();
const proposers = new Map<string, Proposer>();

/** Gives the others, which have another form, in their order. */
export function packRoundWrites(writes: readonly RememberedWrite[]): {
  readonly bytes: Uint8Array;
  readonly others: readonly RememberedWrite[];
} {
  const extended = extendedList(writes);
  if (extended !== undefined) return { bytes: extended, others: [] };
  const others: RememberedWrite[] = [];
  const packed: Packed[] = [];
  for (const write of writes) {
    const one = packedOf(write);
    if (one === 'as-fields') others.push(write);
    else packed.push(one);
  }
  const bytes = joined(packed);
  // What is kept by one of these would keep its own list, and so on: no object that led to this one would ever go.
  for (const write of writes) packedLists.delete(write);
  if (others.length === 0) keepList(writes, bytes);
  return { bytes, others };
}

/** If all but its first write is known as a list, or all but the last of one. */
function extendedList(writes: readonly RememberedWrite[]): Uint8Array | undefined {
  const [first, second] = writes;
  const before = second === undefined ? undefined : packedLists.get(second);
  if (first === undefined || second === undefined || before === undefined) return undefined;
  const left = before.writes.length - (writes.length - 1);
  if (
    left < 0 ||
    left > 1 ||
    !writes.every((write, place) => place === 0 || write === before.writes[place - 1])
  )
    return undefined;
  const one = packedOf(first);
  const next = packedOf(second);
  if (one === 'as-fields' || next === 'as-fields') return undefined;
  const head = joined([one, next]);
  const from = next.bytes.length + next.proposer.bytes.length;
  const rest = before.bytes.subarray(
    from,
    before.bytes.length - (left === 0 ? 0 : lengthOfLast(before.writes)),
  );
  const bytes = new Uint8Array(head.length + rest.length);
  bytes.set(head);
  bytes.set(rest, head.length);
  packedLists.delete(second);
  keepList(writes, bytes);
  return bytes;
}

function lengthOfLast(writes: readonly RememberedWrite[]): number {
  const [beforeLast, last] = writes.slice(-2).map((write) => packedOf(write) as Packed);
  return lengthOf(last as Packed, beforeLast);
}

function keepList(writes: readonly RememberedWrite[], bytes: Uint8Array): void {
  const [first] = writes;
  if (first !== undefined) packedLists.set(first, { writes, bytes });
}

/** Whether it is packed, and not written as fields. */
export function isPacked(write: RememberedWrite): boolean {
  return packedOf(write) !== 'as-fields';
}

/** Throws FormatError, also for what packRoundWrites does not write. */
export function unpackRoundWrites(bytes: Uint8Array): RememberedWrite[] {
  const reader = new ByteReader(bytes);
  const writes: RememberedWrite[] = [];
  let proposer: Proposing | undefined;
  while (!reader.atEnd) {
    if (writes.length === MAX_WRITE_IDS) throw new FormatError('too many write ids');
    const flags = reader.unsigned(1);
    const id = readId(reader, flags & ID_FORM);
    const digest = (flags & REFUSED) === 0 ? textOf(reader.raw(DIGEST_BYTES), 'hex') : undefined;
    const seenDigest = reader.unsigned(SEEN_DIGEST_BYTES);
    const timeMs = reader.unsigned(TIME_BYTES);
    const logical = reader.unsigned(COUNTER_BYTES);
    if ((flags & SAME_PROPOSER) === 0) proposer = readProposer(reader, proposer);
    if (proposer === undefined) throw new FormatError('a remembered write of no proposer');
    const dot = paxosDot(ballotFrom({ timeMs, logical, ...proposer }));
    const created = (flags & CREATED) !== 0;
    if (flags > ALL_FLAGS || (digest === undefined && (created || seenDigest !== 0)))
      throw new FormatError('a remembered write that means nothing');
    writes.push(
      digest === undefined
        ? refusedWrite(id, dot, timeMs)
        : { id, dot, requestDigest: digest, seenDigest, writtenAtMs: timeMs, created },
    );
  }
  // A copy: `slice` of a Buffer would be none.
  keepList(writes, Uint8Array.from(bytes));
  return writes;
}

function readId(reader: ByteReader, number: number): string {
  const form = WRITE_ID_FORMS[number];
  if (form === undefined) throw new FormatError('a write id of no form');
  const id = form.unpack(reader.raw(form.length ?? reader.unsigned(1)));
  if (!form.fits(id)) throw new FormatError('a write id of another form');
  return id;
}

function readProposer(reader: ByteReader, before: Proposing | undefined): Proposing {
  const node = textOf(reader.raw(reader.unsigned(1)), 'latin1') as NodeId;
  const incarnation = textOf(reader.raw(INCARNATION_BYTES), 'base64url') as Incarnation;
  if (node === before?.node && incarnation === before.incarnation)
    throw new FormatError('a proposer is said twice');
  return { node, incarnation };
}

function ballotFrom(parts: BallotParts): Ballot {
  let ballot: Ballot;
  try {
    ballot = ballotOf(parts);
  } catch (error) {
    throw new FormatError(`not a ballot: ${(error as RangeError).message}`);
  }
  if (!isBallot(ballot)) throw new FormatError('not a ballot');
  return ballot;
}

function joined(packed: readonly Packed[]): Uint8Array {
  const bytes = new Uint8Array(packed.reduce((sum, one, place) => sum + lengthOf(one, packed[place - 1]), 0));
  let at = 0;
  let before: Packed | undefined;
  for (const one of packed) {
    bytes.set(one.bytes, at);
    if (isOfSame(one, before)) bytes[at] = (one.bytes[0] as number) | SAME_PROPOSER;
    else bytes.set(one.proposer.bytes, at + one.bytes.length);
    at += lengthOf(one, before);
    before = one;
  }
  return bytes;
}

function lengthOf(one: Packed, before: Packed | undefined): number {
  return one.bytes.length + (isOfSame(one, before) ? 0 : one.proposer.bytes.length);
}

function isOfSame({ proposer }: Packed, before: Packed | undefined): boolean {
  return before !== undefined && (before.proposer === proposer || before.proposer.name === proposer.name);
}

function packedOf(write: RememberedWrite): Packed | 'as-fields' {
  const known = packedWrites.get(write);
  if (known !== undefined) return known;
  const packed = pack(write) ?? 'as-fields';
  packedWrites.set(write, packed);
  return packed;
}

function pack(write: RememberedWrite): Packed | undefined {
  const { id, dot, requestDigest, seenDigest, writtenAtMs, created } = write;
  const ballot = dot.counter === 1 ? ballotOfActor(dot.actor) : undefined;
  const form = WRITE_ID_FORMS.findIndex(({ fits }) => fits(id));
  const refused = isRefusal(write);
  if (ballot === undefined || !isBallot(ballot) || form === -1) return undefined;
  const { timeMs, logical, node, incarnation } = partsOfBallot(ballot);
  const hasForm = refused ? !created && seenDigest === 0 : DIGEST.test(requestDigest);
  if (!hasForm || timeMs !== writtenAtMs) return undefined;
  const rest = Buffer.alloc(SEEN_DIGEST_BYTES + TIME_BYTES + COUNTER_BYTES);
  rest.writeUInt32BE(seenDigest);
  rest.writeUIntBE(timeMs, SEEN_DIGEST_BYTES, TIME_BYTES);
  rest.writeUIntBE(logical, SEEN_DIGEST_BYTES + TIME_BYTES, COUNTER_BYTES);
  const flags = form | (created ? CREATED : 0) | (refused ? REFUSED : 0);
  const idBytes = (WRITE_ID_FORMS[form] as WriteIdForm).pack(id);
  const digest = Buffer.from(refused ? '' : requestDigest, 'hex');
  return {
    bytes: alone(Buffer.concat([Uint8Array.of(flags), idBytes, digest, rest])),
    proposer: proposerOf({ node, incarnation }),
  };
}

function proposerOf({ node, incarnation }: Proposing): Proposer {
  const name = `${node}.${incarnation}`;
  const known = proposers.get(name);
  if (known !== undefined) return known;
  if (proposers.size === MAX_PROPOSERS) proposers.clear();
  const id = Buffer.from(node, 'latin1');
  const bytes = alone(Buffer.concat([Uint8Array.of(id.length), id, Buffer.from(incarnation, 'base64url')]));
  const proposer = { name, bytes };
  proposers.set(name, proposer);
  return proposer;
}

/** A small Buffer is a part of 8 KiB, all of which it would keep. */
function alone(bytes: Buffer): Uint8Array {
  return Uint8Array.from(bytes);
}
