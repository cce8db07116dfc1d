/** A directory and a cluster for one bench, which leave nothing behind. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BenchCluster, type ClusterPlan, startCluster } from './cluster.ts';
import { PROJECT_DIRECTORY } from './project-directory.ts';

/** What was started besides, in order; all of it is stopped in reverse. */
export type Stops = (() => Promise<void>)[];

/** What to start; what is left out is as for most benches. */
export interface TemporaryPlan {
  readonly nodeCount: number;
  readonly copies: number;
  /** The built command line (main.js). */
  readonly program?: string;
  readonly links?: boolean;
  /** Holds the data for as long as it takes. */
  readonly outputDirectory?: string;
  /** Gives up waiting for readiness. */
  readonly signal?: AbortSignal;
}

/** Makes a directory below an existing or a new one. When `use` has ended, however that was, all is stopped and it goes. */
export async function withTemporaryDirectory<Result>(
  outputDirectory: string,
  use: (directory: string, stops: Stops) => Promise<Result>,
): Promise<Result> {
  await mkdir(outputDirectory, { recursive: true });
  const directory = await mkdtemp(join(outputDirectory, 'run-'));
  const stops: Stops = [() => rm(directory, { recursive: true, force: true })];
  try {
    return await use(directory, stops);
  } finally {
    // In reverse order: the data goes last, when nobody writes to it.
    for (const stop of stops.reverse()) await stop();
  }
}

/** Starts the built program with fsync on, and stops everything when `use` has ended, however that was. */
export async function withCluster<Result>(
  {
    nodeCount,
    copies,
    program = join(PROJECT_DIRECTORY, 'dist/cli/main.js'),
    links = false,
    outputDirectory = join(PROJECT_DIRECTORY, '.bench'),
    signal = new AbortController().signal,
  }: TemporaryPlan,
  use: (cluster: BenchCluster, stops: Stops) => Promise<Result>,
): Promise<Result> {
  return withTemporaryDirectory(outputDirectory, async (directory, stops) => {
    const plan: ClusterPlan = {
      nodeCount,
      copies,
      directory,
      program,
      links,
      fsync: true,
      profileDirectory: undefined,
      signal,
    };
    const cluster = await startCluster(plan);
    stops.push(() => cluster.stop());
    return use(cluster, stops);
  });
}
