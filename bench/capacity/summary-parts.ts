/** The parts of a section that every grid has: tables, bars, metrics to compare, remarks, the verdict on the answers. */
import type { LatencySummary } from '../load/latency.ts';
import type { Figure, LoadModel, Metric, Table, Verdict } from '../report/document.ts';
import {
  medianOf,
  megabytes,
  milliseconds,
  percent,
  significant,
  whole,
  withRange,
} from '../report/number-format.ts';
import { spreadOf } from '../report/statistics.ts';
import { COUNTED, type CountedWork } from '../system/node-metrics.ts';
import type { GridResult, GridTask } from './grid-run.ts';
import type { Samples, ScenarioSummary } from './summary.ts';

/** A generator that uses more of one processor than this was the bottleneck itself. */
const GENERATOR_LIMIT = 0.9;
/** Figures taken while others used more of the machine than this should be measured again. */
const OTHERS_LIMIT = 0.05;

/** What a counted series is per operation, in a reader's words. */
const COUNTED_TITLES: Readonly<Record<CountedWork, string>> = {
  syncs: 'syncs',
  entriesStored: 'entries stored',
  bytesStored: 'bytes stored',
  messages: 'messages between nodes',
  bytesSent: 'bytes between nodes',
  rounds: 'Paxos rounds',
  forwarded: 'forwarded',
  hedged: 'hedged reads',
};

/** How the load of a grid came about. */
export function loadModelOf({ connections, measuring }: GridTask): LoadModel {
  const { repeats, measureMs } = measuring;
  return {
    type: 'closed',
    text:
      `closed loop, ${connections} connections, each sends when it has its answer; ` +
      `${repeats} interleaved ${repeats === 1 ? 'repeat' : 'repeats'} of ${measureMs / 1000} s`,
  };
}

export function speedTable(summaries: readonly ScenarioSummary[]): Table {
  const hasYardstick = summaries.some(({ shareOfYardstick }) => shareOfYardstick.length > 0);
  return {
    title: 'Operations per second and latency: medians of the repeats (lowest-highest)',
    head: ['', 'operations/s', ...(hasYardstick ? ['of yardstick'] : []), 'p50 ms', 'p99 ms'],
    rows: summaries.map((summary) => [
      summary.scenario.title,
      withRange(summary.operationsPerSecond, whole),
      ...(hasYardstick ? [withRange(summary.shareOfYardstick, (value) => value.toFixed(3))] : []),
      withRange(summary.p50Us, milliseconds),
      withRange(summary.p99Us, milliseconds),
    ]),
  };
}

export function outcomeTable(summaries: readonly ScenarioSummary[]): Table {
  return {
    title: 'Latency by outcome, of all repeats together (ms; p99.9 from 10,000 samples on)',
    head: ['', 'outcome', 'samples', 'p50', 'p90', 'p99', 'p99.9', 'max'],
    rows: summaries.flatMap(({ scenario, pooled }) =>
      sortedEntries(pooled?.outcomes ?? {}).map(([outcome, latency], index) => [
        index === 0 ? scenario.title : '',
        outcome,
        ...latencyCells(latency),
      ]),
    ),
  };
}

function sortedEntries<Value>(
  record: Readonly<Record<string, Value>>,
): readonly (readonly [string, Value])[] {
  return Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1));
}

/** Samples, p50, p90, p99, p99.9, max. */
export function latencyCells(latency: LatencySummary): readonly string[] {
  const { samples, p50Us, p90Us, p99Us, p999Us, maxUs } = latency;
  return [
    whole(samples),
    milliseconds(p50Us),
    milliseconds(p90Us),
    milliseconds(p99Us),
    p999Us === undefined ? '-' : milliseconds(p999Us),
    milliseconds(maxUs),
  ];
}

export function cpuTable(summaries: readonly ScenarioSummary[]): Table {
  return {
    title: 'CPU microseconds per operation (all threads, user and kernel), and the health of the generator',
    head: ['', 'servers', 'of these', 'generator', 'generator busy', 'loop late p99 ms', 'others busy'],
    rows: summaries.map((summary) => [
      summary.scenario.title,
      withRange(summary.serverCpuUs, (value) => value.toFixed(1)),
      Object.entries(summary.processCpuUs)
        .map(([name, samples]) => `${name}\u00a0${medianOf(samples, whole)}`)
        .join(', '),
      medianOf(summary.generatorCpuUs, (value) => value.toFixed(1)),
      medianOf(summary.generatorBusy, percent),
      medianOf(summary.generatorLagMs, (value) => value.toFixed(1)),
      medianOf(summary.othersBusy, percent),
    ]),
  };
}

/** Empty if no node counted anything. */
export function countedTables(summaries: readonly ScenarioSummary[]): readonly Table[] {
  const names = (Object.keys(COUNTED) as readonly CountedWork[]).filter((name) =>
    summaries.some(({ counted }) => counted[name] !== undefined),
  );
  const stores = summaries.filter(({ counted }) => Object.keys(counted).length > 0);
  if (stores.length === 0) return [];
  return [
    {
      title: 'Work of all nodes per operation, as they count it: what no hardware changes',
      head: ['', ...names.map((name) => COUNTED_TITLES[name])],
      rows: stores.map(({ scenario, counted }) => [
        scenario.title,
        ...names.map((name) => (counted[name] === undefined ? '-' : significant(counted[name]))),
      ]),
    },
  ];
}

export function footprintTable({ footprints }: GridResult): Table {
  return {
    title: 'Memory and disk of the nodes',
    head: ['', 'memory idle', 'after load', 'on disk'],
    rows: footprints.map(({ node, idleBytes, loadedBytes, diskBytes }) => [
      node,
      megabytes(idleBytes),
      megabytes(loadedBytes),
      megabytes(diskBytes),
    ]),
  };
}

/** Bars of one value for each scenario, with the lowest and highest repeat. */
export function barsOf(
  summaries: readonly ScenarioSummary[],
  {
    id,
    title,
    label,
    unit,
    loadModel,
    samples,
  }: Pick<Figure, 'id' | 'title' | 'loadModel'> & {
    readonly label: string;
    readonly unit?: string;
    readonly samples: (summary: ScenarioSummary) => Samples;
  },
): Figure {
  return {
    id,
    title,
    type: 'bars',
    loadModel,
    x: { label: '', scale: 'category', categories: summaries.map(({ scenario }) => scenario.title) },
    y: { label, scale: 'linear', ...(unit === undefined ? {} : { unit }) },
    series: [
      {
        name: 'median of the repeats, lowest and highest',
        origin: 'measured',
        points: summaries.map((summary, x) => pointOf(x, samples(summary))),
      },
    ],
  };
}

/** The median, between the lowest and the highest. */
export function pointOf(x: number, samples: Samples): Figure['series'][number]['points'][number] {
  const spread = spreadOf(samples);
  if (spread === undefined) return { x, y: null };
  return { x, y: spread.median, low: spread.min, high: spread.max };
}

/** What a comparison of two runs compares. */
export function metricsOf(summaries: readonly ScenarioSummary[]): readonly Metric[] {
  return summaries.flatMap((summary) => {
    const { name } = summary.scenario;
    const metrics: readonly Metric[] = [
      { name: `${name} rate`, unit: 'operations/s', better: 'higher', samples: summary.operationsPerSecond },
      {
        name: `${name} share`,
        unit: 'of the yardstick',
        better: 'higher',
        samples: summary.shareOfYardstick,
      },
      { name: `${name} p50`, unit: 'µs', better: 'lower', samples: summary.p50Us },
      { name: `${name} p99`, unit: 'µs', better: 'lower', samples: summary.p99Us },
      { name: `${name} CPU`, unit: 'µs/operation', better: 'lower', samples: summary.serverCpuUs },
    ];
    return metrics.filter(({ samples }) => samples.length > 0);
  });
}

export function gridRemarks(result: GridResult, summaries: readonly ScenarioSummary[]): readonly string[] {
  const above = (samples: Samples, limit: number) => (spreadOf(samples)?.median ?? 0) > limit;
  const limited = summaries.filter(({ generatorBusy }) => above(generatorBusy, GENERATOR_LIMIT));
  const disturbed = summaries.filter(({ othersBusy }) => above(othersBusy, OTHERS_LIMIT));
  const titles = (some: readonly ScenarioSummary[]) =>
    some.length === summaries.length ? 'everything' : some.map(({ scenario }) => scenario.title).join('; ');
  return [
    'Nodes and load generator share the processors of one machine, and a closed loop hides stalls: latencies here are those of a saturated server.',
    ...(limited.length > 0 ? [`The load generator was the bottleneck of: ${titles(limited)}.`] : []),
    ...(disturbed.length > 0
      ? [
          `Others used more than ${percent(OTHERS_LIMIT)} of the machine, so measure again: ${titles(disturbed)}.`,
        ]
      : []),
    ...(result.disk.inMemory ? ['The data lies in memory: a sync is free here.'] : []),
    ...missingSeries(summaries),
  ];
}

function missingSeries(summaries: readonly ScenarioSummary[]): readonly string[] {
  const stores = summaries.filter(({ counted }) => Object.keys(counted).length > 0);
  const missing = (Object.keys(COUNTED) as readonly CountedWork[]).filter((name) =>
    stores.every(({ counted }) => counted[name] === undefined),
  );
  if (stores.length === 0 || missing.length === 0) return [];
  return [`The nodes do not count: ${missing.map((name) => COUNTED_TITLES[name]).join(', ')}.`];
}

export function gridVerdict(result: GridResult): Verdict {
  const answered = result.measurements.reduce((sum, { result: { answered: count } }) => sum + count, 0);
  if (result.problems.length > 0) return { isSound: false, text: result.problems.join('; ') };
  return {
    isSound: true,
    text: `All ${whole(answered)} answers had a status that the request may get, and a value of the right length.`,
  };
}
