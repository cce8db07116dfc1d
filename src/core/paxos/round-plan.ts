/**
 * What a round proposes, and what each waiting request will be told if that is chosen. CASPaxos 2.2: the proposer "applies the
 * change function to the current state"; here the functions of several requests, in their order, of which one at most writes.
 *
 * One ballot carries one dot, so one write at most wins a round. Those before it failed on what was there, those after it
 * are judged by what it leaves: of several that expect one ETag the first wins, and all others fail in the same round.
 */
import { createsKey, decideByIdentity } from '../causality/decide-write.ts';
import { paxosDot } from '../causality/dot.ts';
import { joinIfAny } from '../causality/record-order.ts';
import { recordOfWrite } from '../causality/mint.ts';
import type { KeyRecord } from '../causality/record.ts';
import { type Ballot, timeOfBallot } from './ballot.ts';
import type { Condition, Conditional, ConditionalWrite, Verdict } from './conditional.ts';

export interface RoundPlan {
  /** What to propose; undefined: nothing, as it was found. */
  readonly object: KeyRecord | undefined;
  /** The request whose write is in the object, by its place; undefined: the object is what was found. */
  readonly winner: number | undefined;
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
  const verdicts = requests.map((request) => judge(current, request, facts));
  const winner = verdicts.findIndex((verdict) => verdict === 'holds');
  if (winner === -1) return { object: current, winner: undefined, verdicts: verdicts.map(settled) };
  const object = nextObject(current, requests[winner] as ConditionalWrite, facts);
  const written = {
    type: 'written',
    dot: paxosDot(facts.ballot),
    record: object,
    created: createsKey(current),
  } as const;
  return {
    object,
    winner,
    verdicts: verdicts.map((verdict, index) => {
      if (index < winner) return settled(verdict);
      return index === winner ? written : settled(judge(object, requests[index] as Conditional, facts));
    }),
  };
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
  return joinIfAny(current, write) as KeyRecord;
}

function holds(condition: Condition, record: KeyRecord | undefined, { etagOf }: PlanFacts): boolean {
  if (condition.type === 'if-absent') return createsKey(record);
  return record !== undefined && record.siblings.length > 0 && condition.etags.has(etagOf(record));
}

/** Its own earlier success comes first: its condition may have been made false by that very write. */
function judge(record: KeyRecord | undefined, request: Conditional, facts: PlanFacts): Verdict | 'holds' {
  if (request.type === 'read') return { type: 'read', record };
  const earlier = decideByIdentity(record, request);
  if (earlier?.type === 'repeated') return { type: 'repeated', write: earlier.write, record: earlier.record };
  if (earlier !== undefined) return earlier;
  if (mayBeForgotten(request, facts)) return { type: 'expired' };
  return holds(request.condition, record, facts) ? 'holds' : { type: 'precondition-failed', record };
}

/**
 * Whether the key may have been deleted and collected since an earlier attempt was sent: it was then forgotten together with
 * all write ids, and that this one is not there proves nothing.
 */
function mayBeForgotten({ identity }: ConditionalWrite, { floor }: PlanFacts): boolean {
  if (identity.firstAttempt || floor === undefined) return false;
  return identity.notBefore === undefined || floor >= identity.notBefore;
}

function settled(verdict: Verdict | 'holds'): Verdict {
  return verdict === 'holds' ? { type: 'deferred' } : verdict;
}
