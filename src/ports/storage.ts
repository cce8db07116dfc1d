/**
 * One node's durable, ordered map from bytes to bytes. Keys compare bytewise. Any implementation passes
 * test/contract/storage-contract.ts.
 */
export type StorageWrite =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'delete'; readonly key: Uint8Array };

export interface StorageRange {
  /** Inclusive. */
  readonly from: Uint8Array;
  /** Exclusive. */
  readonly to: Uint8Array;
  readonly reverse?: boolean;
  /** Entries at most; all of them if not set. */
  readonly limit?: number;
}

export interface Storage {
  /**
   * Undefined if the key is absent. Throws or rejects if that cannot be known: a read error is never "not found". A store that
   * does not have to wait answers at once.
   */
  get(key: Uint8Array): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** Entries in key order, from a snapshot taken when iteration starts. */
  range(range: StorageRange): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>;
  /**
   * Applies all writes or none. With `sync` it resolves only when they would survive a loss of power. A write that
   * rejects may or may not have taken effect, and every later write rejects too until the store is opened again.
   * The caller must not change the bytes it handed over.
   */
  write(batch: readonly StorageWrite[], options: { readonly sync: boolean }): Promise<void>;
  /** Free bytes of the file system below; Infinity where that means nothing. */
  freeSpaceBytes(): Promise<number>;
  /** Waits for what is running; later calls reject. Idempotent. */
  close(): Promise<void>;
}
