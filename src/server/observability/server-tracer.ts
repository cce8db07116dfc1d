/** What the protocol tells, as metrics and log lines. */
import type { Logger } from 'pino';
import type { Tracer } from '../../ports/tracer.ts';
import { countEvent } from './event-counters.ts';
import { logEvent } from './event-lines.ts';
import type { Metrics } from './metrics.ts';

/** The tracer of a real node. */
export function createServerTracer(log: Logger, metrics: Metrics): Tracer {
  return {
    trace(event) {
      countEvent(metrics, event);
      logEvent(log, event);
    },
  };
}
