import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  configurationEpoch,
  describePlacement,
  DIGEST_BYTES,
  etagOf,
  placementHash,
  requestDigest,
  writeDigest,
} from '../../src/codec/hash.ts';
import { xxHash64 } from '../../src/client/xxhash64.ts';
import { joinRecords } from '../../src/core/causality/join.ts';
import type { ClusterConfig } from '../../src/core/cluster-config.ts';
import type { NodeId } from '../../src/core/ids.ts';
import { dot, recordOf } from '../core/causality/sample-records.ts';
import { entryNames } from './arbitraries.ts';
import { CONFIG_SAMPLE } from './format-samples.ts';

describe('the placement hash', () => {
  it('is the one that clients compute: xxHash64 of bucket, zero byte and key in UTF-8, with seed 0', () => {
    fc.assert(
      fc.property(entryNames, ({ bucket, key }) => {
        const bytes = new TextEncoder().encode(`${bucket}\0${key}`);
        expect(placementHash({ bucket, key })).toBe(xxHash64(bytes));
      }),
    );
  });

  it('spreads keys evenly over all 64 bits', () => {
    const hashes = Array.from({ length: 8_000 }, (_, index) =>
      placementHash({ bucket: 'b', key: `key-${index}` }),
    );
    for (let bit = 0n; bit < 64n; bit += 1n) {
      const ones = hashes.filter((hash) => ((hash >> bit) & 1n) === 1n).length;
      // Six standard deviations around the half.
      expect(Math.abs(ones - 4_000)).toBeLessThan(270);
    }
  });
});

describe('a digest', () => {
  it('depends on its seed, and is written where it should be', () => {
    const target = new Uint8Array(3 * DIGEST_BYTES);
    writeDigest(Uint8Array.of(1), 5n, target, DIGEST_BYTES);
    expect(target.subarray(0, DIGEST_BYTES).every((byte) => byte === 0)).toBe(true);
    expect(target.subarray(2 * DIGEST_BYTES).every((byte) => byte === 0)).toBe(true);
    const other = new Uint8Array(DIGEST_BYTES);
    writeDigest(Uint8Array.of(1), 6n, other, 0);
    expect(Buffer.compare(target.subarray(DIGEST_BYTES, 2 * DIGEST_BYTES), other)).not.toBe(0);
  });

  it('of a request depends on all that the request asks for', () => {
    const value = Uint8Array.of(1, 2);
    const digests = [
      requestDigest('delete'),
      requestDigest({ contentType: 'text/plain', value }),
      requestDigest({ contentType: 'text/html', value }),
      requestDigest({ contentType: 'text/plain', value: Uint8Array.of(1, 3) }),
      requestDigest({ contentType: '', value: new Uint8Array(0) }),
    ];
    expect(new Set(digests).size).toBe(digests.length);
    for (const digest of digests) expect(digest).toMatch(/^[0-9a-f]{16}$/);
  });
});

describe('an entity tag', () => {
  const [first, second] = ['a', 'b'].map((name) => recordOf(dot(name, 1), name)) as [
    ReturnType<typeof recordOf>,
    ReturnType<typeof recordOf>,
  ];

  it('changes with the set of siblings, and with nothing else', () => {
    const both = joinRecords(first, second);
    const tags = [first, second, both].map(etagOf);
    expect(new Set(tags).size).toBe(3);
    expect(etagOf(joinRecords(second, first))).toBe(etagOf(both));
    expect(etagOf({ ...first, context: second.context, largestN: 9 })).toBe(etagOf(first));
    for (const tag of tags) expect(tag).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('the configuration epoch', () => {
  const changed = (change: Partial<ClusterConfig>): string =>
    configurationEpoch({ ...CONFIG_SAMPLE, ...change });
  const epoch = changed({});

  it('does not depend on order, addresses, R, W, limits or the name of the cluster', () => {
    const nodes = CONFIG_SAMPLE.nodes.toReversed().map((node) => ({ ...node, host: 'other', peerPort: 1 }));
    const buckets = new Map([...CONFIG_SAMPLE.buckets].toReversed());
    expect(changed({ nodes, buckets, cluster: 'other', defaults: { n: 3, r: 1, w: 3 } })).toBe(epoch);
  });

  it('does not depend on a declared bucket that is placed like an undeclared one', () => {
    const buckets = new Map(CONFIG_SAMPLE.buckets).set('plain', { n: 3, r: 1, w: 3, mode: 'mixed' });
    expect(changed({ buckets })).toBe(epoch);
  });

  it.each<readonly [string, Partial<ClusterConfig>]>([
    ['the number of partitions', { partitions: 512 }],
    ['the default N', { defaults: { n: 2, r: 2, w: 2 } }],
    ['a member', { nodes: CONFIG_SAMPLE.nodes.slice(1) }],
    [
      'the name of a member',
      { nodes: CONFIG_SAMPLE.nodes.map((node) => ({ ...node, id: `${node.id}x` as NodeId })) },
    ],
    ['a zone', { nodes: CONFIG_SAMPLE.nodes.map((node) => ({ ...node, zone: 'a' })) }],
    ['a bucket', { buckets: new Map() }],
    ['the N of a bucket', { buckets: new Map([['other', { n: 2, r: 1, w: 1, mode: 'mixed' }]]) }],
    ['the mode of a bucket', { buckets: new Map([['other', { n: 1, r: 1, w: 1, mode: 'cas' }]]) }],
  ])('depends on %s', (_, change) => {
    expect(changed(change)).not.toBe(epoch);
    expect(changed(change)).toMatch(/^[0-9a-f]{16}$/);
  });

  it('is that of a description which tells one configuration from another', () => {
    expect(describePlacement(CONFIG_SAMPLE)).not.toBe(describePlacement({ ...CONFIG_SAMPLE, partitions: 8 }));
  });
});
