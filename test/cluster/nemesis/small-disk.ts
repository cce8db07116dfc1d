/**
 * A disk that is small enough to be filled to its last byte: a file system in memory, on which one node has its data. Only
 * where this process may mount one. Beside that, a limit of the system on the size of files, which makes the next write of any
 * running process fail without asking for privileges.
 */
import { execFile } from 'node:child_process';
import { mkdir, open, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SIZE = '128m';
const CHUNK_BYTES = 1024 * 1024;
/** The last page is filled, too. */
const LAST_CHUNK_BYTES = 4096;

export class SmallDisk {
  readonly #mount: string;

  private constructor(mount: string) {
    this.#mount = mount;
  }

  /** Mounts one and puts a node's data directory, which is not there yet, on it. The reason, if that is not possible here. */
  static async create(clusterDirectory: string, dataDirectory: string): Promise<SmallDisk | string> {
    const mount = join(clusterDirectory, 'small-disk');
    await mkdir(mount, { recursive: true });
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', mount]);
    } catch (error) {
      return `no small file system can be mounted (${firstLine(error)})`;
    }
    const disk = new SmallDisk(mount);
    await mkdir(join(mount, 'node'));
    await mkdir(join(dataDirectory, '..'), { recursive: true });
    await symlink(join(mount, 'node'), dataDirectory);
    return disk;
  }

  /** Leaves not a byte. */
  async fill(): Promise<void> {
    const handle = await open(this.#ballast, 'a');
    try {
      for (const bytes of [CHUNK_BYTES, LAST_CHUNK_BYTES]) {
        const chunk = Buffer.alloc(bytes);
        while (await fits(handle.write(chunk)));
      }
    } finally {
      await handle.close();
    }
  }

  async free(): Promise<void> {
    await rm(this.#ballast, { force: true });
  }

  /** Its node may still run: it keeps the files that it has open until it ends. */
  async close(): Promise<void> {
    await run('umount', ['--lazy', this.#mount]);
  }

  get #ballast(): string {
    return join(this.#mount, 'ballast');
  }
}

/** Why writes of a process cannot be made to fail here; undefined if they can. */
export async function whyNoWriteFailures(): Promise<string | undefined> {
  try {
    await run('prlimit', ['--version']);
    return undefined;
  } catch (error) {
    return `there is no prlimit (${firstLine(error)})`;
  }
}

/** Whatever this process appends to a file from now on is refused by the system. */
export async function failWritesOf(pid: number): Promise<void> {
  await run('prlimit', ['--pid', String(pid), '--fsize=1:unlimited']);
}

export async function allowWritesOf(pid: number): Promise<void> {
  await run('prlimit', ['--pid', String(pid), '--fsize=unlimited:unlimited']);
}

async function fits(written: Promise<unknown>): Promise<boolean> {
  try {
    await written;
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false;
    throw error;
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] as string;
}
