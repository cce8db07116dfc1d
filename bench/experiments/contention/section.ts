/** What `contention` has found, as a section. */
import type { Figure, LoadModel, Point, Section, Series } from '../../report/document.ts';
import { spreadOf } from '../../report/statistics.ts';
import { describeHealth } from '../clients/health.ts';
import { CLIENTS, CONTENDERS, type Contention, type ContentionPoint } from './measurement.ts';
import { millisecondsText, percentText, perSecondText, pointOf } from '../figures.ts';
import { verdictOf } from '../judging/verdict.ts';

/** Figures, tables and the answer. */
export function contentionSection(measured: Contention): Section {
  const { points, broken, healths } = measured;
  const loadModel = loadModelOf(measured);
  const counts = [...new Set(points.map(({ keys }) => keys))];
  return {
    id: 'contention',
    title: 'Contention',
    question: `When ${CLIENTS} clients want the same keys, how much gets done, at which price, and does everybody get a turn?`,
    answer: answerOf(points),
    figures: figuresOf(points, loadModel, counts),
    tables: counts.map((keys) => ({
      title: `${CLIENTS} clients on ${keys} ${keys === 1 ? 'key' : 'keys'}`,
      head: [
        'arm',
        'updates/s',
        'attempts that won',
        'rounds per update',
        'p50 ms',
        'p99 ms',
        "Jain's index",
        'most/fewest of a client',
        'most siblings',
      ],
      rows: points.filter((point) => point.keys === keys).map(rowOf),
    })),
    metrics: points.flatMap(({ contender, keys, perSecond, jain }) => [
      {
        name: `${contender.title}, ${keys} keys: updates`,
        unit: '1/s',
        better: 'higher',
        samples: perSecond,
      },
      { name: `${contender.title}, ${keys} keys: Jain's index`, unit: '', better: 'higher', samples: jain },
    ]),
    remarks: [
      'An attempt is a conditional write that was answered; rounds are those that the nodes proposed for these and for linearizable reads (`quorate_rounds_total`).',
      "Jain's index is that of one window: where a client gets but one or two turns in it, it cannot be near 1 (a Poisson share of mean m has m/(m+1)).",
      describeHealth(healths),
    ],
    verdict: verdictOf(
      broken,
      'Every acknowledged update is there in the end, none twice, and what the clients of C1 and C2 were told is linearizable.',
    ),
  };
}

function loadModelOf({ slotMs, hotSlotMs, repeats }: Contention): LoadModel {
  return {
    type: 'closed',
    text: `${CLIENTS} clients in one process, each updating one key as fast as it can; windows of ${slotMs} ms (${hotSlotMs} ms on one key), ${repeats} for each point, the arms in turn; latency of a whole update with all its rounds`,
  };
}

function answerOf(points: readonly ContentionPoint[]): string {
  const onOne = points.filter(({ keys }) => keys === 1);
  const of = (title: string): ContentionPoint | undefined =>
    onOne.find(({ contender }) => contender.title.startsWith(title));
  const [merged, swapped, cas] = [of('E3'), of('C2 compare'), of('C2 in')];
  if (merged === undefined || swapped === undefined || cas === undefined) return 'Nothing was measured.';
  return `On one key, ${CLIENTS} clients get ${perSecondText(merged.perSecond)} updates/s done by merging at quorum and ${perSecondText(swapped.perSecond)} by compare-and-set (${perSecondText(cas.perSecond)} in a bucket of mode cas), where ${percentText(swapped.wonShare)} of the attempts win.`;
}

function figuresOf(
  points: readonly ContentionPoint[],
  loadModel: LoadModel,
  counts: readonly number[],
): readonly Figure[] {
  const x = { label: 'keys', scale: 'category', categories: counts.map(String) } as const;
  const series = (point: (each: ContentionPoint) => Omit<Point, 'x'>): readonly Series[] =>
    CONTENDERS.map((contender) => ({
      name: contender.title,
      origin: 'measured',
      points: points
        .filter((each) => each.contender === contender)
        .map((each) => ({ x: counts.indexOf(each.keys), ...point(each) })),
    }));
  return [
    {
      ...{ id: 'contended-updates', title: `Goodput of ${CLIENTS} clients`, type: 'bars', loadModel, x },
      y: { label: 'updates acknowledged per second', unit: '1/s', scale: 'linear' },
      series: series(({ perSecond }) => pointOf(perSecond)),
    },
    {
      ...{ id: 'contended-fairness', title: 'Fairness', type: 'bars', loadModel, x },
      y: { label: "Jain's index of updates per client", scale: 'linear' },
      series: series(({ jain }) => pointOf(jain)),
    },
  ];
}

function rowOf(point: ContentionPoint): readonly string[] {
  const { contender, perSecond, wonShare, rounds, p50Ms, p99Ms, jain, most, fewest, mostSiblings } = point;
  return [
    contender.title,
    perSecondText(perSecond),
    wonShare === undefined ? '-' : percentText(wonShare),
    rounds === undefined ? '-' : rounds.toFixed(2),
    millisecondsText(p50Ms),
    `${millisecondsText(p99Ms)} (of ${point.latencyCount})`,
    (spreadOf(jain)?.median ?? 0).toFixed(2),
    `${most}/${fewest}`,
    rounds === undefined ? String(mostSiblings) : '-',
  ];
}
