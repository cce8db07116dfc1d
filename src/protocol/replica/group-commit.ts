/**
 * All writers of a node share one batch at a time: what arrives while a batch is being synced goes out with the next.
 * A sync costs the same for one write as for a hundred, so throughput grows with load, and at most one batch is in
 * flight (more in flight were slower: their syncs wait for each other).
 *
 * Each batch carries the sequence number that the store has reached with it. Peers hear of it only when the batch is durable; so
 * a store that is found at a lower number than they heard of has lost something. And it takes the number of the batch before
 * it away: so a store that is found with more than one number has lost what came in between (store-sequence.ts).
 *
 * Fail-stop: after a write failed nothing is known about the store, so no later write is tried, every waiting one
 * fails, and the node has to end. It comes back as a new incarnation.
 */
import { MAX_BATCH_BYTES, UNHURRIED_COMMIT_MS } from '../../core/limits.ts';
import type { WorkSizes } from '../../core/work-sizes.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { Storage, StorageWrite } from '../../ports/storage.ts';
import type { Tracer } from '../../ports/tracer.ts';
import { sequenceWrites } from '../store-sequence.ts';

interface Waiting {
  /** They go out in one batch, so all of them are applied or none. */
  readonly writes: readonly StorageWrite[];
  /** Whether it makes the store go on to another sequence number. */
  readonly isCounted: boolean;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export interface GroupCommitOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly sync: boolean;
  /** The sequence number that the store has reached. */
  readonly sequence: number;
  readonly sizes: Pick<WorkSizes, 'batchEntries'>;
  readonly onFatal: (error: Error) => void;
}

/** The store failed on an earlier write: whether that one and the waiting ones were applied is not known. */
export class StorageFailed extends Error {
  override readonly name = 'StorageFailed';
}

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** How many of those that wait, from the first on, somebody waits for: what comes before such a one is written with it. */
  #urgent = 0;
  #unhurried: Timer | undefined;
  #lastMs = 0;
  #sequence: number;
  #committing = false;
  #failure: StorageFailed | undefined;
  #closed = false;
  #onIdle: () => void = () => {};

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#sequence = options.sequence;
  }

  /** The sequence number of the last batch that is durable. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Set once a write has failed: nothing is written any more. */
  get failure(): StorageFailed | undefined {
    return this.#failure;
  }

  /** Whether it takes no more writes, as its node ends. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Milliseconds that the last batch took. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /** Bytes that wait for a batch. */
  get queuedBytes(): number {
    return this.#waitingBytes;
  }

  /** Resolves when all of it is durable (or written, without sync): all at once or not at all. Rejects with StorageFailed. */
  write(...writes: readonly StorageWrite[]): Promise<void> {
    return this.#enqueue({ writes, isCounted: true }, true);
  }

  /** As `write`, for what nobody waits for: it goes out with the next batch that somebody does wait for, or after UNHURRIED_COMMIT_MS. */
  writeUnhurried(...writes: readonly StorageWrite[]): Promise<void> {
    return this.#enqueue({ writes, isCounted: true }, false);
  }

  /** Somebody waits by now for whatever was not hurried. */
  hurry(): void {
    this.#unhurried?.cancel();
    this.#unhurried = undefined;
    this.#urgent = this.#waiting.length;
    if (this.#urgent > 0 && !this.#committing) void this.#commitAll();
  }

  /** As `write`, for notes that may be lost: they make nobody who hears of the store's sequence number write a note in turn. */
  writeNote(...writes: readonly StorageWrite[]): Promise<void> {
    return this.#enqueue({ writes, isCounted: false }, true);
  }

  #enqueue(write: Pick<Waiting, 'writes' | 'isCounted'>, isUrgent: boolean): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#closed) return Promise.reject(new Error('The store is closed'));
    return new Promise((resolve, reject) => {
      const bytes = write.writes.reduce((sum, one) => sum + bytesOf(one), 0);
      this.#waiting.push({ ...write, bytes, resolve, reject });
      this.#waitingBytes += bytes;
      if (isUrgent) this.hurry();
      else this.#unhurried ??= this.#options.clock.setTimer(UNHURRIED_COMMIT_MS, () => this.hurry());
    });
  }

  /** Takes no more writes; resolves when those that wait are written, or have failed. */
  close(): Promise<void> {
    this.#closed = true;
    this.hurry();
    if (!this.#committing) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  async #commitAll(): Promise<void> {
    this.#committing = true;
    // One turn of the microtask queue, so that writes of the same event share the first batch.
    await Promise.resolve();
    while (this.#urgent > 0 && this.#failure === undefined) await this.#commit(this.#takeBatch());
    this.#committing = false;
    this.#onIdle();
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const { storage, clock, tracer, sync } = this.#options;
    const startMs = clock.nowMs();
    const writes = batch.flatMap((waiting) => waiting.writes);
    const sequence = this.#sequence + (batch.some(({ isCounted }) => isCounted) ? 1 : 0);
    if (sequence > this.#sequence) writes.push(...sequenceWrites(sequence));
    try {
      await storage.write(writes, { sync });
    } catch (error) {
      this.#fail(error as Error, batch);
      return;
    }
    this.#sequence = sequence;
    this.#lastMs = clock.nowMs() - startMs;
    const bytes = batch.reduce((sum, waiting) => sum + waiting.bytes, 0);
    tracer.trace({ type: 'batch-committed', entries: batch.length, bytes, ms: this.#lastMs });
    for (const { resolve } of batch) resolve();
  }

  #takeBatch(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    const most = Math.min(this.#waiting.length, this.#options.sizes.batchEntries);
    while (count < most) {
      bytes += (this.#waiting[count] as Waiting).bytes;
      if (count > 0 && bytes > MAX_BATCH_BYTES) {
        bytes -= (this.#waiting[count] as Waiting).bytes;
        break;
      }
      count += 1;
    }
    this.#waitingBytes -= bytes;
    this.#urgent = Math.max(0, this.#urgent - count);
    return this.#waiting.splice(0, count);
  }

  #fail(cause: Error, batch: readonly Waiting[]): void {
    const failure = new StorageFailed(`the store failed on a write: ${cause.message}`, { cause });
    this.#failure = failure;
    const waiting = [...batch, ...this.#waiting];
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#urgent = 0;
    this.#options.tracer.trace({ type: 'storage-failed', reason: cause.message });
    this.#options.onFatal(failure);
    for (const { reject } of waiting) reject(failure);
  }
}

function bytesOf(write: StorageWrite): number {
  return write.key.length + (write.type === 'put' ? write.value.length : 0);
}
