/** The section `latency` from what was measured. */
import { REQUESTS, type RequestName } from '../capacity/scenarios.ts';
import { latencyCells } from '../capacity/summary-parts.ts';
import type { LatencySummary } from '../load/latency.ts';
import type { PacedResult } from '../load/open-loop.ts';
import type { Figure, LoadModel, Section, Table, Verdict } from '../report/document.ts';
import { medianOf, percent, whole, withRange } from '../report/number-format.ts';
import { spreadOf } from '../report/statistics.ts';
import type { LatencyLengths, LatencyMeasurement } from './latency.ts';

/** Requests begun later than this at the 99th percentile show the generator, not the store. */
const LATE_LIMIT_MS = 5;
/** Both generators must agree within this factor where nothing queues, or within what an alarm that sets off a request may be late. */
const AGREEMENT = 1.5;
const ALARM_LATE_US = 500;

const PERCENTILES = [
  { name: 'p50', of: ({ p50Us }: LatencySummary) => p50Us },
  { name: 'p90', of: ({ p90Us }: LatencySummary) => p90Us },
  { name: 'p99', of: ({ p99Us }: LatencySummary) => p99Us },
  { name: 'p99.9', of: ({ p999Us }: LatencySummary) => p999Us },
  { name: 'max', of: ({ maxUs }: LatencySummary) => maxUs },
] as const;

interface RequestGroup {
  readonly request: RequestName;
  readonly title: string;
  readonly all: readonly LatencyMeasurement[];
}

export function latencySection(
  measurements: readonly LatencyMeasurement[],
  { repeats, measureMs }: LatencyLengths,
  problems: readonly string[],
): Section {
  const names = [...new Set(measurements.map(({ request }) => request))];
  const groups: readonly RequestGroup[] = names.map((request) => {
    const all = measurements.filter((measurement) => measurement.request === request);
    return { request, title: all[0]?.title ?? request, all };
  });
  const loadModel: LoadModel = {
    type: 'open',
    text:
      'open loop, Poisson arrivals over all nodes at half of the capacity of the same repeat; latency from the moment a request ' +
      `was due; ${repeats} interleaved ${repeats === 1 ? 'repeat' : 'repeats'} of ${measureMs / 1000} s`,
  };
  return {
    id: 'latency',
    title: 'Latency at half of the capacity',
    question: 'How long does a user wait for an answer while the cluster has half of what it can bear to do?',
    answer: answerOf(groups),
    figures: [percentileFigure(groups, loadModel)],
    tables: [latencyTable(groups), offeredTable(groups), agreementTable(groups)],
    metrics: groups.flatMap(({ request, all }) => [
      {
        name: `${request} p50`,
        unit: 'µs',
        better: 'lower' as const,
        samples: all.map(({ half }) => half.p50Us),
      },
      {
        name: `${request} p99`,
        unit: 'µs',
        better: 'lower' as const,
        samples: all.map(({ half }) => half.p99Us),
      },
    ]),
    remarks: remarksOf(groups),
    verdict: verdictOf(measurements, problems),
  };
}

function answerOf(groups: readonly RequestGroup[]): string {
  const texts = groups.map(({ title, all }) => {
    const of = (figure: (half: PacedResult) => number) =>
      medianOf(
        all.map(({ half }) => figure(half)),
        (microseconds) => (microseconds / 1000).toFixed(1),
      );
    const rate = medianOf(
      all.map(({ half }) => half.offered / half.seconds),
      whole,
    );
    return `${title} ${of(({ p50Us }) => p50Us)} and ${of(({ p99Us }) => p99Us)} ms at ${rate}/s`;
  });
  return `Median and 99th percentile: ${texts.join('; ')}.`;
}

function percentileFigure(groups: readonly RequestGroup[], loadModel: LoadModel): Figure {
  const told = PERCENTILES.filter(({ of }) =>
    groups.some(({ all }) => all.some(({ half }) => of(half) !== undefined)),
  );
  return {
    id: 'percentiles',
    title: 'Latency by percentile',
    type: 'lines',
    loadModel,
    x: { label: 'percentile', scale: 'category', categories: told.map(({ name }) => name) },
    y: { label: 'latency', unit: 'ms', scale: 'logarithmic' },
    series: groups.map(({ title, all }) => ({
      name: title,
      origin: 'measured',
      points: told.map(({ of }, x) => {
        const values = all.flatMap(({ half }) => {
          const microseconds = of(half);
          return microseconds === undefined ? [] : [microseconds / 1000];
        });
        const spread = spreadOf(values);
        return spread === undefined
          ? { x, y: null }
          : { x, y: spread.median, low: spread.min, high: spread.max };
      }),
    })),
  };
}

function latencyTable(groups: readonly RequestGroup[]): Table {
  return {
    title: 'Latency by outcome, of all repeats together (ms; p99.9 from 10,000 samples on)',
    head: ['', 'outcome', 'samples', 'p50', 'p90', 'p99', 'p99.9', 'max'],
    rows: groups.flatMap(({ title, all }) =>
      Object.entries(all.at(-1)?.half.pooledOutcomes ?? {}).map(([outcome, latency], index) => [
        index === 0 ? title : '',
        outcome,
        ...latencyCells(latency),
      ]),
    ),
  };
}

function offeredTable(groups: readonly RequestGroup[]): Table {
  return {
    title: 'What was offered, what was answered, and the health of the generator',
    head: [
      '',
      'capacity/s',
      'offered/s',
      'answered well',
      'begun late p99 ms',
      'generator busy',
      'loop late p99 ms',
      'nodes waited for CPU',
    ],
    rows: groups.map(({ title, all }) => {
      const halves = all.map(({ half }) => half);
      return [
        title,
        withRange(
          all.map(({ capacity }) => capacity.requests / capacity.seconds),
          whole,
        ),
        withRange(
          halves.map(({ offered, seconds }) => offered / seconds),
          whole,
        ),
        medianOf(
          halves.map(({ samples, offered }) => samples / offered),
          percent,
        ),
        withRange(
          halves.map(({ lateP99Ms }) => lateP99Ms),
          (value) => value.toFixed(2),
        ),
        medianOf(halves.map(busyOf), percent),
        medianOf(
          halves.map(({ lag }) => lag.p99Ms),
          (value) => value.toFixed(1),
        ),
        medianOf(halves.flatMap(waitedOf), percent),
      ];
    }),
  };
}

/** Where nothing queues, both ways to measure must see the same. */
function agreementTable(groups: readonly RequestGroup[]): Table {
  const cell = (samples: readonly number[]) => withRange(samples, (value) => (value / 1000).toFixed(2));
  return {
    title: 'Both generators where nothing queues: one connection, and four fifths of its rate (p50, ms)',
    head: ['', 'closed loop, 1 connection', 'offered/s', 'open loop', 'open of closed'],
    rows: groups.map(({ title, all }) => [
      title,
      cell(all.map(({ lowClosed }) => lowClosed.latency.p50Us)),
      withRange(
        all.map(({ low }) => low.offered / low.seconds),
        whole,
      ),
      cell(all.map(({ low }) => low.p50Us)),
      withRange(all.map(agreementOf), (value) => value.toFixed(2)),
    ]),
  };
}

function agreementOf({ low, lowClosed }: LatencyMeasurement): number {
  return low.p50Us / lowClosed.latency.p50Us;
}

function busyOf({ cpuMicroseconds, seconds }: PacedResult): number {
  return (cpuMicroseconds['generator'] ?? 0) / (seconds * 1e6);
}

/** Part of the time in which the event loop of a node had work but no processor, the mean of all nodes; none where systems do not tell. */
function waitedOf({ processorWaitMicroseconds, seconds }: PacedResult): readonly number[] {
  const waits = Object.entries(processorWaitMicroseconds).filter(([name]) => name !== 'generator');
  const microseconds = waits.reduce((sum, [, wait]) => sum + wait, 0);
  return microseconds === 0 ? [] : [microseconds / (waits.length * seconds * 1e6)];
}

function remarksOf(groups: readonly RequestGroup[]): readonly string[] {
  const median = (samples: readonly number[]) => spreadOf(samples)?.median ?? 0;
  const late = groups.filter(({ all }) => median(all.map(({ half }) => half.lateP99Ms)) > LATE_LIMIT_MS);
  const disagreeing = groups.filter(({ all }) => {
    const ratio = median(all.map(agreementOf));
    const apartUs = median(all.map(({ low, lowClosed }) => Math.abs(low.p50Us - lowClosed.latency.p50Us)));
    return apartUs > ALARM_LATE_US && (ratio > AGREEMENT || ratio < 1 / AGREEMENT);
  });
  const titles = (some: readonly RequestGroup[]) => some.map(({ title }) => title).join(', ');
  return [
    'Nodes and load generator share the processors of one machine: what one of them takes, the others wait for. How much of the time the event loops of the nodes had work but no processor is told above; it is part of these latencies, the more so of the high percentiles.',
    ...(late.length === 0
      ? []
      : [`The generator began requests late, which is part of these latencies: ${titles(late)}.`]),
    ...(disagreeing.length === 0
      ? []
      : [
          `The generators disagree by more than a half where nothing queues: ${titles(disagreeing)}. An open loop lets the machine ` +
            'rest between requests, and what has rested is slower for a while: how much, is told of the machine.',
        ]),
  ];
}

/** Not well, but as the store says it does under load: nothing is promised by it. */
const REFUSALS = ['503', '504'];

function verdictOf(measurements: readonly LatencyMeasurement[], problems: readonly string[]): Verdict {
  const wrong = measurements.flatMap(({ request, title, half, low }) => {
    const expected = [String(REQUESTS[request].expectedStatus), ...REFUSALS];
    return [half, low].flatMap(({ statuses }) =>
      Object.entries(statuses)
        .filter(([status]) => !expected.includes(status))
        .map(([status, count]) => `${title}: ${count} answers with status ${status}`),
    );
  });
  const texts = [...problems, ...wrong];
  if (texts.length > 0) return { isSound: false, text: texts.join('; ') };
  const offered = measurements.reduce((sum, { half, low }) => sum + half.offered + low.offered, 0);
  const bad = measurements.reduce((sum, { half, low }) => sum + notWell(half) + notWell(low), 0);
  if (bad === 0) return { isSound: true, text: `All ${whole(offered)} requests were answered well.` };
  return {
    isSound: true,
    text: `${whole(bad)} of ${whole(offered)} requests were refused, late or lost; all others were answered well.`,
  };
}

function notWell({ offered, samples }: PacedResult): number {
  return offered - samples;
}
