/** Everything that is asked in one run: the yardstick, clusters of the store, a peer. All run all the time; only one is under load. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startEtcd } from '../peer/etcd.ts';
import { startCluster, type BenchCluster } from '../system/cluster.ts';
import type { Stops } from '../system/temporary-cluster.ts';
import { startYardstick } from '../system/yardstick.ts';

export const YARDSTICK = 'yardstick';
export const ETCD = 'etcd';

/** One cluster of the store. */
export interface ClusterSpec {
  /** Names it as the target of scenarios. */
  readonly name: string;
  readonly nodeCount: number;
  /** N, if not all nodes. */
  readonly copies?: number;
  readonly fsync: boolean;
}

/** Who is to be asked. */
export interface Lineup {
  readonly clusters: readonly ClusterSpec[];
  readonly hasYardstick: boolean;
  /** The program of etcd, if it is to be measured, too. */
  readonly etcd?: string;
}

/** One that can be asked. */
export interface Contestant {
  readonly name: string;
  readonly urls: readonly string[];
  /** Process ids by name; names are unique among all contestants. */
  readonly processes: Readonly<Record<string, number>>;
  /** If it is a cluster of the store. */
  readonly cluster?: BenchCluster;
  readonly assertRunning: () => void;
}

export interface StartOptions {
  /** Existing; for configurations and data. */
  readonly directory: string;
  readonly program: string;
  readonly profileDirectory: string | undefined;
  readonly signal: AbortSignal;
}

/** Starts all of them; what has to be stopped again is added to `stops` as it starts. */
export async function startContestants(
  lineup: Lineup,
  options: StartOptions,
  stops: Stops,
): Promise<readonly Contestant[]> {
  const contestants: Contestant[] = [];
  if (lineup.hasYardstick) {
    const yardstick = await startYardstick();
    stops.push(() => yardstick.stop());
    contestants.push({
      name: YARDSTICK,
      urls: [yardstick.url],
      processes: { [YARDSTICK]: yardstick.pid },
      assertRunning: () => {},
    });
  }
  for (const spec of lineup.clusters) {
    const directory = join(options.directory, spec.name);
    await mkdir(directory);
    const cluster = await startCluster({ ...options, ...spec, directory });
    stops.push(() => cluster.stop());
    const prefix = lineup.clusters.length === 1 ? '' : `${spec.name} `;
    contestants.push({
      name: spec.name,
      urls: cluster.nodes.map(({ url }) => url),
      processes: Object.fromEntries(cluster.nodes.map(({ id, pid }) => [`${prefix}${id}`, pid])),
      cluster,
      assertRunning: () => cluster.assertRunning(),
    });
  }
  if (lineup.etcd !== undefined) {
    const etcd = await startEtcd(lineup.etcd, join(options.directory, ETCD), options.signal);
    stops.push(() => etcd.stop());
    contestants.push({ name: ETCD, ...etcd });
  }
  return contestants;
}
