/**
 * Latencies of one generator: all together and by outcome, of each measured window and of all windows of the same name. A tail
 * needs more samples than one window has, and percentiles of several windows cannot be averaged; so histograms are added up
 * where they are recorded.
 */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { summarizeLatency, type LatencySummary } from './latency.ts';

/** What was recorded. */
export interface RecordedLatencies {
  readonly latency: LatencySummary;
  /** By what came of the requests. */
  readonly outcomes: Readonly<Record<string, LatencySummary>>;
}

interface Histograms {
  readonly all: RecordableHistogram;
  readonly byOutcome: Map<string, RecordableHistogram>;
}

/** Records one window. */
export class LatencyWindow {
  readonly #histograms = emptyHistograms();

  record(outcome: string, microseconds: number): void {
    const value = Math.max(1, Math.round(microseconds));
    this.#histograms.all.record(value);
    histogramOf(this.#histograms, outcome).record(value);
  }

  get summary(): RecordedLatencies {
    return summaryOf(this.#histograms);
  }

  addTo(pool: LatencyPool, name: string): RecordedLatencies {
    return pool.add(name, this.#histograms);
  }
}

/** What all windows of a name have recorded. */
export class LatencyPool {
  readonly #pools = new Map<string, Histograms>();

  /** Answers the whole so far. */
  add(name: string, window: Histograms): RecordedLatencies {
    const pool = this.#pools.get(name) ?? emptyHistograms();
    this.#pools.set(name, pool);
    pool.all.add(window.all);
    for (const [outcome, histogram] of window.byOutcome) histogramOf(pool, outcome).add(histogram);
    return summaryOf(pool);
  }
}

function emptyHistograms(): Histograms {
  return { all: createHistogram(), byOutcome: new Map() };
}

function histogramOf({ byOutcome }: Histograms, outcome: string): RecordableHistogram {
  const known = byOutcome.get(outcome);
  if (known !== undefined) return known;
  const histogram = createHistogram();
  byOutcome.set(outcome, histogram);
  return histogram;
}

function summaryOf({ all, byOutcome }: Histograms): RecordedLatencies {
  return {
    latency: summarizeLatency(all),
    outcomes: Object.fromEntries(
      [...byOutcome].map(([outcome, histogram]) => [outcome, summarizeLatency(histogram)]),
    ),
  };
}
