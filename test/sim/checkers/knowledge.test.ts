import { describe, expect, it } from 'vitest';
import { MAX_WRITE_IDS } from '../../../src/core/limits.ts';
import type { Violation } from './history.ts';
import {
  checkAsNewAsSession,
  checkNoFalseSiblings,
  checkNoInvention,
  checkNotApplied,
  checkNothingLost,
  checkNotRevived,
  checkReadSeesAcknowledged,
  checkValuesWhole,
  coveredBy,
} from './knowledge.ts';
import { KEY, WrittenHistory } from './written-history.ts';

function lost({ history }: WrittenHistory, shown: readonly number[]): readonly Violation[] {
  return checkNothingLost(history, new Map([[KEY, shown]]));
}

describe('no acknowledged write is lost', () => {
  it('if it is shown, or if a client that had seen it wrote what is shown', () => {
    const told = new WrittenHistory();
    told.write(1);
    told.write(2, { known: [1] });
    told.write(3, { known: [2] });
    expect(lost(told, [3])).toEqual([]);
    expect(lost(told, [3, 1])).toEqual([]);
  });

  it.each([
    ['nothing is shown', [], '1'],
    ['what is shown was written by somebody who had seen nothing', [4], '3'],
    ['only what it superseded is shown', [1], '3'],
  ])('but it is if %s', (_, shown, named) => {
    const told = new WrittenHistory();
    told.write(1);
    told.write(2, { known: [1], outcome: 'unknown' });
    told.write(3, { known: [2] });
    told.write(4, { outcome: 'unknown' });
    const violations = lost(told, shown);
    expect(violations.map(({ invariant }) => invariant)).toContain('acknowledged-write-lost');
    expect(violations.map(({ detail }) => detail).join()).toContain(`put ${named} of key was acknowledged`);
  });

  it('whatever became of writes that were not acknowledged', () => {
    const told = new WrittenHistory();
    told.write(1, { outcome: 'unknown' });
    told.write(2, { outcome: 'not-applied' });
    told.write(3, { outcome: undefined });
    expect(lost(told, [])).toEqual([]);
  });

  it('if an unknown write that had seen it is shown, but not if that is gone, too', () => {
    const told = new WrittenHistory();
    told.write(1);
    told.write(2, { known: [1], outcome: 'unknown' });
    expect(lost(told, [2])).toEqual([]);
    expect(lost(told, [])).toHaveLength(1);
  });

  it('because of a DELETE without a context that ended after it began, and not of one that had ended', () => {
    const told = new WrittenHistory();
    told.write(1);
    told.write(2, { type: 'delete', isBlindDelete: true });
    expect(lost(told, [2])).toEqual([]);
    told.write(3);
    expect(lost(told, [2])[0]?.detail).toContain('put 3');
  });

  it('because of a DELETE without a context that may still be carried out', () => {
    const told = new WrittenHistory();
    told.write(1, { type: 'delete', isBlindDelete: true, outcome: 'unknown' });
    told.write(2);
    expect(lost(told, [1])).toEqual([]);
  });

  it('through a long chain of clients, and two that had seen each other end no search in a loop', () => {
    const told = new WrittenHistory();
    for (let id = 1; id <= 100; id += 1) told.write(id, { known: [id - 1] });
    expect(lost(told, [100])).toEqual([]);
    expect(lost(told, [99])).toHaveLength(1);
    told.write(101, { known: [102] });
    told.write(102, { known: [101] });
    expect(coveredBy(told.history, KEY, [101]).has(102)).toBe(true);
  });
});

describe('a read covers what was acknowledged before it began', () => {
  it('by showing it, or what somebody wrote who had seen it', () => {
    const told = new WrittenHistory();
    told.write(1);
    told.write(2, { known: [1] });
    expect(checkReadSeesAcknowledged(told.history, told.read([2]))).toEqual([]);
  });

  it('and not if it shows nothing, or only what was before', () => {
    const told = new WrittenHistory();
    told.write(1);
    told.write(2, { known: [1] });
    for (const shown of [[], [1]]) {
      const [violation] = checkReadSeesAcknowledged(told.history, told.read(shown));
      expect(violation?.invariant).toBe('read-missed-acknowledged-write');
    }
  });

  it('but need not cover one that was acknowledged later, or not at all', () => {
    const told = new WrittenHistory();
    const read = told.read([]);
    told.write(1);
    told.write(2, { outcome: 'unknown' });
    expect(checkReadSeesAcknowledged(told.history, read)).toEqual([]);
    expect(checkReadSeesAcknowledged(told.history, told.read([1]))).toEqual([]);
  });

  it.each([
    { n: 3, r: 1, written: { n: 3, w: 2 }, isDue: false },
    { n: 3, r: 2, written: { n: 3, w: 2 }, isDue: true },
    { n: 3, r: 1, written: { n: 3, w: 3 }, isDue: true },
    { n: 3, r: 2, written: { n: 5, w: 3 }, isDue: false },
    { n: 5, r: 3, written: { n: 3, w: 2 }, isDue: false },
    { n: 5, r: 4, written: { n: 3, w: 2 }, isDue: true },
  ])('only if their quorums must meet: R=$r of $n, $written', ({ n, r, written, isDue }) => {
    const told = new WrittenHistory();
    told.write(1, written);
    expect(checkReadSeesAcknowledged(told.history, told.read([], { n, r }))).toHaveLength(isDue ? 1 : 0);
  });
});

describe('two values stand side by side', () => {
  it('if neither client had seen the other', () => {
    const told = new WrittenHistory();
    told.write(1);
    told.write(2);
    expect(checkNoFalseSiblings(told.history, told.read([1, 2]), true)).toEqual([]);
  });

  it.each([false, true])(
    'and not if one had seen the other, itself or through somebody (settled: %s)',
    (isSettled) => {
      const told = new WrittenHistory();
      told.write(1);
      told.write(2, { known: [1] });
      told.write(3, { known: [2] });
      for (const shown of [
        [1, 2],
        [2, 1],
        [3, 1],
        [1, 3],
      ]) {
        const [violation] = checkNoFalseSiblings(told.history, told.read(shown), isSettled);
        expect(violation?.invariant).toBe('false-sibling');
      }
    },
  );

  it('for a while if the older one was retried, and so may have two dots; not when all has settled', () => {
    const told = new WrittenHistory();
    told.write(1, { attemptsById: 2 });
    told.write(2, { known: [1], attemptsById: 1 });
    const read = told.read([1, 2]);
    expect(checkNoFalseSiblings(told.history, read, false)).toEqual([]);
    expect(checkNoFalseSiblings(told.history, read, true)).toHaveLength(1);
  });

  it('for ever only if more write ids came than a record remembers', () => {
    const told = new WrittenHistory();
    told.write(1, { attemptsById: 2 });
    told.write(2, { known: [1], attemptsById: 1 });
    for (let id = 3; id <= MAX_WRITE_IDS; id += 1) told.write(id, { attemptsById: 1 });
    expect(checkNoFalseSiblings(told.history, told.read([1, 2]), true)).toHaveLength(1);
    told.write(1_000, { attemptsById: 1 });
    expect(checkNoFalseSiblings(told.history, told.read([1, 2]), true)).toEqual([]);
  });

  it('for ever if the older one was a DELETE without a context that was retried', () => {
    const told = new WrittenHistory();
    told.write(1, { type: 'delete', isBlindDelete: true, attemptsById: 2 });
    told.write(2, { known: [1] });
    expect(checkNoFalseSiblings(told.history, told.read([1, 2]), true)).toEqual([]);
    const once = new WrittenHistory();
    once.write(1, { type: 'delete', isBlindDelete: true, attemptsById: 1 });
    once.write(2, { known: [1] });
    expect(checkNoFalseSiblings(once.history, once.read([1, 2]), true)).toHaveLength(1);
  });
});

describe('nothing is invented', () => {
  it('if what is shown had been called for that key', () => {
    const told = new WrittenHistory();
    const running = told.call(1);
    expect(checkNoInvention(told.history, told.read([running.id]))).toEqual([]);
  });

  it.each([
    ['nobody wrote it', 7],
    ['it was written to another key', 2],
    ['it is what cannot be read as an event', Number.NaN],
  ])('but is if %s', (_, shown) => {
    const told = new WrittenHistory();
    told.write(1);
    told.write(2, { key: 'another' });
    const [violation] = checkNoInvention(told.history, told.read([1, shown]));
    expect(violation?.invariant).toBe('invented-value');
  });

  it('but is if it was written after the read had returned', () => {
    const told = new WrittenHistory();
    const read = told.read([1]);
    told.write(1);
    expect(checkNoInvention(told.history, read)).toHaveLength(1);
  });

  it('but is if a value has other bytes', () => {
    const told = new WrittenHistory();
    const read = told.read([1, 2]);
    expect(checkValuesWhole(read, () => true)).toEqual([]);
    const [violation] = checkValuesWhole(read, (event) => event !== 2);
    expect(violation?.invariant).toBe('invented-value');
  });
});

describe('what was not applied', () => {
  it('is nowhere', () => {
    const told = new WrittenHistory();
    told.write(1);
    told.write(2, { outcome: 'not-applied' });
    expect(checkNotApplied(told.history, [1, 99])).toEqual([]);
    const [violation] = checkNotApplied(told.history, [1, 2]);
    expect(violation?.invariant).toBe('not-applied-was-applied');
    expect(violation?.detail).toContain('put 2');
  });

  it('may be anywhere while that is not known', () => {
    const told = new WrittenHistory();
    told.write(1, { outcome: 'unknown' });
    told.write(2, { outcome: undefined });
    expect(checkNotApplied(told.history, [1, 2])).toEqual([]);
  });
});

describe('a deletion that was reaped', () => {
  const told = new WrittenHistory();
  told.write(1);
  told.write(2, { known: [1], type: 'delete' });
  told.write(3);
  told.history.reaped(KEY, [2]);
  const read = {
    id: 9,
    key: KEY,
    n: 3,
    r: 2,
    calledAt: told.history.next(),
    returnedAt: told.history.next(),
  };

  it('need not be shown any more, and accounts for what it had deleted', () => {
    expect(lost(told, [3])).toEqual([]);
    expect(checkReadSeesAcknowledged(told.history, { ...read, shown: [3] })).toEqual([]);
    expect(
      lost(told, [])
        .map(({ detail }) => detail)
        .join(),
    ).toContain('put 3 of key was acknowledged');
  });

  it('stays: what it had deleted is not shown again', () => {
    expect(checkNotRevived(told.history, { ...read, shown: [3] })).toEqual([]);
    expect(checkNotRevived(told.history, { ...read, shown: [3, 2] })).toEqual([]);
    const [violation] = checkNotRevived(told.history, { ...read, shown: [3, 1] });
    expect(violation?.invariant).toBe('deleted-value-revived');
    expect(violation?.detail).toContain('shows 1, which 2 had deleted');
  });

  it('says nothing of a read that began before', () => {
    expect(checkNotRevived(told.history, { ...read, calledAt: 0, shown: [1] })).toEqual([]);
  });
});

describe('a read that names what its client knows', () => {
  const told = new WrittenHistory();
  told.write(1);
  told.write(2, { known: [1] });
  told.write(3);
  const read = { id: 9, key: KEY };

  it('shows that, or what had seen it, or what a reaped deletion had', () => {
    expect(checkAsNewAsSession(told.history, { ...read, shown: [1] }, new Set([1]))).toEqual([]);
    expect(checkAsNewAsSession(told.history, { ...read, shown: [2, 3] }, new Set([1, 3]))).toEqual([]);
    const deleted = new WrittenHistory();
    deleted.write(1);
    deleted.write(2, { known: [1], type: 'delete' });
    deleted.history.reaped(KEY, [2]);
    expect(checkAsNewAsSession(deleted.history, { ...read, shown: [] }, new Set([1, 2]))).toEqual([]);
  });

  it('goes back otherwise', () => {
    const [violation] = checkAsNewAsSession(told.history, { ...read, shown: [1, 3] }, new Set([2]));
    expect(violation?.invariant).toBe('session-went-back');
    expect(violation?.detail).toContain('named a context with 2');
    expect(checkAsNewAsSession(told.history, { ...read, shown: [] }, new Set([1]))).toHaveLength(1);
  });
});
