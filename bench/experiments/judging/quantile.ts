/** Quantiles of recorded latencies. */

/** Fewer samples say nothing of their slowest hundredth. */
const SAMPLES_FOR_P99 = 100;

/** The smallest value that `share` (0 to 1) of all values do not exceed; undefined if there are none. */
export function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

/** Undefined below 100 samples: then the slowest hundredth is less than one sample. */
export function p99(values: readonly number[]): number | undefined {
  return values.length < SAMPLES_FOR_P99 ? undefined : quantile(values, 0.99);
}
