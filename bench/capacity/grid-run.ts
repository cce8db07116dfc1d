/**
 * Runs a grid: scenarios by repeats, closed loop, on contestants that all run at the same time.
 *
 * The speed of a processor drifts within minutes, so scenarios are interleaved: each repeat measures all of them, and a
 * share is taken of the yardstick of the same repeat.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  describeFailures,
  startLoadGenerator,
  type LoadGenerator,
  type LoadJob,
  type LoadResult,
} from '../load/closed-loop.ts';
import { diskBytes, examineDisk, type Disk } from '../system/disk.ts';
import { countedBetween, readNodeCounters, type NodeCounters } from '../system/node-metrics.ts';
import { residentBytes } from '../system/process-cost.ts';
import { withTemporaryDirectory } from '../system/temporary-cluster.ts';
import { startContestants, type Contestant, type Lineup } from './contestants.ts';
import type { Loading, Scenario } from './scenarios.ts';

/** Pause before memory at rest is read and between measurements, milliseconds. */
const SETTLE_MS = 2_000;
const PAUSE_MS = 200;

/** How long and how often. */
export interface Measuring {
  readonly repeats: number;
  /** Each scenario runs once for so long before the first repeat, unmeasured: a node that has just started runs slow code. */
  readonly firstWarmUpMs: number;
  /** Before each measurement, under its own load. */
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** What is to be measured, and on whom. */
export interface GridPlan extends GridTask {
  readonly lineup: Lineup;
}

/** What is to be measured. */
export interface GridTask {
  /** What must be there before reads. */
  readonly loadings: readonly Loading[];
  readonly scenarios: readonly Scenario[];
  readonly measuring: Measuring;
  /** Of a scenario that does not say. */
  readonly connections: number;
  readonly seed: number;
  /** Starts what is to run beside a scenario, for as long as that runs; resolves to what ends it. */
  readonly beside?: (scenario: Scenario, repeat: number) => Promise<() => Promise<void>>;
  /** Other processes of the bench, by name and process id: what they use is not the work of others. */
  readonly watch?: Readonly<Record<string, number>>;
}

/** Where to put things, whom to tell, when to stop. */
export interface GridContext {
  readonly program: string;
  readonly outputDirectory: string;
  readonly profileDirectory?: string | undefined;
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
}

/** One scenario in one repeat (from 1). */
export interface Measurement {
  readonly scenario: string;
  readonly repeat: number;
  readonly result: LoadResult;
  /** What the nodes counted meanwhile, the warm-up included, and so for `result.answered` requests. */
  readonly counted: NodeCounters;
}

/** What one node took of the machine; undefined where the system does not tell. */
export interface Footprint {
  readonly node: string;
  readonly idleBytes: number | undefined;
  readonly loadedBytes: number | undefined;
  readonly diskBytes: number;
}

/** All that was measured. */
export interface GridResult {
  readonly disk: Disk;
  readonly contestants: readonly Pick<Contestant, 'name' | 'processes'>[];
  readonly measurements: readonly Measurement[];
  readonly footprints: readonly Footprint[];
  /** Why the figures must not be used; empty for a valid run. */
  readonly problems: readonly string[];
}

/** Runs everything and leaves nothing behind but profiles. Rejects if it was aborted or a process ended. */
export async function runGrid(plan: GridPlan, context: GridContext): Promise<GridResult> {
  return withTemporaryDirectory(context.outputDirectory, async (directory, stops) => {
    const disk = await examineDisk(directory);
    context.progress(`starting ${contestantsOf(plan.lineup)}`);
    const contestants = await startContestants(
      plan.lineup,
      { ...context, directory, profileDirectory: context.profileDirectory },
      stops,
    );
    return { disk, ...(await measureGrid(plan, context, contestants)) };
  });
}

/** Measures contestants that run already, and leaves them running. */
export async function measureGrid(
  plan: GridTask,
  context: Pick<GridContext, 'progress' | 'signal'>,
  contestants: readonly Contestant[],
): Promise<Omit<GridResult, 'disk'>> {
  const generator = startLoadGenerator();
  const stop = (): void => void generator.stop();
  // A job under way then rejects.
  context.signal.addEventListener('abort', stop);
  try {
    const measured = await new GridRun(plan, context, contestants, generator).run();
    return { contestants: contestants.map(({ name, processes }) => ({ name, processes })), ...measured };
  } finally {
    context.signal.removeEventListener('abort', stop);
    await generator.stop();
  }
}

class GridRun {
  readonly #plan: GridTask;
  readonly #context: Pick<GridContext, 'progress' | 'signal'>;
  readonly #contestants: readonly Contestant[];
  readonly #generator: LoadGenerator;
  readonly #measurements: Measurement[] = [];
  readonly #problems: string[] = [];

  constructor(
    plan: GridTask,
    context: Pick<GridContext, 'progress' | 'signal'>,
    contestants: readonly Contestant[],
    generator: LoadGenerator,
  ) {
    this.#plan = plan;
    this.#context = context;
    this.#contestants = contestants;
    this.#generator = generator;
  }

  async run(): Promise<Pick<GridResult, 'measurements' | 'footprints' | 'problems'>> {
    const { repeats } = this.#plan.measuring;
    await delay(Math.min(SETTLE_MS, this.#plan.measuring.measureMs), undefined, {
      signal: this.#context.signal,
    });
    const idle = this.#memory();
    for (const loading of this.#plan.loadings) await this.#load(loading);
    // Repeat 0 warms up: its failures count, its figures do not.
    for (let repeat = 0; repeat <= repeats; repeat++) {
      for (const scenario of this.#plan.scenarios) await this.#measure(scenario, repeat);
    }
    return {
      measurements: this.#measurements.filter(({ repeat }) => repeat > 0),
      footprints: await this.#footprints(idle),
      problems: this.#problems,
    };
  }

  async #load({ target, workload, keys }: Loading): Promise<void> {
    this.#context.progress(`loading ${keys.toLocaleString('en')} keys into ${target}`);
    const result = await this.#generator.run({
      urls: this.#contestant(target).urls,
      connections: this.#plan.connections,
      workload,
      keys: { freshPrefix: '', storedKeys: keys },
      length: { type: 'requests', requests: keys },
      watch: this.#watched(),
    });
    // What is not there cannot be read: nothing that follows would mean anything.
    const missing = problemsOf('loading', result);
    if (missing.length > 0) throw new Error(missing.join('; '));
  }

  async #measure(scenario: Scenario, repeat: number): Promise<void> {
    const { progress, signal } = this.#context;
    await delay(PAUSE_MS, undefined, { signal });
    const contestant = this.#contestant(scenario.target);
    const nodeUrls = contestant.cluster === undefined ? [] : contestant.urls;
    const before = await readNodeCounters(nodeUrls, signal);
    const result = await this.#runBeside(scenario, repeat);
    contestant.assertRunning();
    const counted = countedBetween(before, await readNodeCounters(nodeUrls, signal));
    this.#measurements.push({ scenario: scenario.name, repeat, result, counted });
    this.#problems.push(...problemsOf(`${scenario.title}, repeat ${repeat}`, result));
    progress(progressLine(scenario, repeat, this.#plan.measuring.repeats, result));
  }

  async #runBeside(scenario: Scenario, repeat: number): Promise<LoadResult> {
    const end = await this.#plan.beside?.(scenario, repeat);
    try {
      return await this.#generator.run(this.#jobOf(scenario, repeat));
    } finally {
      await end?.();
    }
  }

  #jobOf(scenario: Scenario, repeat: number): Omit<LoadJob, 'name'> {
    const { measuring, connections, seed } = this.#plan;
    const { urls } = this.#contestant(scenario.target);
    return {
      urls: scenario.through === 'one node' ? urls.slice(0, 1) : urls,
      connections: scenario.connections ?? connections,
      workload: scenario.workload,
      keys: {
        freshPrefix: `${scenario.name}-${repeat}`,
        storedKeys: scenario.storedKeys,
        seed: seed + repeat,
      },
      length: {
        type: 'window',
        warmUpMs: measuring.warmUpMs,
        measureMs: repeat === 0 ? measuring.firstWarmUpMs : measuring.measureMs,
      },
      watch: this.#watched(),
      pool: repeat === 0 ? 'warm-up' : scenario.name,
    };
  }

  /** All of them always: what is not watched would count as the work of others. */
  #watched(): LoadJob['watch'] {
    const processes = this.#contestants.map((contestant) => contestant.processes);
    return Object.assign({}, this.#plan.watch, ...processes) as LoadJob['watch'];
  }

  #contestant(name: string): Contestant {
    const found = this.#contestants.find((contestant) => contestant.name === name);
    if (found === undefined) throw new Error(`${name} does not run`);
    return found;
  }

  #memory(): ReadonlyMap<number, number | undefined> {
    return new Map(Object.values(this.#watched()).map((pid) => [pid, residentBytes(pid)]));
  }

  async #footprints(idle: ReadonlyMap<number, number | undefined>): Promise<readonly Footprint[]> {
    const loaded = this.#memory();
    const nodes = this.#contestants.flatMap(({ name, cluster }) =>
      (cluster?.nodes ?? []).map((node) => ({ name: `${name} ${node.id}`, node })),
    );
    return Promise.all(
      nodes.map(async ({ name, node }) => ({
        node: name,
        idleBytes: idle.get(node.pid),
        loadedBytes: loaded.get(node.pid),
        diskBytes: await diskBytes(node.dataDirectory),
      })),
    );
  }
}

function contestantsOf({ clusters, etcd }: Lineup): string {
  const names = clusters.map(({ name, nodeCount }) => `${name} (${nodeCount} nodes)`);
  return [...names, ...(etcd === undefined ? [] : ['etcd (3 nodes)'])].join(', ');
}

function problemsOf(title: string, result: LoadResult): string[] {
  const problems = describeFailures(result.failures);
  if (result.requests === 0) return [`${title}: nothing was answered`, ...problems];
  return problems.map((problem) => `${title}: ${problem}`);
}

function progressLine(scenario: Scenario, repeat: number, repeats: number, result: LoadResult): string {
  const rate = Math.round(result.operations / result.seconds).toLocaleString('en');
  const turn = repeat === 0 ? 'warm-up' : `${repeat}/${repeats}`;
  return `${turn.padEnd(7)}  ${scenario.title.padEnd(36)} ${rate.padStart(7)}/s`;
}
