/** What `lost-updates` has found, as a section. */
import type { Figure, LoadModel, Point, Section, Series } from '../../report/document.ts';
import { ARMS, armOf } from '../arms/arms.ts';
import { describeHealth } from '../clients/health.ts';
import { perMillionText, perSecondText, millisecondsText, pointOf, positivePointOf } from '../figures.ts';
import { lostPerMillion } from '../judging/lost-ids.ts';
import { CLIENTS, type LostPoint, type LostUpdates } from './measurement.ts';
import { verdictOf } from '../judging/verdict.ts';

/** Figures, tables and the answer. */
export function lostUpdatesSection(measured: LostUpdates): Section {
  const { points, broken, healths } = measured;
  const loadModel = loadModelOf(measured);
  const levels = [...new Set(points.map(({ clientsPerKey }) => clientsPerKey))];
  return {
    id: 'lost-updates',
    title: 'Lost updates by contention',
    question:
      'When several clients change the same value at once, how many of the changes that were acknowledged are gone in the end?',
    answer: answerOf(points),
    figures: figuresOf(points, loadModel),
    tables: [
      {
        title: 'The arms',
        head: ['arm', 'what its client does'],
        rows: ARMS.map(({ title, text }) => [title, text]),
      },
      ...levels.map((level) => ({
        title: `${level} ${level === 1 ? 'client' : 'clients'} per key`,
        head: ['arm', 'acknowledged', 'lost', 'lost per million', 'updates/s', 'p50 ms', 'p99 ms'],
        rows: points.filter(({ clientsPerKey }) => clientsPerKey === level).map(rowOf),
      })),
    ],
    metrics: metricsOf(points),
    remarks: [
      'All arms go through the client library, which asks the home replicas of a key in turn for reads and the first one for writes.',
      'E1 stands for a last-write-wins store: the client keeps the newest sibling by its time and its write supersedes what the read saw. All nodes have one clock here; clocks that differ lose more. It may lose what the same client wrote before, too: a read at R=1 may come to a replica that has not got it yet.',
      'Each update carries the whole value, a list of all ids so far; every point begins with empty keys.',
      describeHealth(healths),
    ],
    verdict: verdictOf(
      broken,
      'E2, E3, C1 and C2 have lost nothing and applied nothing twice, nothing that was refused came back, and what the clients of C1 and C2 were told is linearizable.',
    ),
  };
}

function loadModelOf({ slotMs, repeats }: LostUpdates): LoadModel {
  return {
    type: 'closed',
    text: `${CLIENTS} clients in one process, each updating one key as fast as it can; windows of ${slotMs} ms, ${repeats} for each point, the arms in turn; latency of a whole update with all its rounds`,
  };
}

function answerOf(points: readonly LostPoint[]): string {
  const most = points.findLast(({ arm }) => arm === 'E1');
  const others = points.filter(({ arm }) => arm !== 'E1');
  const lost = others.reduce((sum, { judgement }) => sum + judgement.lost.length, 0);
  const acknowledged = others.reduce((sum, { judgement }) => sum + judgement.acknowledged, 0);
  if (most === undefined) return 'Nothing was measured.';
  const share = (lostPerMillion(most.judgement) ?? 0) / 10_000;
  return `With ${most.clientsPerKey} clients on a key, last-write-wins lost ${share.toFixed(1)} % of what it had acknowledged; merged siblings and compare-and-set lost ${lost} of ${acknowledged.toLocaleString('en')} updates at any contention.`;
}

function figuresOf(points: readonly LostPoint[], loadModel: LoadModel): readonly Figure[] {
  const x = { label: 'clients per key', scale: 'logarithmic' } as const;
  const series = (point: (each: LostPoint) => Omit<Point, 'x'>): readonly Series[] =>
    ARMS.map(({ id, title }) => ({
      name: title,
      origin: 'measured',
      points: points
        .filter(({ arm }) => arm === id)
        .map((each) => ({ x: each.clientsPerKey, ...point(each) })),
    }));
  return [
    {
      ...{ id: 'lost-per-million', title: 'Acknowledged updates that are lost', type: 'lines', loadModel, x },
      y: { label: 'lost updates per million', scale: 'linear' },
      series: series(({ perMillion }) => pointOf(perMillion)),
    },
    {
      ...{ id: 'updates-per-second', title: 'Updates acknowledged', type: 'lines', loadModel, x },
      y: { label: 'updates per second, all keys together', unit: '1/s', scale: 'logarithmic' },
      series: series(({ perSecond }) => positivePointOf(perSecond)),
    },
    {
      ...{ id: 'update-p99', title: 'How long an update takes', type: 'lines', loadModel, x },
      y: { label: 'p99 of an update', unit: 'ms', scale: 'logarithmic' },
      series: series(({ p99Ms }) => ({ y: p99Ms ?? null })),
    },
  ];
}

function rowOf({ arm, judgement, perSecond, p50Ms, p99Ms, latencyCount }: LostPoint): readonly string[] {
  return [
    armOf(arm).title,
    String(judgement.acknowledged),
    String(judgement.lost.length),
    perMillionText(lostPerMillion(judgement)),
    perSecondText(perSecond),
    millisecondsText(p50Ms),
    `${millisecondsText(p99Ms)} (of ${latencyCount})`,
  ];
}

function metricsOf(points: readonly LostPoint[]): Section['metrics'] {
  return points.flatMap(({ arm, clientsPerKey, perMillion, perSecond }) => [
    {
      name: `${arm}, ${clientsPerKey} per key: lost`,
      unit: 'per million',
      better: 'lower' as const,
      samples: perMillion.filter((each) => each !== undefined),
    },
    {
      name: `${arm}, ${clientsPerKey} per key: updates`,
      unit: '1/s',
      better: 'higher' as const,
      samples: perSecond,
    },
  ]);
}
