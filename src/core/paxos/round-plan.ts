/**
 * What a round proposes, and what each waiting request will be told if that is chosen. CASPaxos 2.2: the proposer "applies the
 * change function to the current state"; here the functions of several requests, in their order, of which one at most writes.
 *
 * One ballot carries one dot, so one write at most wins a round. Those before it failed on what was there, those after it
 * are judged by what it leaves: of several that expect one ETag the first wins, and all others fail in the same round.
 *
 * A retry that fails is refused for good, and the object says so. Its first attempt may still be under way elsewhere, and what it
 * waits for might come yet; who has been told that the write was not applied must not see it later. A first attempt
 * that fails needs no such entry, and leaves nothing behind.
 */
import { createsKey, decideByIdentity } from '../causality/decide-write.ts';
import { paxosDot } from '../causality/dot.ts';
import { supersede } from '../causality/join.ts';
import { recordOfWrite } from '../causality/mint.ts';
import type { KeyRecord } from '../causality/record.ts';
import {
  isRefused,
  joinRememberedWrites,
  mayHaveForgottenRounds,
  mayHaveForgottenWrites,
  refusedWrite,
  writesNamed,
} from '../causality/remembered-writes.ts';
import { type Ballot, timeOfBallot } from './ballot.ts';
import type { Condition, Conditional, ConditionalWrite, Settlement, Verdict } from './conditional.ts';

export interface RoundPlan {
  /** What to propose; undefined: nothing, as it was found. */
  readonly object: KeyRecord | undefined;
  /** The request whose write is in the object, by its place; undefined: none. */
  readonly winner: number | undefined;
  /** Whether the object is what was found. */
  readonly isUnchanged: boolean;
  /** One for each request. */
  readonly verdicts: readonly Verdict[];
}

export interface PlanFacts {
  readonly ballot: Ballot;
  /** N of the bucket. */
  readonly n: number;
  /** The highest floor among the acceptors. */
  readonly floor: Ballot | undefined;
  /** The entity tag of a record that has siblings. */
  readonly etagOf: (record: KeyRecord) => string;
}

/** `current`: what the key's object is; undefined if it is nothing. */
export function planRound(
  current: KeyRecord | undefined,
  requests: readonly Conditional[],
  facts: PlanFacts,
): RoundPlan {
  const judged = requests.map((request) => judge(current, request, facts));
  const winner = judged.indexOf('holds');
  const object = winner === -1 ? current : nextObject(current, requests[winner] as ConditionalWrite, facts);
  const verdicts = judged.map((verdict, place): Verdict => {
    const request = requests[place] as Conditional;
    if (winner === -1) return settled(verdict);
    if (place < winner && idOfRefusal(request, settled(verdict)) === undefined) return settled(verdict);
    // Also of those before the winner what refuses an id for good: it may be the winner's.
    if (place !== winner) return settled(judge(object, request, facts));
    return {
      type: 'written',
      dot: paxosDot(facts.ballot),
      record: object as KeyRecord,
      created: createsKey(current),
    };
  });
  const refused = verdicts.flatMap((verdict, place) =>
    idToRefuse(requests[place] as Conditional, verdict, object),
  );
  return {
    object: refused.length === 0 ? object : withRefusals(object, new Set(refused), facts),
    winner: winner === -1 ? undefined : winner,
    isUnchanged: winner === -1 && refused.length === 0,
    verdicts,
  };
}

/** The id that the object has to refuse from now on, for this verdict to stay true. */
function idToRefuse(
  request: Conditional,
  verdict: Verdict,
  object: KeyRecord | undefined,
): readonly string[] {
  const id = idOfRefusal(request, verdict);
  return id === undefined || (object !== undefined && isRefused(object, id)) ? [] : [id];
}

function idOfRefusal(request: Conditional, verdict: Verdict): string | undefined {
  if (request.type === 'settle')
    return verdict.type === 'settled' && verdict.write === undefined ? request.writeId : undefined;
  if (request.type === 'read' || verdict.type !== 'precondition-failed') return undefined;
  const { id, mayBeElsewhere } = request.identity;
  return mayBeElsewhere ? id : undefined;
}

/** A key that holds nothing gets a tombstone, for a record without any sibling is none. */
function withRefusals(
  object: KeyRecord | undefined,
  ids: ReadonlySet<string>,
  { ballot, n }: PlanFacts,
): KeyRecord {
  const dot = paxosDot(ballot);
  const atMs = timeOfBallot(ballot);
  const record =
    object ??
    recordOfWrite({
      ...{ dot, n, created: true, identity: undefined, seen: undefined },
      content: { type: 'tombstone' },
      writtenAtMs: atMs,
    });
  const refused = [...ids].toSorted().map((id) => refusedWrite(id, dot, atMs));
  return { ...record, writes: joinRememberedWrites(record.writes, refused) };
}

/**
 * All of the current object is superseded, by one new sibling with the dot of the ballot; its id is remembered as that of a plain
 * write is. The time is the ballot's, which rises along the chain of chosen objects, so that the newest ids are the ones
 * remembered.
 */
function nextObject(
  current: KeyRecord | undefined,
  { content, identity }: ConditionalWrite,
  { ballot, n }: PlanFacts,
): KeyRecord {
  const write = recordOfWrite({
    dot: paxosDot(ballot),
    content,
    seen: current?.context,
    writtenAtMs: timeOfBallot(ballot),
    identity,
    n,
    created: createsKey(current),
  });
  return current === undefined ? write : supersede(current, write);
}

function holds(condition: Condition, record: KeyRecord | undefined, { etagOf }: PlanFacts): boolean {
  if (condition.type === 'if-absent') return createsKey(record);
  return record !== undefined && record.siblings.length > 0 && condition.etags.has(etagOf(record));
}

/** Its own earlier success comes first: its condition may have been made false by that very write. */
function judge(record: KeyRecord | undefined, request: Conditional, facts: PlanFacts): Verdict | 'holds' {
  if (request.type === 'read') return { type: 'read', record };
  if (request.type === 'settle') return judgeSettlement(record, request, facts);
  const { identity } = request;
  const earlier = decideByIdentity(record, { identity: { ...identity, firstAttempt: true } });
  if (earlier?.type === 'repeated') return { type: 'repeated', write: earlier.write, record: earlier.record };
  if (earlier?.type === 'refused') return { type: 'refused', record };
  if (earlier !== undefined) return earlier;
  if (mayBeForgotten(record, request, facts.floor)) return { type: 'expired' };
  return holds(request.condition, record, facts) ? 'holds' : { type: 'precondition-failed', record };
}

function judgeSettlement(
  record: KeyRecord | undefined,
  { writeId }: Settlement,
  { floor }: PlanFacts,
): Verdict {
  const [write] = record === undefined ? [] : writesNamed(record, writeId);
  if (write !== undefined) return { type: 'settled', write, record };
  const isKnown = record !== undefined && isRefused(record, writeId);
  const isTooOld = floor !== undefined || (record !== undefined && mayHaveForgottenWrites(record));
  return isKnown || !isTooOld ? { type: 'settled', write: undefined, record } : { type: 'expired' };
}

/**
 * Whether that this id is not there proves nothing. The key may have had so many rounds since it was sent first that the id has
 * left their window. Or it may have been deleted and collected since: it was then forgotten together with all write ids.
 *
 * That goes for a first attempt, too, if it has waited for so long: a second one may have been refused for good meanwhile. How long
 * that was is told by the ballots of one clock, which others may be behind; so what was known of the key when it came has to agree.
 */
function mayBeForgotten(
  record: KeyRecord | undefined,
  { identity }: ConditionalWrite,
  floor: Ballot | undefined,
): boolean {
  const { firstAttempt, notBefore, takenAtMs, knownMs } = identity;
  const sinceMs = firstAttempt ? Math.min(takenAtMs, knownMs) : earliest(notBefore);
  if (record !== undefined && mayHaveForgottenRounds(record, sinceMs)) return true;
  if (floor === undefined) return false;
  if (firstAttempt) return timeOfBallot(floor) >= takenAtMs;
  return notBefore === undefined || floor >= notBefore;
}

function earliest(notBefore: Ballot | undefined): number {
  return notBefore === undefined ? 0 : timeOfBallot(notBefore);
}

function settled(verdict: Verdict | 'holds'): Verdict {
  return verdict === 'holds' ? { type: 'deferred' } : verdict;
}
