/**
 * A cluster of production `StorageNode`s on simulated ports: processes that start, crash and start again on disks that
 * outlive them.
 */
import { configurationEpoch } from '../../../src/codec/hash.ts';
import type { ClusterConfig } from '../../../src/core/cluster-config.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import type { WorkSizes } from '../../../src/core/work-sizes.ts';
import type { TraceEvent } from '../../../src/ports/tracer.ts';
import {
  startStorageNode,
  type StorageNode,
  type StorageNodeOptions,
} from '../../../src/protocol/storage-node.ts';
import { DeterminismGuard } from './determinism-guard.ts';
import { draw } from './draw.ts';
import { EventLoop, type Owner } from './event-loop.ts';
import { Life } from './life.ts';
import { type ClockFaults, SimClock } from './sim-clock.ts';
import { DiskFault, type DiskOptions, SimDisk } from './sim-disk.ts';
import { Fabric, type NetworkOptions } from './sim-network.ts';
import { SimRandom } from './sim-random.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly config: ClusterConfig;
  readonly sync: boolean;
  readonly network: NetworkOptions;
  readonly disk: DiskOptions;
  readonly clockOf: (node: NodeId) => ClockFaults;
  /** Whether nodes compare their records by themselves; so they do if this is not set. */
  readonly antiEntropy?: boolean;
  /** Whether they hand over what they keep for others; so they do if this is not set. */
  readonly handoff?: boolean;
  /** Whether reads repair what they find behind; so they do if this is not set. */
  readonly readRepair?: boolean;
  /** Milliseconds after which tombstones are reaped; never if this is not set. */
  readonly reapAfterMs?: number | undefined;
  /** Share of the reads that ask all home replicas; none if this is not set. */
  readonly askAllShare?: number;
  /** How big steps, pages and caches are; as in production where it is not set. */
  readonly sizes?: Partial<WorkSizes> | undefined;
}

export interface WorldObserver {
  readonly onTrace?: (node: NodeId, event: TraceEvent) => void;
  /** A process ended, by a fault or by its own decision (a failed store). */
  readonly onDeath?: (node: NodeId, reason: string) => void;
  /** It was its own decision. The fault that led to it may be over by then: a slow disk tells late that it failed. */
  readonly onFailStop?: (node: NodeId) => void;
  /** A process could not start, or threw where nothing may. */
  readonly onBug?: (node: NodeId, error: unknown) => void;
}

/** Why a process died that was to die inside a call of one of its ports. */
export const CRASHED_INSIDE_CALL = 'crashed inside a call';

/** One machine: a disk and clocks, and the process that runs on it now. */
export class SimNode {
  readonly id: NodeId;
  /** Its address: the name of its node, unless it is a second machine that runs as the same one. */
  readonly place: NodeId;
  readonly disk: SimDisk;
  readonly clockFaults: ClockFaults;
  readonly #world: SimCluster;
  #life: Life | undefined;
  #node: StorageNode | undefined;
  #starts = 0;

  constructor(id: NodeId, world: SimCluster, disk: SimDisk, clockFaults: ClockFaults, place = id) {
    this.id = id;
    this.place = place;
    this.#world = world;
    this.disk = disk;
    this.clockFaults = clockFaults;
  }

  /** The running process, once it has opened its store. */
  get storageNode(): StorageNode | undefined {
    return this.#life?.alive === true ? this.#node : undefined;
  }

  get life(): Life | undefined {
    return this.#life;
  }

  get isUp(): boolean {
    return this.storageNode !== undefined;
  }

  /** `voting`: what an operator tells this process alone. */
  start(voting: Pick<StorageNodeOptions, 'votesAfterLoss' | 'votesWithout'> = {}): void {
    if (this.#life?.alive === true) return;
    this.#starts += 1;
    const { options, loop, fabric, observer } = this.#world;
    const { seed, config, sync, antiEntropy = true, handoff = true } = options;
    const { readRepair = true, askAllShare = 0, reapAfterMs, sizes } = options;
    const processName = `${this.place}#${this.#starts}`;
    const life = new Life(processName, () => this.#died(CRASHED_INSIDE_CALL, false));
    this.#life = life;
    this.#node = undefined;
    startStorageNode({
      config,
      epoch: configurationEpoch(config),
      nodeId: this.id,
      sync,
      peerSecret: undefined,
      antiEntropy,
      handoff,
      readRepair,
      reapAfterMs,
      askAllShare,
      sizes,
      ...voting,
      clock: new SimClock(seed, loop, life, this.clockFaults),
      random: new SimRandom(seed, processName),
      storage: this.disk.opened(life),
      network: fabric.networkOf(this.place, life),
      tracer: {
        trace: (event) => {
          if (life.alive) observer.onTrace?.(this.id, event);
        },
      },
      isLowOnSpace: () => this.disk.freeBytes < config.limits.reserveBytes,
      onFatal: (reason) => {
        if (!life.alive) return;
        const lingerUs = lingersUs(draw(seed, `fatal ${processName}`));
        loop.schedule(lingerUs, life, 'fatal', () => this.#failStop(String(reason)));
      },
    }).then(
      (node) => {
        if (this.#life === life && life.alive) this.#node = node;
      },
      (error: unknown) => {
        if (!life.alive) return;
        // A store that cannot be written ends the process; whoever watches over it starts it again. A slow disk tells of it when
        // the fault is over.
        if (this.disk.writeFault === 'none' && !(error instanceof DiskFault))
          observer.onBug?.(this.id, error);
        this.#failStop(String(error));
      },
    );
  }

  /** Ends the process now. With `power` also what the machine had not synced. */
  crash({ power, reason }: { readonly power: boolean; readonly reason: string }): void {
    if (this.#life?.alive !== true) return;
    this.#life.end();
    this.#died(reason, power);
  }

  #failStop(reason: string): void {
    if (this.#life?.alive !== true) return;
    this.crash({ power: false, reason });
    this.#world.observer.onFailStop?.(this.id);
  }

  #died(reason: string, power: boolean): void {
    const { fabric, observer } = this.#world;
    if (power) this.disk.powerLost();
    else this.disk.processEnded();
    if (this.#life !== undefined) fabric.died(this.#life, power);
    observer.onDeath?.(this.id, reason);
  }
}

/** How long a process goes on after its store has failed: half of them end at once, others may flush their log first. */
function lingersUs(uniform: number): number {
  return uniform < 0.5 ? 0 : (uniform - 0.5) * 400_000;
}

export class SimCluster {
  readonly options: WorldOptions;
  readonly loop: EventLoop;
  readonly fabric: Fabric;
  readonly observer: WorldObserver;
  readonly nodes: ReadonlyMap<NodeId, SimNode>;
  /** Owner of events that belong to no process. */
  readonly outside: Owner = { name: 'outside', alive: true, pausedUntilUs: 0 };
  #copies = 0;

  constructor(options: WorldOptions, observer: WorldObserver = {}) {
    const { seed, config, network, disk, clockOf } = options;
    this.options = options;
    this.observer = observer;
    this.loop = new EventLoop(seed);
    this.loop.guard = new DeterminismGuard();
    this.fabric = new Fabric(seed, this.loop, network);
    this.nodes = new Map(
      config.nodes.map(({ id }) => [
        id,
        new SimNode(id, this, new SimDisk(seed, id, this.loop, disk), { ...clockOf(id) }),
      ]),
    );
  }

  node(id: NodeId): SimNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`There is no node ${id}`);
    return node;
  }

  /**
   * Another machine with a copy of a node's disk (`content`: a snapshot of it), whose process says that it is that node. It
   * dials everybody; whoever dials the node reaches the first machine. It is none of `nodes`.
   */
  copyOf({ id, disk }: SimNode, content = disk.snapshot()): SimNode {
    this.#copies += 1;
    const { seed, disk: options, clockOf } = this.options;
    const place = `${id}-copy${this.#copies}` as NodeId;
    const copied = new SimDisk(seed, place, this.loop, options);
    copied.rollBack(content);
    return new SimNode(id, this, copied, { ...clockOf(id) }, place);
  }

  /** All processes start in the first event, which the guard of the loop watches over like any other. */
  startAll(): void {
    this.loop.schedule(0, this.outside, 'start', () => {
      for (const node of this.nodes.values()) node.start();
    });
  }

  /** Runs for so many virtual milliseconds. */
  runFor(ms: number): Promise<void> {
    return this.loop.run(this.loop.nowUs + ms * 1_000);
  }

  /** Runs until the promise has settled, at most for so many virtual milliseconds. */
  async runUntil<Result>(promise: Promise<Result>, maxMs = 120_000): Promise<Result> {
    let settled = false;
    promise.then(
      () => (settled = true),
      () => (settled = true),
    );
    // The promise may be settled already, with nothing left to run.
    await this.loop.run(this.loop.nowUs + maxMs * 1_000, () => settled);
    await Promise.resolve();
    if (!settled) throw new Error(`nothing came of it in ${maxMs} virtual ms`);
    return promise;
  }
}
