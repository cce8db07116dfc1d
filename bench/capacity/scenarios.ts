/** What is measured. The order is that of each repeat: the yardstick first, so that it is close to all it is compared with. */
import { HEADERS } from '../../src/api/headers.ts';
import { CAS_BUCKET, type Workload } from '../load/workload.ts';

/** One kind of load on one target. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly target: 'yardstick' | 'one node' | 'all nodes';
  readonly workload: Workload;
}

/** The scenario whose requests/s are the unit of all others. */
export const YARDSTICK = 'yardstick-put';

const NODE_TARGETS = [
  { target: 'one node', suffix: '' },
  { target: 'all nodes', suffix: '-spread' },
] as const;

const freshPut = { method: 'PUT', keys: 'fresh' } as const;
const storedGet = { method: 'GET', keys: 'stored', expectedStatus: 200 } as const;

/** A fresh key answers 201: with 204 the key was not fresh, and the figure would be that of another scenario. */
const NODE_WORKLOADS: readonly {
  readonly name: string;
  readonly title: string;
  readonly workload: Workload;
}[] = [
  {
    name: 'put-w2',
    title: 'PUT W=2',
    workload: { ...freshPut, headers: { [HEADERS.w]: '2' }, expectedStatus: 201 },
  },
  {
    name: 'create',
    title: 'PUT If-None-Match: *',
    workload: { ...freshPut, headers: { 'If-None-Match': '*' }, expectedStatus: 201 },
  },
  {
    name: 'update',
    title: 'PUT If-Match',
    workload: { method: 'PUT', keys: 'own', headers: {}, expectedStatus: 204 },
  },
  {
    name: 'update-cas',
    title: 'PUT If-Match, mode cas',
    workload: { method: 'PUT', keys: 'own', bucket: CAS_BUCKET, headers: {}, expectedStatus: 204 },
  },
  {
    name: 'get-linearizable',
    title: 'GET linearizable',
    workload: { ...storedGet, headers: { [HEADERS.consistency]: 'linearizable' } },
  },
  { name: 'get-r1', title: 'GET R=1', workload: { ...storedGet, headers: { [HEADERS.r]: '1' } } },
  { name: 'get-r2', title: 'GET R=2', workload: { ...storedGet, headers: { [HEADERS.r]: '2' } } },
];

/** All scenarios. The yardstick gets the headers, too: parsing them is part of HTTP. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: YARDSTICK,
    title: 'bare node:http PUT',
    target: 'yardstick',
    workload: { ...freshPut, headers: { [HEADERS.w]: '2' }, expectedStatus: 204 },
  },
  {
    name: 'yardstick-get',
    title: 'bare node:http GET',
    target: 'yardstick',
    workload: { ...storedGet, headers: { [HEADERS.r]: '2' } },
  },
  ...NODE_TARGETS.flatMap(({ target, suffix }) =>
    NODE_WORKLOADS.map(({ name, title, workload }) => ({
      name: `${name}${suffix}`,
      title: `${title}, ${target}`,
      target,
      workload,
    })),
  ),
];

/** Loads the keys for the reads: on all replicas, so that a read at R=1 finds them on each. */
export const LOADING: Workload = {
  method: 'PUT',
  keys: 'stored',
  headers: { [HEADERS.w]: '3' },
  expectedStatus: 201,
};
