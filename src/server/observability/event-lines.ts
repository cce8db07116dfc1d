/**
 * What the protocol tells, as log lines. Each line has a stable `code`: the event's type. Frequent events are counted only, and
 * have no line here.
 */
import type { Level, Logger } from 'pino';
import type { TraceEvent } from '../../ports/tracer.ts';

/** Undefined: this time there is nothing to say. */
type Line = readonly [level: Level, message: string] | undefined;

type Lines = {
  readonly [Type in TraceEvent['type']]:
    | ((event: Extract<TraceEvent, { readonly type: Type }>) => Line)
    | undefined;
};

const GOES_ON =
  'It takes writes, counts for nothing in reads, and gets back what it lost from the other replicas. Do not stop these meanwhile';

const LOSSES = {
  wiped: (toldBy: string) =>
    `${toldBy} remembers another store of this node: its data directory is new, and what it held is gone. ${GOES_ON}`,
  'rolled-back': (toldBy: string) =>
    `${toldBy} remembers a later state of this store: it was restored from a copy, or its disk dropped writes that it had confirmed. ${GOES_ON}`,
  promises: () =>
    `what this node had promised in conditional writes of a key cannot be read any more: it goes on as another store, and has no vote in any key until the others let it. ${GOES_ON}`,
  gap: () =>
    `some of what was written to this store is gone, and what was written later is there: its disk has lost a piece of LevelDB's log, where a byte has changed for instance. ${GOES_ON}`,
  damaged: () =>
    `what this node had lost and not yet got back cannot be read any more: all of it is. ${GOES_ON}`,
} as const;

const LINES: Lines = {
  'peer-up': ({ peer }) => ['info', `connected to ${peer}`],
  'peer-down': ({ peer, reason }) => ['warn', `lost ${peer}: ${reason}`],
  'peer-suspected': ({ peer }) => ['warn', `${peer} does not answer; others are asked first`],
  'peer-trusted': ({ peer }) => ['info', `${peer} answers again`],
  'hello-refused': ({ remote, reason }) => ['warn', `refused a peer at ${remote}: ${reason}`],
  'peer-store-replaced': ({ peer }) => [
    'warn',
    `${peer} has come back with another store than before: what it held is lost there, and it gets that back from the others`,
  ],
  'peer-store-rolled-back': ({ peer }) => [
    'warn',
    `${peer} has come back with an older state of its store: what it wrote last is lost there, and it gets that back from the others`,
  ],
  'clone-refused': ({ peer, remote }) => [
    'error',
    `refused ${remote}, a second process of ${peer} or on its data, while the first one answers: stop one of them, and never start two nodes from copies of one data directory`,
  ],
  'store-lost-something': ({ kind, toldBy }) => ['error', LOSSES[kind](toldBy)],
  recovering: ({ partitions }) =>
    partitions > 0
      ? ['info', `getting back what was lost: ${partitions} partitions are open`]
      : ['info', 'what was lost is back: this node counts as a replica again'],
  'votes-again': ({ admitted }) => [
    'info',
    `this node votes on all its keys again; the others have let it vote on ${admitted} of them one by one`,
  ],
  'votes-after-loss': () => [
    'warn',
    'this node votes although its store has lost something, because it was told to: conditional writes that were acknowledged may be undone',
  ],
  'record-replaced': () => [
    'warn',
    "a damaged record was replaced by a peer's; its partition is gone through with all other home replicas",
  ],
  'malformed-frame': ({ remote, reason }) => ['warn', `closed the connection of ${remote}: ${reason}`],
  'incarnation-renewed': () => [
    'error',
    'the store of this node has lost something that it acknowledged; it goes on as a new incarnation. Check its disk',
  ],
  'dot-collision': () => ['error', 'two different values have one dot; both are kept. This is a bug'],
  'unreadable-record': ({ reason }) => ['error', `a stored record cannot be read: ${reason}`],
  'storage-failed': ({ reason }) => ['error', `the storage failed: ${reason}`],
  'read-repair': ({ result }) => (result === 'stored' ? undefined : ['debug', 'a read repair was not done']),
  exchange: ({ peer, result, reason, repaired }) => {
    if (repaired > 0) return ['info', `repaired ${repaired} records with ${peer}`];
    return result === 'broken' ? ['debug', `an exchange with ${peer} broke: ${reason}`] : undefined;
  },
  'trees-not-built': ({ partition, reason }) => ['error', `partition ${partition} cannot be read: ${reason}`],
  'hint-stored': undefined,
  // The first one of many says it all.
  'hint-refused': ({ owner, reason, isFirst }) =>
    isFirst ? ['warn', `keeps no more records for ${owner}: ${reason}`] : undefined,
  'hints-loaded': ({ count }) => ['info', `keeps ${count} records for other nodes`],
  handoff: ({ owner, delivered, left }) => {
    const rest = left === 0 ? 'all that was kept for it' : `${left} are left`;
    if (delivered === 0) return left === 0 ? undefined : ['debug', `${owner} took nothing; ${rest}`];
    return ['info', `handed ${delivered} records over to ${owner}: ${rest}`];
  },
  'stray-record': () => [
    'warn',
    'a record lies on a node that it does not belong to; its home replicas get it',
  ],
  'tombstone-reaped': undefined,
  'key-collected': undefined,
  'reap-round': ({ due, reaped, reason }) => {
    if (reason !== undefined)
      return ['info', `${due} deleted keys are old enough to be reaped, but are kept: ${reason}`];
    return reaped > 0 ? ['info', `reaped ${reaped} deleted keys`] : undefined;
  },
  'hedged-read': undefined,
  'read-of-all': undefined,
  round: undefined,
  'round-committed': undefined,
  'quick-read': undefined,
  'conditional-failed': undefined,
  'vote-refused': undefined,
  sweep: undefined,
  'unfinished-rounds': undefined,
  forwarded: undefined,
  'batch-committed': undefined,
  siblings: undefined,
};

export function logEvent<Type extends TraceEvent['type']>(
  log: Logger,
  event: Extract<TraceEvent, { readonly type: Type }>,
): void {
  const line = LINES[event.type]?.(event);
  if (line === undefined) return;
  const [level, message] = line;
  const { type: code, ...facts } = event;
  log[level]({ code, ...facts }, message);
}
