/**
 * How late a generator's event loop was: an answer that waits for it looks like a slow server. Node.js samples the time
 * between two turns of a timer, of which the timer's own interval is taken off here.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 10;
const NANOSECONDS_PER_MS = 1e6;

/** Milliseconds. */
export interface EventLoopLag {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Watches this process until the answer is called for. */
export function watchEventLoop(): () => EventLoopLag {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return () => {
    histogram.disable();
    const lagMs = (nanoseconds: number): number =>
      histogram.count === 0 ? 0 : Math.max(0, nanoseconds / NANOSECONDS_PER_MS - RESOLUTION_MS);
    return { p99Ms: lagMs(histogram.percentile(99)), maxMs: lagMs(histogram.max) };
  };
}
