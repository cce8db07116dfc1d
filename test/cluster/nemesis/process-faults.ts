/** Lets one process suffer for a while. Each resolves when the node has been started again, or woken. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessCluster } from '../process-cluster.ts';
import type { ProcessFault } from './fault-plan.ts';
import type { NodeWatch } from './node-watch.ts';
import { allowWritesOf, failWritesOf, type SmallDisk } from './small-disk.ts';

/** Starts of a node that is killed again each time before it is well up. */
const KILL_LOOP_STARTS = 3;
const KILL_LOOP_MS = 500;

export class ProcessFaults {
  readonly #cluster: ProcessCluster;
  readonly #watch: NodeWatch;
  readonly #smallDisk: SmallDisk | undefined;

  constructor(cluster: ProcessCluster, watch: NodeWatch, smallDisk: SmallDisk | undefined) {
    this.#cluster = cluster;
    this.#watch = watch;
    this.#smallDisk = smallDisk;
  }

  async inject({ kind, node, forMs }: ProcessFault): Promise<void> {
    this.#watch.expectRunning(node);
    if (!this.#cluster.isRunning(node)) return;
    switch (kind) {
      case 'kill':
        return this.#kill([node], forMs);
      case 'kill-all':
        return this.#kill(
          this.#cluster.nodes.filter((each) => this.#cluster.isRunning(each)),
          Math.min(forMs, KILL_LOOP_MS),
        );
      case 'kill-loop':
        for (let starts = 0; starts < KILL_LOOP_STARTS; starts += 1)
          await this.#kill([node], 0).then(() => delay(KILL_LOOP_MS));
        return;
      case 'pause':
      case 'long-pause':
        return this.#pause(node, forMs);
      case 'drain':
        await this.#cluster.terminate(node);
        await delay(forMs);
        return this.start(node);
      case 'disk-full':
        return this.#fillDisk(node, forMs);
      case 'write-failure':
        return this.#failWrites(node, forMs);
    }
  }

  /** Starts a node that does not run. */
  start(node: string): void {
    this.#watch.look(node);
    this.#cluster.start(node);
  }

  async #kill(nodes: readonly string[], downMs: number): Promise<void> {
    await this.#cluster.kill9(...nodes);
    await delay(downMs);
    for (const node of nodes) this.start(node);
  }

  async #pause(node: string, forMs: number): Promise<void> {
    this.#cluster.stop(node);
    try {
      await delay(forMs);
    } finally {
      this.#cluster.cont(node);
    }
  }

  /** It refuses writes, or ends by itself, and then cannot start. */
  async #fillDisk(node: string, forMs: number): Promise<void> {
    this.#watch.mayEnd(node);
    await this.#smallDisk?.fill();
    await delay(forMs);
    await this.#smallDisk?.free();
    await this.#startAnew(node);
  }

  async #failWrites(node: string, forMs: number): Promise<void> {
    this.#watch.mayEnd(node);
    const pid = this.#cluster.pid(node);
    await failWritesOf(pid);
    await delay(forMs);
    if (this.#cluster.isRunning(node)) await allowWritesOf(pid);
    await this.#startAnew(node);
  }

  /** What has not ended of itself is killed: it may be about to, for a write that failed. */
  async #startAnew(node: string): Promise<void> {
    if (this.#cluster.isRunning(node)) await this.#cluster.kill9(node);
    this.start(node);
    this.#watch.isSound(node);
  }
}
