import { describe, expect, it } from 'vitest';
import type { Incarnation, StoreId } from '../../../src/core/ids.ts';
import { MAX_OPENINGS } from '../../../src/core/limits.ts';
import {
  judgeStore,
  type OpeningList,
  type PresentedStore,
  raiseMark,
  rememberStore,
  type StoreMark,
  type StoreOpening,
  type StoreVerdict,
  withOpening,
} from '../../../src/core/membership/store-mark.ts';

function mark(storeId: string, opening: string, sequence: number): StoreMark {
  return { storeId: storeId as StoreId, opening: opening as Incarnation, sequence };
}

function at(opening: string, openedAt: number): StoreOpening {
  return { opening: opening as Incarnation, openedAt };
}

/** Opened by `a` first, unless it is `a` that presents it. */
function presented(
  storeId: string,
  opening: string,
  openedAt: number,
  ...lost: readonly string[]
): PresentedStore {
  return {
    storeId: storeId as StoreId,
    ...at(opening, openedAt),
    earlier: { openings: opening === 'a' ? [] : [at('a', 0)], unlistedUpTo: 0 },
    lost: lost as readonly StoreId[],
  };
}

/** Store s, opened by these one after the other. */
function openedBy(...openings: readonly StoreOpening[]): PresentedStore {
  const last = openings.at(-1) as StoreOpening;
  const earlier = { openings: openings.slice(0, -1), unlistedUpTo: 0 };
  return { storeId: 's' as StoreId, ...last, earlier, lost: [] };
}

/** Presented after this list of openings. */
function after(earlier: OpeningList, opening: StoreOpening): PresentedStore {
  return { storeId: 's' as StoreId, ...opening, earlier, lost: [] };
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
  [
    'it was opened where that opening had come to, and has gone on since',
    mark('s', 'a', 9),
    openedBy(at('a', 0), at('b', 9), at('c', 20), at('d', 20)),
    'same',
  ],
  [
    'it lost its end, wrote on alone past it, and was opened once more',
    mark('s', 'a', 9),
    openedBy(at('a', 0), at('b', 5), at('c', 20)),
    'rolled-back',
  ],
  [
    'a later opening than the next one lost its end',
    mark('s', 'a', 9),
    openedBy(at('a', 0), at('b', 12), at('c', 5), at('d', 20)),
    'rolled-back',
  ],
  [
    'it lost that opening too, and wrote on alone',
    mark('s', 'b', 9),
    openedBy(at('a', 0), at('c', 5), at('d', 20)),
    'rolled-back',
  ],
  [
    'it lost an opening in which nobody heard of anything written',
    mark('s', 'b', 0),
    openedBy(at('a', 0), at('c', 5)),
    'same',
  ],
  [
    'it does not know its openings any more',
    mark('s', 'a', 9),
    after({ openings: [], unlistedUpTo: 0 }, at('d', 20)),
    'rolled-back',
  ],
  [
    'that opening was before there was a list',
    mark('s', 'a', 9),
    after({ openings: [at('b', 9)], unlistedUpTo: 9 }, at('c', 20)),
    'same',
  ],
  [
    'that opening was before there was a list, and had come further than the list begins at',
    mark('s', 'a', 10),
    after({ openings: [at('b', 9)], unlistedUpTo: 9 }, at('c', 20)),
    'rolled-back',
  ],
  [
    'that opening was before there was a list, which has been lost in part since',
    mark('s', 'a', 9),
    after({ openings: [at('b', 9)], unlistedUpTo: 9 }, at('c', 5)),
    'rolled-back',
  ],
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

  it('lists its openings, and forgets the oldest of too many: these count as lost', () => {
    let list: OpeningList = { openings: [], unlistedUpTo: 0 };
    for (let count = 0; count < MAX_OPENINGS; count += 1) list = withOpening(list, at(`o${count}`, count));
    expect(judgeStore(mark('s', 'o0', 1), after(list, at('now', 99)))).toBe('same');
    list = withOpening(list, at('one more', MAX_OPENINGS));
    expect(list.openings).toHaveLength(MAX_OPENINGS);
    expect(list.openings.at(-1)).toEqual(at('one more', MAX_OPENINGS));
    expect(judgeStore(mark('s', 'o0', 1), after(list, at('now', 99)))).toBe('rolled-back');
    expect(judgeStore(mark('s', 'o1', 2), after(list, at('now', 99)))).toBe('same');
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
