/** The laws of the digest trees: what they say depends on the set of records, and on nothing else. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  differingLeaves,
  DigestTree,
  leafOf,
  leavesPerTree,
  MAX_TREE_LEAVES,
  sameDigest,
  TREE_DIGEST_BYTES,
} from '../../../src/core/merkle/digest-tree.ts';

interface Item {
  readonly leaf: number;
  readonly digest: Uint8Array;
}

const LEAVES = 16;

/** As digests of records are: none of nothing but zeros. */
const digests = fc
  .uint8Array({ minLength: TREE_DIGEST_BYTES, maxLength: TREE_DIGEST_BYTES })
  .filter((digest) => digest.some((byte) => byte !== 0));
const items: fc.Arbitrary<Item> = fc.record({ leaf: fc.nat(LEAVES - 1), digest: digests });
/** A digest covers the key, and so the leaf: none occurs in two leaves. */
const sets = fc.uniqueArray(items, { selector: nameOf, maxLength: 40 });

function nameOf({ digest }: Item): string {
  return Buffer.from(digest).toString('hex');
}

function isSameSet(left: readonly Item[], right: readonly Item[]): boolean {
  return left.map(nameOf).toSorted().join() === right.map(nameOf).toSorted().join();
}

function treeOf(set: readonly Item[]): DigestTree {
  const tree = new DigestTree(LEAVES);
  for (const { leaf, digest } of set) tree.toggle(leaf, digest);
  return tree;
}

function stateOf(tree: DigestTree): string {
  return `${Buffer.from(tree.root).toString('hex')} ${Buffer.from(tree.leaves).toString('hex')}`;
}

describe('a digest tree', () => {
  it('is the same whatever the order in which records came', () => {
    const shuffled = sets.chain((set) =>
      fc.tuple(fc.constant(set), fc.shuffledSubarray(set, { minLength: set.length })),
    );
    fc.assert(
      fc.property(shuffled, ([set, other]) => {
        expect(stateOf(treeOf(other))).toBe(stateOf(treeOf(set)));
      }),
    );
  });

  it('is as before once a record has gone that came, whatever happened in between', () => {
    fc.assert(
      fc.property(sets, items, sets, (before, item, between) => {
        const there = treeOf([...before, item, ...between, item]);
        expect(stateOf(there)).toBe(stateOf(treeOf([...before, ...between])));
      }),
    );
  });

  it('has equal roots for equal sets, and for no others', () => {
    const pairs = fc.oneof(
      fc.tuple(sets, sets),
      // Sets that differ in very little, or not at all.
      sets.chain((set) => fc.tuple(fc.constant(set), fc.shuffledSubarray(set))),
      sets.map((set) => [set.slice(1), set.slice(0, -1)] as const),
    );
    fc.assert(
      fc.property(pairs, ([left, right]) => {
        expect(sameDigest(treeOf(left).root, treeOf(right).root)).toBe(isSameSet(left, right));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is empty for no records, and for none but those that came and went', () => {
    fc.assert(
      fc.property(sets, (set) => {
        expect(treeOf(set).isEmpty).toBe(set.length === 0);
        expect(treeOf([...set, ...set]).isEmpty).toBe(true);
      }),
    );
    expect(new DigestTree(LEAVES).leaves).toEqual(new Uint8Array(LEAVES * TREE_DIGEST_BYTES));
  });

  it('gives copies: what was read does not change later, and cannot change the tree', () => {
    const digest = new Uint8Array(TREE_DIGEST_BYTES).fill(7);
    const tree = treeOf([{ leaf: 3, digest }]);
    const { root, leaves } = tree;
    const state = stateOf(tree);
    root.fill(1);
    leaves.fill(1);
    expect(stateOf(tree)).toBe(state);
    const before = tree.root;
    tree.toggle(3, digest);
    expect(before).toEqual(digest);
  });
});

describe('differing leaves', () => {
  it('are those in which the sets differ, in order', () => {
    fc.assert(
      fc.property(sets, fc.uniqueArray(fc.nat(LEAVES - 1)), digests, (set, leaves, digest) => {
        const other = treeOf([...set, ...leaves.map((leaf) => ({ leaf, digest }))]);
        const expected = leaves.toSorted((a, b) => a - b);
        expect(differingLeaves(treeOf(set).leaves, other.leaves)).toEqual(expected);
        expect(differingLeaves(other.leaves, treeOf(set).leaves)).toEqual(expected);
      }),
    );
  });

  it('are found by any one bit, wherever it is', () => {
    const leaves = new Uint8Array(MAX_TREE_LEAVES * TREE_DIGEST_BYTES);
    for (const byte of [0, 1, 15, 16, 2_047, 4_080, 4_095]) {
      const other = leaves.slice();
      other[byte] = 0x10;
      expect(differingLeaves(leaves, other)).toEqual([Math.floor(byte / TREE_DIGEST_BYTES)]);
    }
    expect(differingLeaves(leaves, leaves.slice())).toEqual([]);
  });
});

describe('the leaf of a key', () => {
  const sizes = fc.integer({ min: 3, max: 16 }).map((bits) => 2 ** bits);
  const hashes = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

  it('is one of its tree, and follows the bits that chose the partition', () => {
    fc.assert(
      fc.property(sizes, hashes, (partitions, hash) => {
        const leaves = leavesPerTree(partitions);
        const leaf = leafOf(hash, partitions);
        expect(leaf).toBeGreaterThanOrEqual(0);
        expect(leaf).toBeLessThan(leaves);
        // Partition and leaf together are the top bits of the hash.
        const width = 2n ** 64n / BigInt(partitions * leaves);
        const partition = hash / (2n ** 64n / BigInt(partitions));
        expect((partition * BigInt(leaves) + BigInt(leaf)) * width).toBe(hash - (hash % width));
      }),
    );
  });

  it.each([
    [8, 256],
    [256, 256],
    [1_024, 256],
    [4_096, 64],
    [65_536, 4],
  ])('is one of so many that %i partitions together take no more than 4 MiB', (partitions, leaves) => {
    expect(leavesPerTree(partitions)).toBe(leaves);
    expect(partitions * leaves * TREE_DIGEST_BYTES).toBeLessThanOrEqual(4 * 1024 * 1024);
  });

  it('takes all values about equally often', () => {
    const counts = new Map<number, number>();
    for (let index = 0n; index < 4_096n; index += 1n) {
      const leaf = leafOf((index * 0x9e37_79b9_7f4a_7c15n) & (2n ** 64n - 1n), 8);
      counts.set(leaf, (counts.get(leaf) ?? 0) + 1);
    }
    expect(counts.size).toBe(MAX_TREE_LEAVES);
    expect(Math.max(...counts.values())).toBeLessThan(40);
  });
});
