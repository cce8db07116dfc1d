/** Encoded records of one node, by bucket and key, on the node's store. */
import { placementHash } from '../../codec/hash.ts';
import { metaKey, recordKey } from '../../codec/key-layout.ts';
import type { EntryName, NodeId, Partition } from '../../core/ids.ts';
import { MAX_COMMIT_QUEUE_BYTES } from '../../core/limits.ts';
import { homeReplicas, partitionOf, type Ring } from '../../core/ring/ring.ts';
import type { Storage, StorageWrite } from '../../ports/storage.ts';
import type { MaybeLater } from '../at-once.ts';
import type { GroupCommit, StorageFailed } from './group-commit.ts';

export class RecordStore {
  readonly #ring: Ring;
  readonly #storage: Storage;
  readonly #commit: GroupCommit;

  constructor(ring: Ring, storage: Storage, commit: GroupCommit) {
    this.#ring = ring;
    this.#storage = storage;
    this.#commit = commit;
  }

  /** Throws or rejects if it cannot be known whether the record is there, and always once a write has failed. */
  get(entry: EntryName): MaybeLater<Uint8Array | undefined> {
    this.assertSound();
    return this.#storage.get(this.#key(entry));
  }

  /** Whether more waits for the disk than is good for this process's memory. */
  get isCongested(): boolean {
    return this.#commit.queuedBytes > MAX_COMMIT_QUEUE_BYTES;
  }

  /** Whether the node ends: what cannot be read by now says nothing about the disk. */
  get isClosed(): boolean {
    return this.#commit.isClosed;
  }

  /** Set once a write has failed: what the store shows may not be on the disk. */
  get failure(): StorageFailed | undefined {
    return this.#commit.failure;
  }

  /** Throws that failure. */
  assertSound(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  /** Resolves when the record is durable, and what is written with it: all or nothing. Rejects with StorageFailed. */
  put(entry: EntryName, record: Uint8Array, ...together: readonly StorageWrite[]): Promise<void> {
    return this.#commit.write(this.recordWrite(entry, record), ...together);
  }

  /** As put, and the record goes. */
  delete(entry: EntryName, ...together: readonly StorageWrite[]): Promise<void> {
    return this.#commit.write({ type: 'delete', key: this.#key(entry) }, ...together);
  }

  /** What `put` writes. */
  recordWrite(entry: EntryName, record: Uint8Array): StorageWrite {
    return { type: 'put', key: this.#key(entry), value: record };
  }

  /** As write, for what nobody waits for: it need not go out at once. */
  writeUnhurried(...writes: readonly StorageWrite[]): Promise<void> {
    return this.#commit.writeUnhurried(...writes);
  }

  /** Somebody waits for it by now. */
  hurry(): void {
    this.#commit.hurry();
  }

  /** As put, and the record stays as it is. */
  write(...writes: readonly StorageWrite[]): Promise<void> {
    return this.#commit.write(...writes);
  }

  partitionOf(entry: EntryName): Partition {
    return partitionOf(this.#ring, placementHash(entry));
  }

  /** The nodes that a record with so many copies belongs to. */
  homesOf(entry: EntryName, n: number): readonly NodeId[] {
    return homeReplicas(this.#ring, this.partitionOf(entry), n);
  }

  /** Resolves if the store answers a read. */
  async probe(): Promise<void> {
    await this.#storage.get(metaKey('store'));
  }

  #key(entry: EntryName): Uint8Array {
    return recordKey(this.partitionOf(entry), entry);
  }
}
