/** Compares what the replicas hold at the end of a random history with what the oracle says. */
import { findDotCollision, visibleSiblings } from '../../../src/core/causality/visible-siblings.ts';
import { findLost, findRevived, type Judgement, type Mint } from './history-oracle.ts';
import type { ReplicaModel } from './replica-model.ts';
import { describeRecord, isSorted } from './sample-records.ts';

/**
 * The first thing that is wrong, as a sentence. A model write bears the number of its mint as its time. If the history
 * outgrew the window of remembered writes, an event may show again or twice, but none may be lost.
 */
export function findViolation(
  replicas: readonly ReplicaModel[],
  mints: readonly Mint[],
  judgement: Judgement,
  outgrewWindow: boolean,
): string | undefined {
  const [first, ...others] = replicas.map(({ record }) =>
    record === undefined ? 'nothing' : describeRecord(record),
  );
  if (others.some((text) => text !== first)) return `replicas differ: ${[first, ...others].join('\n')}`;
  const record = replicas[0]?.record;
  if (record === undefined) return judgement.expected.size === 0 ? undefined : 'everything was lost';
  const collision = findDotCollision(record);
  if (collision !== undefined) return `${collision} has two values`;
  if (!isSorted(record)) return 'the siblings are not sorted';
  const shown = visibleSiblings(record).map(({ writtenAtMs }) => (mints[writtenAtMs] as Mint).event);
  const lost = findLost(new Set(shown), judgement);
  if (lost !== undefined || outgrewWindow) return lost;
  if (new Set(shown).size < shown.length) return 'an event is shown twice';
  return findRevived(shown, judgement);
}
