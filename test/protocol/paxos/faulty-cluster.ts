/**
 * A cluster of four nodes whose faults are drawn: messages are lost and late, links are cut, processes die and come back, and
 * disks are lost, or come back as they were some time before. A function of its seed.
 */
import type { NodeId } from '../../../src/core/ids.ts';
import type { StorageNode } from '../../../src/protocol/storage-node.ts';
import { Stream } from '../../sim/world/draw.ts';
import { quietWorld, simConfig } from '../../sim/world/quiet-world.ts';
import type { SimCluster } from '../../sim/world/sim-cluster.ts';

/** First bytes of the storage keys of records, and of what acceptors keep. */
const RECORD = 0x64;
const ACCEPTOR = 0x61;

const NODES: readonly NodeId[] = (['n1', 'n2', 'n3', 'n4'] as const).map((id) => id as string as NodeId);

/** Milliseconds that a client waits for an answer at most: its node may have died. */
const PATIENCE_MS = 1_200;

/**
 * What becomes of disks. One at a time: what a majority held is held by a majority of the others no more if there were two. So
 * another one is lost only when the last one has all its votes again.
 */
export interface DiskFaults {
  /** Share of the crashes after which the disk is lost, if it may be: 0 to 1. */
  readonly lossShare: number;
  /** Share of these in which it comes back as it was before, and is not empty: 0 to 1. */
  readonly rollBackShare: number;
  /** Share of these in which only a bit of a record, or of what an acceptor keeps of it, is flipped: 0 to 1. */
  readonly damageShare: number;
  readonly maxLosses: number;
  /** Milliseconds between two faults of any kind, at most. */
  readonly faultPauseMs: number;
}

export const SOUND_DISKS: DiskFaults = {
  lossShare: 0,
  rollBackShare: 0,
  damageShare: 0,
  maxLosses: 0,
  faultPauseMs: 200,
};
export const ONE_WIPED: DiskFaults = {
  lossShare: 0.3,
  rollBackShare: 0,
  damageShare: 0,
  maxLosses: 1,
  faultPauseMs: 200,
};
export const ONE_ROLLED_BACK: DiskFaults = {
  lossShare: 0.5,
  rollBackShare: 1,
  damageShare: 0,
  maxLosses: 1,
  faultPauseMs: 200,
};
export const ONE_DAMAGED: DiskFaults = {
  ...ONE_WIPED,
  lossShare: 0.8,
  damageShare: 1,
};
export const LOST_AGAIN: DiskFaults = {
  lossShare: 0.9,
  rollBackShare: 0.5,
  damageShare: 0,
  maxLosses: 5,
  faultPauseMs: 2_000,
};

export class FaultyCluster {
  readonly draw: Stream;
  readonly bugs: unknown[] = [];
  readonly #world: SimCluster;
  readonly #disks: DiskFaults;
  #steps = 0;
  #isOver = false;
  #losses = 0;
  #votesAgain = 0;
  /** Whose disk is lost, as long as it has not all its votes again. */
  #voteless: NodeId | undefined;
  /** Disks as they were some time ago. */
  readonly #copies = new Map<NodeId, ReadonlyMap<string, Uint8Array>>();

  /** Buckets are of mode `mixed`, but for one: `ledger` is of mode `cas`. */
  constructor(seed: number, disks: DiskFaults) {
    this.draw = new Stream(seed, 'cluster-history');
    this.#disks = disks;
    this.#world = quietWorld(
      simConfig(NODES.length, { buckets: new Map([['ledger', { n: 3, r: 2, w: 2, mode: 'cas' }]]) }),
      {
        seed,
        network: {
          minDelayUs: 200,
          meanDelayUs: 400,
          slowChance: 0.05,
          lossChance: 0.03,
          duplicateChance: 0,
          reorderChance: 0,
        },
      },
      {
        onBug: (_node, error) => this.bugs.push(error),
        onTrace: (node, { type }) => {
          if (type !== 'votes-again') return;
          this.#votesAgain += 1;
          if (node === this.#voteless) this.#voteless = undefined;
        },
      },
    );
  }

  /** How often a disk was lost, and how often a node that had lost something had all its votes again. */
  get tally(): { readonly losses: number; readonly votesAgain: number } {
    return { losses: this.#losses, votesAgain: this.#votesAgain };
  }

  /** Runs the clients under faults, ends the faults, and gives the cluster time to mend. */
  async runWithFaults(clients: () => Promise<unknown>): Promise<void> {
    this.#world.startAll();
    await this.#world.runFor(2_000);
    const running = clients();
    void this.#faults();
    await this.#world.runUntil(running);
    this.#isOver = true;
    await this.#world.runFor(1_000);
    this.#healAll();
    this.#startAgain();
    await this.#world.runFor(10_000);
  }

  runUntil<Result>(promise: Promise<Result>): Promise<Result> {
    return this.#world.runUntil(promise);
  }

  /** Asks any node that runs; undefined: no answer. */
  ask<Outcome>(operation: (node: StorageNode) => Promise<Outcome>): Promise<Outcome | undefined> {
    const running = [...this.#world.nodes.values()].filter(({ storageNode }) => storageNode !== undefined);
    const node = running[Math.floor(this.draw.fraction() * running.length)]?.storageNode;
    if (node === undefined) return this.sleep(50).then(() => undefined);
    const late = this.sleep(PATIENCE_MS).then(() => undefined);
    return Promise.race([operation(node).catch(() => undefined), late]);
  }

  sleep(ms: number): Promise<void> {
    const { loop, outside } = this.#world;
    return new Promise((resolve) => loop.schedule(ms * 1_000, outside, 'client', resolve));
  }

  /** The next place in the sequence of all calls and returns. */
  step(): number {
    this.#steps += 1;
    return this.#steps;
  }

  async #faults(): Promise<void> {
    while (!this.#isOver) {
      await this.sleep(20 + this.draw.fraction() * this.#disks.faultPauseMs);
      if (this.#isOver) return;
      const drawn = this.draw.fraction();
      const one = this.#node();
      const other = this.#node();
      if (drawn < 0.3) this.#crash(one);
      else if (drawn < 0.6) this.#startAgain();
      else if (drawn < 0.8 && one !== other) this.#world.fabric.cut(one, other);
      else this.#healAll();
      if (this.draw.fraction() < 0.2) this.#copies.set(other, this.#world.node(other).disk.snapshot());
    }
  }

  #crash(id: NodeId): void {
    const machine = this.#world.node(id);
    if (!machine.isUp) return;
    machine.crash({ power: this.draw.fraction() < 0.5, reason: 'killed' });
    const { lossShare, maxLosses } = this.#disks;
    const mayLose = this.#voteless === undefined && this.#losses < maxLosses;
    if (mayLose && this.draw.fraction() < lossShare) this.#lose(id);
  }

  #lose(id: NodeId): void {
    const { disk } = this.#world.node(id);
    if (this.draw.fraction() < this.#disks.damageShare) {
      this.#damage(id);
      return;
    }
    const isRolledBack = this.draw.fraction() < this.#disks.rollBackShare;
    const copy = isRolledBack ? this.#copies.get(id) : new Map<string, Uint8Array>();
    if (copy === undefined) return;
    this.#losses += 1;
    this.#voteless = id;
    disk.rollBack(copy);
    this.#copies.clear();
  }

  #damage(id: NodeId): void {
    const { disk } = this.#world.node(id);
    const entries = [...disk.entries()].filter(([key]) => key[0] === RECORD || key[0] === ACCEPTOR);
    const drawn = entries[Math.floor(this.draw.fraction() * entries.length)];
    if (drawn === undefined) return;
    this.#losses += 1;
    this.#voteless = id;
    const [key, bytes] = drawn;
    const place = Math.floor(this.draw.fraction() * bytes.length);
    const value = Uint8Array.from(bytes, (byte, index) => (index === place ? byte ^ 1 : byte));
    disk.takeEffect([{ type: 'put', key, value }], true);
  }

  #startAgain(): void {
    for (const machine of this.#world.nodes.values()) if (!machine.isUp) machine.start();
  }

  #healAll(): void {
    for (const from of NODES) for (const to of NODES) if (from !== to) this.#world.fabric.heal(from, to);
  }

  #node(): NodeId {
    return NODES[Math.floor(this.draw.fraction() * NODES.length)] as NodeId;
  }
}
