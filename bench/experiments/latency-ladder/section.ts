/** What `latency-ladder` has found, as a section. */
import type { PacedResult } from '../../load/open-loop.ts';
import type { Figure, LoadModel, Point, Section, Series } from '../../report/document.ts';
import { spreadOf } from '../../report/statistics.ts';
import { millisecondsText, percentText, pointOf, positivePointOf } from '../figures.ts';
import { CONNECTIONS, KINDS, type Ladder, type Kind, type Step } from './measurement.ts';

/** Fewer good answers in a window say nothing of their slowest hundredth. */
const SAMPLES_FOR_P99 = 100;
/** Beyond that the generator was late itself. */
const LATE_MS = 50;
const HALF = 0.5;

/** Figures, tables and the answer. */
export function latencyLadderSection(ladder: Ladder): Section {
  const { capacities, steps } = ladder;
  return {
    id: 'latency-ladder',
    title: 'Latency by load',
    question:
      'How long do requests take at a tenth of what the cluster can do, near its capacity, and beyond?',
    answer: answerOf(ladder),
    figures: figuresOf(ladder),
    tables: KINDS.map((kind) => ({
      title: `${kind.title}: capacity ${perSecond(capacities.get(kind))}/s`,
      head: [
        'of capacity',
        'offered/s',
        'answered well/s',
        'share',
        'p50 ms',
        'p99 ms',
        'slowest ms',
        'other answers',
      ],
      rows: steps.filter((step) => step.kind === kind).map(rowOf),
    })),
    metrics: steps
      .filter(({ share }) => share <= 1)
      .map(({ kind, share, results }) => ({
        name: `${kind.title} at ${percentText(share)}: p99`,
        unit: 'ms',
        better: 'lower' as const,
        samples: results.map((result) => p99Of(kind, result)).filter((ms) => ms !== undefined),
      })),
    remarks: [
      'The capacity is what the same connections get closed loop in this run; the cluster, its load generator and whatever else runs share the processors.',
      'Latency counts from the moment at which a request was due, good answers only; what was not answered well is in the share.',
      ...latenessOf(steps),
    ],
  };
}

function answerOf({ steps, capacities }: Ladder): string {
  const parts = KINDS.flatMap((kind) => {
    const own = steps.filter((step) => step.kind === kind);
    const usual = own.reduce<Step | undefined>(
      (best, step) =>
        best === undefined || Math.abs(step.share - HALF) < Math.abs(best.share - HALF) ? step : best,
      undefined,
    );
    if (usual === undefined) return [];
    const p99 = millisecondsText(medianOf(usual.results.map((result) => p99Of(kind, result))));
    return [`${kind.title} ${p99} ms at ${percentText(usual.share)} of ${perSecond(capacities.get(kind))}/s`];
  });
  return `The slowest hundredth takes, by kind of request: ${parts.join('; ')}.`;
}

function figuresOf({ steps, measureMs, repeats }: Ladder): readonly Figure[] {
  const loadModel: LoadModel = {
    type: 'open',
    text: `requests due at even times on up to 256 connections to each of three nodes, latency from when they were due; windows of ${measureMs} ms or more, ${repeats} for each point, kinds in turn; capacity by ${CONNECTIONS} connections, closed loop`,
  };
  const x = { label: 'offered, of capacity', unit: '%', scale: 'linear' } as const;
  const series = (point: (step: Step) => Omit<Point, 'x'>): readonly Series[] =>
    KINDS.map((kind) => ({
      name: kind.title,
      origin: 'measured',
      points: steps
        .filter((step) => step.kind === kind)
        .map((step) => ({ x: 100 * step.share, ...point(step) })),
    }));
  return [
    {
      ...{ id: 'ladder-p99', title: 'p99 by load', type: 'lines', loadModel, x },
      y: { label: 'p99 from when a request was due', unit: 'ms', scale: 'logarithmic' },
      series: series(({ kind, results }) => positivePointOf(results.map((result) => p99Of(kind, result)))),
    },
    {
      ...{ id: 'ladder-p50', title: 'p50 by load', type: 'lines', loadModel, x },
      y: { label: 'p50 from when a request was due', unit: 'ms', scale: 'logarithmic' },
      series: series(({ results }) => positivePointOf(results.map(({ p50Us }) => p50Us / 1_000))),
    },
    {
      ...{ id: 'ladder-accepted', title: 'Answered well by load', type: 'lines', loadModel, x },
      y: { label: 'answered well, of what was offered, %', scale: 'linear' },
      series: series((step) => pointOf(step.results.map((result) => 100 * wellShare(step.kind, result)))),
    },
  ];
}

function rowOf(step: Step): readonly string[] {
  const { kind, share, results } = step;
  const offered = results.map((result) => result.offered / result.seconds);
  const well = results.map((result) => goodOf(kind, result) / result.seconds);
  return [
    percentText(share),
    perSecond(medianOf(offered)),
    perSecond(medianOf(well)),
    percentText(medianOf(results.map((result) => wellShare(kind, result)))),
    millisecondsText(medianOf(results.map(({ p50Us }) => p50Us / 1_000))),
    millisecondsText(medianOf(results.map((result) => p99Of(kind, result)))),
    millisecondsText(Math.max(0, ...results.map(({ maxUs }) => maxUs / 1_000))),
    othersOf(kind, results),
  ];
}

function goodOf({ workload }: Kind, { statuses }: PacedResult): number {
  return statuses[workload.expectedStatus] ?? 0;
}

function wellShare(kind: Kind, result: PacedResult): number {
  return result.offered === 0 ? 1 : goodOf(kind, result) / result.offered;
}

function p99Of(kind: Kind, result: PacedResult): number | undefined {
  return goodOf(kind, result) < SAMPLES_FOR_P99 ? undefined : result.p99Us / 1_000;
}

function othersOf({ workload }: Kind, results: readonly PacedResult[]): string {
  const counts = new Map<string, number>();
  const add = (what: string, count: number): unknown => counts.set(what, (counts.get(what) ?? 0) + count);
  for (const { statuses, errors, unsent } of results) {
    for (const [status, count] of Object.entries(statuses))
      if (Number(status) !== workload.expectedStatus) add(status, count);
    add('no answer', errors);
    add('not sent', unsent);
  }
  return [...counts]
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${what}: ${count}`)
    .join(', ');
}

function latenessOf(steps: readonly Step[]): readonly string[] {
  const latest = Math.max(0, ...steps.flatMap(({ results }) => results.map(({ latestMs }) => latestMs)));
  if (latest < LATE_MS) return [];
  return [
    `The load generator began requests up to ${latest.toFixed(0)} ms late: the machine was busy, and that is part of the latencies.`,
  ];
}

function medianOf(samples: readonly (number | undefined)[]): number | undefined {
  return spreadOf(samples.filter((sample) => sample !== undefined))?.median;
}

function perSecond(rate: number | undefined): string {
  return rate === undefined ? '-' : Math.round(rate).toLocaleString('en');
}
