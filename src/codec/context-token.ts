/**
 * The opaque causal token that clients carry (`Quorate-Context`), base64url of:
 *
 *   byte 0        format version: 1, or 2 if Paxos dots are known
 *   bytes 1..8    placement hash of bucket and key: a token of another key is refused
 *   bytes 9..12   checksum of the payload
 *   bytes 13..    payload
 *
 * A context that has seen a thousand restarts of every home replica must fit in a header of 64 KiB, so the payload
 * groups incarnations by the 8 bytes that name their store and writes each incarnation's other 8 bytes once:
 * stores, then per store: 8 bytes, incarnations, then per incarnation: 8 bytes, epochs, then per epoch: epoch, vector
 * entry, number of ranges, and each range as (gap from what came before, length). All numbers are LEB128. In version 2
 * the maximum of the Paxos dots comes before all that: its length, and its characters.
 */
import { actorsOf, type CausalContext, contextFrom, type Ranges } from '../core/causality/causal-context.ts';
import { actorId, epochOf, incarnationOf } from '../core/causality/dot.ts';
import type { ActorId, EntryName, Incarnation } from '../core/ids.ts';
import { type Ballot, isBallot } from '../core/paxos/ballot.ts';
import { ByteReader, ByteWriter } from './byte-stream.ts';
import { checksum32, placementHash } from './hash.ts';
import { FormatError } from './packer.ts';

const FORMAT_VERSION = 1;
const FORMAT_VERSION_WITH_BALLOT = 2;
const HEADER_BYTES = 13;
const HALF_INCARNATION_BYTES = 8;

export type DecodedToken =
  | { readonly type: 'context'; readonly context: CausalContext }
  /** `reason` is a sentence for the client. */
  | { readonly type: 'invalid'; readonly reason: string };

/** Equal contexts of one key give equal tokens. */
export function encodeContextToken(entry: EntryName, context: CausalContext): string {
  const writer = new ByteWriter();
  if (context.ballot !== undefined) writeBallot(writer, context.ballot);
  const [only] = context.vector.keys();
  if (only !== undefined && context.vector.size === 1 && context.cloud.size === 0) {
    writeOnlyActor(writer, only, context);
  } else {
    writeGroups(writer, groupByStore(context), HALF_INCARNATION_BYTES, (incarnations) =>
      writeGroups(writer, incarnations, HALF_INCARNATION_BYTES, (actors) =>
        writeActors(writer, actors, context),
      ),
    );
  }
  const payload = writer.bytes();
  const token = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  token[0] = context.ballot === undefined ? FORMAT_VERSION : FORMAT_VERSION_WITH_BALLOT;
  token.writeBigUInt64BE(placementHash(entry), 1);
  token.writeUInt32BE(checksum32(payload, 0n), 9);
  token.set(payload, HEADER_BYTES);
  return token.toString('base64url');
}

/** Never throws: what a client sends may be anything. */
export function decodeContextToken(entry: EntryName, token: string): DecodedToken {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.toString('base64url') !== token) return invalid('it is not base64url');
  if (bytes.length <= HEADER_BYTES) return invalid('it is too short');
  const version = bytes[0];
  if (version !== FORMAT_VERSION && version !== FORMAT_VERSION_WITH_BALLOT) {
    return invalid('it has an unknown format version');
  }
  const payload = bytes.subarray(HEADER_BYTES);
  if (checksum32(payload, 0n) !== bytes.readUInt32BE(9)) return invalid('it is damaged or cut short');
  if (bytes.readBigUInt64BE(1) !== placementHash(entry)) return invalid('it belongs to another key');
  try {
    return { type: 'context', context: readContext(new ByteReader(payload), version) };
  } catch (error) {
    if (error instanceof FormatError) return invalid(error.message);
    throw error;
  }
}

function invalid(reason: string): DecodedToken {
  return { type: 'invalid', reason };
}

/** The same bytes as by way of the groups, for what most tokens are: one actor. */
function writeOnlyActor(writer: ByteWriter, actor: ActorId, context: CausalContext): void {
  const incarnation = Buffer.from(incarnationOf(actor), 'base64url');
  writer.varint(1);
  writer.raw(incarnation.subarray(0, HALF_INCARNATION_BYTES));
  writer.varint(1);
  writer.raw(incarnation.subarray(HALF_INCARNATION_BYTES));
  writeActors(writer, [actor], context);
}

type Groups<Members> = ReadonlyMap<string, Members>;

/** Store (hex) to incarnation's own half (hex) to its actors. */
function groupByStore(context: CausalContext): Groups<Groups<readonly ActorId[]>> {
  const stores = new Map<string, Map<string, ActorId[]>>();
  for (const actor of actorsOf(context)) {
    const hex = Buffer.from(incarnationOf(actor), 'base64url').toString('hex');
    const [store, own] = [hex.slice(0, 16), hex.slice(16)];
    const incarnations = stores.get(store) ?? new Map<string, ActorId[]>();
    const actors = incarnations.get(own) ?? [];
    actors.push(actor);
    stores.set(store, incarnations.set(own, actors));
  }
  return stores;
}

function writeGroups<Members>(
  writer: ByteWriter,
  groups: Groups<Members>,
  nameBytes: number,
  writeMembers: (members: Members) => void,
): void {
  writer.varint(groups.size);
  for (const [name, members] of [...groups].sort(([left], [right]) => (left < right ? -1 : 1))) {
    writer.raw(Buffer.from(name, 'hex').subarray(0, nameBytes));
    writeMembers(members);
  }
}

function writeActors(writer: ByteWriter, actors: readonly ActorId[], context: CausalContext): void {
  writer.varint(actors.length);
  for (const actor of [...actors].sort((left, right) => epochOf(left) - epochOf(right))) {
    const upTo = context.vector.get(actor) ?? 0;
    writer.varint(epochOf(actor));
    writer.varint(upTo);
    writeRanges(writer, upTo, context.cloud.get(actor) ?? []);
  }
}

function writeRanges(writer: ByteWriter, upTo: number, ranges: Ranges): void {
  writer.varint(ranges.length / 2);
  let previous = upTo;
  for (let i = 0; i < ranges.length; i += 2) {
    const [first, last] = [ranges[i] as number, ranges[i + 1] as number];
    writer.varint(first - previous);
    writer.varint(last - first);
    previous = last;
  }
}

function writeBallot(writer: ByteWriter, ballot: Ballot): void {
  writer.varint(ballot.length);
  writer.raw(Buffer.from(ballot, 'latin1'));
}

function readBallot(reader: ByteReader): Ballot {
  const text = Buffer.from(reader.raw(reader.varint())).toString('latin1');
  if (!isBallot(text)) throw new FormatError('its content is not a causal context');
  return text;
}

function readContext(reader: ByteReader, version: number): CausalContext {
  const ballot = version === FORMAT_VERSION_WITH_BALLOT ? readBallot(reader) : undefined;
  const context = contextFrom(readEntries(reader), ballot);
  if (context === undefined || !reader.atEnd) throw new FormatError('its content is not a causal context');
  return context;
}

function* readEntries(reader: ByteReader): Generator<readonly [ActorId, number, Ranges]> {
  for (let stores = reader.varint(); stores > 0; stores -= 1) {
    const store = reader.raw(HALF_INCARNATION_BYTES);
    for (let incarnations = reader.varint(); incarnations > 0; incarnations -= 1) {
      const own = reader.raw(HALF_INCARNATION_BYTES);
      const incarnation = Buffer.concat([store, own]).toString('base64url') as Incarnation;
      for (let epochs = reader.varint(); epochs > 0; epochs -= 1) {
        const actor = actorId(incarnation, reader.varint());
        const upTo = reader.varint();
        yield [actor, upTo, readRanges(reader, upTo)];
      }
    }
  }
}

function readRanges(reader: ByteReader, upTo: number): number[] {
  const ranges: number[] = [];
  let previous = upTo;
  for (let count = reader.varint(); count > 0; count -= 1) {
    const first = previous + reader.varint();
    previous = first + reader.varint();
    ranges.push(first, previous);
  }
  return ranges;
}
