/**
 * A set of dots: for each actor everything up to a counter (the version vector), and a cloud of dots beyond it.
 *
 * A cloud is needed because a client's context plus exactly its new dot may have holes below that dot: the siblings
 * that the client has not seen. Kept as sorted inclusive ranges, so that a thousand dots in a row cost two numbers.
 *
 * Normal form (every function here takes and gives it): a vector entry is >= 1; a range starts at two or more above
 * the vector's entry (else it would be part of it); ranges of one actor are sorted, disjoint and not adjacent. So
 * equal sets are equal structures.
 *
 * Never pruned by age or size: a dropped entry would make a covered value come back as a sibling.
 *
 * Of Paxos dots the context has the highest ballot alone, and stands for all up to it. There are holes below, which no
 * other actor may have: most ballots make no dot, and some make one that is never chosen (a ghost). That is right all the same.
 * What a maximum b claims is "of each write that was, or will be, chosen under a ballot up to b I hold it, or something
 * that had seen it", for two reasons:
 *
 * - If a ballot is ever chosen, every proposal under a higher one is made from it (the invariant P2c of "Paxos Made Simple"): so
 *   an object with the maximum b comes after all that is chosen up to b, and nothing is chosen below b behind its back.
 * - Only chosen objects come into a record, a token or an answer. A ghost's own maximum is known to nobody but the acceptor
 *   that took it, until another round proposes the ghost again and has it chosen; then it is none.
 *
 * So a maximum covers ghosts wrongly only if they never take effect. It must not be read the other way round: that a dot
 * is covered does not tell that it was chosen, nor that no ghost is about. What is chosen, ballots alone tell
 * (core/paxos/current-object.ts).
 */
import type { ActorId } from '../ids.ts';
import { type Ballot, highestBallot, isAbove } from '../paxos/ballot.ts';
import { ballotOfActor, type Dot } from './dot.ts';

/** Flat pairs, first and last counter of each range: `[5, 7, 9, 9]` is 5, 6, 7 and 9. */
export type Ranges = readonly number[];

export interface CausalContext {
  readonly vector: ReadonlyMap<ActorId, number>;
  readonly cloud: ReadonlyMap<ActorId, Ranges>;
  /** The maximum of the Paxos dots; left out if there is none. */
  readonly ballot?: Ballot;
}

export const EMPTY_CONTEXT: CausalContext = { vector: new Map(), cloud: new Map() };

export function isEmptyContext(context: CausalContext): boolean {
  return context.vector.size === 0 && context.cloud.size === 0 && context.ballot === undefined;
}

export function contains(context: CausalContext, dot: Dot): boolean {
  const upTo = context.vector.get(dot.actor);
  if (upTo !== undefined && dot.counter <= upTo) return true;
  if (context.ballot !== undefined) {
    const ballot = ballotOfActor(dot.actor);
    if (ballot !== undefined) return ballot <= context.ballot;
  }
  if (context.cloud.size === 0) return false;
  const ranges = context.cloud.get(dot.actor);
  return ranges !== undefined && rangesContain(ranges, dot.counter);
}

/** The highest counter of an actor that the context knows, 0 if none. */
export function highestCounter(context: CausalContext, actor: ActorId): number {
  const ranges = context.cloud.get(actor);
  return ranges?.at(-1) ?? context.vector.get(actor) ?? 0;
}

/** All actors of a context but `paxos`, in no particular order, each once. */
export function actorsOf(context: CausalContext): Set<ActorId> {
  return new Set([...context.vector.keys(), ...context.cloud.keys()]);
}

/** The context plus exactly one dot. */
export function withDot(context: CausalContext, dot: Dot): CausalContext {
  if (contains(context, dot)) return context;
  return joinContexts(context, contextOfDot(dot));
}

/** Set union. Commutative, associative, idempotent. Gives one of its arguments back when that holds the other. */
export function joinContexts(left: CausalContext, right: CausalContext): CausalContext {
  if (left === right || covers(left, right)) return left;
  if (covers(right, left)) return right;
  const vector = new Map(left.vector);
  const cloud = new Map(left.cloud);
  for (const actor of actorsOf(right)) joinActor(vector, cloud, actor, right);
  return withBallot({ vector, cloud }, highestBallot(left.ballot, right.ballot));
}

/** Whether every dot of `part` is in `whole`. */
export function covers(whole: CausalContext, part: CausalContext): boolean {
  if (isAbove(part.ballot, whole.ballot)) return false;
  for (const [actor, upTo] of part.vector) {
    if ((whole.vector.get(actor) ?? 0) < upTo) return false;
  }
  for (const [actor, ranges] of part.cloud) {
    if (!rangesCover(whole.vector.get(actor) ?? 0, whole.cloud.get(actor) ?? [], ranges)) return false;
  }
  return true;
}

/** Whether every dot that `part` has of this actor is in `whole`. */
export function coversActor(whole: CausalContext, part: CausalContext, actor: ActorId): boolean {
  const upTo = whole.vector.get(actor) ?? 0;
  if ((part.vector.get(actor) ?? 0) > upTo) return false;
  return rangesCover(upTo, whole.cloud.get(actor) ?? [], part.cloud.get(actor) ?? []);
}

export function sameContext(left: CausalContext, right: CausalContext): boolean {
  return left === right || (covers(left, right) && covers(right, left));
}

/**
 * Builds a normal-form context, for decoders. Each actor at most once; counters >= 0 (0: no vector entry); ranges
 * sorted and disjoint, or the answer is undefined. No actor is `paxos`, whose maximum is `ballot`.
 */
export function contextFrom(
  entries: Iterable<readonly [ActorId, number, Ranges]>,
  ballot?: Ballot,
): CausalContext | undefined {
  const vector = new Map<ActorId, number>();
  const cloud = new Map<ActorId, Ranges>();
  for (const [actor, upTo, ranges] of entries) {
    if (vector.has(actor) || cloud.has(actor) || !wellFormed(upTo, ranges)) return undefined;
    if (ballotOfActor(actor) !== undefined) return undefined;
    setActor(vector, cloud, actor, upTo, ranges);
  }
  return withBallot({ vector, cloud }, ballot);
}

function wellFormed(upTo: number, ranges: Ranges): boolean {
  if (!Number.isSafeInteger(upTo) || upTo < 0 || ranges.length % 2 !== 0) return false;
  let previous = 0;
  for (let i = 0; i < ranges.length; i += 2) {
    const [first, last] = [ranges[i] as number, ranges[i + 1] as number];
    if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last)) return false;
    if (last < first || first <= previous + (i === 0 ? 0 : 1)) return false;
    previous = last;
  }
  return true;
}

function withBallot(context: CausalContext, ballot: Ballot | undefined): CausalContext {
  return ballot === undefined ? context : { ...context, ballot };
}

function contextOfDot({ actor, counter }: Dot): CausalContext {
  const ballot = ballotOfActor(actor);
  if (ballot !== undefined) return { ...EMPTY_CONTEXT, ballot };
  return counter === 1
    ? { vector: new Map([[actor, 1]]), cloud: new Map() }
    : { vector: new Map(), cloud: new Map([[actor, [counter, counter]]]) };
}

function joinActor(
  vector: Map<ActorId, number>,
  cloud: Map<ActorId, Ranges>,
  actor: ActorId,
  other: CausalContext,
): void {
  const upTo = Math.max(vector.get(actor) ?? 0, other.vector.get(actor) ?? 0);
  const ranges = unionRanges(cloud.get(actor) ?? [], other.cloud.get(actor) ?? []);
  setActor(vector, cloud, actor, upTo, ranges);
}

/** Writes one actor in normal form: ranges that touch the vector's entry become part of it. */
function setActor(
  vector: Map<ActorId, number>,
  cloud: Map<ActorId, Ranges>,
  actor: ActorId,
  upTo: number,
  ranges: Ranges,
): void {
  let top = upTo;
  let index = 0;
  for (; index < ranges.length && (ranges[index] as number) <= top + 1; index += 2) {
    top = Math.max(top, ranges[index + 1] as number);
  }
  if (top > 0) vector.set(actor, top);
  if (index < ranges.length) cloud.set(actor, index === 0 ? ranges : ranges.slice(index));
  else cloud.delete(actor);
}

function unionRanges(left: Ranges, right: Ranges): Ranges {
  if (left.length === 0) return right;
  if (right.length === 0) return left;
  const union: number[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    const takeLeft = j >= right.length || (i < left.length && (left[i] as number) <= (right[j] as number));
    const source = takeLeft ? left : right;
    const at = takeLeft ? i : j;
    if (takeLeft) i += 2;
    else j += 2;
    appendRange(union, source[at] as number, source[at + 1] as number);
  }
  return union;
}

function appendRange(ranges: number[], first: number, last: number): void {
  const end = ranges.length - 1;
  const previous = ranges[end];
  if (previous !== undefined && first <= previous + 1) ranges[end] = Math.max(previous, last);
  else ranges.push(first, last);
}

function rangesContain(ranges: Ranges, counter: number): boolean {
  for (let i = 0; i < ranges.length; i += 2) {
    if (counter < (ranges[i] as number)) return false;
    if (counter <= (ranges[i + 1] as number)) return true;
  }
  return false;
}

/**
 * Both are sorted, so one walk over the two is enough. In normal form ranges are not adjacent, so a covered stretch lies
 * in one of them.
 */
function rangesCover(upTo: number, whole: Ranges, part: Ranges): boolean {
  let at = 0;
  for (let i = 0; i < part.length; i += 2) {
    const first = Math.max(part[i] as number, upTo + 1);
    const last = part[i + 1] as number;
    if (first > last) continue;
    while (at < whole.length && (whole[at + 1] as number) < first) at += 2;
    if (at >= whole.length || (whole[at] as number) > first || (whole[at + 1] as number) < last) return false;
  }
  return true;
}
