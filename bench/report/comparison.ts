/** Two documents, metric by metric: by how much the medians differ, and whether that is more than the repeats differ by themselves. */
import type { BenchDocument, Metric } from './document.ts';
import { lowestProbability, rankTest } from './rank-test.ts';
import { spreadOf } from './statistics.ts';

/** Below this probability of chance a difference is called one. */
export const CHANCE_LIMIT = 0.05;

/** `better` and `worse` are beyond chance; `alike` is within the spread; `too few`: so few repeats can show nothing. */
export type Change = 'better' | 'worse' | 'alike' | 'too few';

/** One metric that both documents have. */
export interface ComparedMetric {
  readonly section: string;
  readonly name: string;
  readonly unit: string;
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Median after of median before; undefined if that was 0. */
  readonly ratio: number | undefined;
  /** That chance alone makes such a difference. */
  readonly chance: number;
  readonly change: Change;
}

/** All of it. */
export interface Comparison {
  readonly metrics: readonly ComparedMetric[];
  /** Metrics that only one of them has. */
  readonly onlyBefore: readonly string[];
  readonly onlyAfter: readonly string[];
  /** Conditions under which they were measured that differ: name, before, after. */
  readonly conditions: readonly (readonly [name: string, before: string, after: string])[];
}

export function compareDocuments(before: BenchDocument, after: BenchDocument): Comparison {
  const old = metricsOf(before);
  const current = metricsOf(after);
  return {
    metrics: [...old].flatMap(([key, one]) => {
      const other = current.get(key);
      return other === undefined ? [] : [compareMetric(one, other.metric)];
    }),
    onlyBefore: [...old.keys()].filter((key) => !current.has(key)),
    onlyAfter: [...current.keys()].filter((key) => !old.has(key)),
    conditions: differingConditions(before, after),
  };
}

interface NamedMetric {
  readonly section: string;
  readonly metric: Metric;
}

function metricsOf({ sections }: BenchDocument): ReadonlyMap<string, NamedMetric> {
  return new Map(
    sections.flatMap(({ id, metrics }) =>
      metrics.map((metric) => [`${id}: ${metric.name}`, { section: id, metric }] as const),
    ),
  );
}

function compareMetric({ section, metric }: NamedMetric, after: Metric): ComparedMetric {
  const { name, unit, better, samples } = metric;
  const [from, to] = [spreadOf(samples)?.median, spreadOf(after.samples)?.median];
  const chance = rankTest(samples, after.samples);
  const isHigher = (to ?? 0) > (from ?? 0);
  return {
    section,
    name,
    unit,
    before: samples,
    after: after.samples,
    ratio: from === undefined || to === undefined || from === 0 ? undefined : to / from,
    chance,
    change: changeOf(
      chance,
      lowestProbability(samples.length, after.samples.length),
      isHigher === (better === 'higher'),
    ),
  };
}

function changeOf(chance: number, lowest: number, isBetter: boolean): Change {
  if (lowest > CHANCE_LIMIT) return 'too few';
  if (chance > CHANCE_LIMIT) return 'alike';
  return isBetter ? 'better' : 'worse';
}

function differingConditions(before: BenchDocument, after: BenchDocument): Comparison['conditions'] {
  const facts = ({ about }: BenchDocument): Readonly<Record<string, string>> => ({
    commit: about.commit,
    seed: String(about.seed),
    ...about.machine,
    ...about.configuration,
  });
  const [old, current] = [facts(before), facts(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(current)])]
    .filter((name) => old[name] !== current[name])
    .map((name) => [name, old[name] ?? '-', current[name] ?? '-']);
}
