/** A cluster for one bench, which leaves nothing behind. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BenchCluster, type ClusterPlan, startCluster } from './cluster.ts';
import { PROJECT_DIRECTORY } from './project-directory.ts';

/** What was started besides, in order; all of it is stopped in reverse. */
export type Stops = (() => Promise<void>)[];

/** Starts the built program with fsync on, and stops everything when `use` has ended, however that was. */
export async function withCluster<Result>(
  {
    nodeCount,
    copies,
    program = join(PROJECT_DIRECTORY, 'dist/cli/main.js'),
    signal = new AbortController().signal,
  }: {
    readonly nodeCount: number;
    readonly copies: number;
    readonly program?: string;
    /** Gives up the start. */
    readonly signal?: AbortSignal;
  },
  use: (cluster: BenchCluster, stops: Stops) => Promise<Result>,
): Promise<Result> {
  const output = join(PROJECT_DIRECTORY, '.bench');
  await mkdir(output, { recursive: true });
  const directory = await mkdtemp(join(output, 'run-'));
  const stops: Stops = [() => rm(directory, { recursive: true, force: true })];
  try {
    const plan: ClusterPlan = {
      nodeCount,
      copies,
      directory,
      program,
      fsync: true,
      profileDirectory: undefined,
      signal,
    };
    const cluster = await startCluster(plan);
    stops.push(() => cluster.stop());
    return await use(cluster, stops);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}
