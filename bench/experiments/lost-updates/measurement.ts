/**
 * How many acknowledged updates are lost, by contention: clients add ids of their own to shared values, by each arm in turn, and in
 * the end every acknowledged id has to be there.
 *
 * The number of clients stays the same and the number of keys falls, so that contention alone differs. Each point is measured on
 * fresh keys: values that had grown under one arm would be the load of the next.
 */
import { withCluster } from '../../system/temporary-cluster.ts';
import { ARM_IDS, type ArmId } from '../arms/arms.ts';
import { type Clients, startClients } from '../clients/clients.ts';
import type { ClientHealth, ClosedResult } from '../clients/jobs.ts';
import type { ExperimentContext } from '../experiment.ts';
import { FinalState } from '../judging/final-state.ts';
import { type Judgement, lostPerMillion, together } from '../judging/lost-ids.ts';
import { p99, quantile } from '../judging/quantile.ts';
import { onceFor } from '../once.ts';

const NODES = 3;
export const CLIENTS = 32;
const BUCKET = 'bench';
const TIMEOUT_MS = 5_000;
const WARM_UP_MS = 200;

/** One arm at one contention, over all repeats. */
export interface LostPoint {
  readonly arm: ArmId;
  readonly clientsPerKey: number;
  readonly judgement: Judgement;
  /** Undefined where nothing was acknowledged. Each by repeat. */
  readonly perMillion: readonly (number | undefined)[];
  readonly perSecond: readonly number[];
  readonly latencyCount: number;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

export interface LostUpdates {
  readonly points: readonly LostPoint[];
  readonly slotMs: number;
  readonly repeats: number;
  readonly broken: readonly string[];
  readonly healths: readonly ClientHealth[];
}

interface Plan {
  readonly levels: readonly number[];
  readonly repeats: number;
  readonly slotMs: number;
}

const FULL: Plan = { levels: [1, 2, 4, 8, 16, 32], repeats: 5, slotMs: 450 };
const QUICK: Plan = { levels: [1, 8], repeats: 1, slotMs: 250 };

/** Measured once for each run of the bench; the headline needs it too. */
export const measureLostUpdates = onceFor(async (context: ExperimentContext): Promise<LostUpdates> => {
  const { program, outputDirectory, signal, progress } = context;
  const plan = context.isQuick ? QUICK : FULL;
  return withCluster(
    { nodeCount: NODES, copies: NODES, program, outputDirectory, signal },
    async (cluster, stops) => {
      const urls = cluster.nodes.map(({ url }) => url);
      const clients = startClients();
      stops.push(() => clients.stop());
      const finalState = new FinalState({ urls, bucket: BUCKET, signal });
      stops.push(() => finalState.close());
      const slots: Slot[] = [];
      for (const arm of ARM_IDS) await runSlot(clients, urls, { arm, level: 8, name: 'warm' }, WARM_UP_MS);
      for (let repeat = 1; repeat <= plan.repeats; repeat += 1) {
        progress(`lost-updates: repeat ${repeat} of ${plan.repeats}`);
        for (const level of plan.levels) {
          for (const arm of ARM_IDS) {
            signal.throwIfAborted();
            const slot = { arm, level, name: `r${repeat}` };
            slots.push({ ...slot, result: await runSlot(clients, urls, slot, plan.slotMs) });
          }
        }
      }
      cluster.assertRunning();
      progress('lost-updates: reading everything');
      return summarize(slots, plan, finalState);
    },
  );
});

interface SlotName {
  readonly arm: ArmId;
  readonly level: number;
  readonly name: string;
}

interface Slot extends SlotName {
  readonly result: ClosedResult;
}

function runSlot(
  clients: Clients,
  urls: readonly string[],
  { arm, level, name }: SlotName,
  durationMs: number,
): Promise<ClosedResult> {
  const keys = Array.from({ length: CLIENTS / level }, (_, index) => `lost-${name}-${arm}-${level}-${index}`);
  return clients.closed({
    ...{ arm, urls, keys, durationMs },
    bucket: BUCKET,
    clients: CLIENTS,
    timeoutMs: TIMEOUT_MS,
  });
}

async function summarize(
  slots: readonly Slot[],
  { levels, repeats, slotMs }: Plan,
  finalState: FinalState,
): Promise<LostUpdates> {
  const points: LostPoint[] = [];
  const broken: string[] = [];
  for (const clientsPerKey of levels) {
    for (const arm of ARM_IDS) {
      const own = slots.filter((slot) => slot.arm === arm && slot.level === clientsPerKey);
      const judgements: Judgement[] = [];
      for (const { result } of own) {
        const finding = await finalState.judge(arm, result.keys);
        judgements.push(finding.judgement);
        broken.push(...finding.broken, ...result.violations.map((violation) => `${arm}: ${violation}`));
      }
      const latencies = own.flatMap(({ result }) => result.latenciesMs);
      points.push({
        ...{ arm, clientsPerKey },
        judgement: together(judgements),
        perMillion: judgements.map(lostPerMillion),
        perSecond: own.map(({ result }) => sum(result.perClient) / result.seconds),
        latencyCount: latencies.length,
        p50Ms: quantile(latencies, 0.5),
        p99Ms: p99(latencies),
      });
    }
  }
  return { points, slotMs, repeats, broken, healths: slots.map(({ result }) => result.health) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
