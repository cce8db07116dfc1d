/** What requests that wait would come to by what is known of their key, without a round: a guess, unless a read has made sure of it. */
import { etagOf } from '../../codec/hash.ts';
import type { KeyRecord } from '../../core/causality/record.ts';
import type { Incarnation, NodeId } from '../../core/ids.ts';
import { ballotOf } from '../../core/paxos/ballot.ts';
import { type PlanFacts, planRound, type RoundPlan } from '../../core/paxos/round-plan.ts';
import type { Clock } from '../../ports/clock.ts';
import type { WaitingRequest } from './waiting-request.ts';

/** A ballot of nobody, below all others, for plans that propose nothing. */
export const NO_BALLOT = ballotOf({
  ...{ timeMs: 0, logical: 0 },
  ...{ node: 'nobody' as NodeId, incarnation: 'A'.repeat(22) as Incarnation },
});

/** What it proposes is of no ballot, and for nobody: what is asked of it is what the requests would be told, if nothing is changed. */
export function planOn(
  clock: Clock,
  record: KeyRecord | undefined,
  batch: readonly WaitingRequest[],
  facts: Pick<PlanFacts, 'ballot' | 'floor' | 'n'>,
): RoundPlan {
  // No ballot was made for it, so the newest time that is known stands for one.
  const newestMs = record?.writes[0]?.writtenAtMs ?? 0;
  const atMs = Math.max(clock.wallMs(), newestMs);
  const requests = batch.map((waiting) => waiting.conditionalAt(atMs, clock.nowMs()));
  return planRound(record, requests, { ...facts, etagOf });
}
