/** The data directory of a node whose process does not run, and what may have become of it when it is started again. */
import { cp, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Draw } from '../random-load.ts';

/** LevelDB's log, tables, and manifest. */
const DATA_FILE = /\.(?:log|ldb)$|^MANIFEST-/;

export interface FlippedByte {
  readonly path: string;
  readonly position: number;
  /** What is there now. */
  readonly value: number;
}

/** Removes all that is in it; the directory itself may be a mount, or a link to one. */
export async function emptyDirectory(directory: string): Promise<void> {
  for (const file of await readdir(directory)) await rm(join(directory, file), { recursive: true });
}

/** A copy of all that is in it. The process may be stopped meanwhile (SIGSTOP), as it is for a snapshot of its disk. */
export async function copyDirectory(directory: string, copy: string): Promise<void> {
  await cp(directory, copy, { recursive: true });
}

/** Inverts a byte somewhere in its data; undefined if there is none. */
export async function flipByte(directory: string, draw: Draw): Promise<FlippedByte | undefined> {
  const files: { path: string; size: number }[] = [];
  for (const file of (await readdir(directory)).toSorted()) {
    const path = join(directory, file);
    const { size } = await stat(path);
    if (DATA_FILE.test(file) && size > 0) files.push({ path, size });
  }
  const chosen = files[draw(files.length)];
  if (chosen === undefined) return undefined;
  const position = draw(chosen.size);
  const handle = await open(chosen.path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, position);
    const value = (byte[0] as number) ^ 0xff;
    await handle.write(Buffer.from([value]), 0, 1, position);
    return { path: chosen.path, position, value };
  } finally {
    await handle.close();
  }
}

/** Whether the damage is still there: a file that has been compacted away is gone, and the damage with it. */
export async function isStillDamaged({ path, position, value }: FlippedByte): Promise<boolean> {
  try {
    const handle = await open(path, 'r');
    try {
      const byte = Buffer.alloc(1);
      const { bytesRead } = await handle.read(byte, 0, 1, position);
      return bytesRead === 1 && byte[0] === value;
    } finally {
      await handle.close();
    }
  } catch {
    return false;
  }
}
