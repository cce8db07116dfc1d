import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { paxosDot } from '../../../src/core/causality/dot.ts';
import type { KeyRecord, RememberedWrite } from '../../../src/core/causality/record.ts';
import {
  areWithinWindows,
  findRememberedWrite,
  isOfRound,
  joinRememberedWrites,
  mayHaveForgottenRounds,
  mayHaveForgottenWrites,
  newestOfRounds,
  withRememberedWrite,
} from '../../../src/core/causality/remembered-writes.ts';
import { MAX_WRITE_IDS } from '../../../src/core/limits.ts';
import { ballot } from '../paxos/stage.ts';
import { dot, identity, recordOf } from './sample-records.ts';

/** Few ids, dots and times, so that windows overlap and times are equal. What a dot names is one write everywhere. */
const ALL_WRITES: readonly RememberedWrite[] = Array.from({ length: 6 * MAX_WRITE_IDS }, (_, index) => ({
  id: `id-${index % 140}`,
  dot: index % 3 === 0 ? paxosDot(ballot(index)) : dot('abc'.charAt(index % 3), index + 1),
  requestDigest: 'd'.repeat(16),
  seenDigest: 0,
  writtenAtMs: index % 100,
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

  it('takes one write more as it would join it, whichever that is and whatever it holds', () => {
    const ofRounds = ALL_WRITES.filter(isOfRound);
    const full = fc
      .shuffledSubarray([...ofRounds], { minLength: MAX_WRITE_IDS })
      .map((writes) =>
        writes.reduce<readonly RememberedWrite[]>((all, one) => joinRememberedWrites(all, [one]), []),
      );
    const newest = fc.nat(50).map((index) => ({
      ...(ALL_WRITES[index] as RememberedWrite),
      writtenAtMs: 1_000 + index,
    }));
    fc.assert(
      fc.property(
        fc.oneof(windows, full),
        fc.array(fc.oneof(newest, fc.constantFrom(...ALL_WRITES)), { maxLength: 5 }),
        (before, writes) => {
          let held = before;
          for (const write of writes) {
            const joined = joinRememberedWrites([write], held);
            held = withRememberedWrite(held, write);
            expect(held).toEqual(joined);
            expect(mayHaveForgottenRounds({ writes: held }, 0)).toBe(
              held.filter(isOfRound).length === MAX_WRITE_IDS,
            );
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('holds at most its size, each dot once, newest first', () => {
    fc.assert(
      fc.property(windows, windows, (a, b) => {
        const joined = joinRememberedWrites(a, b);
        const known = new Set([...a, ...b]);
        for (const ofRounds of [true, false]) {
          const ofKind = (writes: Iterable<RememberedWrite>): readonly RememberedWrite[] =>
            [...writes].filter((write) => isOfRound(write) === ofRounds);
          expect(ofKind(joined)).toHaveLength(Math.min(MAX_WRITE_IDS, ofKind(known).length));
        }
        expect(areWithinWindows(joined)).toBe(true);
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
        for (const write of [...a, ...b]) {
          const sameKind = joined.filter((kept) => isOfRound(kept) === isOfRound(write));
          const oldest = Math.min(...sameKind.map(({ writtenAtMs }) => writtenAtMs));
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
    for (const ofRounds of [true, false]) {
      const writes = ALL_WRITES.filter((write) => isOfRound(write) === ofRounds);
      const others = ALL_WRITES.filter((write) => isOfRound(write) !== ofRounds).slice(0, MAX_WRITE_IDS - 1);
      const almostFull = [...others, ...writes.slice(0, MAX_WRITE_IDS - 1)];
      expect(mayHaveForgottenWrites(recordWith(almostFull))).toBe(false);
      const full = recordWith([...others, ...writes.slice(0, MAX_WRITE_IDS)]);
      expect(mayHaveForgottenWrites(full)).toBe(true);
      expect(mayHaveForgottenRounds(full, 0)).toBe(ofRounds);
    }
  });

  it('lets no plain write push out what a round remembers, whatever its clock says', () => {
    const ofRound = ALL_WRITES.filter(isOfRound).slice(0, 1);
    const plain = ALL_WRITES.filter((write) => !isOfRound(write)).map((write) => ({
      ...write,
      writtenAtMs: 1_000_000,
    }));
    const joined = [...plain].reduce<readonly RememberedWrite[]>(
      (window, write) => joinRememberedWrites(window, [write]),
      ofRound,
    );
    expect(joined).toContain(ofRound[0]);
    expect(mayHaveForgottenWrites(recordWith(joined))).toBe(true);
    expect(mayHaveForgottenRounds(recordWith(joined), 0)).toBe(false);
    expect(newestOfRounds(recordWith(joined))).toBe(ofRound[0]?.writtenAtMs);
    expect(newestOfRounds(recordWith(plain))).toBe(0);
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
