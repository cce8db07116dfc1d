/**
 * Conditional and plain writes, deletions among them, on real nodes that are killed and stopped all the while, one after the other,
 * while links between them break and their clocks jump: what clients were told of each key is linearizable, and where nothing is
 * deleted, its versions are one chain.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { seededDraw } from '../../core/causality/seeded-draw.ts';
import { isDeletion } from '../../sim/linearizability/object-history.ts';
import { ConditionalKey, ConditionalLoad } from '../conditional-load.ts';
import { type FalseClocks, falseClocks } from '../false-clocks.ts';
import { PlacedKeys } from '../placed-keys.ts';
import { type Draw, drawnFrom } from '../random-load.ts';
import { type ProcessCluster, startProcessCluster } from '../process-cluster.ts';
import { FaultPlan, LONG_PAUSE_MS } from './fault-plan.ts';
import { breakLinks } from './link-faults.ts';

const CLIENTS = 8;
const STREAMS = ['load', 'keys', 'nodes', 'links', 'clocks'] as const;
/** Keys are in use for so long: no key has so many operations that it cannot be judged. */
const KEYS_MS = 10_000;
/** Of so many pauses one is longer than anybody waits, where a run is long enough for that. */
const PAUSES_PER_LONG_ONE = 6;
/** So many long pauses as a run has to be long for there to be one. */
const LONG_PAUSES_PER_RUN = 5;

/** By which clocks are wrong, seconds: of some that nobody notices, and of some whose ballots are refused, or outdo all others. */
const CLOCK_OFFSETS = [-7_200, -90, -5, 2, 45, 1_800];

export interface ConditionalNemesisOptions {
  readonly seconds: number;
  /** What breaks, in which order and for how long, follows from it. */
  readonly seed: number;
}

/** What was not linearizable, in words. Rejects if too little was tried for that to be a trial, or if keys cannot be read at the end. */
export async function runConditionalNemesis(options: ConditionalNemesisOptions): Promise<readonly string[]> {
  // Undefined where clocks cannot be falsified.
  const clocks = await falseClocks();
  try {
    const cluster = await startProcessCluster({
      ...{ nodes: 5, links: true, config: { buckets: { accounts: { mode: 'cas' } } } },
      environment: (node) => clocks?.environmentOf(node) ?? {},
    });
    try {
      return await new ConditionalNemesis(cluster, await PlacedKeys.of(cluster), options).run(clocks);
    } finally {
      await cluster.close();
    }
  } finally {
    await clocks?.close();
  }
}

class ConditionalNemesis {
  readonly #cluster: ProcessCluster;
  readonly #placed: PlacedKeys;
  readonly #seconds: number;
  readonly #seed: number;
  readonly #load: ConditionalLoad;
  readonly #over = new AbortController();
  /** In use. */
  #keys: readonly ConditionalKey[] = [];
  /** Those that are in use, and all before. */
  readonly #all: ConditionalKey[] = [];

  constructor(cluster: ProcessCluster, placed: PlacedKeys, { seconds, seed }: ConditionalNemesisOptions) {
    this.#cluster = cluster;
    this.#placed = placed;
    this.#seconds = seconds;
    this.#seed = seed;
    this.#load = new ConditionalLoad(cluster, this.#drawOf('load'));
  }

  async run(clocks: FalseClocks | undefined): Promise<readonly string[]> {
    this.#moveOn();
    const moving = setInterval(() => this.#moveOn(), KEYS_MS);
    const faults = [
      this.#breakNodes(),
      this.#breakSomeLinks(),
      ...(clocks === undefined ? [] : [this.#falsifyClocks(clocks)]),
    ];
    const draw = this.#drawOf('keys');
    const working = Promise.all([...faults, ...Array.from({ length: CLIENTS }, () => this.#work(draw))]);
    try {
      await Promise.race([working, sleep(this.#seconds * 1_000)]);
      const tried = async (): Promise<void> => this.#assertTried();
      await Promise.race([working, this.#cluster.eventually('enough was tried', tried)]);
    } finally {
      this.#over.abort();
      clearInterval(moving);
    }
    await working;
    return this.#judge();
  }

  async #judge(): Promise<readonly string[]> {
    await this.#cluster.eventually('all keys can be read', async () => {
      for (const key of this.#all)
        if (!(await this.#load.read(key))) throw new Error(`${key.target} cannot be read`);
    });
    const startMs = performance.now();
    const wrong = this.#all.flatMap((key) => {
      const found = key.judge();
      if (found.length > 0) process.stdout.write(`${key.record.lines}\n`);
      return found.map((detail) => `${key.kind} ${key.target}: ${detail}`);
    });
    const judgedMs = Math.round(performance.now() - startMs);
    const counts = this.#all.map(({ kind, record }) => `${kind} ${record.length}`).join(', ');
    process.stdout.write(`${counts}: judged in ${judgedMs} ms\n`);
    return wrong;
  }

  #moveOn(): void {
    this.#keys = [
      new ConditionalKey(this.#placed.draw('accounts').target, 'chain'),
      new ConditionalKey(this.#placed.draw('accounts').target, 'deleted'),
      new ConditionalKey(this.#placed.draw('mixed').target, 'deleted'),
      new ConditionalKey(this.#placed.draw('mixed').target, 'shared'),
    ];
    this.#all.push(...this.#keys);
  }

  async #work(draw: Draw): Promise<void> {
    while (!this.#isOver) await this.#load.operate(drawnFrom(this.#keys, draw));
  }

  async #breakNodes(): Promise<void> {
    const cluster = this.#cluster;
    const hasLongPauses = this.#seconds * 1_000 >= LONG_PAUSES_PER_RUN * LONG_PAUSE_MS;
    const draw = this.#drawOf('nodes');
    let pauses = 0;
    while (!this.#isOver) {
      await sleep(500 + draw(1_000));
      const node = drawnFrom(cluster.nodes, draw);
      const isKilled = draw(2) === 0;
      if (isKilled) await cluster.kill9(node);
      else cluster.stop(node);
      pauses += isKilled ? 0 : 1;
      const isLong = !isKilled && hasLongPauses && pauses % PAUSES_PER_LONG_ONE === 0;
      await sleep(isLong ? LONG_PAUSE_MS : 300 + draw(1_500));
      if (isKilled) cluster.start(node);
      else cluster.cont(node);
      await cluster.waitReady();
    }
  }

  /** For some seconds at a time, and whole for as long: with two kinds of faults at once a key has no quorum for most of the time. */
  async #breakSomeLinks(): Promise<void> {
    const options = { nodes: this.#cluster.nodes, smallDiskNode: undefined, canFailWrites: false };
    const plan = new FaultPlan(options, this.#drawOf('links'));
    while (!this.#isOver) {
      for (const fault of plan.next().links) {
        if (this.#isOver) return;
        await breakLinks(this.#cluster, fault);
        await sleep(fault.forMs);
      }
    }
  }

  async #falsifyClocks(clocks: FalseClocks): Promise<void> {
    const draw = this.#drawOf('clocks');
    while (!this.#isOver) {
      const node = drawnFrom(this.#cluster.nodes, draw);
      clocks.set(node, drawnFrom(CLOCK_OFFSETS, draw));
      await sleep(2_000 + draw(4_000));
      clocks.set(node, 0);
      await sleep(draw(2_000));
    }
  }

  /** Draws of their own for whatever goes on beside others: in which order they come to draw is not in the seed. */
  #drawOf(stream: (typeof STREAMS)[number]): Draw {
    return seededDraw(this.#seed + STREAMS.indexOf(stream));
  }

  #assertTried(): void {
    for (const kind of ['chain', 'deleted', 'shared'] as const) {
      const records = this.#all.filter((key) => key.kind === kind).map(({ record }) => record);
      const sum = (count: (record: (typeof records)[number]) => number): number =>
        records.reduce((total, record) => total + count(record), 0);
      const least = (what: string, done: number, bound: number): void => {
        if (done <= bound) throw new Error(`of keys of kind ${kind} ${done} ${what}: no more than ${bound}`);
      };
      const conditional = sum((record) => record.count('replace') + record.count('create'));
      least('conditional writes succeeded', conditional, this.#seconds / 4);
      if (kind === 'shared')
        least(
          'plain writes succeeded',
          sum((record) => record.count('plain')),
          this.#seconds / 8,
        );
      if (kind !== 'chain')
        least(
          'deletions succeeded',
          sum((record) => record.count('replace', isDeletion)),
          0,
        );
    }
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted;
  }
}
