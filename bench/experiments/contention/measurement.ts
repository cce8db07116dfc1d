/**
 * What contention costs: 64 clients on one key, on 8 and on 64 of them, by siblings that are merged and by compare-and-set: how much
 * gets done, how many attempts and rounds that takes, and whether everybody gets a turn.
 */
import { CAS_BUCKET } from '../../load/workload.ts';
import { countedBetween, readNodeCounters } from '../../system/node-metrics.ts';
import { withCluster } from '../../system/temporary-cluster.ts';
import { type ArmId, armOf } from '../arms/arms.ts';
import { type Clients, startClients } from '../clients/clients.ts';
import type { ClientHealth, ClosedResult } from '../clients/jobs.ts';
import type { ExperimentContext } from '../experiment.ts';
import { FinalState } from '../judging/final-state.ts';
import { fairnessOf } from '../judging/fairness.ts';
import { p99, quantile } from '../judging/quantile.ts';

const NODES = 3;
export const CLIENTS = 64;
/** An update may have to wait for many others. */
const TIMEOUT_MS = 10_000;
const WARM_UP_MS = 300;

/** An arm in a kind of bucket. */
export interface Contender {
  readonly arm: ArmId;
  readonly bucket: string;
  readonly title: string;
}

export const CONTENDERS: readonly Contender[] = [
  ...(['E2', 'E3', 'C1', 'C2'] as const).map((arm) => ({ arm, bucket: 'bench', title: armOf(arm).title })),
  { arm: 'C2', bucket: CAS_BUCKET, title: 'C2 in a bucket of mode cas' },
];

/** One contender on one number of keys, over all repeats. */
export interface ContentionPoint {
  readonly contender: Contender;
  readonly keys: number;
  readonly perSecond: readonly number[];
  /** Attempts that won, of all; undefined where nothing is conditional. */
  readonly wonShare: number | undefined;
  /** Rounds that the nodes proposed for each acknowledged update; undefined where nothing is conditional. */
  readonly rounds: number | undefined;
  /** By repeat. */
  readonly jain: readonly number[];
  /** Over all repeats. */
  readonly most: number;
  readonly fewest: number;
  readonly latencyCount: number;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  /** Most siblings that a write left. */
  readonly mostSiblings: number;
}

export interface Contention {
  readonly points: readonly ContentionPoint[];
  readonly slotMs: number;
  readonly hotSlotMs: number;
  readonly repeats: number;
  readonly broken: readonly string[];
  readonly healths: readonly ClientHealth[];
}

/** Of one key longer: there each client gets few turns in a second. */
const FULL = { keys: [1, 8, 64], repeats: 5, slotMs: 500, hotSlotMs: 1_500 };
const QUICK = { keys: [1], repeats: 1, slotMs: 200, hotSlotMs: 400 };

interface Slot {
  readonly contender: Contender;
  readonly keys: number;
  readonly result: ClosedResult;
  readonly rounds: number;
}

/** Takes its time. */
export async function measureContention(context: ExperimentContext): Promise<Contention> {
  const { program, outputDirectory, signal, progress } = context;
  const plan = context.isQuick ? QUICK : FULL;
  return withCluster(
    { nodeCount: NODES, copies: NODES, program, outputDirectory, signal },
    async (cluster, stops) => {
      const urls = cluster.nodes.map(({ url }) => url);
      const clients = startClients();
      stops.push(() => clients.stop());
      const ports = { clients, urls, signal };
      const slots: Slot[] = [];
      for (const contender of CONTENDERS)
        await runSlot(ports, { contender, keys: 8, name: 'warm', durationMs: WARM_UP_MS });
      for (let repeat = 1; repeat <= plan.repeats; repeat += 1) {
        progress(`contention: repeat ${repeat} of ${plan.repeats}`);
        for (const keys of plan.keys) {
          for (const contender of CONTENDERS) {
            signal.throwIfAborted();
            const durationMs = keys === 1 ? plan.hotSlotMs : plan.slotMs;
            slots.push(await runSlot(ports, { contender, keys, name: `r${repeat}`, durationMs }));
          }
        }
      }
      cluster.assertRunning();
      const broken = await judge(slots, urls, signal);
      const points = plan.keys.flatMap((keys) =>
        CONTENDERS.map((contender) =>
          pointOf(
            contender,
            keys,
            slots.filter((slot) => slot.contender === contender && slot.keys === keys),
          ),
        ),
      );
      return { ...plan, points, broken, healths: slots.map(({ result }) => result.health) };
    },
  );
}

interface SlotPlan {
  readonly contender: Contender;
  readonly keys: number;
  readonly name: string;
  readonly durationMs: number;
}

interface SlotPorts {
  readonly clients: Clients;
  readonly urls: readonly string[];
  readonly signal: AbortSignal;
}

async function runSlot(
  { clients, urls, signal }: SlotPorts,
  { contender, keys, name, durationMs }: SlotPlan,
): Promise<Slot> {
  const { arm, bucket } = contender;
  const before = await readNodeCounters(urls, signal);
  const result = await clients.closed({
    ...{ arm, urls, bucket, durationMs },
    keys: Array.from({ length: keys }, (_, index) => `contended-${name}-${arm}-${keys}-${index}`),
    clients: CLIENTS,
    timeoutMs: TIMEOUT_MS,
  });
  const { rounds = 0 } = countedBetween(before, await readNodeCounters(urls, signal));
  return { contender, keys, result, rounds };
}

async function judge(
  slots: readonly Slot[],
  urls: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const broken: string[] = [];
  for (const { contender, result } of slots) {
    const finalState = new FinalState({ urls, bucket: contender.bucket, signal });
    const finding = await finalState.judge(contender.arm, result.keys);
    await finalState.close();
    broken.push(...finding.broken, ...result.violations.map((violation) => `${contender.arm}: ${violation}`));
  }
  return broken;
}

function pointOf(contender: Contender, keys: number, slots: readonly Slot[]): ContentionPoint {
  const results = slots.map(({ result }) => result);
  const latencies = results.flatMap(({ latenciesMs }) => latenciesMs);
  const { isConditional } = armOf(contender.arm);
  const acknowledged = latencies.length;
  const attempts = sum(results.map(({ transport }) => transport.attempts));
  const perClient = Array.from({ length: CLIENTS }, (_, index) =>
    sum(results.map((result) => result.perClient[index] ?? 0)),
  );
  const { most, fewest } = fairnessOf(perClient);
  return {
    ...{ contender, keys, most, fewest },
    perSecond: results.map(({ perClient: shares, seconds }) => sum(shares) / seconds),
    wonShare: isConditional ? sum(results.map(({ transport }) => transport.won)) / attempts : undefined,
    rounds: isConditional
      ? sum(slots.map(({ rounds }) => rounds)) / (acknowledged + slots.length * keys)
      : undefined,
    jain: results.map(({ perClient: shares }) => fairnessOf(shares).jain),
    latencyCount: acknowledged,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: p99(latencies),
    mostSiblings: Math.max(0, ...results.map(({ transport }) => transport.mostSiblings)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
