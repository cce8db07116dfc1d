/**
 * Gives a node the records of another one, as if it had stored each when that one coordinated it: replicas hold the same bytes,
 * so the files are copied. What a store says of itself and of its peers stays each node's own; only how far it has come is
 * what the other one counted, for it has taken as many batches.
 */
import { cp, rm } from 'node:fs/promises';
import { openLevelStorage } from '../../src/adapters/level-storage.ts';
import { metaKey } from '../../src/codec/key-layout.ts';
import type { Storage, StorageWrite } from '../../src/ports/storage.ts';

/** The range of all facts about a store itself. */
const [META = 0] = metaKey('store');
const ALL_META = { from: Uint8Array.of(META), to: Uint8Array.of(META + 1) };

/** Neither store may be open. `target` was opened by its node before, and holds no records. */
export async function copyRecords(source: string, target: string): Promise<void> {
  const own = await withStorage(target, readMeta);
  await rm(target, { recursive: true });
  await cp(source, target, { recursive: true });
  await withStorage(target, async (storage) => {
    const foreign = await readMeta(storage);
    const writes: readonly StorageWrite[] = [
      ...foreign.map(([key]) => ({ type: 'delete', key }) as const),
      ...own.map(([key, value]) => ({ type: 'put', key, value }) as const),
    ];
    await storage.write(
      writes.filter(({ key }) => !isSequence(key)),
      { sync: true },
    );
  });
}

async function withStorage<Result>(
  directory: string,
  use: (storage: Storage) => Promise<Result>,
): Promise<Result> {
  const storage = await openLevelStorage({ directory });
  try {
    return await use(storage);
  } finally {
    await storage.close();
  }
}

async function readMeta(storage: Storage): Promise<readonly (readonly [Uint8Array, Uint8Array])[]> {
  const facts: (readonly [Uint8Array, Uint8Array])[] = [];
  for await (const fact of storage.range(ALL_META)) facts.push(fact);
  return facts;
}

function isSequence(key: Uint8Array): boolean {
  return Buffer.compare(key, metaKey('sequence')) === 0;
}
