/** What keys hold in the end: when all replicas are equal, read at R=N. */
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type Client } from '../../../src/client/connect.ts';
import { type Arm, type ArmId, armOf, type Ids, resolverOf } from '../arms/arms.ts';
import { PoolTransport } from '../arms/pool-transport.ts';
import { brokenPromises, type Judgement, judge, type KeyTally, together } from './lost-ids.ts';

const CONCURRENCY = 16;
const POLL_MS = 50;
const TIMEOUT_MS = 10_000;
/** Repair is done by then, or something is wrong. */
const EQUAL_LIMIT_MS = 60_000;

/** What was found. */
export interface Finding {
  readonly judgement: Judgement;
  /** Sentences; empty if every promise of the arm is kept. */
  readonly broken: readonly string[];
}

/** Looks at keys from outside, like any client. */
export class FinalState {
  readonly #transport = new PoolTransport();
  readonly #client: Client;
  readonly #bucket: string;
  readonly #signal: AbortSignal;

  constructor({
    urls,
    bucket,
    signal,
  }: { readonly urls: readonly string[]; readonly bucket: string; readonly signal: AbortSignal }) {
    this.#client = connect({ nodes: urls, transport: this.#transport.send });
    this.#bucket = bucket;
    this.#signal = signal;
  }

  /**
   * Resolves with the milliseconds that it took; undefined if some still differed after a minute. `atOnce`: how many are asked for
   * in one go; few, where the asking itself would be a load beside what is measured.
   */
  async untilEqual(keys: readonly string[], atOnce = CONCURRENCY): Promise<number | undefined> {
    const startMs = performance.now();
    let left = keys;
    while (left.length > 0) {
      this.#signal.throwIfAborted();
      const asked = left.slice(0, atOnce);
      const agree = await eachOf(asked, async (key) => this.#agree(key));
      const differing = asked.filter((_, index) => agree[index] !== true);
      left = [...differing, ...left.slice(atOnce)];
      if (performance.now() - startMs > EQUAL_LIMIT_MS) return undefined;
      if (differing.length > 0) await delay(POLL_MS);
    }
    return performance.now() - startMs;
  }

  /** Most siblings that any of the keys holds. */
  async mostSiblings(arm: ArmId, keys: readonly string[]): Promise<number> {
    const found = await eachOf(keys, async (key) => (await this.#read(arm, key)).siblings);
    return Math.max(0, ...found);
  }

  /** Judges the updates of an arm by what its keys hold, once their replicas are equal. */
  async judge(id: ArmId, tallies: readonly KeyTally[]): Promise<Finding> {
    const arm = armOf(id);
    const equalMs = await this.untilEqual(tallies.map(({ key }) => key));
    const judged = await eachOf(tallies, async (tally) => {
      const { ids, siblings } = await this.#read(id, tally.key);
      return { judgement: judge(tally, ids), broken: splitRegister(arm, tally.key, siblings) };
    });
    const judgement = together(judged.map((each) => each.judgement));
    const broken = [
      ...(equalMs === undefined ? ['replicas still differed after a minute'] : []),
      ...judged.flatMap((each) => each.broken),
      ...brokenPromises(judgement, arm),
    ];
    return { judgement, broken: broken.map((sentence) => `${id}: ${sentence}`) };
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  async #agree(key: string): Promise<boolean> {
    try {
      return (await this.#client.inspect(this.#bucket, key, { timeoutMs: TIMEOUT_MS })).agree;
    } catch {
      // A node is on its way down or up: asked again soon.
      return false;
    }
  }

  async #read(arm: ArmId, key: string): Promise<{ readonly ids: Ids; readonly siblings: number }> {
    const bucket = this.#client.bucket<Ids>(this.#bucket, { resolve: resolverOf(arm) });
    const entry = await bucket.get(key, { consistency: 'all', timeoutMs: TIMEOUT_MS });
    return entry.type === 'found'
      ? { ids: entry.value, siblings: entry.resolvedFrom }
      : { ids: [], siblings: 0 };
  }
}

function splitRegister({ isConditional }: Arm, key: string, siblings: number): readonly string[] {
  return isConditional && siblings > 1 ? [`compare-and-set left ${siblings} siblings in ${key}`] : [];
}

/** Some at a time; results in the order of the items. */
async function eachOf<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const left = [...items.entries()];
  const worker = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return results;
}
