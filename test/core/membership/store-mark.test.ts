import { describe, expect, it } from 'vitest';
import type { Incarnation, StoreId } from '../../../src/core/ids.ts';
import {
  judgeStore,
  type PresentedStore,
  raiseMark,
  rememberStore,
  type StoreMark,
  type StoreVerdict,
} from '../../../src/core/membership/store-mark.ts';

function mark(storeId: string, opening: string, sequence: number): StoreMark {
  return { storeId: storeId as StoreId, opening: opening as Incarnation, sequence };
}

function presented(
  storeId: string,
  opening: string,
  openedAt: number,
  ...lost: readonly string[]
): PresentedStore {
  return {
    storeId: storeId as StoreId,
    opening: opening as Incarnation,
    openedAt,
    lost: lost as readonly StoreId[],
  };
}

const CASES: readonly (readonly [string, StoreMark | undefined, PresentedStore, StoreVerdict])[] = [
  ['nobody was ever heard of', undefined, presented('s', 'a', 0), 'new'],
  [
    'the same process comes again, with what it was opened at',
    mark('s', 'a', 9),
    presented('s', 'a', 4),
    'same',
  ],
  ['another process opens it where it was', mark('s', 'a', 9), presented('s', 'b', 9), 'same'],
  ['another process opens it later than was heard', mark('s', 'a', 9), presented('s', 'b', 12), 'same'],
  ['another process opens it one batch earlier', mark('s', 'a', 9), presented('s', 'b', 8), 'rolled-back'],
  ['its sequence number is gone', mark('s', 'a', 1), presented('s', 'b', 0), 'rolled-back'],
  ['there is another store', mark('s', 'a', 9), presented('t', 'b', 0), 'replaced'],
  ['there is another store that has come far', mark('s', 'a', 9), presented('t', 'b', 99), 'replaced'],
  [
    'it names another loss than the one that is remembered',
    mark('s', 'a', 9),
    presented('t', 'b', 0, 'r'),
    'replaced',
  ],
  [
    'it knows that it takes the place of this one',
    mark('s', 'a', 9),
    presented('t', 'b', 0, 'r', 's'),
    'successor',
  ],
];

describe('a store that is remembered', () => {
  it.each(CASES)('is judged: %s', (_, remembered, now, verdict) => {
    expect(judgeStore(remembered, now)).toBe(verdict);
  });

  it.each(CASES)('gives way only to what is known to follow it: %s', (_, remembered, now, verdict) => {
    const after = rememberStore(remembered, now);
    if (verdict === 'replaced' || verdict === 'rolled-back') expect(after).toBe(remembered);
    else {
      expect(after).toMatchObject({ storeId: now.storeId, opening: now.opening });
      expect(judgeStore(after, now)).toBe('same');
    }
  });

  it('never goes back while one process presents itself again', () => {
    const remembered = rememberStore(mark('s', 'a', 9), presented('s', 'a', 4));
    expect(remembered.sequence).toBe(9);
    expect(judgeStore(remembered, presented('s', 'b', 8))).toBe('rolled-back');
  });

  it('rises by what its own opening is heard to have reached, and by nothing else', () => {
    const remembered = mark('s', 'a', 9);
    expect(raiseMark(remembered, mark('s', 'a', 12))).toEqual(mark('s', 'a', 12));
    for (const other of [mark('s', 'a', 3), mark('s', 'b', 12), mark('t', 'a', 12)]) {
      expect(raiseMark(remembered, other)).toBe(remembered);
    }
  });
});
