/**
 * What differs between two replicas, as far as they have told each other, and in which order an exchange goes through it:
 * from where the last one stopped, round all trees. So an exchange that never comes to its end, because one record or one
 * tree is in its way, still reaches all the others in the course of time.
 */
import { type EntryName, nameOf } from '../ids.ts';
import type { TreeKey, TreeName, TreeRoot, TreeRoots } from '../message.ts';
import { sameDigest, TREE_DIGEST_BYTES } from './digest-tree.ts';

/** A place in the order of all keys of all trees. */
export interface Position {
  readonly tree: TreeName;
  /** Storage key behind which it lies; undefined at the beginning of the tree. */
  readonly after: Uint8Array | undefined;
}

/** The trees whose roots differ; of partitions that one side knows nothing of none. */
export function differingTrees(left: TreeRoots, right: TreeRoots): readonly TreeName[] {
  const unbuilt = new Set([...left.unbuilt, ...right.unbuilt]);
  const [leftRoots, rightRoots] = [byName(left.roots), byName(right.roots)];
  const none = new Uint8Array(TREE_DIGEST_BYTES);
  return [...new Map([...leftRoots, ...rightRoots])]
    .filter(([, { partition }]) => !unbuilt.has(partition))
    .filter(([name]) => !sameDigest(leftRoots.get(name)?.root ?? none, rightRoots.get(name)?.root ?? none))
    .map(([, { partition, n }]) => ({ partition, n }));
}

/** Where to begin in each of these trees, in the order in which an exchange that begins there goes through them. */
export function treesFrom(from: Position | undefined, trees: readonly TreeName[]): readonly Position[] {
  const sorted = trees.toSorted(compareTrees);
  const first = from === undefined ? 0 : sorted.findIndex((tree) => compareTrees(tree, from.tree) >= 0);
  const rotated = first <= 0 ? sorted : [...sorted.slice(first), ...sorted.slice(0, first)];
  return rotated.map((tree) => ({
    tree,
    after: from !== undefined && compareTrees(tree, from.tree) === 0 ? from.after : undefined,
  }));
}

/** The place behind a tree. */
export function behind({ partition, n }: TreeName): Position {
  return { tree: { partition, n: n + 1 }, after: undefined };
}

export interface KeyDifference {
  /** To be brought together: only one side has them, or the records differ, or one of them cannot be read. */
  readonly entries: readonly EntryName[];
  /** Number of keys that are there, but cannot be read, without another side that can: nothing can be done about them. */
  readonly unreadable: number;
}

/** What differs on two pages of keys that cover the same part of a tree. */
export function differingKeys(left: readonly TreeKey[], right: readonly TreeKey[]): KeyDifference {
  const rightByName = new Map(right.map((key) => [nameOf(key), key]));
  const entries: EntryName[] = [];
  let unreadable = 0;
  const note = ({ bucket, key }: EntryName, digests: readonly (Uint8Array | undefined)[]): void => {
    const [one, other] = digests;
    if (digests.every((digest) => digest === undefined)) unreadable += 1;
    else if (one === undefined || other === undefined || !sameDigest(one, other))
      entries.push({ bucket, key });
  };
  for (const key of left) {
    const same = rightByName.get(nameOf(key));
    rightByName.delete(nameOf(key));
    note(key, same === undefined ? [key.digest] : [key.digest, same.digest]);
  }
  for (const key of rightByName.values()) note(key, [key.digest]);
  return { entries, unreadable };
}

function byName(roots: readonly TreeRoot[]): ReadonlyMap<string, TreeRoot> {
  return new Map(roots.map((root) => [`${root.partition} ${root.n}`, root]));
}

function compareTrees(left: TreeName, right: TreeName): number {
  return left.partition - right.partition || left.n - right.n;
}
