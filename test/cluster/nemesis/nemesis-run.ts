/**
 * One run: five real nodes, their directories, their links; clients that read and write a few keys without pause; the nemesis,
 * which breaks one thing after the other; then everything is healed, and what the clients were told is judged by the oracle of
 * the simulation.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { seededDraw } from '../../core/causality/seeded-draw.ts';
import type { Violation } from '../../sim/checkers/history.ts';
import { expectSoundStores, finalState } from '../final-state.ts';
import { createProcessCluster, type ProcessCluster } from '../process-cluster.ts';
import { RandomLoad } from '../random-load.ts';
import { RecordedRun } from '../recorded-run.ts';
import { judgeRun } from '../run-judgement.ts';
import { untilConverged } from './convergence.ts';
import { FaultPlan } from './fault-plan.ts';
import { Nemesis } from './nemesis.ts';
import { SmallDisk, whyNoWriteFailures } from './small-disk.ts';

const NODES = 5;
/** The one whose disk can be filled. */
const SMALL_DISK_NODE = 'n5';
const CONFIG = {
  // So small that logs are rotated, tables written and compacted all the time, and a disk is full before memory is.
  storage: { writeBufferBytes: 64 * 1024, reserveBytes: 4 * 1024 * 1024 },
};
const LOAD = { clients: 12, keys: 8, maxBytes: 600, pauseMs: 15 };
/** A key is in use for eight times as long. */
const MOVE_ON_MS = 3_000;
/** Different chances of one run, of which none depends on how often another is drawn. */
const LOAD_STREAM = 0x5bd1e995;
const DAMAGE_STREAM = 0x27d4eb2f;

export interface NemesisRunOptions {
  readonly seed: number;
  /** How long things are broken; healing comes on top. */
  readonly seconds: number;
  /** Ends the run at once; it rejects then, when nothing of it is left. */
  readonly signal?: AbortSignal;
}

export interface NemesisReport {
  readonly seed: number;
  readonly seconds: number;
  /** What clients asked for while things broke, and what they were told, in words. */
  readonly operations: string;
  readonly acknowledged: number;
  readonly violations: readonly Violation[];
  readonly losses: number;
  /** How often each kind was carried out. */
  readonly injected: ReadonlyMap<string, number>;
  /** Kinds that this machine does not allow, and why. */
  readonly impossible: readonly string[];
  /** Share of the time in which something was broken. */
  readonly brokenShare: number;
  /** Share of all operations that were answered well. */
  readonly availability: number;
  /** After everything had been healed, until all replicas were equal. */
  readonly convergedSeconds: number;
  /** Losses that nodes have said they noticed. */
  readonly noticedLosses: number;
  /** Nodes that stopped themselves for a write that failed. */
  readonly failStops: number;
}

/** Leaves nothing behind, whatever happens. Rejects if the cluster does not come together again. */
export async function runNemesis(options: NemesisRunOptions): Promise<NemesisReport> {
  const cluster = await createProcessCluster({ nodes: NODES, links: true, config: CONFIG });
  const directory = join(cluster.dataDirectory, SMALL_DISK_NODE);
  const smallDisk = await SmallDisk.create(cluster.directory, directory);
  try {
    return await Promise.race([play(cluster, smallDisk, options), aborted(options.signal)]);
  } finally {
    if (smallDisk instanceof SmallDisk) {
      await rm(directory);
      await smallDisk.close();
    }
    await cluster.close();
  }
}

/** Rejects when the signal says so; never resolves. */
function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

async function play(
  cluster: ProcessCluster,
  smallDisk: SmallDisk | string,
  { seed, seconds }: NemesisRunOptions,
): Promise<NemesisReport> {
  const whyNoFailures = await whyNoWriteFailures();
  const disk = typeof smallDisk === 'string' ? undefined : smallDisk;
  const plan = new FaultPlan(
    {
      nodes: cluster.nodes,
      smallDiskNode: disk === undefined ? undefined : SMALL_DISK_NODE,
      canFailWrites: whyNoFailures === undefined,
    },
    seededDraw(seed),
  );
  cluster.start(...cluster.nodes);
  await cluster.waitReady();
  const run = new RecordedRun('nemesis');
  const load = new RandomLoad({ cluster, run, draw: seededDraw(seed ^ LOAD_STREAM), ...LOAD });
  const moving = setInterval(() => load.moveOn(), MOVE_ON_MS);
  const nemesis = new Nemesis({ cluster, run, smallDisk: disk, draw: seededDraw(seed ^ DAMAGE_STREAM) });
  try {
    const endMs = performance.now() + seconds * 1_000;
    while (performance.now() < endMs) await nemesis.play(plan.next());
  } finally {
    clearInterval(moving);
    await load.stop();
  }
  // The reads at the end are not of those that the nemesis made hard.
  const operations = `${run.summary}, ${run.failedReads} reads not answered`;
  const [availability, acknowledged] = [availabilityIn(run), run.count('ok')];
  const brokenShare = nemesis.brokenTime.share;
  const healedMs = performance.now();
  await nemesis.mend();
  await untilConverged(cluster, run);
  const convergedSeconds = (performance.now() - healedMs) / 1_000;
  const finals = await finalState(cluster, run);
  await expectSoundStores(cluster, run.losses.length === 0 ? undefined : ['dot_collisions']);
  nemesis.lookAtAll();
  return {
    ...{ seed, seconds, operations, availability, acknowledged, brokenShare, convergedSeconds },
    losses: run.losses.length,
    failStops: nemesis.watch.stopped,
    violations: [...nemesis.watch.violations, ...judgeRun(run, finals)],
    injected: nemesis.injected,
    impossible: [smallDisk, whyNoFailures].filter((reason) => typeof reason === 'string'),
    noticedLosses: nemesis.watch.noticed,
  };
}

function availabilityIn(run: RecordedRun): number {
  const reads = run.reads.length;
  return (run.count('ok') + reads) / (run.writes.size + reads + run.failedReads);
}

/** For people: one line, and one more for each violation. */
export function reportOf(report: NemesisReport): string {
  const violations = report.violations.map(({ invariant, detail }) => `  ${invariant}: ${detail}`);
  return [summaryOf(report), ...violations].join('\n');
}

function summaryOf(report: NemesisReport): string {
  const { seed, seconds, injected, losses, noticedLosses, failStops } = report;
  const faults = [...injected].toSorted(([left], [right]) => (left < right ? -1 : 1));
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return [
    `nemesis of ${seconds} s, seed ${seed}: ${report.violations.length} violations`,
    `faults: ${faults.map(([kind, count]) => `${count} ${kind}`).join(', ')}`,
    `${losses} times something was lost from a disk, ${noticedLosses} times noticed`,
    `${failStops} times a node stopped for a failed write`,
    `something was broken ${percent(report.brokenShare)} of the time`,
    report.operations,
    `${percent(report.availability)} answered well`,
    `converged ${report.convergedSeconds.toFixed(1)} s after everything was healed`,
    ...report.impossible.map((reason) => `left out: ${reason}`),
  ].join('; ');
}
