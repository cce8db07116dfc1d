import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { homeReplicas, isUsableRing, partitionOf, withBaseUrls } from '../../src/client/placement.ts';
import type { RingBody } from '../../src/client/index.ts';
import { placementHash } from '../../src/codec/hash.ts';
import { partitionOf as partitionOfNodes } from '../../src/core/ring/ring.ts';

const ring: RingBody = {
  cluster: 'local',
  epoch: 'e1',
  partitions: 4,
  hash: { name: 'xxh64', seed: 0 },
  nodes: ['a', 'b', 'c'].map((id) => ({ id, zone: 'z', url: `http://${id}:1/` })),
  defaults: { n: 2, r: 1, w: 1 },
  buckets: { wide: { n: 3, r: 2, w: 2, mode: 'mixed' } },
  preferenceLists: [
    [0, 1, 2],
    [1, 2, 0],
    [2, 0, 1],
    [0, 2, 1],
  ],
};

test('a key is in the partition that the nodes put it in', () => {
  const bucket = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/);
  const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 80 }).filter((text) => {
    return !/\p{Surrogate}/u.test(text);
  });
  fc.assert(
    fc.property(bucket, key, fc.integer({ min: 0, max: 16 }), (bucketName, keyName, bits) => {
      const partitions = 2 ** bits;
      const hash = placementHash({ bucket: bucketName, key: keyName });
      expect(partitionOf(bucketName, keyName, partitions)).toBe(partitionOfNodes({ partitions }, hash));
    }),
    { numRuns: 2_000 },
  );
});

describe('home replicas', () => {
  const list = ring.preferenceLists[partitionOf('wide', 'k', 4)] ?? [];
  const urls = list.map((index) => ring.nodes[index]?.url);

  test('are as many as the call, the bucket, or the cluster says', () => {
    expect(homeReplicas(ring, 'wide', 'k', undefined)).toEqual(urls);
    expect(homeReplicas(ring, 'wide', 'k', 1)).toEqual(urls.slice(0, 1));
    expect(homeReplicas(ring, 'plain', 'k', undefined)).toHaveLength(2);
  });

  test('of a bucket named like a property of every object are the default ones', () => {
    for (const name of ['constructor', '__proto__', 'toString']) {
      expect(homeReplicas(ring, name, 'k', undefined)).toHaveLength(2);
    }
  });

  test('without an address that can be used are left out', () => {
    const partly = withBaseUrls(
      {
        ...ring,
        nodes: ring.nodes.map((node, index) => ({ ...node, url: index === 0 ? 'what' : node.url })),
      },
      ['http://seed'],
    );
    expect(homeReplicas(partly, 'wide', 'k', undefined)).toHaveLength(3);
    const broken = withBaseUrls({ ...ring, nodes: ring.nodes.map((node) => ({ ...node, url: 'ftp://x' })) }, [
      'http://seed',
    ]);
    expect(homeReplicas(broken, 'wide', 'k', undefined)).toEqual([]);
  });
});

test('a token that travels encrypted is not sent in the clear because a node advertises so', () => {
  const urlsOf = (seeds: readonly string[]) => withBaseUrls(ring, seeds).nodes.map(({ url }) => url);
  expect(urlsOf(['https://seed'])).toEqual(['', '', '']);
  expect(urlsOf(['https://seed', 'http://other'])).toEqual(['http://a:1', 'http://b:1', 'http://c:1']);
});

describe('a ring is used only if keys can be placed by it', () => {
  test('this one', () => {
    expect(isUsableRing(ring)).toBe(true);
  });

  test.each<[string, object]>([
    ['an empty document', Object.fromEntries(Object.keys(ring).map((name) => [name, undefined]))],
    ['partitions that are no power of two', { partitions: 3, preferenceLists: [[0], [0], [0]] }],
    ['no partitions', { partitions: 0, preferenceLists: [] }],
    ['another hash', { hash: { name: 'sha256', seed: 0 } }],
    ['another seed', { hash: { name: 'xxh64', seed: 1 } }],
    ['no nodes', { nodes: [] }],
    ['no default N', { defaults: {} }],
    ['no buckets', { buckets: undefined }],
    ['too few lists', { preferenceLists: [[0]] }],
    ['lists that are none', { preferenceLists: [0, 1, 2, 3] }],
  ])('not %s', (_name, change) => {
    expect(isUsableRing({ ...ring, ...change })).toBe(false);
  });
});
