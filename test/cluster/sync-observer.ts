/**
 * Sees which files a node had synced, when, and up to which size: by a small library that is preloaded into it (sync-log.c).
 * It is compiled for the test, with the machine's own C compiler.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SOURCE = fileURLToPath(new URL('sync-log.c', import.meta.url));

/** A sync that succeeded. */
export interface FileSync {
  /** As process.hrtime.bigint() has them. */
  readonly beganNs: bigint;
  readonly endedNs: bigint;
  /** Size of the file when the sync began: so much is on the disk for sure. */
  readonly bytes: number;
  readonly path: string;
}

/** Why syncs cannot be observed on this machine; undefined if they can. */
export async function whyNoSyncObserver(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'a library is preloaded the way Linux has it';
  try {
    await run('cc', ['--version']);
    return undefined;
  } catch {
    return 'there is no C compiler (cc)';
  }
}

export class SyncObserver {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Compiles the library. */
  static async create(): Promise<SyncObserver> {
    const observer = new SyncObserver(await mkdtemp(join(tmpdir(), 'quorate-sync-')));
    await run('cc', ['-shared', '-fPIC', '-O1', '-o', observer.#library, SOURCE, '-ldl']);
    return observer;
  }

  /** Environment of the processes to observe. */
  get environment(): Readonly<Record<string, string>> {
    return { LD_PRELOAD: this.#library, SYNC_LOG: this.#log };
  }

  /** All syncs since the last `forget`, in the order in which they ended. */
  async syncs(): Promise<readonly FileSync[]> {
    const lines = (await readFile(this.#log, 'utf8')).split('\n').slice(0, -1);
    return lines.map((line) => {
      const [began = '', ended = '', bytes = '', ...path] = line.split(' ');
      return { beganNs: BigInt(began), endedNs: BigInt(ended), bytes: Number(bytes), path: path.join(' ') };
    });
  }

  /** Begins anew. */
  async forget(): Promise<void> {
    await truncate(this.#log);
  }

  async close(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  get #library(): string {
    return join(this.#directory, 'sync-log.so');
  }

  get #log(): string {
    return join(this.#directory, 'syncs');
  }
}
