import { describe, expect, it } from 'vitest';
import { joinRecords } from '../../../src/core/causality/join.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import { liveSiblings, visibleSiblings } from '../../../src/core/causality/visible-siblings.ts';
import { dot, identity, recordOf } from './sample-records.ts';

const TOMBSTONE = { type: 'tombstone' } as const;

function dotsShown(record: KeyRecord): readonly unknown[] {
  return visibleSiblings(record).map((sibling) => sibling.dot);
}

function join(...records: readonly KeyRecord[]): KeyRecord {
  return records.reduce(joinRecords);
}

describe('what a client sees of a record', () => {
  const [first, second, third] = ['b', 'a', 'c'].map((name) =>
    recordOf(dot(name, 1), 'retried', { identity: identity('id') }),
  ) as [KeyRecord, KeyRecord, KeyRecord];

  it('are its siblings in the order of their dots', () => {
    const record = join(recordOf(dot('b', 2), 'x'), recordOf(dot('b', 1), 'y'), recordOf(dot('a', 9), 'z'));
    expect(dotsShown(record)).toEqual([dot('a', 9), dot('b', 1), dot('b', 2)]);
  });

  it('is one sibling for the dots of a retried write, the smallest', () => {
    expect(dotsShown(join(first, second, third))).toEqual([dot('a', 1)]);
    expect(dotsShown(join(third, first))).toEqual([dot('b', 1)]);
  });

  it('is one sibling even if the repeat brought a newer context', () => {
    const seen = recordOf(dot('d', 1), 'x').context;
    const repeat = recordOf(dot('c', 1), 'retried', { identity: identity('id'), seen });
    expect(dotsShown(join(first, repeat))).toEqual([dot('b', 1)]);
  });

  it('shows writes without an id and other ids each for itself', () => {
    const other = recordOf(dot('d', 1), 'retried', { identity: identity('other') });
    const plain = recordOf(dot('e', 1), 'retried');
    const record = join(first, second, other, plain, recordOf(dot('f', 1), 'retried'));
    expect(dotsShown(record)).toEqual(['a', 'd', 'e', 'f'].map((name) => dot(name, 1)));
  });

  it('hides no value of an id that was used for different bytes', () => {
    const other = recordOf(dot('c', 1), 'other', { identity: { id: 'id', requestDigest: 'e'.repeat(16) } });
    expect(dotsShown(join(first, other))).toEqual([dot('b', 1), dot('c', 1)]);
  });

  it('hides no value whose id left the window of remembered ones', () => {
    const forgetful: KeyRecord = { ...join(first, second), writes: [] };
    expect(dotsShown(forgetful)).toEqual([dot('a', 1), dot('b', 1)]);
  });

  it('includes tombstones, which are not live', () => {
    const record = join(recordOf(dot('a', 1), '', { content: TOMBSTONE }), recordOf(dot('b', 1), 'x'));
    expect(dotsShown(record)).toEqual([dot('a', 1), dot('b', 1)]);
    expect(liveSiblings(record).map((sibling) => sibling.dot)).toEqual([dot('b', 1)]);
    expect(liveSiblings(recordOf(dot('a', 1), '', { content: TOMBSTONE }))).toEqual([]);
  });
});
