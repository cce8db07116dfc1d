/**
 * Updates that are due at given times: open loop. Each is begun when it is due, whatever has become of those before, so that a
 * cluster which stalls is not spared, and the share that is answered well is one of a constant number.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type ArmId, type Update, updateBy } from '../arms/arms.ts';
import { outcomeOf } from '../arms/outcome.ts';
import { PoolTransport } from '../arms/pool-transport.ts';
import { RegisterRecord } from '../judging/register-record.ts';
import { watchHealth } from './health.ts';
import type { TimelineJob, TimelineResult, ToldUpdate } from './jobs.ts';

const TICK_MS = 2;
/** When a key was made: not in the time that is looked at. */
const BEFORE_MS = -1;

/** Resolves when the last update has ended. */
export async function runTimeline(job: TimelineJob, onBegun: () => void): Promise<TimelineResult> {
  const transports = new Map(job.arms.map((arm) => [arm, new PoolTransport()] as const));
  try {
    return await new TimelineRun(job, transports).run(onBegun);
  } finally {
    await Promise.all([...transports.values()].map((transport) => transport.close()));
  }
}

/** The clients of one arm on one side. */
interface Lane {
  readonly arm: ArmId;
  readonly side: string;
  readonly update: Update;
  /** Due after the tick of all lanes, so that they do not begin in one moment. */
  readonly offsetMs: number;
}

class TimelineRun {
  readonly #job: TimelineJob;
  readonly #transports: ReadonlyMap<ArmId, PoolTransport>;
  readonly #record = new RegisterRecord();
  readonly #told: ToldUpdate[] = [];
  readonly #lanes: readonly Lane[];

  constructor(job: TimelineJob, transports: ReadonlyMap<ArmId, PoolTransport>) {
    this.#job = job;
    this.#transports = transports;
    const betweenMs = 1_000 / job.updatesPerSecond;
    const { bucket, timeoutMs } = job;
    const lanes = job.sides.flatMap(({ name, urls }) =>
      [...transports].map(([arm, { send }]) => ({
        ...{ arm, side: name },
        update: updateBy(
          arm,
          { urls, bucket, timeoutMs, routing: 'round-robin', transport: send },
          this.#record,
        ),
      })),
    );
    this.#lanes = lanes.map((lane, index) => ({ ...lane, offsetMs: (index * betweenMs) / lanes.length }));
  }

  async run(onBegun: () => void): Promise<TimelineResult> {
    await this.#createKeys();
    const health = watchHealth();
    const startMs = performance.now();
    onBegun();
    await Promise.all(this.#lanes.map((lane) => this.#runLane(lane, startMs)));
    const transport = Object.fromEntries(
      [...this.#transports].map(([arm, each]) => [arm, each.takeTally()]),
    ) as TimelineResult['transport'];
    return {
      updates: this.#told,
      transport,
      violations: this.#record.violations(),
      health: health(),
    };
  }

  /**
   * All keys are there before anything breaks: that a key which nobody has written does not exist is known to a quorum of home
   * replicas only, and users in a partition seldom meet new keys alone.
   */
  async #createKeys(): Promise<void> {
    for (const { keys } of this.#job.phases) {
      const lanes = this.#lanes.filter(({ side }) => side === this.#job.sides[0]?.name);
      await Promise.all(
        lanes.flatMap((lane) => keys[lane.arm].map((key) => this.#tell(lane, key, 'first', BEFORE_MS))),
      );
    }
  }

  async #runLane(lane: Lane, startMs: number): Promise<void> {
    const { updatesPerSecond, endMs } = this.#job;
    const running: Promise<void>[] = [];
    for (let count = 0; ; count += 1) {
      const dueMs = lane.offsetMs + (count * 1_000) / updatesPerSecond;
      if (dueMs >= endMs) break;
      while (performance.now() - startMs < dueMs) await delay(TICK_MS);
      running.push(this.#add(lane, { count, dueMs, startMs }));
    }
    await Promise.all(running);
  }

  async #add(
    lane: Lane,
    { count, dueMs, startMs }: { readonly count: number; readonly dueMs: number; readonly startMs: number },
  ): Promise<void> {
    const keys = this.#job.phases.findLast(({ fromMs }) => fromMs <= dueMs)?.keys[lane.arm] ?? [];
    const key = keys[count % keys.length];
    if (key !== undefined)
      await this.#tell(lane, key, `${lane.side.slice(0, 2)}${count}`, dueMs, startMs + dueMs);
  }

  async #tell(
    { arm, side, update }: Lane,
    key: string,
    id: string,
    dueMs: number,
    sinceMs = performance.now(),
  ): Promise<void> {
    const told = { arm, side, key, id, dueMs };
    try {
      await update(key, id);
      this.#told.push({ ...told, fate: 'well', ms: performance.now() - sinceMs });
    } catch (error) {
      this.#told.push({ ...told, ...outcomeOf(error), ms: performance.now() - sinceMs });
    }
  }
}
