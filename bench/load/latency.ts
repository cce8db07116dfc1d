/** Latencies as they are told: a few percentiles, and from how many samples. */
import type { RecordableHistogram } from 'node:perf_hooks';

/** Below this, the 99.9th percentile is the chance of less than ten requests. */
const SAMPLES_FOR_P999 = 10_000;

/** Times in microseconds. */
export interface LatencySummary {
  readonly samples: number;
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p99Us: number;
  /** Only with {@link SAMPLES_FOR_P999} samples or more. */
  readonly p999Us?: number;
  readonly maxUs: number;
}

/** Of a histogram of microseconds. */
export function summarizeLatency(histogram: RecordableHistogram): LatencySummary {
  return {
    samples: histogram.count,
    p50Us: histogram.percentile(50),
    p90Us: histogram.percentile(90),
    p99Us: histogram.percentile(99),
    ...(histogram.count >= SAMPLES_FOR_P999 ? { p999Us: histogram.percentile(99.9) } : {}),
    maxUs: histogram.max,
  };
}
