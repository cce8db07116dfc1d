import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClusterConfig, MemberConfig } from '../../../src/core/cluster-config.ts';
import type { NodeId, Partition } from '../../../src/core/ids.ts';
import { DEFAULT_LIMITS } from '../../../src/core/limits.ts';
import {
  buildRing,
  homeReplicas,
  partitionOf,
  preferenceList,
  type Ring,
} from '../../../src/core/ring/ring.ts';

type Member = Pick<MemberConfig, 'id' | 'zone'>;

function ringOf(members: readonly Member[], partitions: number, n: number): Ring {
  const config: ClusterConfig = {
    cluster: 'test',
    partitions,
    nodes: members.map((member) => ({ ...member, host: 'h', bind: 'h', httpPort: 1, peerPort: 2 })),
    defaults: { n, r: 1, w: 1 },
    buckets: new Map(),
    limits: DEFAULT_LIMITS,
  };
  return buildRing(config);
}

function listsOf({ preferenceLists }: Ring): readonly string[] {
  return preferenceLists.map((list) => list.join(' '));
}

function digestOf(ring: Ring): string {
  return createHash('sha256').update(listsOf(ring).join('\n')).digest('hex');
}

describe('the partition of a hash', () => {
  const sizes = fc.integer({ min: 3, max: 16 }).map((bits) => ({ bits, partitions: 2 ** bits }));

  it('is its top bits: equal, contiguous ranges in order', () => {
    fc.assert(
      fc.property(sizes, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), ({ bits, partitions }, hash) => {
        const partition = partitionOf({ partitions }, hash);
        const width = 2n ** BigInt(64 - bits);
        expect(BigInt(partition) * width <= hash && hash < BigInt(partition + 1) * width).toBe(true);
        expect(partition).toBeLessThan(partitions);
      }),
    );
  });

  it('is the first and the last one at the ends', () => {
    for (const partitions of [8, 256, 65_536]) {
      expect(partitionOf({ partitions }, 0n)).toBe(0);
      expect(partitionOf({ partitions }, 2n ** 64n - 1n)).toBe(partitions - 1);
    }
  });
});

describe('the home replicas', () => {
  const members = ['n1', 'n2', 'n3', 'n4', 'n5'].map((id) => ({ id: id as NodeId, zone: id }));
  const ring = ringOf(members, 64, 3);

  it('of a smaller N are a prefix of those of a larger one', () => {
    for (let partition = 0; partition < 64; partition += 1) {
      const list = preferenceList(ring, partition as Partition);
      for (let n = 1; n <= 5; n += 1) {
        expect(homeReplicas(ring, partition as Partition, n)).toEqual(list.slice(0, n));
      }
    }
  });

  it('are all members where N asks for more than there are', () => {
    expect(homeReplicas(ring, 0 as Partition, 9)).toHaveLength(5);
  });

  it('are the same for every order of the configuration', () => {
    expect(listsOf(ringOf(members.toReversed(), 64, 3))).toEqual(listsOf(ring));
  });
});

/**
 * Where data lie is part of what is stored: if one of these changes, running clusters can not find their records any
 * more. It may change only together with a way to move them.
 */
describe('the ring, which stored data depend on,', () => {
  const FIVE_NODES = {
    digest: 'aaff64725af5c91560bee1deca305f8fc489c8e0989dcd6e509dcfff365e4f26',
    first: [
      'n2 n5 n1 n3 n4',
      'n5 n3 n4 n1 n2',
      'n3 n4 n2 n5 n1',
      'n4 n1 n5 n3 n2',
      'n4 n3 n2 n1 n5',
      'n3 n5 n1 n4 n2',
      'n2 n1 n5 n3 n4',
      'n4 n5 n3 n2 n1',
    ],
  };
  const NINE_NODES_IN_THREE_ZONES = {
    digest: '901b9e7c84f07c468fa54085fa692b7b386b95814dab3216f785aca8c2783c40',
    first: [
      'n2 n9 n5 n1 n7 n8 n3 n6 n4',
      'n3 n5 n8 n4 n9 n7 n1 n6 n2',
      'n3 n7 n8 n4 n9 n5 n2 n6 n1',
      'n4 n6 n9 n1 n8 n5 n3 n7 n2',
      'n9 n4 n6 n8 n3 n7 n1 n5 n2',
      'n9 n3 n7 n8 n5 n1 n4 n6 n2',
      'n2 n8 n5 n1 n6 n9 n3 n7 n4',
      'n6 n4 n8 n5 n3 n9 n7 n2 n1',
    ],
  };

  it('of the five nodes of the configuration file', () => {
    const file = new URL('../../../cluster.config.json', import.meta.url);
    const { nodes, partitions, defaults } = JSON.parse(readFileSync(file, 'utf8')) as {
      nodes: Member[];
      partitions: number;
      defaults: { n: number };
    };
    const ring = ringOf(nodes, partitions, defaults.n);
    expect({ digest: digestOf(ring), first: listsOf(ring).slice(0, 8) }).toEqual(FIVE_NODES);
  });

  it('of nine nodes in three uneven zones', () => {
    const zones = ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'c', 'c'];
    const ring = ringOf(
      zones.map((zone, index) => ({ id: `n${index + 1}` as NodeId, zone })),
      128,
      3,
    );
    expect({ digest: digestOf(ring), first: listsOf(ring).slice(0, 8) }).toEqual(NINE_NODES_IN_THREE_ZONES);
  });
});
