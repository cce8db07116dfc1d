/** The other groups: one thing varied, all else as in the section `capacity`. */
import { HEADERS } from '../../src/api/headers.ts';
import {
  QUORATE,
  loadingOf,
  REQUESTS,
  REQUEST_TITLES,
  type RequestName,
  type Scenario,
} from '../capacity/scenarios.ts';
import type { ClusterSpec } from '../capacity/contestants.ts';
import type { Axis, Figure } from '../report/document.ts';
import { significant, whole } from '../report/number-format.ts';
import { rateOf, seriesOf, type Group } from './group.ts';
import { YCSB } from './ycsb.ts';

const RATE: Axis = { label: 'operations/s', scale: 'linear' };

const SIZES = [100, 1024, 102_400] as const;
/** Of the largest values fewer are stored, which would fill a disk. */
const MAX_STORED_BYTES = 100_000_000;
const SIZE_REQUESTS = ['put-w2', 'get-r2'] as const satisfies readonly RequestName[];

const VALUE_SIZES: Group = {
  id: 'value-sizes',
  title: 'Values of 100 B, 1 KB and 100 KB',
  question: 'What do large values cost?',
  clusters: ({ fsync }) => [{ name: QUORATE, nodeCount: 3, fsync }],
  loadings: ({ storedKeys }) =>
    SIZES.map((valueBytes) => loadingOf(QUORATE, keysOfSize(storedKeys, valueBytes), { valueBytes })),
  scenarios: ({ storedKeys }) =>
    SIZES.flatMap((valueBytes) =>
      SIZE_REQUESTS.map(
        (request): Scenario => ({
          name: `${request}-${valueBytes}`,
          title: `${REQUEST_TITLES[request]}, ${valueBytes.toLocaleString('en')} B`,
          target: QUORATE,
          through: 'one node',
          storedKeys: keysOfSize(storedKeys, valueBytes),
          workload: { ...REQUESTS[request], valueBytes },
        }),
      ),
    ),
  figures: (summaries, loadModel) => [
    {
      id: 'rate',
      title: 'Operations per second by the length of values',
      type: 'lines',
      loadModel,
      x: { label: 'length of a value', unit: 'B', scale: 'logarithmic' },
      y: { ...RATE, scale: 'logarithmic' },
      series: SIZE_REQUESTS.map((request) =>
        seriesOf(summaries, {
          name: REQUEST_TITLES[request],
          places: SIZES.map((x) => ({ x, scenario: `${request}-${x}` })),
        }),
      ),
    },
  ],
  answer: (summaries) =>
    `${SIZE_REQUESTS.map(
      (request) =>
        `${REQUEST_TITLES[request]}: ${SIZES.map(
          (bytes) =>
            `${whole(rateOf(summaries, `${request}-${bytes}`))}/s of ${bytes.toLocaleString('en')} B ` +
            `(${significant((rateOf(summaries, `${request}-${bytes}`) * bytes) / 1e6)} MB/s)`,
        ).join(', ')}`,
    ).join('; ')}.`,
  remarks: [],
};

function keysOfSize(storedKeys: number, valueBytes: number): number {
  return Math.max(100, Math.min(storedKeys, Math.floor(MAX_STORED_BYTES / valueBytes)));
}

const COPIES = [1, 3, 5] as const;
const QUORUMS = COPIES.flatMap((n) => [...new Set([1, Math.floor(n / 2) + 1, n])].map((of) => ({ n, of })));

const QUORUM_MATRIX: Group = {
  id: 'quorums',
  title: 'N, R and W on five nodes',
  question: 'What does it cost to keep more copies, and to wait for more of them?',
  clusters: ({ fsync }) => [{ name: QUORATE, nodeCount: 5, fsync }],
  loadings: ({ storedKeys }) =>
    COPIES.map((n) => {
      const loading = loadingOf(QUORATE, storedKeys, { bucket: bucketOf(n), copies: n });
      const headers = { [HEADERS.n]: String(n), [HEADERS.w]: String(n) };
      return { ...loading, workload: { ...loading.workload, headers } };
    }),
  scenarios: ({ storedKeys }) =>
    (['put', 'get'] as const).flatMap((kind) =>
      QUORUMS.map(({ n, of }): Scenario => {
        const quorum = kind === 'put' ? 'W' : 'R';
        const headers = { [HEADERS.n]: String(n), [kind === 'put' ? HEADERS.w : HEADERS.r]: String(of) };
        return {
          name: `${kind}-n${n}-${quorum.toLowerCase()}${of}`,
          title: `${kind.toUpperCase()} N=${n} ${quorum}=${of}`,
          target: QUORATE,
          through: 'all nodes',
          storedKeys,
          workload: { ...REQUESTS[kind === 'put' ? 'put-w2' : 'get-r2'], bucket: bucketOf(n), headers },
        };
      }),
    ),
  figures: (summaries, loadModel) =>
    [
      quorumFigure('rate', 'Operations per second', RATE, ({ operationsPerSecond }) => operationsPerSecond),
      quorumFigure(
        'cpu',
        'CPU time per operation, all nodes together',
        { label: 'CPU', unit: 'µs', scale: 'linear' },
        ({ serverCpuUs }) => serverCpuUs,
      ),
    ].map((figure) => figure(summaries, loadModel)),
  answer: (summaries) =>
    `PUT with N=3: ${whole(rateOf(summaries, 'put-n3-w1'))}/s at W=1, ${whole(rateOf(summaries, 'put-n3-w2'))} at W=2, ${whole(rateOf(summaries, 'put-n3-w3'))} at W=3; ` +
    `GET: ${whole(rateOf(summaries, 'get-n3-r1'))}/s at R=1, ${whole(rateOf(summaries, 'get-n3-r2'))} at R=2, ${whole(rateOf(summaries, 'get-n3-r3'))} at R=3.`,
  remarks: [
    'Every write goes to all N replicas; W says how many of them must have it before it is answered. So W changes the wait more than the work.',
    'Requests go to all five nodes by turns; a node that is no replica of the key forwards them.',
  ],
};

function bucketOf(n: number): string {
  return `bench-n${n}`;
}

function quorumFigure(
  id: string,
  title: string,
  y: Axis,
  samples: NonNullable<Parameters<typeof seriesOf>[1]['samples']>,
): (...of: Parameters<Group['figures']>) => Figure {
  return (summaries, loadModel) => ({
    id,
    title,
    type: 'bars',
    loadModel,
    x: { label: '', scale: 'category', categories: QUORUMS.map(({ n, of }) => `N=${n}, quorum of ${of}`) },
    y,
    series: [
      { name: 'PUT (W)', kind: 'put', quorum: 'w' },
      { name: 'GET (R)', kind: 'get', quorum: 'r' },
    ].map(({ name, kind, quorum }) =>
      seriesOf(summaries, {
        name,
        samples,
        places: QUORUMS.map(({ n, of }, x) => ({ x, scenario: `${kind}-n${n}-${quorum}${of}` })),
      }),
    ),
  });
}

const CONNECTIONS = [1, 2, 4, 8, 16, 32, 64] as const;
const CONNECTION_REQUESTS = [
  'put-w2',
  'get-r2',
  'get-linearizable',
] as const satisfies readonly RequestName[];

const BY_CONNECTIONS: Group = {
  id: 'connections',
  title: 'From 1 to 64 connections',
  question: 'How many clients does it take to keep the cluster busy?',
  clusters: ({ fsync }) => [{ name: QUORATE, nodeCount: 3, fsync }],
  loadings: ({ storedKeys }) => [loadingOf(QUORATE, storedKeys)],
  scenarios: ({ storedKeys }) =>
    CONNECTION_REQUESTS.flatMap((request) =>
      CONNECTIONS.map(
        (connections): Scenario => ({
          name: `${request}-${connections}c`,
          title: `${REQUEST_TITLES[request]}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`,
          target: QUORATE,
          through: 'all nodes',
          storedKeys,
          connections,
          workload: REQUESTS[request],
        }),
      ),
    ),
  figures: (summaries, loadModel) =>
    (['rate', 'p99'] as const).map((id) => ({
      id,
      title: id === 'rate' ? 'Requests per second by connections' : 'p99 by connections',
      type: 'lines',
      loadModel: { ...loadModel, text: loadModel.text.replace(/\d+ connections/, '1 to 64 connections') },
      x: { label: 'connections', scale: 'logarithmic' },
      y:
        id === 'rate' ? { ...RATE, label: 'requests/s' } : { label: 'p99', unit: 'ms', scale: 'logarithmic' },
      series: CONNECTION_REQUESTS.map((request) =>
        seriesOf(summaries, {
          name: REQUEST_TITLES[request],
          places: CONNECTIONS.map((x) => ({ x, scenario: `${request}-${x}c` })),
          ...(id === 'p99' ? { samples: ({ p99Us }) => p99Us.map((value) => value / 1000) } : {}),
        }),
      ),
    })),
  answer: (summaries) =>
    `${CONNECTION_REQUESTS.map(
      (request) =>
        `${REQUEST_TITLES[request]}: ${whole(rateOf(summaries, `${request}-1c`))}/s with 1 connection, ${whole(rateOf(summaries, `${request}-64c`))}/s with 64`,
    ).join('; ')}.`,
  remarks: [],
};

/** Two clusters side by side that differ in one thing. */
function sideBySide(
  group: Pick<Group, 'id' | 'title' | 'question' | 'remarks'> & {
    readonly sides: readonly (ClusterSpec & { readonly label: string })[];
    readonly requests: readonly RequestName[];
  },
): Group {
  const { sides, requests } = group;
  return {
    ...group,
    clusters: ({ fsync }) => sides.map((side) => ({ ...side, fsync: side.fsync && fsync })),
    loadings: ({ storedKeys }) => sides.map(({ name }) => loadingOf(name, storedKeys)),
    scenarios: ({ storedKeys }) =>
      requests.flatMap((request) =>
        sides.map(
          ({ name, label }): Scenario => ({
            name: `${request}-${name}`,
            title: `${REQUEST_TITLES[request]}, ${label}`,
            target: name,
            through: 'all nodes',
            storedKeys,
            workload: REQUESTS[request],
          }),
        ),
      ),
    figures: (summaries, loadModel) => [
      {
        id: 'rate',
        title: 'Requests per second',
        type: 'bars',
        loadModel,
        x: { label: '', scale: 'category', categories: requests.map((request) => REQUEST_TITLES[request]) },
        y: { label: 'requests/s', scale: 'linear' },
        series: sides.map(({ name, label }) =>
          seriesOf(summaries, {
            name: label,
            places: requests.map((request, x) => ({ x, scenario: `${request}-${name}` })),
          }),
        ),
      },
    ],
    answer: (summaries) =>
      `${requests
        .map(
          (request) =>
            `${REQUEST_TITLES[request]}: ${sides.map(({ name, label }) => `${whole(rateOf(summaries, `${request}-${name}`))}/s ${label}`).join(', ')}`,
        )
        .join('; ')}.`,
  };
}

const CLUSTER_SIZES = sideBySide({
  id: 'cluster-sizes',
  title: 'Three and five nodes',
  question: 'What do two more nodes change, with three copies of each key as before?',
  sides: [
    { name: 'three', label: 'three nodes', nodeCount: 3, copies: 3, fsync: true },
    { name: 'five', label: 'five nodes', nodeCount: 5, copies: 3, fsync: true },
  ],
  requests: ['put-w2', 'get-r2', 'get-linearizable', 'update-cas'],
  remarks: [
    'All nodes share the processors of one machine, so five of them have no more to compute with than three: what is seen is the cost of forwarding and of more processes, not what five machines can do.',
  ],
});

const FSYNC = sideBySide({
  id: 'fsync',
  title: 'With and without fsync',
  question: 'What does it cost that an acknowledged write is on the disk?',
  sides: [
    { name: 'synced', label: 'fsync on', nodeCount: 3, fsync: true },
    { name: 'unsynced', label: 'fsync off', nodeCount: 3, fsync: false },
  ],
  requests: ['put-w2', 'create', 'update-cas'],
  remarks: [
    'Without fsync a machine that loses power loses acknowledged writes; a process that is killed does not.',
  ],
});

/** All groups, in the order of the report. */
export const GROUPS: readonly Group[] = [
  YCSB,
  VALUE_SIZES,
  QUORUM_MATRIX,
  BY_CONNECTIONS,
  CLUSTER_SIZES,
  FSYNC,
];
