/**
 * The digest trees of one partition: one for each number of copies, because records that are kept on different nodes
 * cannot be compared with one another's replicas. A record whose N grows moves from one tree to another.
 */
import { placementHash } from '../../codec/hash.ts';
import { largestNOf, recordDigest } from '../../codec/record-codec.ts';
import type { EntryName } from '../../core/ids.ts';
import { DigestTree, leafOf, leavesPerTree } from '../../core/merkle/digest-tree.ts';

export class RecordTrees {
  readonly #partitions: number;
  readonly #byN = new Map<number, DigestTree>();

  /** `partitions` of the ring. */
  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  /** Takes one encoded record out and another in. */
  replace(entry: EntryName, before: Uint8Array | undefined, after: Uint8Array | undefined): void {
    const leaf = leafOf(placementHash(entry), this.#partitions);
    if (before !== undefined) this.#treeOf(before).toggle(leaf, recordDigest(before));
    if (after !== undefined) this.#treeOf(after).toggle(leaf, recordDigest(after));
  }

  /** A copy of all leaves of the tree of records with so many copies; all zero if it holds nothing. */
  leaves(n: number): Uint8Array {
    return (this.#byN.get(n) ?? new DigestTree(leavesPerTree(this.#partitions))).leaves;
  }

  /** Roots of the trees that hold something, with the number of copies of their records. */
  roots(): readonly { readonly n: number; readonly root: Uint8Array }[] {
    return [...this.#byN].filter(([, tree]) => !tree.isEmpty).map(([n, { root }]) => ({ n, root }));
  }

  #treeOf(encoded: Uint8Array): DigestTree {
    const n = largestNOf(encoded);
    const tree = this.#byN.get(n) ?? new DigestTree(leavesPerTree(this.#partitions));
    this.#byN.set(n, tree);
    return tree;
  }
}
