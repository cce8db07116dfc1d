import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placementHash } from '../../src/codec/hash.ts';
import {
  ALL_HINTS,
  entryOfRecordKey,
  hintKey,
  hintRange,
  keyAfter,
  metaKey,
  nameOfHintKey,
  partitionRange,
  recordKey,
  WHOLE_STORE,
} from '../../src/codec/key-layout.ts';
import type { EntryName, NodeId, Partition } from '../../src/core/ids.ts';
import { entryNames } from './arbitraries.ts';

const partitions = fc.integer({ min: 0, max: 65_535 }).map((partition) => partition as Partition);

function compare(left: Uint8Array, right: Uint8Array): number {
  return Buffer.compare(left, right);
}

describe('the key of a record', () => {
  it('is one of its own for each partition, bucket and key', () => {
    fc.assert(
      fc.property(partitions, entryNames, partitions, entryNames, (partition, entry, other, otherEntry) => {
        const isSame =
          partition === other && entry.bucket === otherEntry.bucket && entry.key === otherEntry.key;
        expect(compare(recordKey(partition, entry), recordKey(other, otherEntry)) === 0).toBe(isSame);
      }),
      { numRuns: 500 },
    );
  });

  it.each<readonly [EntryName, EntryName]>([
    [
      { bucket: 'a', key: 'bc' },
      { bucket: 'ab', key: 'c' },
    ],
    [
      { bucket: 'a', key: '\0b' },
      { bucket: 'a', key: 'b' },
    ],
    [
      { bucket: 'a', key: 'é' },
      { bucket: 'a', key: 'e\u0301' },
    ],
    [
      { bucket: 'a', key: 'B' },
      { bucket: 'a', key: 'b' },
    ],
    [
      { bucket: 'a', key: 'b ' },
      { bucket: 'a', key: 'b' },
    ],
  ])('is not the same for %j and %j', (left, right) => {
    expect(compare(recordKey(0 as Partition, left), recordKey(0 as Partition, right))).not.toBe(0);
    expect(placementHash(left)).not.toBe(placementHash(right));
  });

  it('lies in the contiguous range of its partition, in order of its bucket and then of its key', () => {
    fc.assert(
      fc.property(partitions, entryNames, partitions, entryNames, (partition, entry, other, otherEntry) => {
        fc.pre(partition < other);
        expect(compare(recordKey(partition, entry), recordKey(other, otherEntry))).toBeLessThan(0);
      }),
    );
    const keys = ['a\0z', 'a\0é', 'a.b\0a', 'b\0'].map((name) => {
      const [bucket, key] = name.split('\0') as [string, string];
      return recordKey(5 as Partition, { bucket, key });
    });
    expect(keys.toSorted(compare)).toEqual(keys);
  });

  it.each<readonly [string, EntryName]>([
    ['a bucket with a zero byte, which would be a key of another bucket', { bucket: 'a\0b', key: 'c' }],
    ['half of a pair of surrogates, which would be stored as U+FFFD', { bucket: 'a', key: 'x\ud800' }],
    ['the other half', { bucket: 'a', key: '\udc00x' }],
  ])('is refused for %s', (_, entry) => {
    expect(() => recordKey(0 as Partition, entry)).toThrow(RangeError);
  });

  it('lies in the store, and never where the store speaks of itself', () => {
    fc.assert(
      fc.property(partitions, entryNames, (partition, entry) => {
        for (const key of [recordKey(partition, entry), metaKey('store')]) {
          expect(compare(key, WHOLE_STORE.from)).toBeGreaterThan(0);
          expect(compare(key, WHOLE_STORE.to)).toBeLessThan(0);
        }
        expect(recordKey(partition, entry)[0]).not.toBe(metaKey('store')[0]);
      }),
    );
  });
});

describe('the range of a partition', () => {
  it('holds the keys of its records, and of no other partition', () => {
    fc.assert(
      fc.property(partitions, partitions, entryNames, (partition, other, entry) => {
        const { from, to } = partitionRange(partition);
        const key = recordKey(other, entry);
        expect(compare(from, key) < 0 && compare(key, to) < 0).toBe(partition === other);
      }),
    );
  });

  it.each([0, 255, 256, 65_534])('of %i ends where the next one begins', (partition) => {
    const { to } = partitionRange(partition as Partition);
    expect(to).toEqual(partitionRange((partition + 1) as Partition).from);
  });

  it('of the last one ends before the store speaks of itself', () => {
    const { from, to } = partitionRange(65_535 as Partition);
    expect(compare(from, to)).toBeLessThan(0);
    expect(compare(to, metaKey('store'))).toBeLessThan(0);
    expect(compare(recordKey(65_535 as Partition, { bucket: 'z', key: '\u{10ffff}' }), to)).toBeLessThan(0);
  });
});

describe('a record’s storage key', () => {
  it('tells its bucket and its key', () => {
    fc.assert(
      fc.property(partitions, entryNames, (partition, entry) => {
        expect(entryOfRecordKey(recordKey(partition, entry))).toEqual(entry);
      }),
    );
  });

  it('is followed by the key after it, with nothing in between', () => {
    fc.assert(
      fc.property(partitions, entryNames, entryNames, (partition, entry, other) => {
        const key = recordKey(partition, entry);
        const [after, another] = [keyAfter(key), recordKey(partition, other)];
        expect(compare(key, after)).toBeLessThan(0);
        expect(compare(another, key) <= 0 || compare(another, after) >= 0).toBe(true);
      }),
    );
  });
});

describe('the key of a hint', () => {
  const owners = fc.constantFrom('n1', 'n10', 'n2', 'a.b', 'N_1-x').map((owner) => owner as NodeId);

  it('tells its owner and its entry', () => {
    fc.assert(
      fc.property(owners, partitions, entryNames, (owner, partition, entry) => {
        expect(nameOfHintKey(hintKey(owner, partition, entry))).toEqual({ owner, entry });
      }),
    );
  });

  it('lies in the range of its owner, and of no other, in the order of the records', () => {
    fc.assert(
      fc.property(owners, owners, partitions, entryNames, (owner, other, partition, entry) => {
        const key = hintKey(owner, partition, entry);
        const { from, to } = hintRange(other);
        expect(compare(from, key) < 0 && compare(key, to) < 0).toBe(owner === other);
        expect(compare(ALL_HINTS.from, key) < 0 && compare(key, ALL_HINTS.to) < 0).toBe(true);
      }),
    );
    fc.assert(
      fc.property(partitions, entryNames, partitions, entryNames, (partition, entry, other, otherEntry) => {
        const owner = 'n1' as NodeId;
        const order = compare(recordKey(partition, entry), recordKey(other, otherEntry));
        expect(compare(hintKey(owner, partition, entry), hintKey(owner, other, otherEntry))).toBe(order);
      }),
    );
  });

  it('lies where no record and no fact about the store lies', () => {
    const { from, to } = ALL_HINTS;
    expect(compare(partitionRange(65_535 as Partition).to, from)).toBeLessThan(0);
    expect(compare(to, metaKey('store'))).toBeLessThan(0);
  });

  it.each(['', 'a\0b'])('is refused for the owner %j', (owner) => {
    expect(() => hintKey(owner as NodeId, 0 as Partition, { bucket: 'b', key: 'k' })).toThrow(RangeError);
  });
});
