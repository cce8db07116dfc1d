/** A document with a figure of each type, gaps, computed series, events, and text that would break a page which does not escape. */
import type { BenchDocument, Figure, LoadModel, Point } from '../../../bench/report/document.ts';

const closed: LoadModel = { type: 'closed', text: 'closed loop, 64 connections' };
const open: LoadModel = { type: 'open', text: 'open loop, Poisson arrivals' };

/** What a value must not be able to do. */
const HOSTILE = `</script><script>window.isBroken = true</script><img src=x onerror="isBroken=true"> & "quoted" 'too'`;

function line(from: number, factor: number, hasSpread = true): readonly Point[] {
  return [10, 25, 50, 75, 90, 100, 120].map((x) => {
    const y = from * factor ** (x / 20);
    return hasSpread ? { x, y, low: y * 0.8, high: y * 1.3 } : { x, y };
  });
}

const ARMS = ['E1 last write', 'E2 siblings', 'E3 quorum', 'C1 compare-and-set', 'C2 linearizable'];

const FIGURES: readonly Figure[] = [
  {
    id: 'nothing',
    title: 'A figure without a point',
    type: 'bubbles',
    loadModel: closed,
    x: { label: 'p99', unit: 'ms', scale: 'linear' },
    y: { label: 'lost', scale: 'linear' },
    series: [{ name: 'E1', origin: 'measured', points: [{ x: 0, y: null }] }],
  },
  {
    id: 'ladder',
    title: 'Latency from 10 % to 120 % of capacity',
    type: 'lines',
    loadModel: open,
    x: { label: 'offered load', unit: '% of capacity', scale: 'linear' },
    y: { label: 'p99', unit: 'ms', scale: 'logarithmic' },
    series: [
      ...ARMS.map((name, index) => ({
        name,
        origin: 'measured' as const,
        points: line(1 + index, 1.3 + index / 12),
      })),
      { name: 'queue of one server', origin: 'computed', points: line(0.5, 1.9, false) },
    ],
  },
  {
    id: 'headline',
    title: 'Latency against lost updates',
    type: 'bubbles',
    loadModel: closed,
    x: { label: 'lost updates', unit: 'per million', scale: 'linear' },
    y: { label: 'p99', unit: 'ms', scale: 'linear' },
    sizeLabel: 'answered during the partition',
    series: ARMS.map((name, index) => ({
      name,
      origin: 'measured' as const,
      points: [{ x: index < 1 ? 310_000 : index, y: 5 + index * 9, size: 1 - index * 0.2, label: name }],
    })),
  },
  {
    id: 'timeline',
    title: 'Through kill, restart, partition and heal',
    type: 'steps',
    loadModel: open,
    x: { label: 'time', unit: 's', scale: 'linear' },
    y: { label: 'answered well', unit: '/s', scale: 'linear' },
    events: [
      { x: 10, label: 'kill -9 of n3' },
      { x: 22, label: 'restart of n3' },
      { x: 35, label: 'partition {n1} {n2, n3}' },
      { x: 48, label: 'heal' },
    ],
    series: ['majority', 'minority'].map((name, index) => ({
      name,
      origin: 'measured' as const,
      points: Array.from({ length: 60 }, (_, x) => ({
        x,
        y: x > 35 && x < 48 && index === 1 ? (x === 40 ? null : 0) : 300 - index * 40 + (x % 7) * 4,
      })),
    })),
  },
  {
    id: 'freshness',
    title: 'Fresh reads by quorum',
    type: 'lines',
    loadModel: closed,
    x: { label: 'quorum', scale: 'category', categories: ['N3 R1 W1', 'N3 R1 W2', 'N3 R2 W2', 'N5 R2 W2'] },
    y: { label: 'fresh', unit: '%', scale: 'linear' },
    series: [
      {
        name: 'measured',
        origin: 'measured',
        points: [70, 91, 100, 88].map((y, x) => ({ x, y, low: y - 3, high: Math.min(100, y + 2) })),
      },
      { name: 'PBS', origin: 'computed', points: [66.7, 88.9, 100, 91].map((y, x) => ({ x, y })) },
    ],
  },
  {
    id: 'attempts',
    title: 'What became of attempts',
    type: 'bars',
    loadModel: closed,
    x: {
      label: '',
      scale: 'category',
      categories: [`4 writers of one key, ${HOSTILE}`, '16 writers', '64 writers'],
    },
    y: { label: 'attempts', unit: '/s', scale: 'linear' },
    series: [
      {
        name: 'won',
        origin: 'measured',
        points: [
          { x: 0, y: 700, low: 640, high: 730 },
          { x: 1, y: 400, low: 380, high: 460 },
          { x: 2, y: 102, low: 90, high: 110 },
        ],
      },
      {
        name: 'lost',
        origin: 'measured',
        points: [
          { x: 0, y: 210 },
          { x: 1, y: 1_400 },
          { x: 2, y: null },
        ],
      },
      {
        name: 'expected',
        origin: 'computed',
        points: [
          { x: 0, y: 650 },
          { x: 1, y: 450 },
        ],
      },
    ],
  },
  {
    id: 'connections',
    title: 'By connections',
    type: 'lines',
    loadModel: { type: 'none', text: 'computed from the table' },
    x: { label: 'connections', scale: 'logarithmic' },
    y: { label: 'requests/s', scale: 'linear' },
    series: [
      {
        name: 'PUT',
        origin: 'measured',
        points: [1, 2, 4, 8, 16, 32, 64].map((x) => ({ x, y: 900 * Math.log2(2 * x) })),
      },
    ],
  },
];

export const SAMPLE: BenchDocument = {
  format: 'quorate-bench/1',
  about: {
    command: `npm run bench -- --only "${HOSTILE}"`,
    date: '2026-01-02T03:04:05.678Z',
    durationSeconds: 612.3,
    commit: '0123456789ab+changes',
    seed: 7,
    machine: { processor: 'one, 2 processors', system: HOSTILE },
    configuration: { nodes: '3', fsync: 'on' },
  },
  sections: [
    {
      id: 'eventual-or-cas',
      title: 'Eventual against compare-and-set',
      question: 'What does it cost to lose no update?',
      answer:
        'Of a million increments 310,000 were lost by last write wins, none by compare-and-set, at 4.1 times the p99.',
      figures: FIGURES,
      tables: [
        {
          title: `Table of ${HOSTILE}`,
          head: ['arm', 'p99 ms', 'answers'],
          rows: [
            ['E1', '4.10 (3.9-4.4)', '204 x 1,000'],
            [HOSTILE, '-', HOSTILE],
          ],
        },
      ],
      metrics: [{ name: 'p99', unit: 'ms', better: 'lower', samples: [1, 2, 3] }],
      remarks: ['The load generator was the bottleneck of: nothing.', HOSTILE],
      verdict: { isSound: true, text: 'All histories are linearizable.' },
    },
    {
      id: 'broken',
      title: 'A section that failed',
      question: 'What if a node ends?',
      answer: 'It could not be measured.',
      figures: [],
      tables: [],
      metrics: [],
      remarks: [],
      verdict: { isSound: false, text: 'node n2 ended (exit code 1)' },
    },
  ],
};
