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

const LINES: Lines = {
  'peer-up': ({ peer }) => ['info', `connected to ${peer}`],
  'peer-down': ({ peer, reason }) => ['warn', `lost ${peer}: ${reason}`],
  'peer-suspected': ({ peer }) => ['warn', `${peer} does not answer; others are asked first`],
  'peer-trusted': ({ peer }) => ['info', `${peer} answers again`],
  'hello-refused': ({ remote, reason }) => ['warn', `refused a peer at ${remote}: ${reason}`],
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
  'hedged-read': undefined,
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
