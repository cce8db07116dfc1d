/** What the digest trees of a disk have to say, computed from all that lies on it, and from nothing else. */
import { placementHash } from '../../../src/codec/hash.ts';
import { checkRecord, largestNOf, recordDigest } from '../../../src/codec/record-codec.ts';
import { leafOf, leavesPerTree, TREE_DIGEST_BYTES } from '../../../src/core/merkle/digest-tree.ts';
import { partitionOf } from '../../../src/core/ring/ring.ts';
import { entryOf, isRecordKey } from '../../sim/run/record-keys.ts';
import type { SimDisk } from '../../sim/world/sim-disk.ts';

/** Leaves of each tree that holds something, in hexadecimal, by partition and N: `5/3`. */
export type Trees = ReadonlyMap<string, string>;

export function rebuiltTrees(disk: SimDisk, partitions: number): Trees {
  const sums = new Map<string, bigint[]>();
  for (const [storageKey, encoded] of disk.entries()) {
    if (!isRecordKey(storageKey)) continue;
    const entry = entryOf(storageKey);
    const hash = placementHash(entry);
    if (!isReadable(() => checkRecord(entry, encoded))) continue;
    const name = `${partitionOf({ partitions }, hash)}/${largestNOf(encoded)}`;
    const leaves = sums.get(name) ?? Array<bigint>(leavesPerTree(partitions)).fill(0n);
    const leaf = leafOf(hash, partitions);
    leaves[leaf] = (leaves[leaf] ?? 0n) ^ BigInt(`0x${hexOf(recordDigest(encoded))}`);
    sums.set(name, leaves);
  }
  return new Map([...sums].map(([name, leaves]) => [name, leaves.map(hexOfSum).join('')]));
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** The root of a tree, in hexadecimal, from its leaves. */
export function rootOf(leaves: string): string {
  let root = 0n;
  const width = 2 * TREE_DIGEST_BYTES;
  for (let at = 0; at < leaves.length; at += width) root ^= BigInt(`0x${leaves.slice(at, at + width)}`);
  return hexOfSum(root);
}

function hexOfSum(sum: bigint): string {
  return sum.toString(16).padStart(2 * TREE_DIGEST_BYTES, '0');
}

function isReadable(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
