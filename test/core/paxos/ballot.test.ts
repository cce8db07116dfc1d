import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Incarnation, NodeId } from '../../../src/core/ids.ts';
import { MAX_BALLOT_AHEAD_MS } from '../../../src/core/limits.ts';
import {
  type Ballot,
  BallotClock,
  type BallotTime,
  ballotOf,
  type BallotParts,
  highestBallot,
  isAbove,
  isBallot,
  isTooFarAhead,
  MAX_BALLOT_CHARACTERS,
  partsOfBallot,
  timeOfBallot,
} from '../../../src/core/paxos/ballot.ts';
import { incarnation } from '../causality/sample-records.ts';

const NODE = 'n1' as NodeId;
const HERE = incarnation('here');

const parts: fc.Arbitrary<BallotParts> = fc.record({
  timeMs: fc.oneof(fc.nat(40), fc.nat(36 ** 9 / 2 - 1)),
  logical: fc.oneof(fc.nat(40), fc.nat(36 ** 4 - 1)),
  node: fc.constantFrom(...(['n1', 'n10', 'a.b', '_-', 'x'.repeat(64)] as NodeId[])),
  incarnation: fc.constantFrom(
    incarnation('a'),
    incarnation('b'),
    '_-0AZaz'.repeat(3).concat('Q') as Incarnation,
  ),
});

function at(timeMs: number, logical = 0): Ballot {
  return ballotOf({ timeMs, logical, node: NODE, incarnation: HERE });
}

describe('a ballot', () => {
  it('is a text that gives back what it was made of', () => {
    fc.assert(
      fc.property(parts, (each) => {
        const ballot = ballotOf(each);
        expect(isBallot(ballot)).toBe(true);
        expect(ballot.length).toBeLessThanOrEqual(MAX_BALLOT_CHARACTERS);
        expect(partsOfBallot(ballot)).toEqual(each);
        expect(timeOfBallot(ballot)).toBe(each.timeMs);
      }),
    );
  });

  it('comes after all of an earlier time, and of the same time with a lower counter', () => {
    fc.assert(
      fc.property(parts, parts, (left, right) => {
        const order = left.timeMs - right.timeMs || left.logical - right.logical;
        const [a, b] = [ballotOf(left), ballotOf(right)];
        if (order !== 0) expect(isAbove(a, b)).toBe(order > 0);
        expect(isAbove(a, b) && isAbove(b, a)).toBe(false);
        expect(a === b).toBe(!isAbove(a, b) && !isAbove(b, a));
        expect(highestBallot(undefined, a, b)).toBe(a > b ? a : b);
      }),
    );
  });

  it('is above none at all', () => {
    expect(isAbove(at(0), undefined)).toBe(true);
    expect(isAbove(undefined, at(0))).toBe(false);
    expect(isAbove(undefined, undefined)).toBe(false);
    expect(highestBallot(undefined, undefined)).toBeUndefined();
  });

  it('from elsewhere leaves room for others above it', () => {
    const latest = at(36 ** 9 / 2 - 1, 36 ** 4 - 1);
    expect(isBallot(latest)).toBe(true);
    expect(isBallot(at(36 ** 9 / 2))).toBe(false);
    const above = new BallotClock(NODE, HERE).above(latest, 0);
    expect(isAbove(above, latest)).toBe(true);
  });

  it.each(['', 'x', `${at(1)}x`, at(10).toUpperCase(), at(1).slice(1), `${'0'.repeat(13)}..${HERE}`])(
    'is not %j',
    (text) => {
      expect(isBallot(text)).toBe(false);
    },
  );

  it.each([
    { timeMs: -1, logical: 0 },
    { timeMs: 1.5, logical: 0 },
    { timeMs: 36 ** 9, logical: 0 },
    { timeMs: 0, logical: 36 ** 4 },
  ])('has no room for %j', (each) => {
    expect(() => ballotOf({ ...each, node: NODE, incarnation: HERE })).toThrow(RangeError);
  });
});

/** Time by the wall clock, while the other clock stands still. */
const wall = (wallMs: number): BallotTime => ({ wallMs, nowMs: 0 });

describe('the clock of a proposer', () => {
  it('never makes a ballot twice, and each above what it was told of', () => {
    const call = fc.tuple(fc.nat(10), fc.option(parts, { nil: undefined }), fc.boolean());
    fc.assert(
      fc.property(fc.array(call), (calls) => {
        const clock = new BallotClock(NODE, HERE);
        const all = new Set<Ballot>();
        let last: Ballot | undefined;
        for (const [nowMs, [wallMs, other, isAside]] of calls.entries()) {
          if (other !== undefined && other.timeMs > 36 ** 9 - 1_000) continue;
          const seen = other && ballotOf(other);
          const made = isAside ? clock.above(seen, nowMs) : clock.next({ wallMs, nowMs }, seen);
          expect(isAbove(made, seen) && !all.has(made)).toBe(true);
          all.add(made);
          if (isAside || timeOfBallot(made) > 10 + MAX_BALLOT_AHEAD_MS) continue;
          expect(timeOfBallot(made)).toBeGreaterThanOrEqual(wallMs);
          expect(isAbove(made, last)).toBe(true);
          last = made;
        }
      }),
    );
  });

  it('goes on by itself after it was told of a ballot that is too far ahead', () => {
    const clock = new BallotClock(NODE, HERE);
    const far = at(6 + MAX_BALLOT_AHEAD_MS);
    expect(timeOfBallot(clock.next(wall(5), far))).toBe(7 + MAX_BALLOT_AHEAD_MS);
    expect(clock.next(wall(5), undefined)).toBe(at(5));
  });

  it('makes ballots that whoever has taken the one before takes as well', () => {
    const taken = at(5);
    for (const wallMs of [5, 5 + MAX_BALLOT_AHEAD_MS, 6 + MAX_BALLOT_AHEAD_MS, 1_000_000_000]) {
      const after = new BallotClock(NODE, HERE).after(taken, wall(wallMs));
      expect(isAbove(after, taken)).toBe(true);
      expect(isTooFarAhead(after, 0, [taken])).toBe(false);
      if (wallMs <= 5 + MAX_BALLOT_AHEAD_MS) expect(timeOfBallot(after)).toBe(wallMs);
    }
  });

  it('never lets the time go on so far that who has taken the last ballot would refuse the next one', () => {
    const clock = new BallotClock(NODE, HERE);
    const first = clock.above(at(10), 0);
    expect(isTooFarAhead(clock.above(first, 1_000_000_000), 0, [first])).toBe(false);
  });

  it('makes ballots just above another, whatever the time is', () => {
    const clock = new BallotClock(NODE, HERE);
    clock.next(wall(1_000), undefined);
    const [first, second] = [clock.above(at(7, 36 ** 4 - 1), 0), clock.above(at(7), 0)];
    expect([first, second].map(timeOfBallot)).toEqual([8, 8]);
    expect(first).not.toBe(second);
    expect(timeOfBallot(clock.above(undefined, 0))).toBe(1);
    expect(clock.next(wall(1_000), undefined)).toBe(at(1_000, 1));
  });

  it('goes with the time, and counts within a millisecond', () => {
    const clock = new BallotClock(NODE, HERE);
    expect(clock.next(wall(5.7), undefined)).toBe(at(5));
    expect(clock.next(wall(5), undefined)).toBe(at(5, 1));
    expect(clock.next(wall(4), undefined)).toBe(at(5, 2));
    expect(clock.next(wall(9), undefined)).toBe(at(9));
    expect(clock.next(wall(9), at(20, 7))).toBe(at(20, 8));
    expect(clock.next(wall(9), at(30, 36 ** 4 - 1))).toBe(at(31));
  });
});

describe('the time of ballots', () => {
  it('goes on at half speed while the wall clock is behind it, which so overtakes it', () => {
    const clock = new BallotClock(NODE, HERE);
    clock.next({ wallMs: 10_000, nowMs: 0 }, undefined);
    expect(clock.next({ wallMs: 4_001, nowMs: 1 }, undefined)).toBe(at(10_000, 1));
    expect(clock.next({ wallMs: 4_002, nowMs: 2 }, undefined)).toBe(at(10_001));
    expect(clock.next({ wallMs: 5_000, nowMs: 1_000 }, at(10_300))).toBe(at(10_500));
    expect(clock.next({ wallMs: 15_900, nowMs: 11_900 }, undefined)).toBe(at(15_950));
    expect(clock.next({ wallMs: 16_100, nowMs: 12_100 }, undefined)).toBe(at(16_100));
  });

  it('goes on from a ballot of another proposer, too', () => {
    const clock = new BallotClock(NODE, HERE);
    expect(clock.next({ wallMs: 1_000, nowMs: 0 }, at(31_000))).toBe(at(31_000, 1));
    expect(clock.next({ wallMs: 1_500, nowMs: 500 }, at(31_000))).toBe(at(31_250));
  });

  it('goes on so, too, where it cannot go by the clock at all', () => {
    const clock = new BallotClock(NODE, HERE);
    const first = clock.next({ wallMs: 5, nowMs: 0 }, at(1_000_000_000));
    const second = clock.next({ wallMs: 45, nowMs: 40 }, first);
    const other = clock.next({ wallMs: 45, nowMs: 40 }, at(2_000_000_000));
    const third = clock.above(second, 45);
    expect([first, second, other, third].map(timeOfBallot)).toEqual([
      1_000_000_001, 1_000_000_022, 2_000_000_001, 1_000_000_025,
    ]);
  });

  it('remembers the latest thousand of those only', () => {
    const clock = new BallotClock(NODE, HERE);
    const first = clock.above(at(10), 0);
    for (let made = 0; made < 1_024; made += 1) clock.above(at(1_000_000), 0);
    expect(timeOfBallot(clock.above(first, 1_000_000))).toBe(timeOfBallot(first) + 1);
  });
});

describe('a ballot too far ahead', () => {
  it('is ahead of the clock by more than the bound', () => {
    expect(isTooFarAhead(at(100 + MAX_BALLOT_AHEAD_MS), 100, [])).toBe(false);
    expect(isTooFarAhead(at(101 + MAX_BALLOT_AHEAD_MS), 100, [])).toBe(true);
  });

  it('is measured against what is known, too', () => {
    const ballot = at(101 + MAX_BALLOT_AHEAD_MS);
    expect(isTooFarAhead(ballot, 100, [at(101), undefined])).toBe(false);
    expect(isTooFarAhead(ballot, 100, [undefined, at(101)])).toBe(false);
    expect(isTooFarAhead(ballot, 100, [at(99), at(100)])).toBe(true);
  });
});
