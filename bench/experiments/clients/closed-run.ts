/** Clients that update as fast as they can: closed loop, each on one key, until the time is over. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { PoolTransport } from '../arms/pool-transport.ts';
import { type Update, updateBy } from '../arms/arms.ts';
import { outcomeOf } from '../arms/outcome.ts';
import { RegisterRecord } from '../judging/register-record.ts';
import { watchHealth } from './health.ts';
import type { ClosedJob, ClosedResult } from './jobs.ts';

/** After an update that failed, so that a cluster which refuses at once is not stormed. */
const PAUSE_MS = 10;

/** Resolves when the last update has ended that was begun in time. */
export async function runClosed(job: ClosedJob): Promise<ClosedResult> {
  const transport = new PoolTransport();
  try {
    return await new ClosedRun(job, transport).run();
  } finally {
    await transport.close();
  }
}

interface MutableTally {
  readonly key: string;
  readonly acknowledged: string[];
  readonly unknown: string[];
  readonly refused: string[];
}

class ClosedRun {
  readonly #job: ClosedJob;
  readonly #transport: PoolTransport;
  readonly #record = new RegisterRecord();
  readonly #update: Update;
  readonly #keys: readonly MutableTally[];
  readonly #perClient: number[];
  readonly #latenciesMs: number[] = [];
  readonly #prefix = randomBytes(3).toString('base64url');
  #endMs = 0;

  constructor(job: ClosedJob, transport: PoolTransport) {
    const { arm, urls, bucket, timeoutMs } = job;
    this.#job = job;
    this.#transport = transport;
    this.#update = updateBy(
      arm,
      { urls, bucket, timeoutMs, routing: 'ring', transport: transport.send },
      this.#record,
    );
    this.#keys = job.keys.map((key) => ({ key, acknowledged: [], unknown: [], refused: [] }));
    this.#perClient = Array.from({ length: job.clients }, () => 0);
  }

  async run(): Promise<ClosedResult> {
    await this.#connect();
    const health = watchHealth();
    const startMs = performance.now();
    this.#endMs = startMs + this.#job.durationMs;
    await Promise.all(this.#perClient.map((_, index) => this.#client(index)));
    return {
      keys: this.#keys,
      perClient: this.#perClient,
      seconds: this.#job.durationMs / 1_000,
      latenciesMs: this.#latenciesMs,
      transport: this.#transport.takeTally(),
      violations: this.#record.violations(),
      health: health(),
    };
  }

  /** Each key is made by one update, so that connections are open and the client knows the ring when the time begins. */
  async #connect(): Promise<void> {
    await Promise.all(this.#keys.map((tally, index) => this.#add(tally, `first-${index}`)));
    this.#latenciesMs.length = 0;
    this.#transport.takeTally();
  }

  async #client(index: number): Promise<void> {
    const tally = this.#keys[index % this.#keys.length];
    if (tally === undefined) return;
    for (let count = 0; performance.now() < this.#endMs; count += 1) {
      const isAcknowledged = await this.#add(tally, `${this.#prefix}${index}-${count}`);
      if (!isAcknowledged) await delay(PAUSE_MS);
      else if (performance.now() < this.#endMs) this.#perClient[index] = (this.#perClient[index] ?? 0) + 1;
    }
  }

  async #add(tally: MutableTally, id: string): Promise<boolean> {
    const beganMs = performance.now();
    try {
      await this.#update(tally.key, id);
      tally.acknowledged.push(id);
      this.#latenciesMs.push(performance.now() - beganMs);
      return true;
    } catch (error) {
      tally[outcomeOf(error).fate].push(id);
      return false;
    }
  }
}
