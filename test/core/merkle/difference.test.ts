/** Which trees and keys an exchange has to look at, and in which order it goes through them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Partition } from '../../../src/core/ids.ts';
import { behind, differingKeys, differingTrees, treesFrom } from '../../../src/core/merkle/difference.ts';
import { TREE_DIGEST_BYTES } from '../../../src/core/merkle/digest-tree.ts';
import type { TreeKey, TreeName, TreeRoot, TreeRoots } from '../../../src/core/message.ts';

function digest(byte: number): Uint8Array {
  return new Uint8Array(TREE_DIGEST_BYTES).fill(byte);
}

function tree(partition: number, n: number): TreeName {
  return { partition: partition as Partition, n };
}

/** `roots('1/3=7')`: the tree of partition 1 at N=3 has the root 7, 7, 7, ... */
function roots(...texts: readonly string[]): TreeRoots {
  return {
    unbuilt: [],
    doubtful: [],
    roots: texts.map((text): TreeRoot => {
      const [partition = 0, n = 0, byte = 0] = text.split(/[/=]/).map(Number);
      return { ...tree(partition, n), root: digest(byte) };
    }),
  };
}

function texts(trees: readonly TreeName[]): readonly string[] {
  return trees.map(({ partition, n }) => `${partition}/${n}`);
}

describe('differing trees', () => {
  it('are those with another root, and those that one side does not have', () => {
    const left = roots('0/3=1', '1/3=1', '2/3=1', '3/1=1');
    const right = roots('0/3=1', '1/3=2', '4/3=1', '3/2=1');
    const expected = ['1/3', '2/3', '3/1', '3/2', '4/3'];
    expect(texts(differingTrees(left, right)).toSorted()).toEqual(expected);
    expect(texts(differingTrees(right, left)).toSorted()).toEqual(expected);
    expect(differingTrees(left, left)).toEqual([]);
  });

  it('are none of those that one side has not built: nothing is known of them', () => {
    const left = { ...roots('0/3=1', '1/3=1'), unbuilt: [2 as Partition] };
    const right = { ...roots('0/3=2', '2/3=2'), unbuilt: [1 as Partition] };
    expect(texts(differingTrees(left, right))).toEqual(['0/3']);
    expect(texts(differingTrees(right, left))).toEqual(['0/3']);
  });

  it('are not told apart by a root of nothing', () => {
    expect(differingTrees(roots('0/3=0'), roots())).toEqual([]);
  });
});

describe('the order of an exchange', () => {
  const trees = fc.uniqueArray(
    fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 3 })).map(([partition, n]) => tree(partition, n)),
    { selector: ({ partition, n }) => `${partition}/${n}`, maxLength: 20 },
  );

  it('goes through every tree once, by partition and N, from where it begins round to there', () => {
    fc.assert(
      fc.property(trees, fc.nat(21), fc.integer({ min: 1, max: 4 }), (differing, partition, n) => {
        const from = { tree: tree(partition, n), after: undefined };
        const order = treesFrom(from, differing).map((position) => position.tree);
        const ranked = order.map((each) => each.partition * 10 + each.n);
        const turn = ranked.findIndex((rank, index) => index > 0 && rank < (ranked[index - 1] as number));
        const [first, second] = turn < 0 ? [ranked, []] : [ranked.slice(0, turn), ranked.slice(turn)];
        expect(texts(order).toSorted()).toEqual(texts(differing).toSorted());
        const begin = partition * 10 + n;
        const ahead = ranked.filter((rank) => rank >= begin);
        // What lies ahead comes first, in order, and then the rest, in order.
        expect([...first, ...second]).toEqual([
          ...ahead.toSorted((a, b) => a - b),
          ...ranked.filter((rank) => rank < begin).toSorted((a, b) => a - b),
        ]);
      }),
    );
  });

  it('begins anywhere without a place to begin at', () => {
    expect(
      texts(treesFrom(undefined, [tree(3, 1), tree(1, 2), tree(1, 1)]).map((each) => each.tree)),
    ).toEqual(['1/1', '1/2', '3/1']);
  });

  it('goes on within the tree in which it stopped, and within no other', () => {
    const after = Uint8Array.of(9);
    const differing = [tree(1, 3), tree(2, 3), tree(3, 3)];
    expect(treesFrom({ tree: tree(2, 3), after }, differing)).toEqual([
      { tree: tree(2, 3), after },
      { tree: tree(3, 3), after: undefined },
      { tree: tree(1, 3), after: undefined },
    ]);
    // That tree does not differ any more.
    expect(treesFrom({ tree: tree(2, 2), after }, differing).map((each) => each.after)).toEqual(
      differing.map(() => undefined),
    );
  });

  it('begins behind a tree with the next one', () => {
    const differing = [tree(1, 3), tree(2, 1), tree(2, 3)];
    expect(texts(treesFrom(behind(tree(2, 1)), differing).map((each) => each.tree))).toEqual([
      '2/3',
      '1/3',
      '2/1',
    ]);
    expect(texts(treesFrom(behind(tree(2, 3)), differing).map((each) => each.tree))).toEqual([
      '1/3',
      '2/1',
      '2/3',
    ]);
  });
});

describe('differing keys', () => {
  function key(name: string, byte: number | undefined): TreeKey {
    return { bucket: 'b', key: name, digest: byte === undefined ? undefined : digest(byte) };
  }

  it('are those that one side lacks, and those whose records differ', () => {
    const left = [key('same', 1), key('other', 1), key('left', 1)];
    const right = [key('right', 1), key('other', 2), key('same', 1)];
    expect(differingKeys(left, right)).toEqual({
      entries: [
        { bucket: 'b', key: 'other' },
        { bucket: 'b', key: 'left' },
        { bucket: 'b', key: 'right' },
      ],
      unreadable: 0,
    });
  });

  it('are those that one side cannot read and the other can, and no others that cannot be read', () => {
    const left = [key('here', undefined), key('both', undefined), key('only here', undefined)];
    const right = [key('here', 1), key('both', undefined), key('only there', undefined)];
    expect(differingKeys(left, right)).toEqual({
      entries: [{ bucket: 'b', key: 'here' }],
      unreadable: 3,
    });
  });

  it('of two buckets are two keys', () => {
    const right: TreeKey = { bucket: 'c', key: 'k', digest: digest(1) };
    expect(differingKeys([key('k', 1)], [right]).entries).toHaveLength(2);
  });
});
