/**
 * One node's disk as LevelDB was measured to behave on it.
 *
 * - A batch is whole or not there. It takes effect at a random moment between its call and its completion; batches that
 *   run together take effect in any order.
 * - A synced batch that completed survives everything but the loss of the disk. One that was not synced survives the end of
 *   the process, but a loss of power keeps only a prefix of each log segment: an unsynced batch of an older segment may be
 *   lost although a synced one of a newer segment is there.
 * - After one failed write all writes fail until the store is opened again. Reads go on.
 *
 * The disk outlives the process; `opened` gives one process its storage port.
 */
import type { Storage, StorageRange, StorageWrite } from '../../../src/ports/storage.ts';
import { draw, exponential } from './draw.ts';
import type { EventLoop } from './event-loop.ts';
import { type Life, never, slowed } from './life.ts';

export interface DiskOptions {
  /** Mean microseconds of a write with and without sync. */
  readonly meanSyncUs: number;
  readonly meanWriteUs: number;
  /** Mean microseconds of a read; 0: reads answer at once, as LevelDB's synchronous ones do. */
  readonly meanReadUs: number;
  /** Probability of a stall of up to `stallUs`. */
  readonly stallChance: number;
  readonly stallUs: number;
  /** Bytes after which the log goes on in a new segment. */
  readonly segmentBytes: number;
}

/** Keys as latin1 strings: they compare like their bytes. */
type Content = Map<string, Uint8Array>;

/** Batches that a changed byte may take away. */
const MAX_RECENT = 64;

/** One of the last batches, and what was there before it. */
interface RecentBatch {
  readonly writes: readonly StorageWrite[];
  readonly before: ReadonlyMap<string, Uint8Array | undefined>;
}

interface Batch {
  readonly writes: readonly StorageWrite[];
  readonly segment: number;
  readonly bytes: number;
  isDurable: boolean;
}

export type WriteFault = 'none' | 'fail' | 'fail-after-effect';

/** What a write rejects with that met a fault. */
export class DiskFault extends Error {
  override readonly name = 'DiskFault';
}

export interface DiskObserver {
  /** A process hands a batch over; it may still fail or be lost. */
  readonly onAttempt?: (writes: readonly StorageWrite[]) => void;
  /** A batch has become durable, or (without sync) has taken effect. */
  readonly onEffect?: (writes: readonly StorageWrite[]) => void;
}

export class SimDisk {
  readonly #seed: number;
  readonly #name: string;
  readonly #loop: EventLoop;
  /** May change in the course of a run. */
  options: DiskOptions;
  /** What a read sees now. */
  #visible: Content = new Map();
  /** What is on the disk for certain; `#log` holds what came after it. */
  #durable: Content = new Map();
  #log: Batch[] = [];
  /** All of them took effect, one after the other, and nothing else did since the first. */
  #recent: RecentBatch[] = [];
  #segment = 0;
  #segmentBytes = 0;
  #draws = 0;
  #sortedKeys: readonly string[] | undefined;
  freeBytes = Number.POSITIVE_INFINITY;
  /** What the next write meets. */
  writeFault: WriteFault = 'none';
  /** What a read of a key gives instead of what is there; it may throw. Nothing on the disk changes. */
  misread: ((key: Uint8Array, value: Uint8Array | undefined) => Uint8Array | undefined) | undefined;
  observer: DiskObserver = {};
  syncs = 0;

  constructor(seed: number, name: string, loop: EventLoop, options: DiskOptions) {
    this.#seed = seed;
    this.#name = name;
    this.#loop = loop;
    this.options = options;
  }

  /** The storage port of one process. */
  opened(life: Life): Storage {
    return new OpenDisk(this, life, this.#loop);
  }

  /** Content that would be there after a loss of power now. */
  durableValue(key: Uint8Array): Uint8Array | undefined {
    const name = nameOf(key);
    for (let index = this.#log.length - 1; index >= 0; index -= 1) {
      const batch = this.#log[index] as Batch;
      if (!batch.isDurable) continue;
      const write = batch.writes.findLast((candidate) => nameOf(candidate.key) === name);
      if (write !== undefined) return write.type === 'put' ? write.value : undefined;
    }
    return this.#durable.get(name);
  }

  /** What a read would see now. */
  visibleValue(key: Uint8Array): Uint8Array | undefined {
    return this.#visible.get(nameOf(key));
  }

  /** As `visibleValue`, by way of a disk that may misread. Throws if it cannot read. */
  read(key: Uint8Array): Uint8Array | undefined {
    const value = this.visibleValue(key);
    return this.misread === undefined ? value : this.misread(key, value);
  }

  /** All that a read would see now, in key order. */
  *entries(): Generator<readonly [Uint8Array, Uint8Array]> {
    for (const name of this.sortedKeys())
      yield [Buffer.from(name, 'latin1'), this.#visible.get(name) as Uint8Array];
  }

  sortedKeys(): readonly string[] {
    this.#sortedKeys ??= [...this.#visible.keys()].sort((left, right) => (left < right ? -1 : 1));
    return this.#sortedKeys;
  }

  value(name: string): Uint8Array | undefined {
    return this.#visible.get(name);
  }

  /** The process ended; its machine did not: all that took effect is there. */
  processEnded(): void {
    this.#durable = new Map(this.#visible);
    this.#log = [];
  }

  /** Power was lost: each segment keeps a prefix of its batches, at least up to its last synced one. */
  powerLost(): void {
    const kept = new Set<Batch>();
    for (const segment of new Set(this.#log.map((batch) => batch.segment))) {
      const batches = this.#log.filter((batch) => batch.segment === segment);
      const lastDurable = batches.findLastIndex((batch) => batch.isDurable);
      const unsynced = batches.length - (lastDurable + 1);
      const extra = Math.floor(this.#draw('power') * (unsynced + 1));
      for (const batch of batches.slice(0, lastDurable + 1 + extra)) kept.add(batch);
    }
    for (const batch of this.#log) if (kept.has(batch)) apply(this.#durable, batch.writes);
    const isWhole = kept.size === this.#log.length;
    this.#log = [];
    if (isWhole) this.processEnded();
    else this.#show(new Map(this.#durable));
  }

  /**
   * A byte of the log has changed, and LevelDB drops some batches when it is opened, but goes on behind them. Gives those that are lost
   * and those that came after them. Those that `isKept` names are spared. The process must have ended.
   */
  loseBatches(isKept: (writes: readonly StorageWrite[]) => boolean): {
    readonly lost: readonly (readonly StorageWrite[])[];
    readonly later: readonly (readonly StorageWrite[])[];
  } {
    const spared = this.#recent.findLastIndex(({ writes }) => isKept(writes)) + 1;
    const first = spared + Math.floor(this.#draw('gap') * (this.#recent.length - spared));
    const end = first + 1 + Math.floor(this.#draw('gap') * (this.#recent.length - first));
    const [lost, later] = [this.#recent.slice(first, end), this.#recent.slice(end)];
    const content = new Map(this.#visible);
    for (const { before } of this.#recent.slice(first).toReversed())
      for (const [name, value] of before) {
        if (value === undefined) content.delete(name);
        else content.set(name, value);
      }
    for (const { writes } of later) apply(content, writes);
    this.rollBack(content);
    return { lost: lost.map(({ writes }) => writes), later: later.map(({ writes }) => writes) };
  }

  /** The disk was replaced by an empty one. */
  wipe(): void {
    this.#durable = new Map();
    this.#log = [];
    this.#show(new Map());
  }

  /** Some of what is there is gone, whoever is running on it. What is being written takes effect all the same. */
  lose(isLost: (key: Uint8Array) => boolean): void {
    for (const content of [this.#visible, this.#durable]) {
      for (const name of [...content.keys()]) if (isLost(Buffer.from(name, 'latin1'))) content.delete(name);
    }
    this.#log = this.#log.map((batch) => ({
      ...batch,
      writes: batch.writes.filter(({ key }) => !isLost(key)),
    }));
    this.#recent = [];
    this.#sortedKeys = undefined;
  }

  /** What is durable now, to come back later. */
  snapshot(): ReadonlyMap<string, Uint8Array> {
    const content = new Map(this.#durable);
    for (const batch of this.#log) if (batch.isDurable) apply(content, batch.writes);
    return content;
  }

  rollBack(snapshot: ReadonlyMap<string, Uint8Array>): void {
    this.#durable = new Map(snapshot);
    this.#log = [];
    this.#show(new Map(snapshot));
  }

  /** Takes effect for readers; with sync it is durable, too. */
  takeEffect(writes: readonly StorageWrite[], sync: boolean): void {
    const bytes = writes.reduce(
      (sum, write) => sum + write.key.length + (write.type === 'put' ? write.value.length : 0),
      0,
    );
    this.#segmentBytes += bytes;
    if (this.#segmentBytes > this.options.segmentBytes) {
      this.#segment += 1;
      this.#segmentBytes = bytes;
    }
    // A sync covers what its own segment holds before it, as one file is synced.
    if (sync) {
      for (const batch of this.#log) if (batch.segment === this.#segment) batch.isDurable = true;
      this.syncs += 1;
    }
    this.#log.push({ writes, segment: this.#segment, bytes, isDurable: sync });
    const before = new Map(writes.map(({ key }) => [nameOf(key), this.#visible.get(nameOf(key))]));
    this.#recent.push({ writes, before });
    if (this.#recent.length > MAX_RECENT) this.#recent.shift();
    apply(this.#visible, writes);
    this.#sortedKeys = undefined;
    this.#compact();
    this.observer.onEffect?.(writes);
  }

  latencyUs(kind: 'read' | 'write' | 'sync'): number {
    const { meanReadUs, meanWriteUs, meanSyncUs, stallChance, stallUs } = this.options;
    const mean = kind === 'read' ? meanReadUs : kind === 'write' ? meanWriteUs : meanSyncUs;
    if (mean === 0) return 0;
    const stall = this.#draw('stall') < stallChance ? this.#draw('stalled') * stallUs : 0;
    return exponential(mean, this.#draw('latency')) + stall;
  }

  /** Uniform in [0, 1), another one at each call. */
  uniform(): number {
    return this.#draw('moment');
  }

  #compact(): void {
    let first = 0;
    while (this.#log[first]?.isDurable === true) first += 1;
    for (const batch of this.#log.splice(0, first)) apply(this.#durable, batch.writes);
  }

  #show(content: Content): void {
    this.#visible = content;
    this.#recent = [];
    this.#sortedKeys = undefined;
  }

  #draw(purpose: string): number {
    this.#draws += 1;
    return draw(this.#seed, `disk ${purpose} ${this.#name}`, this.#draws);
  }
}

class OpenDisk implements Storage {
  readonly #disk: SimDisk;
  readonly #life: Life;
  readonly #loop: EventLoop;
  #failed: Error | undefined;
  #closed = false;
  #writing = 0;
  readonly #onIdle: (() => void)[] = [];

  constructor(disk: SimDisk, life: Life, loop: EventLoop) {
    this.#disk = disk;
    this.#life = life;
    this.#loop = loop;
  }

  get(key: Uint8Array): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    if (!this.#life.isCalling()) return never();
    if (this.#closed) return Promise.reject(new Error('The store is closed'));
    const latencyUs = slowed(this.#disk.latencyUs('read'), this.#life.slowness);
    if (latencyUs > 0) return this.#later(latencyUs, 'disk-read', () => copyOf(this.#disk.read(key)));
    return copyOf(this.#disk.read(key));
  }

  async *range({
    from,
    to,
    reverse = false,
    limit,
  }: StorageRange): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
    if (!this.#life.isCalling()) await never();
    if (this.#closed) throw new Error('The store is closed');
    const names = this.#disk.sortedKeys().filter((name) => nameOf(from) <= name && name < nameOf(to));
    const ordered = reverse ? names.toReversed() : names;
    const entries = ordered
      .slice(0, limit ?? ordered.length)
      .map((name) => [Buffer.from(name, 'latin1'), this.#disk.value(name) as Uint8Array] as const);
    await this.#later(this.#disk.latencyUs('read'), 'disk-range', () => undefined);
    for (const [key, value] of entries) {
      if (!this.#life.isCalling()) await never();
      if (this.#closed) throw new Error('The store is closed');
      yield [new Uint8Array(key), new Uint8Array(value)];
    }
  }

  write(batch: readonly StorageWrite[], { sync }: { readonly sync: boolean }): Promise<void> {
    if (!this.#life.isCalling()) return never();
    if (this.#closed) return Promise.reject(new Error('The store is closed'));
    if (this.#failed !== undefined) {
      return Promise.reject(
        new Error('An earlier write failed; the store takes no more writes until it is opened again', {
          cause: this.#failed,
        }),
      );
    }
    const fault = this.#disk.writeFault;
    const latencyUs = Math.max(1, slowed(this.#disk.latencyUs(sync ? 'sync' : 'write'), this.#life.slowness));
    const writes = batch.map(copyWrite);
    this.#writing += 1;
    this.#disk.observer.onAttempt?.(writes);
    if (fault !== 'none') return this.#fail(writes, fault, latencyUs);
    const effectUs = latencyUs * this.#disk.uniform();
    this.#loop.schedule(effectUs, this.#life, 'disk-effect', () => this.#disk.takeEffect(writes, sync));
    // At least a microsecond after the effect: events of one time run in any order.
    return this.#later(Math.max(latencyUs, effectUs + 2), 'disk-write', () => this.#wrote());
  }

  freeSpaceBytes(): Promise<number> {
    if (!this.#life.isCalling()) return never();
    if (this.#closed) return Promise.reject(new Error('The store is closed'));
    return Promise.resolve(this.#disk.freeBytes);
  }

  close(): Promise<void> {
    if (!this.#life.isCalling()) return never();
    this.#closed = true;
    if (this.#writing === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle.push(resolve);
    });
  }

  #fail(writes: readonly StorageWrite[], fault: WriteFault, latencyUs: number): Promise<void> {
    const error = new DiskFault('No space left on device');
    this.#failed = error;
    return new Promise((_resolve, reject) => {
      this.#loop.schedule(latencyUs, this.#life, 'disk-write', () => {
        if (fault === 'fail-after-effect') this.#disk.takeEffect(writes, false);
        this.#wrote();
        reject(error);
      });
    });
  }

  #wrote(): void {
    this.#writing -= 1;
    if (this.#writing === 0) for (const onIdle of this.#onIdle) onIdle();
  }

  #later<Result>(delayUs: number, kind: string, result: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#loop.schedule(delayUs, this.#life, kind, () => {
        try {
          resolve(result());
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}

function copyOf(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined ? undefined : new Uint8Array(bytes);
}

function copyWrite(write: StorageWrite): StorageWrite {
  const key = new Uint8Array(write.key);
  return write.type === 'put'
    ? { type: 'put', key, value: new Uint8Array(write.value) }
    : { type: 'delete', key };
}

function apply(content: Content, writes: readonly StorageWrite[]): void {
  for (const write of writes) {
    if (write.type === 'put') content.set(nameOf(write.key), write.value);
    else content.delete(nameOf(write.key));
  }
}
