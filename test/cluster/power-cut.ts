/**
 * What a power cut leaves of a LevelDB directory whose process is gone: of each file what was synced, and of what was appended
 * after that a part, or nothing. That is all there is to it because LevelDB only ever appends. Not modelled are directory
 * entries that were not synced, pages that reach the disk out of order, and disks that lie.
 */
import { readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileSync } from './sync-observer.ts';
import type { Draw } from './random-load.ts';

/** What LevelDB appends to: its log, its tables, and its manifest. */
const APPENDED = /\.(?:log|ldb|sst)$|^MANIFEST-/;

/** Bytes by path that are on the disk, whatever happens. */
export type DurableSizes = ReadonlyMap<string, number>;

export interface PowerCutOptions {
  /** Data directory of one node. */
  readonly directory: string;
  /** What its process had synced in its life. */
  readonly syncs: readonly FileSync[];
  /** What was on the disk when that life began. */
  readonly durable: DurableSizes;
  readonly draw: Draw;
}

/** Cuts the files, and gives what is on the disk now, with the number of bytes that are gone. */
export async function cutPower(
  options: PowerCutOptions,
): Promise<{ readonly durable: DurableSizes; readonly lostBytes: number }> {
  const { directory, draw } = options;
  const durable = new Map<string, number>();
  let lostBytes = 0;
  for (const file of await readdir(directory)) {
    if (!APPENDED.test(file)) continue;
    const path = join(directory, file);
    const { size } = await stat(path);
    const synced = Math.min(size, syncedSize(path, options));
    // Nothing of the rest in a third of the cases: the plainest cut of all.
    const kept = draw(3) === 0 ? synced : synced + draw(size - synced + 1);
    await truncate(path, kept);
    durable.set(path, kept);
    lostBytes += size - kept;
  }
  return { durable, lostBytes };
}

function syncedSize(path: string, { syncs, durable }: PowerCutOptions): number {
  return syncs.reduce(
    (size, sync) => (sync.path === path ? Math.max(size, sync.bytes) : size),
    durable.get(path) ?? 0,
  );
}
