/**
 * Which records this node keeps for home replicas that were away when they were written (Dynamo, section 4.6): one small
 * marker for each owner and record, beside the record, which lies where it lies on a home replica. The markers are on the
 * disk; their number, bytes and ages are in memory, counted from the disk before the node serves.
 *
 * A marker is set and removed in the serial section of its record, in one batch with what happens to the record. It never
 * expires: only its owner's durable acknowledgement ends it. Bounds refuse new ones.
 */
import { placementHash } from '../../codec/hash.ts';
import { decodeHint, encodeHint, type Hint } from '../../codec/hint-codec.ts';
import { ALL_HINTS, hintKey, hintRange, keyAfter, nameOfHintKey } from '../../codec/key-layout.ts';
import type { EntryName, NodeId } from '../../core/ids.ts';
import type { Limits } from '../../core/limits.ts';
import { partitionOf, type Ring } from '../../core/ring/ring.ts';
import type { WorkSizes } from '../../core/work-sizes.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Storage, StorageRange, StorageWrite } from '../../ports/storage.ts';
import type { Tracer } from '../../ports/tracer.ts';

/** What this node keeps for one owner. */
export interface PendingHints {
  readonly count: number;
  /** Of the records, as they were when they came. */
  readonly bytes: number;
  /** Milliseconds since the oldest of them came, by the wall clock; to the second. */
  readonly oldestAgeMs: number;
}

export interface HintPage {
  readonly entries: readonly EntryName[];
  /** Where the next page begins; undefined if this was the last. */
  readonly next: Uint8Array | undefined;
}

export interface HintStorePorts {
  readonly storage: Storage;
  readonly ring: Ring;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly limits: Pick<Limits, 'maxHintsPerOwner' | 'maxHintBytes'>;
  readonly sizes: Pick<WorkSizes, 'hintPage'>;
  /** Whether the disk is below its reserve of free space. */
  readonly isLowOnSpace: () => boolean;
  /** Told of each new hint, when it is durable. */
  readonly onStored: (owner: NodeId) => void;
}

interface Tally {
  count: number;
  bytes: number;
  /** How many came in which second. */
  readonly bySecond: Map<number, number>;
}

export class HintStore {
  readonly #ports: HintStorePorts;
  readonly #tallies = new Map<NodeId, Tally>();
  #bytes = 0;

  constructor(ports: HintStorePorts) {
    this.#ports = ports;
  }

  /** Counts what is on the disk, once, before anything is changed. Rejects if the disk cannot be read. */
  async load(): Promise<void> {
    const { clock, tracer } = this.#ports;
    const startMs = clock.nowMs();
    let count = 0;
    for (let from: Uint8Array | undefined = ALL_HINTS.from; from !== undefined; ) {
      const page = await this.#readPage({ ...ALL_HINTS, from });
      for (const [key, value] of page) this.#count(nameOfHintKey(key).owner, readHint(value), 1);
      from = this.#nextOf(page);
      count += page.length;
    }
    if (count > 0) tracer.trace({ type: 'hints-loaded', count, ms: clock.nowMs() - startMs });
  }

  /** Whom hints are kept for, and how many. */
  get pending(): ReadonlyMap<NodeId, PendingHints> {
    const nowMs = this.#ports.clock.wallMs();
    return new Map(
      [...this.#tallies].map(([owner, { count, bytes, bySecond }]) => [
        owner,
        { count, bytes, oldestAgeMs: Math.max(0, nowMs - oldestOf(bySecond) * 1_000) },
      ]),
    );
  }

  countOf(owner: NodeId): number {
    return this.#tallies.get(owner)?.count ?? 0;
  }

  /** The hint of a record for an owner. Rejects if that cannot be read. */
  async find(owner: NodeId, entry: EntryName): Promise<Hint | undefined> {
    const value = await this.#ports.storage.get(this.#key(owner, entry));
    return value === undefined ? undefined : readHint(value);
  }

  /** A page of the records that are kept for an owner, from a place that an earlier page named. Rejects if the disk cannot be read. */
  async page(owner: NodeId, from?: Uint8Array): Promise<HintPage> {
    const range = hintRange(owner);
    const page = await this.#readPage({ ...range, from: from ?? range.from });
    return { entries: page.map(([key]) => nameOfHintKey(key).entry), next: this.#nextOf(page) };
  }

  /** Why no new hint is taken, if so. */
  refusal(owner: NodeId, bytes: number): string | undefined {
    const { limits, isLowOnSpace } = this.#ports;
    if (isLowOnSpace()) return 'the disk is below its reserve of free space';
    if (this.countOf(owner) >= limits.maxHintsPerOwner) {
      return `${limits.maxHintsPerOwner} hints are kept for ${owner}, which is the limit`;
    }
    if (this.#bytes + bytes > limits.maxHintBytes) {
      return `hints of ${this.#bytes} bytes are kept, and the limit is ${limits.maxHintBytes}`;
    }
    return undefined;
  }

  /**
   * Counts a new hint, and gives what has to be written with its record. At once, so that two of them never pass one bound
   * together: if the write fails, this process ends.
   */
  add(owner: NodeId, entry: EntryName, record: Pick<Hint, 'bytes' | 'isStray'>): StorageWrite {
    const hint = { storedAtMs: Math.max(0, Math.trunc(this.#ports.clock.wallMs())), ...record };
    this.#count(owner, hint, 1);
    return { type: 'put', key: this.#key(owner, entry), value: encodeHint(hint) };
  }

  /** The write that `add` gave is durable. */
  stored(owner: NodeId): void {
    this.#ports.onStored(owner);
  }

  /** What has to be written for a hint to go. */
  removal(owner: NodeId, entry: EntryName): StorageWrite {
    return { type: 'delete', key: this.#key(owner, entry) };
  }

  /** The removal is durable. */
  removed(owner: NodeId, hint: Hint): void {
    this.#count(owner, hint, -1);
  }

  #count(owner: NodeId, { storedAtMs, bytes }: Hint, change: 1 | -1): void {
    const tally = this.#tallies.get(owner) ?? { count: 0, bytes: 0, bySecond: new Map<number, number>() };
    const second = Math.floor(storedAtMs / 1_000);
    const inSecond = (tally.bySecond.get(second) ?? 0) + change;
    if (inSecond === 0) tally.bySecond.delete(second);
    else tally.bySecond.set(second, inSecond);
    tally.count += change;
    tally.bytes += change * bytes;
    this.#bytes += change * bytes;
    if (tally.count > 0) {
      this.#tallies.set(owner, tally);
      return;
    }
    // No hints have no bytes: what is left comes from values that were misread when they were counted, or when they went.
    this.#bytes -= tally.bytes;
    this.#tallies.delete(owner);
  }

  async #readPage(range: StorageRange): Promise<readonly (readonly [Uint8Array, Uint8Array])[]> {
    const page: (readonly [Uint8Array, Uint8Array])[] = [];
    const limit = this.#ports.sizes.hintPage;
    for await (const item of this.#ports.storage.range({ ...range, limit })) page.push(item);
    return page;
  }

  #nextOf(page: readonly (readonly [Uint8Array, Uint8Array])[]): Uint8Array | undefined {
    const last = page.at(-1);
    return last === undefined || page.length < this.#ports.sizes.hintPage ? undefined : keyAfter(last[0]);
  }

  #key(owner: NodeId, entry: EntryName): Uint8Array {
    return hintKey(owner, partitionOf(this.#ports.ring, placementHash(entry)), entry);
  }
}

/** A hint whose value is damaged is kept all the same. It counts as old, and as one whose record only goes when all agree. */
function readHint(value: Uint8Array): Hint {
  try {
    return decodeHint(value);
  } catch {
    return { storedAtMs: 0, bytes: 0, isStray: true };
  }
}

function oldestOf(bySecond: ReadonlyMap<number, number>): number {
  let oldest = Number.POSITIVE_INFINITY;
  for (const second of bySecond.keys()) if (second < oldest) oldest = second;
  return oldest;
}
