/**
 * The storage port on LevelDB (the package `level`).
 *
 * - Reads are `getSync`: 7 us against 51 us by way of the thread pool, where they would also queue behind writes.
 *   The price is that a read from a cold disk holds up the event loop.
 * - Writes are chained batches: on the event loop they cost a third of an array batch, whose operations are cloned and
 *   then read property by property. The bytes are copied before `write` returns its promise.
 * - After a failed write LevelDB may accept later ones whose predecessor is missing. This adapter never does.
 */
import { statfs } from 'node:fs/promises';
import { Level } from 'level';
import type { Storage, StorageRange, StorageWrite } from '../ports/storage.ts';

const MEBIBYTE = 1024 * 1024;

/** 32 MiB instead of LevelDB's 4: 2.4 times the sustained writes, and the longest stall falls from 500 ms to 11. */
const DEFAULT_WRITE_BUFFER_BYTES = 32 * MEBIBYTE;
const DEFAULT_CACHE_BYTES = 8 * MEBIBYTE;

/** What one step of a range fetches at most. LevelDB's own 16 KiB would mean a thread hop for every 16 records. */
const RANGE_STEP_BYTES = 128 * 1024;
const RANGE_STEP_ENTRIES = 1_000;

interface LevelStorageOptions {
  /** Created, with its parents, if missing. One process at a time may have it open. */
  readonly directory: string;
  /** Bytes of writes held in memory (twice at most) before they become a table file. At least 64 KiB. */
  readonly writeBufferBytes?: number;
  /** Bytes of uncompressed table blocks kept for reads. */
  readonly cacheBytes?: number;
}

/**
 * A data directory could not be opened; the message says what is wrong and what to do.
 * `locked`: another process has it open. `corrupt`: its files are damaged. `unusable`: no directory, no permission,
 * no space, or another error of the file system.
 */
export class StorageOpenError extends Error {
  override readonly name = 'StorageOpenError';
  readonly code: 'locked' | 'corrupt' | 'unusable';

  constructor(code: StorageOpenError['code'], message: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

type ByteLevel = Level<Uint8Array, Uint8Array>;

/** Opens the store in a directory. Rejects with a StorageOpenError. */
export async function openLevelStorage(options: LevelStorageOptions): Promise<Storage> {
  const { directory } = options;
  let level: ByteLevel;
  try {
    level = new Level<Uint8Array, Uint8Array>(directory, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      writeBufferSize: options.writeBufferBytes ?? DEFAULT_WRITE_BUFFER_BYTES,
      cacheSize: options.cacheBytes ?? DEFAULT_CACHE_BYTES,
    });
    await level.open();
  } catch (error) {
    throw openError(directory, error);
  }
  return new LevelStorage(directory, level);
}

class LevelStorage implements Storage {
  readonly #directory: string;
  readonly #level: ByteLevel;
  #closing: Promise<void> | undefined;
  #writeFailure: Error | undefined;

  constructor(directory: string, level: ByteLevel) {
    this.#directory = directory;
    this.#level = level;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#assertOpen();
    const value = this.#level.getSync(key);
    return value === undefined ? undefined : plainBytes(value);
  }

  async *range({
    from,
    to,
    reverse = false,
    limit,
  }: StorageRange): AsyncGenerator<readonly [key: Uint8Array, value: Uint8Array], void, undefined> {
    this.#assertOpen();
    const bounds = { gte: from, lt: to, reverse, highWaterMarkBytes: RANGE_STEP_BYTES };
    const iterator = this.#level.iterator(limit === undefined ? bounds : { ...bounds, limit });
    try {
      for (;;) {
        const entries = await iterator.nextv(RANGE_STEP_ENTRIES);
        if (entries.length === 0) return;
        for (const [key, value] of entries) {
          this.#assertOpen();
          yield [plainBytes(key), plainBytes(value)];
        }
      }
    } finally {
      await iterator.close();
    }
  }

  async write(writes: readonly StorageWrite[], { sync }: { readonly sync: boolean }): Promise<void> {
    this.#assertOpen();
    if (this.#writeFailure !== undefined) {
      throw new Error('An earlier write failed; the store takes no more writes until it is opened again', {
        cause: this.#writeFailure,
      });
    }
    try {
      const batch = this.#level.batch();
      for (const write of writes) {
        if (write.type === 'put') batch.put(write.key, write.value);
        else batch.del(write.key);
      }
      await batch.write({ sync });
    } catch (error) {
      this.#writeFailure ??= error instanceof Error ? error : new Error(String(error));
      throw error;
    }
  }

  async freeSpaceBytes(): Promise<number> {
    this.#assertOpen();
    const { bavail, bsize } = await statfs(this.#directory);
    return bavail * bsize;
  }

  /** LevelDB itself waits for what it is doing. A range that is still open rejects at its next step. */
  close(): Promise<void> {
    this.#closing ??= this.#level.close();
    return this.#closing;
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new Error('The store is closed');
  }
}

/** LevelDB gives Buffers, whose `slice` does not copy; the port promises what `Uint8Array` promises. */
function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function openError(directory: string, error: unknown): StorageOpenError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = errorCode(cause);
  const detail = cause instanceof Error ? cause.message : String(cause);
  const place = `The data directory ${directory}`;
  if (code === 'LEVEL_LOCKED') {
    return new StorageOpenError(
      'locked',
      `${place} is in use by another process (${detail}). Stop that process, or give this node a directory of its own.`,
      error,
    );
  }
  if (code === 'LEVEL_CORRUPTION' || isMissingManifest(code, detail)) {
    return new StorageOpenError(
      'corrupt',
      `${place} is damaged (${detail}). Move it aside and start the node with an empty one: what other replicas hold comes back to it.`,
      error,
    );
  }
  return new StorageOpenError('unusable', `${place} cannot be used: ${unusableBecause(code, detail)}`, error);
}

/** LevelDB calls it an I/O error if CURRENT names a manifest that is gone. */
function isMissingManifest(code: string | undefined, detail: string): boolean {
  return code === 'LEVEL_IO_ERROR' && /MANIFEST-\d+: No such file/.test(detail);
}

function unusableBecause(code: string | undefined, detail: string): string {
  if (code === 'EEXIST' || code === 'ENOTDIR' || detail.includes('Not a directory')) {
    return `a part of that path is not a directory (${detail}). Name another path, or move the file away.`;
  }
  if (code === 'EACCES' || code === 'EPERM' || detail.includes('Permission denied')) {
    return `no permission (${detail}). Give the user of this process the right to read and write there.`;
  }
  return `${detail}. Check that its file system is mounted, writable and has free space.`;
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
