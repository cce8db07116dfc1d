/** What lies under the data directories: how much of it is used, and how long a sync takes there. */
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { spreadOf } from '../report/statistics.ts';

/** `f_type` of a file system in memory (statfs(2)): a sync is free there, and figures with fsync mean nothing. */
const TMPFS_MAGIC = 0x01021994;
const SYNCS = 200;
const BYTES_PER_SYNC = 1024;

/** A disk as the bench found it. */
export interface Disk {
  readonly inMemory: boolean;
  /** Median time of appending 1 KB and syncing it, microseconds. */
  readonly syncMicroseconds: number;
}

/** Measures the disk below an existing directory. */
export async function examineDisk(directory: string): Promise<Disk> {
  const { type } = await statfs(directory);
  return { inMemory: type === TMPFS_MAGIC, syncMicroseconds: measureSync(join(directory, 'sync-probe')) };
}

/** Bytes that the files below a directory take up on the disk. */
export async function diskBytes(directory: string): Promise<number> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map((file) => allocatedBytes(join(file.parentPath, file.name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function allocatedBytes(file: string): Promise<number> {
  try {
    return (await stat(file)).blocks * 512;
  } catch {
    // LevelDB removes files while this looks at them.
    return 0;
  }
}

function measureSync(file: string): number {
  const descriptor = openSync(file, 'a');
  try {
    const bytes = Buffer.alloc(BYTES_PER_SYNC, 's');
    const times = Array.from({ length: SYNCS }, () => {
      const startMs = performance.now();
      writeSync(descriptor, bytes);
      fdatasyncSync(descriptor);
      return (performance.now() - startMs) * 1000;
    });
    return spreadOf(times)?.median ?? 0;
  } finally {
    closeSync(descriptor);
    rmSync(file);
  }
}
