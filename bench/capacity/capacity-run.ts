/**
 * One run of the bench: yardstick, cluster and load generator as processes of their own, scenarios in turns.
 *
 * The speed of a processor drifts within minutes, so scenarios are interleaved: each repeat measures all of them, and a
 * share is taken of the yardstick of the same repeat.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startCluster, type BenchCluster } from '../system/cluster.ts';
import { diskBytes, examineDisk, type Disk } from '../system/disk.ts';
import {
  describeFailures,
  startLoadGenerator,
  type LoadGenerator,
  type LoadJob,
  type LoadResult,
} from '../load/closed-loop.ts';
import type { BenchOptions } from '../options.ts';
import { residentBytes } from '../system/process-cost.ts';
import { LOADING, SCENARIOS, type Scenario } from './scenarios.ts';
import { VALUE_BYTES } from '../load/workload.ts';
import { startYardstick, type Yardstick } from '../system/yardstick.ts';

/** Nodes of the cluster, and copies of each key. */
export const NODE_COUNT = 3;
/** Pause before memory at rest is read and between measurements, milliseconds. */
const SETTLE_MS = 2_000;
const PAUSE_MS = 300;

/** One scenario in one repeat (from 1). */
export interface Measurement {
  readonly scenario: string;
  readonly repeat: number;
  readonly result: LoadResult;
}

/** What one node took of the machine; undefined where the system does not tell. */
export interface Footprint {
  readonly node: string;
  readonly idleBytes: number | undefined;
  readonly loadedBytes: number | undefined;
  readonly diskBytes: number;
}

/** All that was measured. */
export interface BenchResult {
  readonly disk: Disk;
  readonly measurements: readonly Measurement[];
  readonly footprints: readonly Footprint[];
  /** Bytes of the values that each node holds a copy of. */
  readonly valueBytesStored: number;
  /** Why the figures must not be used; empty for a valid run. */
  readonly problems: readonly string[];
}

/** Where to put things, whom to tell, when to stop. */
export interface BenchRunContext {
  readonly options: BenchOptions;
  readonly profileDirectory: string | undefined;
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
}

interface Participants {
  readonly yardstick: Yardstick;
  readonly cluster: BenchCluster;
  readonly generator: LoadGenerator;
}

/** Runs everything and leaves nothing behind but profiles. Rejects if it was aborted or a process ended. */
export async function runBench(context: BenchRunContext): Promise<BenchResult> {
  const { options, signal } = context;
  await mkdir(options.outputDirectory, { recursive: true });
  const directory = await mkdtemp(join(options.outputDirectory, 'run-'));
  const stops: (() => Promise<void>)[] = [() => rm(directory, { recursive: true, force: true })];
  try {
    const disk = await examineDisk(directory);
    const yardstick = await startYardstick();
    stops.push(() => yardstick.stop());
    const generator = startLoadGenerator();
    stops.push(() => generator.stop());
    // A job under way then rejects, and everything is stopped below.
    signal.addEventListener('abort', () => void generator.stop());
    context.progress(`starting ${NODE_COUNT} nodes`);
    const cluster = await startCluster({
      ...options,
      nodeCount: NODE_COUNT,
      directory,
      profileDirectory: context.profileDirectory,
      signal,
    });
    stops.push(() => cluster.stop());
    return { disk, ...(await measureAll(context, { yardstick, cluster, generator })) };
  } finally {
    // In reverse order: the data goes last, when nobody writes to it.
    for (const stop of stops.reverse()) await stop();
  }
}

async function measureAll(
  context: BenchRunContext,
  participants: Participants,
): Promise<Omit<BenchResult, 'disk'>> {
  const { options, signal } = context;
  const { cluster } = participants;
  await delay(SETTLE_MS, undefined, { signal });
  const idle = cluster.nodes.map(({ pid }) => residentBytes(pid));
  context.progress(`loading ${options.storedKeys} keys`);
  const loading = await participants.generator.run(loadingJob(options, participants));
  // What is not there cannot be read: nothing that follows would mean anything.
  const missing = problemsOf('loading', loading);
  if (missing.length > 0) throw new Error(missing.join('; '));
  const problems: string[] = [];
  const measurements: Measurement[] = [];
  // Repeat 0 warms up: its failures count, its figures do not.
  for (let repeat = 0; repeat <= options.repeats; repeat++) {
    for (const scenario of chosenScenarios(options)) {
      await delay(PAUSE_MS, undefined, { signal });
      const result = await participants.generator.run(scenarioJob(scenario, repeat, options, participants));
      cluster.assertRunning();
      measurements.push({ scenario: scenario.name, repeat, result });
      problems.push(...problemsOf(`${scenario.title}, repeat ${repeat}`, result));
      context.progress(progressLine(scenario, repeat, options, result));
    }
  }
  const footprints = await Promise.all(
    cluster.nodes.map(async (node, index) => ({
      node: node.id,
      idleBytes: idle[index],
      loadedBytes: residentBytes(node.pid),
      diskBytes: await diskBytes(node.dataDirectory),
    })),
  );
  const valueBytesStored = (loading.answered + writesOf(measurements)) * VALUE_BYTES;
  return {
    measurements: measurements.filter(({ repeat }) => repeat > 0),
    footprints,
    valueBytesStored,
    problems,
  };
}

/** The scenarios of this run, in order; the yardstick is always among them. */
export function chosenScenarios(options: BenchOptions): readonly Scenario[] {
  return SCENARIOS.filter(
    ({ name, target }) => target === 'yardstick' || options.only === undefined || options.only.includes(name),
  );
}

function loadingJob(options: BenchOptions, participants: Participants): Omit<LoadJob, 'name'> {
  return {
    urls: participants.cluster.nodes.map(({ url }) => url),
    connections: options.connections,
    workload: LOADING,
    keys: { freshPrefix: '', storedKeys: options.storedKeys },
    length: { type: 'requests', requests: options.storedKeys },
    watch: watched(participants),
  };
}

function scenarioJob(
  scenario: Scenario,
  repeat: number,
  options: BenchOptions,
  participants: Participants,
): Omit<LoadJob, 'name'> {
  const nodeUrls = participants.cluster.nodes.map(({ url }) => url);
  const urls = {
    yardstick: [participants.yardstick.url],
    'one node': nodeUrls.slice(0, 1),
    'all nodes': nodeUrls,
  };
  return {
    urls: urls[scenario.target],
    connections: options.connections,
    workload: scenario.workload,
    keys: { freshPrefix: `${scenario.name}-${repeat}`, storedKeys: options.storedKeys },
    length: {
      type: 'window',
      warmUpMs: options.warmUpMs,
      measureMs: repeat === 0 ? options.firstWarmUpMs : options.measureMs,
    },
    watch: watched(participants),
  };
}

/** All of them always: what is not watched would count as the work of others. */
function watched({ yardstick, cluster }: Participants): LoadJob['watch'] {
  return { yardstick: yardstick.pid, ...Object.fromEntries(cluster.nodes.map(({ id, pid }) => [id, pid])) };
}

function problemsOf(title: string, result: LoadResult): string[] {
  const problems = describeFailures(result.failures);
  if (result.requests === 0) return [`${title}: nothing was answered`, ...problems];
  return problems.map((problem) => `${title}: ${problem}`);
}

function writesOf(measurements: readonly Measurement[]): number {
  const writing = new Set(
    SCENARIOS.filter(({ target, workload }) => target !== 'yardstick' && workload.method === 'PUT').map(
      ({ name }) => name,
    ),
  );
  return measurements
    .filter(({ scenario }) => writing.has(scenario))
    .reduce((sum, { result }) => sum + result.answered, 0);
}

function progressLine(scenario: Scenario, repeat: number, options: BenchOptions, result: LoadResult): string {
  const rate = Math.round(result.requests / result.seconds).toLocaleString('en');
  const turn = repeat === 0 ? 'warm-up' : `${repeat}/${options.repeats}`;
  return `${turn.padEnd(7)}  ${scenario.title.padEnd(22)} ${rate.padStart(7)} requests/s`;
}
