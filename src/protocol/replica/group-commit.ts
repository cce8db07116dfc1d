/**
 * All writers of a node share one batch at a time: what arrives while a batch is being synced goes out with the next.
 * A sync costs the same for one write as for a hundred, so throughput grows with load, and at most one batch is in
 * flight (more in flight were slower: their syncs wait for each other).
 *
 * Fail-stop: after a write failed nothing is known about the store, so no later write is tried, every waiting one
 * fails, and the node has to end. It comes back as a new incarnation.
 */
import { MAX_BATCH_BYTES, MAX_BATCH_ENTRIES } from '../../core/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Storage, StorageWrite } from '../../ports/storage.ts';
import type { Tracer } from '../../ports/tracer.ts';

interface Waiting {
  /** They go out in one batch, so all of them are applied or none. */
  readonly writes: readonly StorageWrite[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export interface GroupCommitOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly sync: boolean;
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
  #lastMs = 0;
  #committing = false;
  #failure: StorageFailed | undefined;
  #closed = false;
  #onIdle: () => void = () => {};

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** Set once a write has failed: nothing is written any more. */
  get failure(): StorageFailed | undefined {
    return this.#failure;
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
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#closed) return Promise.reject(new Error('The store is closed'));
    return new Promise((resolve, reject) => {
      const bytes = writes.reduce((sum, write) => sum + bytesOf(write), 0);
      this.#waiting.push({ writes, bytes, resolve, reject });
      this.#waitingBytes += bytes;
      if (!this.#committing) void this.#commitAll();
    });
  }

  /** Takes no more writes; resolves when those that wait are written, or have failed. */
  close(): Promise<void> {
    this.#closed = true;
    if (!this.#committing) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  async #commitAll(): Promise<void> {
    this.#committing = true;
    // One turn of the microtask queue, so that writes of the same event share the first batch.
    await Promise.resolve();
    while (this.#waiting.length > 0 && this.#failure === undefined) await this.#commit(this.#takeBatch());
    this.#committing = false;
    this.#onIdle();
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const { storage, clock, tracer, sync } = this.#options;
    const startMs = clock.nowMs();
    try {
      await storage.write(
        batch.flatMap(({ writes }) => writes),
        { sync },
      );
    } catch (error) {
      this.#fail(error as Error, batch);
      return;
    }
    this.#lastMs = clock.nowMs() - startMs;
    const bytes = batch.reduce((sum, waiting) => sum + waiting.bytes, 0);
    tracer.trace({ type: 'batch-committed', entries: batch.length, bytes, ms: this.#lastMs });
    for (const { resolve } of batch) resolve();
  }

  #takeBatch(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && count < MAX_BATCH_ENTRIES) {
      bytes += (this.#waiting[count] as Waiting).bytes;
      if (count > 0 && bytes > MAX_BATCH_BYTES) {
        bytes -= (this.#waiting[count] as Waiting).bytes;
        break;
      }
      count += 1;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  #fail(cause: Error, batch: readonly Waiting[]): void {
    const failure = new StorageFailed(`the store failed on a write: ${cause.message}`, { cause });
    this.#failure = failure;
    const waiting = [...batch, ...this.#waiting];
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#options.tracer.trace({ type: 'storage-failed', reason: cause.message });
    this.#options.onFatal(failure);
    for (const { reject } of waiting) reject(failure);
  }
}

function bytesOf(write: StorageWrite): number {
  return write.key.length + (write.type === 'put' ? write.value.length : 0);
}
