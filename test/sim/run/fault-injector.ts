/** Carries out the planned faults of a run, and takes all of them back when the cluster is to heal. */
import { metaKey, sequenceOfKey } from '../../../src/codec/key-layout.ts';
import { decodeMessage } from '../../../src/codec/message-codec.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import { DAMAGE_READS } from '../../../src/core/limits.ts';
import type { StorageWrite } from '../../../src/ports/storage.ts';
import type { FilteredKind, MisreadKind, PlannedFault } from '../plan/plan.ts';
import { draw } from '../world/draw.ts';
import type { SimCluster, SimNode } from '../world/sim-cluster.ts';
import type { SimDisk } from '../world/sim-disk.ts';
import type { FrameInFlight } from '../world/sim-network.ts';
import { isRecordKey } from './record-keys.ts';

interface Filter {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly kind: FilteredKind;
}

/** `hasGap`: what is missing shows on the disk itself. */
export type OnDiskLost = (node: NodeId, hasGap: boolean) => void;

export class FaultInjector {
  readonly #world: SimCluster;
  readonly #nodes: readonly SimNode[];
  readonly #onDiskLost: OnDiskLost;
  readonly #snapshots = new Map<NodeId, ReadonlyMap<string, Uint8Array>>();
  readonly #filters = new Set<Filter>();
  /** When the longest fault of a name ends, virtual microseconds. */
  readonly #untilUs = new Map<string, number>();
  /** How often each kind was carried out. */
  readonly injected = new Map<string, number>();
  #healing = false;

  constructor(world: SimCluster, onDiskLost: OnDiskLost) {
    this.#world = world;
    this.#nodes = [...world.nodes.values()];
    this.#onDiskLost = onDiskLost;
    world.fabric.filter = (inFlight) => this.#isFiltered(inFlight);
  }

  schedule(faults: readonly PlannedFault[]): void {
    const { loop, outside } = this.#world;
    for (const fault of faults) {
      loop.schedule(fault.atUs, outside, `fault-${fault.type}`, () => {
        if (!this.#healing) this.#inject(fault);
      });
    }
  }

  /** A process that ended by itself, as on a failed write, is started again by whoever watches over it. */
  restartLater(node: NodeId, delayUs: number): void {
    const { loop, outside } = this.#world;
    loop.schedule(delayUs, outside, 'restart', () => this.#world.node(node).start());
  }

  /** Everything works again from now on, except that a pause goes on to its end. */
  heal(): void {
    this.#healing = true;
    this.#filters.clear();
    const { fabric } = this.#world;
    fabric.options = {
      ...fabric.options,
      lossChance: 0,
      duplicateChance: 0,
      reorderChance: 0,
      slowChance: 0,
    };
    fabric.healAll();
    fabric.breakLossy();
    for (const node of this.#nodes) {
      this.#repair(node);
      node.start();
    }
  }

  #repair(node: SimNode): void {
    node.disk.writeFault = 'none';
    node.disk.freeBytes = Number.POSITIVE_INFINITY;
    node.disk.misread = undefined;
    node.disk.options = { ...node.disk.options, stallChance: 0 };
    if (node.life === undefined) return;
    node.life.slowness = 1;
  }

  #inject(fault: PlannedFault): void {
    const count = (name: string): unknown => this.injected.set(name, (this.injected.get(name) ?? 0) + 1);
    count(fault.type);
    const { fabric } = this.#world;
    switch (fault.type) {
      case 'crash':
        if (fault.disk !== 'kept') count(fault.disk);
        return this.#crash(fault);
      case 'snapshot':
        this.#snapshots.set(this.#node(fault.node).id, this.#node(fault.node).disk.snapshot());
        return;
      case 'forget':
        this.#node(fault.node).disk.lose(isRecordKey);
        return this.#onDiskLost(this.#node(fault.node).id, false);
      case 'cut':
        return this.#cut(fault.links, fault.forUs);
      case 'reset':
        return fabric.reset(this.#node(fault.left).id, this.#node(fault.right).id);
      case 'pause':
        return this.#onLife(fault.node, (life) => {
          life.pausedUntilUs = this.#world.loop.nowUs + fault.forUs;
        });
      case 'slow':
        return this.#slow(fault.node, fault.factor, fault.forUs);
      case 'clock-jump':
        this.#node(fault.node).clockFaults.wallOffsetMs += fault.ms;
        return;
      case 'write-fault':
        this.#node(fault.node).disk.writeFault = fault.fault;
        return this.#until(`write-fault ${fault.node}`, fault.forUs, () => {
          this.#node(fault.node).disk.writeFault = 'none';
        });
      case 'low-space':
        this.#node(fault.node).disk.freeBytes = 0;
        return this.#until(`low-space ${fault.node}`, fault.forUs, () => {
          this.#node(fault.node).disk.freeBytes = Number.POSITIVE_INFINITY;
        });
      case 'misread':
        return this.#misread(fault.node, fault.kind, fault.forUs);
      case 'filter':
        return this.#filter(
          { from: this.#node(fault.from).id, to: this.#node(fault.to).id, kind: fault.kind },
          fault.forUs,
        );
    }
  }

  #crash(fault: Extract<PlannedFault, { type: 'crash' }>): void {
    const node = this.#node(fault.node);
    const { life } = node;
    if (fault.afterCalls > 0 && life?.alive === true && fault.disk === 'kept') {
      life.crashAfterCalls(fault.afterCalls);
      // The process may never make that many calls.
      this.#later(2_000_000, () => {
        if (life.alive) node.crash({ power: fault.power, reason: 'crashed' });
        this.restartLater(node.id, fault.downUs);
      });
      return;
    }
    node.crash({ power: fault.power, reason: 'crashed' });
    if (fault.disk === 'wiped') node.disk.wipe();
    if (fault.disk === 'rolled-back') node.disk.rollBack(this.#snapshots.get(node.id) ?? new Map());
    if (fault.disk === 'gap') this.#loseBatches(node);
    else if (fault.disk !== 'kept') this.#onDiskLost(node.id, false);
    this.restartLater(node.id, fault.downUs);
  }

  #loseBatches({ id, disk }: SimNode): void {
    const { lost, later } = disk.loseBatches(namesItsOwner);
    if (lost.length > 0) this.#onDiskLost(id, lost.some(isCounted) && later.some(isCounted));
  }

  #cut(links: readonly (readonly [number, number])[], forUs: number): void {
    const { fabric } = this.#world;
    for (const [from, to] of links) {
      const [fromId, toId] = [this.#node(from).id, this.#node(to).id];
      fabric.cut(fromId, toId);
      this.#until(`cut ${fromId}>${toId}`, forUs, () => fabric.heal(fromId, toId));
    }
  }

  #slow(index: number, factor: number, forUs: number): void {
    this.#onLife(index, (life) => {
      life.slowness = factor;
      this.#until(`slow ${life.name}`, forUs, () => {
        life.slowness = 1;
      });
    });
  }

  #misread(index: number, kind: MisreadKind, forUs: number): void {
    const { disk } = this.#node(index);
    const { seed } = this.#world.options;
    let reads = 0;
    const inARow = new Map<string, number>();
    disk.misread = (key, value) => {
      if (!isRecordKey(key)) return value;
      reads += 1;
      const name = Buffer.from(key).toString('latin1');
      const before = inARow.get(name) ?? 0;
      // What is read alike so often is damaged, for all that its node can tell.
      const isRight = draw(seed, 'misread', index, reads) < 0.5 || before === DAMAGE_READS - 1;
      inARow.set(name, isRight ? 0 : before + 1);
      if (isRight) return value;
      if (kind === 'error') throw new Error('Input/output error');
      return kind === 'damaged' ? damaged(value) : neighbour(disk, key);
    };
    this.#until(`misread ${index}`, forUs, () => {
      disk.misread = undefined;
    });
  }

  #filter(filter: Filter, forUs: number): void {
    this.#filters.add(filter);
    this.#later(forUs, () => this.#filters.delete(filter));
  }

  #isFiltered({ from, to, frame }: FrameInFlight): boolean {
    for (const filter of this.#filters) {
      if (filter.from === from && filter.to === to && kindOf(frame) === filter.kind) return true;
    }
    return false;
  }

  #onLife(index: number, act: (life: NonNullable<SimNode['life']>) => void): void {
    const { life } = this.#node(index);
    if (life?.alive === true) act(life);
  }

  /** A fault ends, unless another one of that name lasts longer. */
  #until(name: string, forUs: number, end: () => void): void {
    const { loop } = this.#world;
    const untilUs = Math.max(this.#untilUs.get(name) ?? 0, loop.nowUs + forUs);
    this.#untilUs.set(name, untilUs);
    this.#later(forUs, () => {
      if (loop.nowUs >= (this.#untilUs.get(name) as number)) end();
    });
  }

  #later(delayUs: number, act: () => void): void {
    this.#world.loop.schedule(delayUs, this.#world.outside, 'fault-ends', act);
  }

  #node(index: number): SimNode {
    const node = this.#nodes[index];
    if (node === undefined) throw new Error(`There is no node ${index}`);
    return node;
  }
}

/** One byte in the middle is wrong. */
function damaged(value: Uint8Array | undefined): Uint8Array | undefined {
  if (value === undefined) return undefined;
  const bytes = new Uint8Array(value);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] as number) ^ 0x10;
  return bytes;
}

/** The value of some other record, if the disk has one. */
function neighbour(disk: SimDisk, key: Uint8Array): Uint8Array | undefined {
  for (const [other, value] of disk.entries()) {
    if (isRecordKey(other) && Buffer.compare(other, key) !== 0) return value;
  }
  return disk.visibleValue(key);
}

/** As plans name it (FilteredKind). */
function kindOf(frame: Uint8Array): string | undefined {
  try {
    const message = decodeMessage(frame);
    if (message.type === 'request') return `request ${message.request.type}`;
    return message.type === 'reply' ? message.reply.type : undefined;
  } catch {
    // A chunk of a longer message.
    return undefined;
  }
}

/** Without this nobody starts on a store. */
function namesItsOwner(writes: readonly StorageWrite[]): boolean {
  return writes.some(({ key }) => Buffer.compare(key, metaKey('store')) === 0);
}

/** Whether a batch brings the store to another sequence number. */
function isCounted(writes: readonly StorageWrite[]): boolean {
  return writes.some(({ type, key }) => type === 'put' && sequenceOfKey(key) !== undefined);
}
