/**
 * How long requests take from a tenth of what the cluster can do to more than it can: open loop, so that what waits is seen. The
 * capacity of each kind of request is measured first, closed loop, by the same connections to all nodes.
 */
import { HEADERS } from '../../../src/api/headers.ts';
import { type LoadGenerator, startLoadGenerator } from '../../load/closed-loop.ts';
import { type PacedGenerator, type PacedResult, startPacedGenerator } from '../../load/open-loop.ts';
import type { Workload } from '../../load/workload.ts';
import { withCluster } from '../../system/temporary-cluster.ts';
import type { ExperimentContext } from '../experiment.ts';

const NODES = 3;
export const CONNECTIONS = 64;
/** For each node: one more request is not sent, and counted. */
const MAX_CONNECTIONS = 256;
/** A node answers by then; what is overloaded says so. */
const TIMEOUT_MS = '2000';

/** A window is made longer for so many, for the sake of its p99, up to three times. */
const SAMPLES_PER_WINDOW = 120;
const MAX_STRETCH = 3;

/** One kind of request. */
export interface Kind {
  readonly name: string;
  readonly title: string;
  readonly workload: Workload;
}

export const KINDS: readonly Kind[] = [
  {
    ...{ name: 'put', title: 'PUT, W=2' },
    workload: { method: 'PUT', keys: 'fresh', headers: headers({ [HEADERS.w]: '2' }), expectedStatus: 201 },
  },
  {
    ...{ name: 'get', title: 'GET, R=2' },
    workload: { method: 'GET', keys: 'stored', headers: headers({ [HEADERS.r]: '2' }), expectedStatus: 200 },
  },
  {
    ...{ name: 'create', title: 'PUT, If-None-Match: *' },
    workload: {
      method: 'PUT',
      keys: 'fresh',
      headers: headers({ 'If-None-Match': '*' }),
      expectedStatus: 201,
    },
  },
  {
    ...{ name: 'linearizable', title: 'GET, linearizable' },
    workload: {
      ...{ method: 'GET', keys: 'stored', expectedStatus: 200 },
      headers: headers({ [HEADERS.consistency]: 'linearizable' }),
    },
  },
];

/** All replicas have the keys, so that no read repairs. */
const LOADING: Workload = {
  ...{ method: 'PUT', keys: 'stored', expectedStatus: 201 },
  headers: { [HEADERS.w]: String(NODES) },
};

/** One step, by repeat. */
export interface Step {
  readonly kind: Kind;
  /** Of the capacity. */
  readonly share: number;
  readonly results: readonly PacedResult[];
}

export interface Ladder {
  /** Requests/s by kind. */
  readonly capacities: ReadonlyMap<Kind, number>;
  readonly steps: readonly Step[];
  readonly measureMs: number;
  readonly repeats: number;
}

interface Plan {
  readonly shares: readonly number[];
  readonly repeats: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly storedKeys: number;
}

const FULL: Plan = {
  ...{ shares: [0.1, 0.4, 0.7, 0.9, 1.05, 1.2], repeats: 5 },
  ...{ warmUpMs: 100, measureMs: 400, storedKeys: 5_000 },
};
const QUICK: Plan = {
  ...{ shares: [0.1, 0.7, 1.2], repeats: 1 },
  ...{ warmUpMs: 100, measureMs: 200, storedKeys: 1_000 },
};

interface Generators {
  readonly closed: LoadGenerator;
  readonly paced: PacedGenerator;
  readonly urls: readonly string[];
  readonly plan: Plan;
}

/** Takes its time. */
export async function measureLatencyLadder(context: ExperimentContext): Promise<Ladder> {
  const { program, outputDirectory, signal, progress } = context;
  const plan = context.isQuick ? QUICK : FULL;
  return withCluster(
    { nodeCount: NODES, copies: NODES, program, outputDirectory, signal },
    async (cluster, stops) => {
      const closed = startLoadGenerator();
      stops.push(() => closed.stop());
      const paced = startPacedGenerator();
      stops.push(() => paced.stop());
      const generators = { closed, paced, plan, urls: cluster.nodes.map(({ url }) => url) };
      progress('latency-ladder: capacities');
      await load(generators);
      const capacities = new Map<Kind, number>();
      // Of two passes the second counts: code that has just started is slow.
      for (const kind of [...KINDS, ...KINDS]) capacities.set(kind, await capacityOf(generators, kind));
      const runs: { readonly kind: Kind; readonly share: number; readonly result: PacedResult }[] = [];
      for (let repeat = 1; repeat <= plan.repeats; repeat += 1) {
        progress(`latency-ladder: repeat ${repeat} of ${plan.repeats}`);
        for (const share of plan.shares) {
          for (const kind of KINDS) {
            signal.throwIfAborted();
            const perSecond = Math.max(1, Math.round(share * (capacities.get(kind) ?? 0)));
            const result = await step(generators, kind, perSecond, `${kind.name}-${repeat}-${share}`);
            runs.push({ kind, share, result });
          }
        }
      }
      cluster.assertRunning();
      const steps = KINDS.flatMap((kind) =>
        plan.shares.map((share) => ({
          ...{ kind, share },
          results: runs.filter((run) => run.kind === kind && run.share === share).map(({ result }) => result),
        })),
      );
      return { capacities, steps, measureMs: plan.measureMs, repeats: plan.repeats };
    },
  );
}

async function load({ closed, urls, plan }: Generators): Promise<void> {
  await closed.run({
    ...{ urls, connections: CONNECTIONS, workload: LOADING, watch: {} },
    keys: { freshPrefix: 'loading', storedKeys: plan.storedKeys },
    length: { type: 'requests', requests: plan.storedKeys },
  });
}

async function capacityOf({ closed, urls, plan }: Generators, { name, workload }: Kind): Promise<number> {
  const { requests, seconds } = await closed.run({
    ...{ urls, connections: CONNECTIONS, workload, watch: {} },
    keys: { freshPrefix: `capacity-${name}-${performance.now()}`, storedKeys: plan.storedKeys },
    length: { type: 'window', warmUpMs: plan.measureMs, measureMs: 2 * plan.measureMs },
  });
  return requests / seconds;
}

function step(
  { paced, urls, plan }: Generators,
  { workload }: Kind,
  requestsPerSecond: number,
  freshPrefix: string,
): Promise<PacedResult> {
  const { warmUpMs, storedKeys } = plan;
  const enoughMs = (SAMPLES_PER_WINDOW / requestsPerSecond) * 1_000;
  const measureMs = Math.min(MAX_STRETCH * plan.measureMs, Math.max(plan.measureMs, enoughMs));
  return paced.run({
    ...{ urls, requestsPerSecond, warmUpMs, measureMs, workload, watch: {} },
    maxConnections: MAX_CONNECTIONS,
    keys: { freshPrefix, storedKeys },
  });
}

function headers(own: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return { ...own, [HEADERS.timeoutMs]: TIMEOUT_MS };
}
