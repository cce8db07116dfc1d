/** What the protocol tells, as metrics, log lines and figures of the status. */
import type { Logger } from 'pino';
import type { Tracer } from '../../ports/tracer.ts';
import type { Activity } from './activity.ts';
import { countEvent } from './event-counters.ts';
import { logEvent } from './event-lines.ts';
import type { Metrics } from './metrics.ts';

/** The tracer of a real node. */
export function createServerTracer(log: Logger, metrics: Metrics, activity: Activity): Tracer {
  return {
    trace(event) {
      countEvent(metrics, event);
      activity.note(event);
      logEvent(log, event);
    },
  };
}
