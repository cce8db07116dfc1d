/**
 * A digest of many records that two replicas compare instead of the records: a hash tree of two levels (Merkle's idea, as
 * in Dynamo, section 4.7). A leaf is the exclusive-or of the digests of its records, the root that of all leaves.
 *
 * A record's digest covers its key, its dots and its bytes, so equal sums mean equal sets but for a chance of 2^-128. An
 * exclusive-or is undone by itself: one change costs one leaf and the root, in any order, and no tree has to be built anew.
 * It would be no protection against somebody who chooses records to collide; members of a cluster trust each other, and a
 * client cannot choose the dots that are part of what is digested.
 */

/** Bytes of a record's digest, of a leaf and of a root. */
export const TREE_DIGEST_BYTES = 16;

/** Leaves of one tree at most: the keys that have to be told for a difference are this part of a partition. */
export const MAX_TREE_LEAVES = 256;

/** Leaves of the trees of all partitions together, about: 4 MiB of digests, however many partitions a ring has. */
const LEAVES_OF_A_RING = 2 ** 18;

/** Leaves of each tree in a ring of so many partitions (a power of two): a power of two, 4 to MAX_TREE_LEAVES. */
export function leavesPerTree(partitions: number): number {
  return Math.min(MAX_TREE_LEAVES, LEAVES_OF_A_RING / partitions);
}

export class DigestTree {
  readonly #leaves: Uint8Array;
  readonly #root = new Uint8Array(TREE_DIGEST_BYTES);

  /** `leaves`: their number. */
  constructor(leaves: number) {
    this.#leaves = new Uint8Array(leaves * TREE_DIGEST_BYTES);
  }

  /** Adds the digest of a record to its leaf, or takes it out again. */
  toggle(leaf: number, digest: Uint8Array): void {
    const start = leaf * TREE_DIGEST_BYTES;
    for (let index = 0; index < TREE_DIGEST_BYTES; index += 1) {
      const byte = digest[index] ?? 0;
      this.#leaves[start + index] = (this.#leaves[start + index] ?? 0) ^ byte;
      this.#root[index] = (this.#root[index] ?? 0) ^ byte;
    }
  }

  /** A copy; all zero for no records. */
  get root(): Uint8Array {
    return this.#root.slice();
  }

  /** A copy of all leaves, one after the other. */
  get leaves(): Uint8Array {
    return this.#leaves.slice();
  }

  get isEmpty(): boolean {
    return this.#root.every((byte) => byte === 0);
  }
}

/** The leaves in which two trees of one size differ, in order. Both are given as all leaves, one after the other. */
export function differingLeaves(left: Uint8Array, right: Uint8Array): readonly number[] {
  const leaves = left.length / TREE_DIGEST_BYTES;
  return Array.from({ length: leaves }, (_, leaf) => leaf).filter((leaf) => !sameDigest(left, right, leaf));
}

/** Whether two digests are equal, or two lists of digests (as in differingLeaves) at one place. */
export function sameDigest(left: Uint8Array, right: Uint8Array, place = 0): boolean {
  const start = place * TREE_DIGEST_BYTES;
  for (let index = start; index < start + TREE_DIGEST_BYTES; index += 1) {
    if (left[index] !== right[index]) return false;
  }
  return true;
}

/** The leaf of a key in the tree of its partition: the bits of its placement hash that follow those of the partition. */
export function leafOf(placementHash: bigint, partitions: number): number {
  const leaves = leavesPerTree(partitions);
  const shift = 64 - Math.log2(partitions) - Math.log2(leaves);
  return Number((placementHash >> BigInt(shift)) & BigInt(leaves - 1));
}
