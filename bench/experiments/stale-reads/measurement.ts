/**
 * How old reads of partial quorums are: measured on links that take 5 ms each way, as between places some hundred miles apart,
 * beside what the model of probabilistically bounded staleness predicts (staleness/pbs.ts).
 *
 * On the loopback alone a version is everywhere before the next request arrives; what would be measured is how busy the machine
 * is. Every request goes through a home replica drawn at random, which answers from its own copy first: at R=1 a read is one of
 * one replica drawn at random, as in the model.
 */
import type { RingBody } from '../../../src/api/bodies.ts';
import { PATHS } from '../../../src/api/paths.ts';
import { homeReplicas } from '../../../src/client/placement.ts';
import { seededDraw } from '../../../test/core/causality/seeded-draw.ts';
import { withCluster } from '../../system/temporary-cluster.ts';
import { type Clients, startClients } from '../clients/clients.ts';
import type { ClientHealth, Observation, StalenessJob, StalenessResult } from '../clients/jobs.ts';
import type { ExperimentContext } from '../experiment.ts';
import { quantile } from '../judging/quantile.ts';
import type { Quorums, StepDelays } from './pbs.ts';

const NODES = 5;
const COPIES = 3;
const BUCKET = 'bench';
const KEYS = 8;
/** Of one link, each way. */
export const LINK_MS = 5;

const QUORUMS: readonly Quorums[] = [
  { n: 3, r: 1, w: 1 },
  { n: 3, r: 1, w: 2 },
  { n: 3, r: 2, w: 1 },
  { n: 3, r: 2, w: 2 },
  { n: 5, r: 2, w: 2 },
];
export const OFFSETS_MS: readonly number[] = [0, 2, 4, 6, 8, 12, 20];

const FULL = { repeats: 5, afterMs: 1_000, burstMs: 600, calibrationMs: 800 };
const QUICK = { repeats: 1, afterMs: 500, burstMs: 300, calibrationMs: 250 };

/** What was seen at one choice of N, R and W; by repeat. */
export interface StalenessOfQuorum {
  readonly quorums: Quorums;
  /** A while after a write. */
  readonly after: readonly (readonly Observation[])[];
  /** Beside writes without a pause. */
  readonly burst: readonly (readonly Observation[])[];
  readonly burstWritesPerSecond: number;
}

export interface StaleReads {
  readonly measured: readonly StalenessOfQuorum[];
  /** For the model, from what was measured beside. */
  readonly delays: StepDelays;
  /** One way between two replicas with all work there, median, milliseconds. */
  readonly writeWayMs: number;
  readonly readWayMs: number;
  readonly repeats: number;
  readonly failures: number;
  readonly healths: readonly ClientHealth[];
}

/** Takes its time. */
export async function measureStaleReads(context: ExperimentContext): Promise<StaleReads> {
  const { program, outputDirectory, signal, progress, seed, isQuick } = context;
  const plan = isQuick ? QUICK : FULL;
  return withCluster(
    { nodeCount: NODES, copies: COPIES, links: true, program, outputDirectory, signal },
    async (cluster, stops) => {
      const clients = startClients();
      stops.push(() => clients.stop());
      cluster.links?.slowAll(LINK_MS);
      const url = cluster.nodes[0]?.url ?? '';
      const ring = (await (await fetch(`${url}${PATHS.ring}`)).json()) as RingBody;
      const probe = new Probe(clients, ring, seed);
      progress('stale-reads: how long messages take');
      const { delays, writeWayMs, readWayMs } = await calibrate(probe, plan.calibrationMs, seed);
      const runs: {
        readonly quorums: Quorums;
        readonly after: StalenessResult;
        readonly burst: StalenessResult;
      }[] = [];
      for (let repeat = 1; repeat <= plan.repeats; repeat += 1) {
        progress(`stale-reads: repeat ${repeat} of ${plan.repeats}`);
        for (const quorums of QUORUMS) {
          signal.throwIfAborted();
          const after = await probe.run(quorums, { type: 'after', offsetsMs: OFFSETS_MS }, plan.afterMs);
          runs.push({ quorums, after, burst: await probe.run(quorums, { type: 'burst' }, plan.burstMs) });
        }
      }
      cluster.assertRunning();
      return {
        ...{ delays, writeWayMs, readWayMs, repeats: plan.repeats },
        measured: QUORUMS.map((quorums) => {
          const own = runs.filter((run) => run.quorums === quorums);
          const writes = own.reduce((sum, { burst }) => sum + burst.writeMs.length, 0);
          return {
            quorums,
            after: own.map(({ after }) => after.observations),
            burst: own.map(({ burst }) => burst.observations),
            burstWritesPerSecond: writes / ((own.length * plan.burstMs) / 1_000) / KEYS,
          };
        }),
        failures: runs.reduce((sum, { after, burst }) => sum + after.failures + burst.failures, 0),
        healths: runs.flatMap(({ after, burst }) => [after.health, burst.health]),
      };
    },
  );
}

/** Runs on keys that nobody has used. */
class Probe {
  readonly #clients: Clients;
  readonly #ring: RingBody;
  readonly #seed: number;
  #runs = 0;

  constructor(clients: Clients, ring: RingBody, seed: number) {
    this.#clients = clients;
    this.#ring = ring;
    this.#seed = seed;
  }

  run(quorums: Quorums, reads: StalenessJob['reads'], durationMs: number): Promise<StalenessResult> {
    this.#runs += 1;
    const keys = Array.from({ length: KEYS }, (_, index) => {
      const key = `versions-${this.#runs}-${index}`;
      return { key, home: homeReplicas(this.#ring, BUCKET, key, quorums.n) };
    });
    const seed = this.#seed * 1_000 + this.#runs;
    return this.#clients.staleness({ bucket: BUCKET, keys, quorums, reads, durationMs, seed });
  }
}

/**
 * The times of the model. A read at R=1 is the way between client and node with next to no work there; what a write at W=1 takes
 * longer is the sync of its coordinator, and what requests at two replicas of two take longer is a round trip between replicas,
 * of which half is taken for one way.
 */
async function calibrate(
  probe: Probe,
  durationMs: number,
  seed: number,
): Promise<Pick<StaleReads, 'delays' | 'writeWayMs' | 'readWayMs'>> {
  const reads = { type: 'after', offsetsMs: [2 * LINK_MS] } as const;
  // Code that has just started is slow: the first run is not looked at.
  await probe.run({ n: 2, r: 2, w: 2 }, reads, durationMs);
  const alone = await probe.run({ n: 2, r: 1, w: 1 }, reads, durationMs);
  const both = await probe.run({ n: 2, r: 2, w: 2 }, reads, durationMs);
  const clientMs = quantile(alone.readMs, 0.5) ?? 0;
  const syncs = beyond(clientMs, alone.writeMs);
  const writeWays = beyond(clientMs, both.writeMs).map((ms) => ms / 2);
  const readWays = beyond(clientMs, both.readMs).map((ms) => ms / 2);
  const draw = seededDraw(seed);
  const oneOf = (samples: readonly number[]): number => samples[draw(samples.length)] ?? 0;
  const way = (samples: readonly number[]) => (isLocal: boolean) => (isLocal ? 0 : oneOf(samples));
  const write = (isLocal: boolean): number => oneOf(isLocal ? syncs : writeWays);
  return {
    delays: {
      write,
      ...{ acknowledge: way(writeWays), read: way(readWays) },
      turnaround: () => oneOf(alone.readMs),
      random: () => draw(2 ** 30) / 2 ** 30,
    },
    writeWayMs: quantile(writeWays, 0.5) ?? 0,
    readWayMs: quantile(readWays, 0.5) ?? 0,
  };
}

function beyond(usualMs: number, samples: readonly number[]): readonly number[] {
  return samples.map((ms) => Math.max(0, ms - usualMs));
}
