/**
 * A cluster of four nodes whose faults are drawn: messages are lost and late, links are cut, processes die and come back, and
 * one disk may be lost. A function of its seed.
 */
import type { NodeId } from '../../../src/core/ids.ts';
import type { StorageNode } from '../../../src/protocol/storage-node.ts';
import { Stream } from '../../sim/world/draw.ts';
import { quietWorld, simConfig } from '../../sim/world/quiet-world.ts';
import type { SimCluster } from '../../sim/world/sim-cluster.ts';

const NODES: readonly NodeId[] = (['n1', 'n2', 'n3', 'n4'] as const).map((id) => id as string as NodeId);

/** Milliseconds that a client waits for an answer at most: its node may have died. */
const PATIENCE_MS = 1_200;

export class FaultyCluster {
  readonly draw: Stream;
  readonly bugs: unknown[] = [];
  readonly #world: SimCluster;
  readonly #wipes: boolean;
  #steps = 0;
  #isOver = false;
  #wiped: NodeId | undefined;

  /** Buckets are of mode `mixed`, but for one: `ledger` is of mode `cas`. */
  constructor(seed: number, wipes: boolean) {
    this.draw = new Stream(seed, 'cluster-history');
    this.#wipes = wipes;
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
      { onBug: (_node, error) => this.bugs.push(error) },
    );
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
      await this.sleep(20 + this.draw.fraction() * 200);
      const drawn = this.draw.fraction();
      const one = this.#node();
      const other = this.#node();
      if (drawn < 0.3) this.#crash(one);
      else if (drawn < 0.6) this.#startAgain();
      else if (drawn < 0.8 && one !== other) this.#world.fabric.cut(one, other);
      else this.#healAll();
    }
  }

  #crash(id: NodeId): void {
    const machine = this.#world.node(id);
    if (!machine.isUp) return;
    machine.crash({ power: this.draw.fraction() < 0.5, reason: 'killed' });
    // One disk is lost, once: what a majority held is held by a majority of the others no more if there were two.
    if (this.#wipes && this.#wiped === undefined && this.draw.fraction() < 0.3) {
      this.#wiped = id;
      machine.disk.wipe();
    }
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
