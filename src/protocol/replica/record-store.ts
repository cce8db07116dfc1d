/** Encoded records of one node, by bucket and key, on the node's store. */
import { placementHash } from '../../codec/hash.ts';
import { metaKey, recordKey } from '../../codec/key-layout.ts';
import type { EntryName } from '../../core/ids.ts';
import { MAX_COMMIT_QUEUE_BYTES } from '../../core/limits.ts';
import { partitionOf, type Ring } from '../../core/ring/ring.ts';
import type { Storage, StorageWrite } from '../../ports/storage.ts';
import type { GroupCommit } from './group-commit.ts';

export class RecordStore {
  readonly #ring: Ring;
  readonly #storage: Storage;
  readonly #commit: GroupCommit;

  constructor(ring: Ring, storage: Storage, commit: GroupCommit) {
    this.#ring = ring;
    this.#storage = storage;
    this.#commit = commit;
  }

  /** Rejects if it cannot be known whether the record is there, and always once a write has failed. */
  async get(entry: EntryName): Promise<Uint8Array | undefined> {
    this.assertSound();
    return this.#storage.get(this.#key(entry));
  }

  /** Whether more waits for the disk than is good for this process's memory. */
  get isCongested(): boolean {
    return this.#commit.queuedBytes > MAX_COMMIT_QUEUE_BYTES;
  }

  /** Throws StorageFailed once a write has failed: what the store shows may not be on the disk. */
  assertSound(): void {
    if (this.#commit.failure !== undefined) throw this.#commit.failure;
  }

  /** Resolves when the record, and what is written with it, is durable. Rejects with StorageFailed. */
  put(entry: EntryName, record: Uint8Array, ...others: readonly StorageWrite[]): Promise<void> {
    return this.#commit.write({ type: 'put', key: this.#key(entry), value: record }, ...others);
  }

  /** Resolves if the store answers a read. */
  async probe(): Promise<void> {
    await this.#storage.get(metaKey('store'));
  }

  #key(entry: EntryName): Uint8Array {
    return recordKey(partitionOf(this.#ring, placementHash(entry)), entry);
  }
}
