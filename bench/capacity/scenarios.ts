/**
 * What is measured closed loop. The order is that of each repeat: the yardstick first, so that it is close to all it is compared
 * with, then reads, then writes. For some seconds after many writes LevelDB merges files: that is not for reads to pay.
 */
import { HEADERS } from '../../src/api/headers.ts';
import type { Traffic } from '../load/traffic.ts';
import { BUCKET, CAS_BUCKET, type Workload } from '../load/workload.ts';
import { YARDSTICK } from './contestants.ts';

/** The cluster that is measured unless a group compares several. */
export const QUORATE = 'quorate';

/** One kind of load on one contestant. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Name of a contestant. */
  readonly target: string;
  readonly through: 'one node' | 'all nodes';
  readonly workload: Traffic;
  /** Of keys loaded before. */
  readonly storedKeys: number;
  readonly connections?: number;
}

/** Keys that are stored before anything is measured. */
export interface Loading {
  readonly target: string;
  readonly workload: Traffic;
  readonly keys: number;
}

/** The scenario whose requests/s are the unit of all others. */
export const YARDSTICK_PUT = 'yardstick-put';

const freshPut = { method: 'PUT', keys: 'fresh' } as const;
const storedGet = { method: 'GET', keys: 'stored', expectedStatus: 200 } as const;

/** Requests to the store. A fresh key answers 201: with 204 the key was not fresh, and the figure would be that of another scenario. */
export const REQUESTS = {
  'put-w2': { ...freshPut, headers: { [HEADERS.w]: '2' }, expectedStatus: 201 },
  create: { ...freshPut, headers: { 'If-None-Match': '*' }, expectedStatus: 201 },
  update: { method: 'PUT', keys: 'own', headers: {}, expectedStatus: 204 },
  'update-cas': { method: 'PUT', keys: 'own', bucket: CAS_BUCKET, headers: {}, expectedStatus: 204 },
  'get-r1': { ...storedGet, headers: { [HEADERS.r]: '1' } },
  'get-r2': { ...storedGet, headers: { [HEADERS.r]: '2' } },
  'get-linearizable': { ...storedGet, headers: { [HEADERS.consistency]: 'linearizable' } },
} as const satisfies Readonly<Record<string, Workload>>;

export type RequestName = keyof typeof REQUESTS;

export const REQUEST_TITLES: Readonly<Record<RequestName, string>> = {
  'put-w2': 'PUT W=2',
  create: 'PUT If-None-Match: *',
  update: 'PUT If-Match',
  'update-cas': 'PUT If-Match, mode cas',
  'get-linearizable': 'GET linearizable',
  'get-r1': 'GET R=1',
  'get-r2': 'GET R=2',
};

/** The yardstick gets the headers, too: parsing them is part of HTTP. */
export function yardstickScenarios(storedKeys: number): readonly Scenario[] {
  const target = { target: YARDSTICK, through: 'one node', storedKeys } as const;
  return [
    {
      ...target,
      name: YARDSTICK_PUT,
      title: 'bare node:http PUT',
      workload: { ...REQUESTS['put-w2'], expectedStatus: 204 },
    },
    { ...target, name: 'yardstick-get', title: 'bare node:http GET', workload: REQUESTS['get-r2'] },
  ];
}

/** Which requests the default run makes through one node, and which through all of them. */
const DEFAULT_SPREAD: readonly RequestName[] = ['put-w2', 'get-r2', 'update-cas', 'get-linearizable'];

/** What a quick run makes, through one node. */
export const QUICK_SCENARIOS: readonly string[] = ['put-w2', 'get-r2', 'get-linearizable', 'update-cas'];

/** Those of the section `capacity`, beside the yardstick. */
export function capacityScenarios(
  storedKeys: number,
): readonly (Scenario & { readonly isDefault: boolean })[] {
  const names = Object.keys(REQUESTS) as readonly RequestName[];
  const scenario = (name: RequestName) =>
    ({ target: QUORATE, workload: REQUESTS[name], storedKeys }) as const;
  const all = [
    ...names.map((name) => ({
      ...scenario(name),
      name,
      title: `${REQUEST_TITLES[name]}, one node`,
      through: 'one node' as const,
      isDefault: true,
    })),
    ...names.map((name) => ({
      ...scenario(name),
      name: `${name}-spread`,
      title: `${REQUEST_TITLES[name]}, all nodes`,
      through: 'all nodes' as const,
      isDefault: DEFAULT_SPREAD.includes(name),
    })),
  ];
  return [...all.filter(isRead), ...all.filter((one) => !isRead(one))];
}

function isRead({ workload }: { readonly workload: Workload }): boolean {
  return workload.method === 'GET';
}

/** Loads the keys for the reads: on all replicas, so that a read at R=1 finds them on each. */
export function loadingOf(
  target: string,
  keys: number,
  { copies = 3, valueBytes, bucket = BUCKET }: LoadingOptions = {},
): Loading {
  return {
    target,
    keys,
    workload: {
      method: 'PUT',
      keys: 'stored',
      bucket,
      // A bucket of mode `cas` takes no plain writes.
      headers: bucket === CAS_BUCKET ? { 'If-None-Match': '*' } : { [HEADERS.w]: String(copies) },
      expectedStatus: 201,
      ...(valueBytes === undefined ? {} : { valueBytes }),
    },
  };
}

export interface LoadingOptions {
  /** N of the cluster: 3 unless given. */
  readonly copies?: number;
  readonly valueBytes?: number;
  readonly bucket?: string;
}
