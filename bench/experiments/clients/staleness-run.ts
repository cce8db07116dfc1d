/**
 * One writer for each key and reads beside it: how many versions is a read behind the newest one that was acknowledged before it
 * began? Both happen in this process, so it knows the order.
 *
 * Requests go as they are, without the client library, for which home replica takes each one has to be drawn here: a version is
 * coordinated by any of them, as the model has it. The library would send all writes to the first.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { HEADERS } from '../../../src/api/headers.ts';
import { entryPath } from '../../../src/api/paths.ts';
import { seededDraw } from '../../../test/core/causality/seeded-draw.ts';
import { watchHealth } from './health.ts';
import type { Observation, StalenessJob, StalenessResult } from './jobs.ts';

const CONNECTIONS_PER_NODE = 64;
/** After a failed request. */
const PAUSE_MS = 10;

/** Resolves when the time is over and all requests have ended. */
export async function runStaleness(job: StalenessJob): Promise<StalenessResult> {
  const run = new StalenessRun(job);
  try {
    return await run.run();
  } finally {
    await run.close();
  }
}

type StalenessKey = StalenessJob['keys'][number];

/** The versions of one key. */
interface Chain {
  readonly key: StalenessKey;
  /** Covers the last version. */
  context: string | undefined;
  acknowledged: number;
  acknowledgedAtMs: number;
}

class StalenessRun {
  readonly #job: StalenessJob;
  readonly #pools = new Map<string, Pool>();
  readonly #draw: (below: number) => number;
  readonly #observations: Observation[] = [];
  readonly #writeMs: number[] = [];
  readonly #readMs: number[] = [];
  #failures = 0;
  #endMs = 0;

  constructor(job: StalenessJob) {
    this.#job = job;
    this.#draw = seededDraw(job.seed);
  }

  async run(): Promise<StalenessResult> {
    const chains = this.#job.keys.map(
      (key): Chain => ({
        key,
        context: undefined,
        acknowledged: 0,
        acknowledgedAtMs: 0,
      }),
    );
    // Connections are open and every replica has a first version before the time begins.
    for (const chain of chains)
      while (chain.acknowledged === 0) await this.#write(chain, chain.key.home.length);
    this.#writeMs.length = 0;
    this.#failures = 0;
    const health = watchHealth();
    this.#endMs = performance.now() + this.#job.durationMs;
    await Promise.all(chains.map((chain) => this.#follow(chain)));
    return {
      observations: this.#observations,
      writeMs: this.#writeMs,
      readMs: this.#readMs,
      failures: this.#failures,
      health: health(),
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
  }

  async #follow(chain: Chain): Promise<void> {
    const { reads, quorums } = this.#job;
    if (reads.type === 'after') {
      while (performance.now() < this.#endMs) {
        if (!(await this.#write(chain, quorums.w))) continue;
        const offsetMs = reads.offsetsMs[this.#draw(reads.offsetsMs.length)] ?? 0;
        const waitMs = chain.acknowledgedAtMs + offsetMs - performance.now();
        if (waitMs > 0) await delay(waitMs);
        await this.#read(chain, offsetMs);
      }
      return;
    }
    const write = async (): Promise<void> => {
      while (performance.now() < this.#endMs) await this.#write(chain, quorums.w);
    };
    const read = async (): Promise<void> => {
      while (performance.now() < this.#endMs) await this.#read(chain, 0);
    };
    await Promise.all([write(), read()]);
  }

  async #write(state: Chain, w: number): Promise<boolean> {
    const chain = state;
    const version = chain.acknowledged + 1;
    const beganMs = performance.now();
    const { statusCode, headers, body } = await this.#anyOf(chain).request({
      path: this.#pathOf(chain),
      method: 'PUT',
      headers: {
        ...this.#headers(),
        [HEADERS.w]: String(w),
        'content-type': 'text/plain',
        ...(chain.context === undefined ? {} : { [HEADERS.context]: chain.context }),
      },
      body: String(version),
    });
    await body.dump();
    if (statusCode >= 300) return this.#failed();
    chain.context = String(headers[HEADERS.context.toLowerCase()]);
    chain.acknowledged = version;
    chain.acknowledgedAtMs = performance.now();
    this.#writeMs.push(chain.acknowledgedAtMs - beganMs);
    return true;
  }

  async #read(chain: Chain, afterMs: number): Promise<boolean> {
    const newest = chain.acknowledged;
    const beganMs = performance.now();
    const { statusCode, body } = await this.#anyOf(chain).request({
      path: this.#pathOf(chain),
      method: 'GET',
      headers: { ...this.#headers(), [HEADERS.r]: String(this.#job.quorums.r) },
    });
    const text = await body.text();
    if (statusCode !== 200) return this.#failed();
    this.#readMs.push(performance.now() - beganMs);
    this.#observations.push({ afterMs, lag: Math.max(0, newest - Number(text)) });
    return true;
  }

  async #failed(): Promise<false> {
    this.#failures += 1;
    await delay(PAUSE_MS);
    return false;
  }

  /** Home replicas only: the promise of overlapping quorums is one of those. */
  #headers(): Readonly<Record<string, string>> {
    return { [HEADERS.n]: String(this.#job.quorums.n), [HEADERS.sloppy]: '?0' };
  }

  #pathOf({ key }: Chain): string {
    return entryPath(this.#job.bucket, key.key);
  }

  #anyOf({ key: { home } }: Chain): Pool {
    const url = home[this.#draw(home.length)];
    if (url === undefined) throw new Error('the key has no home replicas');
    const pool = this.#pools.get(url) ?? new Pool(url, { connections: CONNECTIONS_PER_NODE });
    this.#pools.set(url, pool);
    return pool;
  }
}
