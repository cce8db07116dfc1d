/** Measures two clusters that differ in the number of their keys: starts, memory, and requests by turns. */
import { measureGrid, type GridContext, type GridTask, type GridResult } from '../capacity/grid-run.ts';
import type { GridOptions } from '../capacity/capacity.ts';
import { REQUESTS, type Scenario } from '../capacity/scenarios.ts';
import type { MixedWorkload, Traffic } from '../load/traffic.ts';
import { BUCKET } from '../load/workload.ts';
import { diskBytes, examineDisk } from '../system/disk.ts';
import { residentMemory, type ResidentMemory } from '../system/process-cost.ts';
import { withTemporaryDirectory } from '../system/temporary-cluster.ts';
import {
  assertRoom,
  startLoadedCluster,
  VALUE_BYTES,
  type LoadedCluster,
  type LoadedClusterPlan,
} from './loaded-cluster.ts';
import { untilAtRest, type Rest } from './rest.ts';

export const MANY = 'many';
export const FEW = 'few';

/** Kinds of requests, over keys of the whole range. */
export const KINDS = [
  { name: 'put-w2', title: 'PUT W=2 of new keys' },
  { name: 'get-r2', title: 'GET R=2' },
  { name: 'overwrite', title: 'GET and PUT over it' },
] as const;

/** Keys of the whole range; each as likely as any other. */
const UNIFORM = {
  type: 'mix',
  bucket: BUCKET,
  inserts: 0,
  updateBy: 'context',
  distribution: 'uniform',
  valueBytes: VALUE_BYTES,
} as const satisfies Partial<MixedWorkload>;

/** R is the default, 2 of 3. Two that write over one key at the same time leave siblings, so reads are those of a mix, which may see them. */
const TRAFFIC: Readonly<Record<(typeof KINDS)[number]['name'], Traffic>> = {
  'put-w2': { ...REQUESTS['put-w2'], valueBytes: VALUE_BYTES },
  'get-r2': { ...UNIFORM, updates: 0 },
  overwrite: { ...UNIFORM, updates: 1 },
};

/** Memory of one node of the cluster with many keys, in the order of the looks; undefined where the system does not tell. */
export interface NodeMemory {
  readonly node: string;
  readonly started: ResidentMemory | undefined;
  readonly atRest: ResidentMemory | undefined;
  readonly loaded: ResidentMemory | undefined;
  readonly diskBytes: number;
}

/** All that was measured. */
export interface ManyKeysResult {
  /** The one with few keys first. */
  readonly clusters: readonly LoadedCluster[];
  readonly scenarios: readonly Scenario[];
  readonly plan: GridTask;
  /** Requests while the nodes with many keys still build their digest trees: one turn. */
  readonly early: GridResult;
  readonly rest: Rest;
  /** Requests to nodes that have nothing else to do. */
  readonly grid: GridResult;
  /** Of both clusters. */
  readonly memory: readonly NodeMemory[];
}

/** Loads, starts and measures, and leaves nothing behind. */
export function measureManyKeys(
  options: GridOptions,
  counts: { readonly many: number; readonly few: number },
  context: GridContext & { readonly seed: number },
): Promise<ManyKeysResult> {
  const { progress, signal } = context;
  return withTemporaryDirectory(context.outputDirectory, async (directory, stops) => {
    await assertRoom(directory, counts.many + counts.few);
    const disk = await examineDisk(directory);
    const clusterPlan = (name: string, keys: number): LoadedClusterPlan => ({
      ...context,
      ...{ name, keys, directory, fsync: options.fsync },
    });
    const few = await startLoadedCluster(clusterPlan(FEW, counts.few), stops);
    const many = await startLoadedCluster(clusterPlan(MANY, counts.many), stops);
    const clusters = [few, many];
    const contestants = clusters.map(({ contestant }) => contestant);
    const scenarios = scenariosOf(clusters);
    const plan = planOf(options, scenarios, context.seed);
    progress('while digest trees are built:');
    const early = { disk, ...(await measureGrid(onceOnly(plan), context, contestants)) };
    progress('waiting for the digest trees');
    const pids = many.nodes.map(({ pid }) => pid);
    const rest = await untilAtRest(pids, signal);
    progress(`they took ${Math.round(rest.seconds)} s more`);
    const atRest = memoryOf(clusters);
    const grid = { disk, ...(await measureGrid(plan, context, contestants)) };
    const memory = await nodeMemories(clusters, atRest, memoryOf(clusters));
    return { clusters, scenarios, plan, early, rest, grid, memory };
  });
}

function scenariosOf(clusters: readonly LoadedCluster[]): readonly Scenario[] {
  return KINDS.flatMap(({ name, title }) =>
    clusters.map(
      (cluster): Scenario => ({
        name: scenarioName(name, cluster.name),
        title: `${title}, ${cluster.keys.toLocaleString('en')} keys`,
        target: cluster.name,
        through: 'all nodes',
        storedKeys: cluster.keys,
        workload: TRAFFIC[name],
      }),
    ),
  );
}

export function scenarioName(kind: string, cluster: string): string {
  return `${kind}-${cluster}`;
}

function planOf(
  { measuring, connections }: GridOptions,
  scenarios: readonly Scenario[],
  seed: number,
): GridTask {
  return { loadings: [], scenarios, measuring, connections, seed };
}

/** Its keys are none of those that are written as new ones later. */
function onceOnly(plan: GridTask): GridTask {
  return {
    ...plan,
    scenarios: plan.scenarios.map((scenario) => ({ ...scenario, name: `early-${scenario.name}` })),
    measuring: { ...plan.measuring, repeats: 1 },
  };
}

function memoryOf(clusters: readonly LoadedCluster[]): ReadonlyMap<number, ResidentMemory | undefined> {
  const nodes = clusters.flatMap((cluster) => cluster.nodes);
  return new Map(nodes.map(({ pid }) => [pid, residentMemory(pid)]));
}

function nodeMemories(
  clusters: readonly LoadedCluster[],
  atRest: ReadonlyMap<number, ResidentMemory | undefined>,
  loaded: ReadonlyMap<number, ResidentMemory | undefined>,
): Promise<readonly NodeMemory[]> {
  const nodes = clusters.flatMap(({ name, nodes: ofCluster, starts }) =>
    ofCluster.map((node, place) => ({ name, node, started: starts[place]?.memory })),
  );
  return Promise.all(
    nodes.map(async ({ name, node, started }) => ({
      node: `${name} ${node.id}`,
      started,
      atRest: atRest.get(node.pid),
      loaded: loaded.get(node.pid),
      diskBytes: await diskBytes(node.dataDirectory),
    })),
  );
}
