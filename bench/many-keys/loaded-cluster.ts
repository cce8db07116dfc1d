/**
 * A cluster of three nodes that start on a great many keys. The nodes are started once without any, so that each directory is
 * its node's own; then one store is filled, the others get its records, and the nodes are started again, one after the other.
 */
import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Contestant } from '../capacity/contestants.ts';
import { whole } from '../report/number-format.ts';
import {
  configurationFile,
  isReady,
  startCluster,
  type BenchCluster,
  type ClusterNode,
  type ClusterPlan,
} from '../system/cluster.ts';
import { residentMemory, type ResidentMemory } from '../system/process-cost.ts';
import { startProgram } from '../system/program.ts';
import type { Stops } from '../system/temporary-cluster.ts';
import type { StoreLoadJob, StoreLoadReply } from './load-program.ts';
import { copyRecords } from './twin-store.ts';

const NODE_COUNT = 3;
/** Bytes of a value. */
export const VALUE_BYTES = 100;

/**
 * Bytes on the disk of a node for each key, at most: a record takes some 170, a table that LevelDB sorts anew is there twice, and
 * there is to be room for what is written afterwards.
 */
const DISK_BYTES_PER_KEY = 400;
const READY_POLL_MS = 10;
const READY_TIMEOUT_MS = 600_000;

/** One of the clusters that are compared. */
export interface LoadedClusterPlan extends Pick<ClusterPlan, 'program' | 'fsync' | 'signal'> {
  /** Names it as a target. */
  readonly name: string;
  readonly keys: number;
  /** Existing; what it needs goes below it. */
  readonly directory: string;
  readonly progress: (line: string) => void;
}

/** How one node started. */
export interface NodeStart {
  readonly node: string;
  /** From the start of its process until `/readyz` answers 200. */
  readonly readySeconds: number;
  /** At that moment; undefined where the system does not tell. */
  readonly memory: ResidentMemory | undefined;
}

/** A cluster that was started on its keys. */
export interface LoadedCluster {
  readonly name: string;
  readonly keys: number;
  readonly contestant: Contestant;
  readonly nodes: readonly ClusterNode[];
  readonly starts: readonly NodeStart[];
  /** What it took to fill all stores. */
  readonly loadSeconds: number;
}

/** Rejects, saying how much is missing, if so many keys may not find room below a directory. */
export async function assertRoom(directory: string, keys: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const neededBytes = keys * NODE_COUNT * DISK_BYTES_PER_KEY;
  if (bavail * bsize >= neededBytes) return;
  const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
  throw new Error(
    `${whole(keys)} keys on ${NODE_COUNT} nodes may take ${gigabytes(neededBytes)} GB, and ${gigabytes(bavail * bsize)} GB are free below ${directory}. ` +
      'Make room, name another directory by --output, or ask for fewer by --keys.',
  );
}

/** Fills the stores and starts the nodes; what has to be stopped again is added to `stops`. */
export async function startLoadedCluster(plan: LoadedClusterPlan, stops: Stops): Promise<LoadedCluster> {
  const { name, keys, signal } = plan;
  const directory = join(plan.directory, name);
  await mkdir(directory);
  const cluster = await startCluster({
    ...plan,
    directory,
    nodeCount: NODE_COUNT,
    profileDirectory: undefined,
  });
  stops.push(() => cluster.stop());
  await cluster.stop();
  const startMs = performance.now();
  await fillStores(plan, directory, cluster.nodes, stops);
  const loadSeconds = (performance.now() - startMs) / 1000;
  const starts: NodeStart[] = [];
  for (const node of cluster.nodes) starts.push(await startTimed(node, signal));
  for (const node of cluster.nodes) await untilReady(node, { signal, withMajorities: true });
  return { name, keys, contestant: contestantOf(name, cluster), nodes: cluster.nodes, starts, loadSeconds };
}

async function fillStores(
  { keys, progress, signal, name }: LoadedClusterPlan,
  directory: string,
  nodes: readonly ClusterNode[],
  stops: Stops,
): Promise<void> {
  const [first, ...others] = nodes;
  if (first === undefined) throw new Error('there is no node to load');
  const program = startProgram(new URL('./load-program.ts', import.meta.url));
  stops.push(() => program.stop());
  // What waits for its answer then rejects.
  signal.addEventListener('abort', () => void program.stop(), { once: true });
  program.send({
    configurationFile: configurationFile({ directory }, first.id),
    nodeId: first.id,
    directory: first.dataDirectory,
    keys,
    valueBytes: VALUE_BYTES,
  } satisfies StoreLoadJob);
  progress(`writing ${whole(keys)} keys into a store of ${name}`);
  for (;;) {
    const reply = (await program.nextMessage()) as StoreLoadReply;
    if (reply.type === 'done') break;
    if (reply.type === 'failed') throw new Error(`the store could not be filled: ${reply.reason}`);
    progress(`${whole(reply.keys)} keys written`);
  }
  await program.stop();
  for (const { id, dataDirectory } of others) {
    signal.throwIfAborted();
    progress(`copying the records to ${id}`);
    await copyRecords(first.dataDirectory, dataDirectory);
  }
}

async function startTimed(node: ClusterNode, signal: AbortSignal): Promise<NodeStart> {
  const startMs = performance.now();
  node.launch();
  await untilReady(node, { signal, withMajorities: false });
  return {
    node: node.id,
    readySeconds: (performance.now() - startMs) / 1000,
    memory: residentMemory(node.pid),
  };
}

async function untilReady(
  node: ClusterNode,
  { signal, withMajorities }: { readonly signal: AbortSignal; readonly withMajorities: boolean },
): Promise<void> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  while (!(await isReady(node, withMajorities))) {
    if (performance.now() > deadlineMs)
      throw new Error(`${node.id} is not ready after ${READY_TIMEOUT_MS} ms`);
    node.assertRunning();
    await delay(READY_POLL_MS, undefined, { signal });
  }
}

function contestantOf(name: string, cluster: BenchCluster): Contestant {
  return {
    name,
    cluster,
    urls: cluster.nodes.map(({ url }) => url),
    processes: Object.fromEntries(cluster.nodes.map(({ id, pid }) => [`${name} ${id}`, pid])),
    assertRunning: () => cluster.assertRunning(),
  };
}
