/**
 * A histogram whose label sets are known before anything is observed. prom-client's own looks for them anew at each observation,
 * by a text that it makes of them, and for the bucket by its name; here an observation is two additions. What is scraped is the
 * same.
 */
import type { Registry } from 'prom-client';

type Labels = Readonly<Record<string, string>>;

interface FixedHistogramOptions {
  readonly name: string;
  readonly help: string;
  /** Upper bounds, rising; that of infinity comes by itself. */
  readonly buckets: readonly number[];
  readonly labels: readonly Labels[];
  readonly registry: Registry;
}

/** One line of what is scraped. */
interface Sample {
  readonly metricName: string;
  readonly labels?: { readonly le: number | string };
  /** Those that other samples have, too. */
  readonly sharedLabels: Labels;
  readonly value: number;
}

/** What was observed under one set of labels. */
export class Series {
  readonly #labels: Labels;
  readonly #bounds: readonly number[];
  /** How many were in each bucket and in no smaller one; the last is that of infinity. */
  readonly #counts: number[];
  #sum = 0;

  constructor(labels: Labels, bounds: readonly number[]) {
    this.#labels = labels;
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#sum += value;
  }

  /** As Prometheus wants them: each bucket counts the smaller ones, too. Nothing of labels that never occurred. */
  samples(name: string): readonly Sample[] {
    const sharedLabels = this.#labels;
    let count = 0;
    const buckets = this.#counts.map((inBucket, index) => {
      count += inBucket;
      const le = this.#bounds[index] ?? '+Inf';
      return { metricName: `${name}_bucket`, labels: { le }, sharedLabels, value: count };
    });
    if (count === 0 && Object.keys(sharedLabels).length > 0) return [];
    return [
      ...buckets,
      { metricName: `${name}_sum`, sharedLabels, value: this.#sum },
      { metricName: `${name}_count`, sharedLabels, value: count },
    ];
  }
}

/** Registers the histogram; gives one series for each set of labels, in their order. */
export function fixedHistogram(options: FixedHistogramOptions): readonly Series[] {
  const { name, help, buckets, registry } = options;
  const series = options.labels.map((labels) => new Series(labels, buckets));
  // All that a registry asks of a metric.
  const metric = {
    name,
    help,
    get: async () => {
      const values = series.flatMap((one) => one.samples(name));
      return { name, help, type: 'histogram', aggregator: 'sum', values };
    },
  };
  registry.registerMetric(metric as never);
  return series;
}
