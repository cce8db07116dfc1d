import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KeyRecord, RememberedWrite } from '../../../src/core/causality/record.ts';
import {
  findRememberedWrite,
  joinRememberedWrites,
  mayHaveForgottenWrites,
} from '../../../src/core/causality/remembered-writes.ts';
import { MAX_WRITE_IDS } from '../../../src/core/limits.ts';
import { dot, identity, recordOf } from './sample-records.ts';

/** Few ids, dots and times, so that windows overlap and times are equal. What a dot names is one write everywhere. */
const ALL_WRITES: readonly RememberedWrite[] = Array.from({ length: 3 * MAX_WRITE_IDS }, (_, index) => ({
  id: `id-${index % 70}`,
  dot: dot('abc'.charAt(index % 3), index + 1),
  requestDigest: 'd'.repeat(16),
  seenDigest: 0,
  writtenAtMs: index % 50,
  created: false,
}));

/** A window as a record holds it: sorted, and cut to its size. */
const windows = fc
  .oneof(fc.shuffledSubarray([...ALL_WRITES], { maxLength: 10 }), fc.shuffledSubarray([...ALL_WRITES]))
  .map((writes) =>
    writes.reduce<readonly RememberedWrite[]>((window, write) => joinRememberedWrites(window, [write]), []),
  );

function recordWith(writes: readonly RememberedWrite[]): KeyRecord {
  return { ...recordOf(dot('a', 1), 'x'), writes };
}

describe('the window of remembered writes', () => {
  it('joins by union and truncation, which is commutative, associative and idempotent', () => {
    fc.assert(
      fc.property(windows, windows, windows, (a, b, c) => {
        const joined = joinRememberedWrites(joinRememberedWrites(a, b), c);
        expect(joinRememberedWrites(a, joinRememberedWrites(b, c))).toEqual(joined);
        expect(joinRememberedWrites(joinRememberedWrites(c, a), b)).toEqual(joined);
        expect(joinRememberedWrites(joined, b)).toEqual(joined);
        expect(joinRememberedWrites(a, [...a])).toEqual(a);
      }),
      { numRuns: 300 },
    );
  });

  it('holds at most its size, each dot once, newest first', () => {
    fc.assert(
      fc.property(windows, windows, (a, b) => {
        const joined = joinRememberedWrites(a, b);
        const known = new Set([...a, ...b]);
        expect(joined).toHaveLength(Math.min(MAX_WRITE_IDS, known.size));
        expect(new Set(joined).size).toBe(joined.length);
        expect(joined.map(({ writtenAtMs }) => writtenAtMs)).toEqual(
          joined.map(({ writtenAtMs }) => writtenAtMs).toSorted((left, right) => right - left),
        );
      }),
    );
  });

  it('forgets none that is newer than one it keeps', () => {
    fc.assert(
      fc.property(windows, windows, (a, b) => {
        const joined = joinRememberedWrites(a, b);
        const oldest = Math.min(...joined.map(({ writtenAtMs }) => writtenAtMs));
        for (const write of [...a, ...b]) {
          if (!joined.includes(write)) expect(write.writtenAtMs).toBeLessThanOrEqual(oldest);
        }
      }),
    );
  });

  it('keeps two dots of one id', () => {
    const [first, second] = [1, 2].map(
      (counter) => recordOf(dot('a', counter), 'x', { identity: identity('id') }).writes,
    );
    expect(joinRememberedWrites(first ?? [], second ?? [])).toHaveLength(2);
  });

  it('may have forgotten something as soon as it is full, and not before', () => {
    expect(mayHaveForgottenWrites(recordWith(ALL_WRITES.slice(0, MAX_WRITE_IDS - 1)))).toBe(false);
    expect(mayHaveForgottenWrites(recordWith(ALL_WRITES.slice(0, MAX_WRITE_IDS)))).toBe(true);
  });
});

describe('what is remembered of a write', () => {
  const write: RememberedWrite = {
    id: 'id',
    dot: dot('b', 1),
    requestDigest: 'd'.repeat(16),
    seenDigest: 0,
    writtenAtMs: 1,
    created: false,
  };
  const alias = { ...write, dot: dot('a', 7), writtenAtMs: 9 };
  const reuse = { ...write, dot: dot('a', 1), requestDigest: 'e'.repeat(16) };

  it('is found by its id and its bytes: of several dots the smallest, in whatever order', () => {
    expect(findRememberedWrite(recordWith([alias, write]), write)).toBe(alias);
    expect(findRememberedWrite(recordWith([write, alias]), write)).toBe(alias);
    expect(findRememberedWrite(recordWith([reuse, write]), write)).toBe(write);
    expect(findRememberedWrite(recordWith([write]), { ...write, id: 'other' })).toBeUndefined();
    expect(findRememberedWrite(recordWith([write]), reuse)).toBeUndefined();
  });
});
