/**
 * What the protocol tells, as log lines and metrics. Each line has a stable `code`: the event's type. Frequent events are
 * counted only.
 */
import type { Logger } from 'pino';
import type { TraceEvent, Tracer } from '../../ports/tracer.ts';
import type { Metrics } from './metrics.ts';

/** The tracer of a real node. */
export function createServerTracer(log: Logger, metrics: Metrics): Tracer {
  return {
    trace(event) {
      count(event, metrics);
      write(event, log);
    },
  };
}

function count(event: TraceEvent, metrics: Metrics): void {
  switch (event.type) {
    case 'peer-up':
      metrics.peersUp.inc();
      metrics.peerChanges.inc({ change: 'up' });
      return;
    case 'peer-down':
      metrics.peersUp.dec();
      metrics.peerChanges.inc({ change: 'down' });
      return;
    case 'hello-refused':
      return metrics.hellosRefused.inc();
    case 'malformed-frame':
      return metrics.malformedFrames.inc();
    case 'read-repair':
      return metrics.readRepairs.inc({ result: event.result });
    case 'hedged-read':
      return metrics.hedgedReads.inc();
    case 'forwarded':
      return metrics.forwarded.inc({ operation: event.operation });
    case 'incarnation-renewed':
      return metrics.incarnationsRenewed.inc();
    case 'dot-collision':
      return metrics.dotCollisions.inc();
    case 'unreadable-record':
      return metrics.unreadableRecords.inc();
    case 'storage-failed':
      return metrics.storageFailures.inc();
    case 'batch-committed':
      metrics.commitSeconds.observe(event.ms / 1_000);
      metrics.commitEntries.inc(event.entries);
      metrics.commitBytes.inc(event.bytes);
      return;
    case 'siblings':
      return metrics.siblings.observe(event.count);
    default:
      return unhandled(event);
  }
}

function write(event: TraceEvent, log: Logger): void {
  const { type: code, ...facts } = event;
  switch (event.type) {
    case 'peer-up':
      return log.info({ code, ...facts }, `connected to ${event.peer}`);
    case 'peer-down':
      return log.warn({ code, ...facts }, `lost ${event.peer}: ${event.reason}`);
    case 'hello-refused':
      return log.warn({ code, ...facts }, `refused a peer at ${event.remote}: ${event.reason}`);
    case 'malformed-frame':
      return log.warn({ code, ...facts }, `closed the connection of ${event.remote}: ${event.reason}`);
    case 'incarnation-renewed':
      return log.error(
        { code, ...facts },
        'the store of this node has lost something that it acknowledged; it goes on as a new incarnation. Check its disk',
      );
    case 'dot-collision':
      return log.error({ code, ...facts }, 'two different values have one dot; both are kept. This is a bug');
    case 'unreadable-record':
      return log.error({ code, ...facts }, `a stored record cannot be read: ${event.reason}`);
    case 'storage-failed':
      return log.error({ code, ...facts }, `the storage failed: ${event.reason}`);
    case 'read-repair':
      return event.result === 'stored'
        ? undefined
        : log.debug({ code, ...facts }, 'a read repair was not done');
    case 'hedged-read':
    case 'forwarded':
    case 'batch-committed':
    case 'siblings':
      return undefined;
    default:
      return unhandled(event);
  }
}

/** Compiles only while every event is handled above. */
function unhandled(event: never): void {
  throw new Error(`unhandled trace event ${JSON.stringify(event)}`);
}
