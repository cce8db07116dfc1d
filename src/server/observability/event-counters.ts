/** What the protocol tells, as metrics. */
import type { TraceEvent } from '../../ports/tracer.ts';
import type { Metrics } from './metrics.ts';

type Counters = {
  readonly [Type in TraceEvent['type']]:
    | ((metrics: Metrics, event: Extract<TraceEvent, { readonly type: Type }>) => void)
    | undefined;
};

const COUNTERS: Counters = {
  'peer-up': (metrics) => {
    metrics.peersUp.inc();
    metrics.peerChanges.inc({ change: 'up' });
  },
  'peer-down': (metrics) => {
    metrics.peersUp.dec();
    metrics.peerChanges.inc({ change: 'down' });
  },
  'peer-suspected': (metrics) => metrics.peerChanges.inc({ change: 'suspected' }),
  'peer-trusted': (metrics) => metrics.peerChanges.inc({ change: 'trusted' }),
  'hello-refused': (metrics) => metrics.hellosRefused.inc(),
  'peer-store-replaced': (metrics) => metrics.peerStoresLost.inc({ kind: 'replaced' }),
  'peer-store-rolled-back': (metrics) => metrics.peerStoresLost.inc({ kind: 'rolled-back' }),
  'clone-refused': (metrics) => metrics.clonesRefused.inc(),
  'store-lost-something': (metrics, { kind }) => metrics.storeLosses.inc({ kind }),
  recovering: (metrics, { partitions }) => metrics.recoveringPartitions.set(partitions),
  'votes-again': undefined,
  'votes-after-loss': undefined,
  'record-replaced': (metrics) => metrics.replacedRecords.inc(),
  'malformed-frame': (metrics) => metrics.malformedFrames.inc(),
  'read-repair': (metrics, { result }) => metrics.readRepairs.inc({ result }),
  'hedged-read': (metrics) => metrics.hedgedReads.inc(),
  'read-of-all': (metrics, { result, behind }) => {
    metrics.readsOfAll.inc({ result });
    metrics.staleReplicas.inc(behind);
  },
  exchange: (metrics, { result, repaired }) => {
    metrics.exchanges.inc({ result });
    metrics.repairedRecords.inc(repaired);
  },
  'trees-not-built': undefined,
  'hint-stored': (metrics) => metrics.hintsStored.inc(),
  'hint-refused': (metrics) => metrics.hintsRefused.inc(),
  'hints-loaded': undefined,
  handoff: (metrics, { delivered }) => metrics.hintsDelivered.inc(delivered),
  'stray-record': undefined,
  'tombstone-reaped': (metrics) => metrics.reapedTombstones.inc(),
  'key-collected': (metrics) => metrics.collectedKeys.inc(),
  'reap-round': (metrics, { reason }) =>
    metrics.reapRounds.inc({ result: reason === undefined ? 'done' : 'broken' }),
  round: (metrics, { start, end, reads }) => {
    metrics.rounds.inc({ start, end });
    metrics.linearizableReads.inc({ by: 'round' }, reads);
  },
  'round-committed': (metrics, { ms }) => metrics.roundCommitSeconds.observe(ms / 1_000),
  'quick-read': (metrics, { reads }) => metrics.linearizableReads.inc({ by: 'quick' }, reads),
  'conditional-failed': (metrics, { code, certainty }) =>
    metrics.conditionalFailures.inc({ code, outcome: certainty }),
  'vote-refused': (metrics, { reason }) => metrics.votesRefused.inc({ reason }),
  'unfinished-rounds': (metrics, { count }) => metrics.unfinishedRounds.set(count),
  sweep: (metrics, { result }) => metrics.sweeps.inc({ result }),
  forwarded: (metrics, { operation }) => metrics.forwarded.inc({ operation }),
  'incarnation-renewed': (metrics) => metrics.incarnationsRenewed.inc(),
  'dot-collision': (metrics) => metrics.dotCollisions.inc(),
  'unreadable-record': (metrics) => metrics.unreadableRecords.inc(),
  'storage-failed': (metrics) => metrics.storageFailures.inc(),
  'batch-committed': (metrics, { ms, entries, bytes }) => {
    metrics.commitSeconds.observe(ms / 1_000);
    metrics.commitEntries.inc(entries);
    metrics.commitBytes.inc(bytes);
  },
  siblings: (metrics, { count }) => metrics.siblings.observe(count),
};

export function countEvent<Type extends TraceEvent['type']>(
  metrics: Metrics,
  event: Extract<TraceEvent, { readonly type: Type }>,
): void {
  COUNTERS[event.type]?.(metrics, event);
}
