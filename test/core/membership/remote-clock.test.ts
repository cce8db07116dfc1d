/** A peer's clock as its messages prove it, against what it really shows. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_CLOCK_DRIFT } from '../../../src/core/limits.ts';
import { RemoteClock } from '../../../src/core/membership/remote-clock.ts';

const drift = fc.double({ min: -MAX_CLOCK_DRIFT / 2.1, max: MAX_CLOCK_DRIFT / 2.1, noNaN: true });
/** Milliseconds: seldom seconds on the way, and pauses of days. */
const wayMs = fc.oneof(
  fc.double({ min: 0, max: 2, noNaN: true }),
  fc.double({ min: 0, max: 9_000, noNaN: true }),
);
const pauseMs = fc.oneof(
  fc.double({ min: 0, max: 100, noNaN: true }),
  fc.double({ min: 0, max: 3 * 86_400_000, noNaN: true }),
);
const messages = fc.array(fc.record({ pauseMs, wayMs }), { minLength: 1, maxLength: 30 });
/** Rounding errors of clocks that show weeks. */
const TINY_MS = 1e-3;

describe('the clock of a peer', () => {
  it('shows nothing before anything was heard of it', () => {
    expect(new RemoteClock().atLeast(7)).toBeUndefined();
  });

  it('never shows less than what is reckoned with, whatever came late, and however the clocks drift', () => {
    fc.assert(
      fc.property(
        messages,
        drift,
        drift,
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        (all, own, theirs, offset) => {
          const ownAt = (ms: number): number => ms * (1 + own);
          const theirsAt = (ms: number): number => offset + ms * (1 + theirs);
          const clock = new RemoteClock();
          let nowMs = 0;
          for (const message of all) {
            nowMs += message.pauseMs;
            if (nowMs > 0) {
              const known = clock.atLeast(ownAt(nowMs));
              if (known !== undefined) expect(known).toBeLessThanOrEqual(theirsAt(nowMs) + TINY_MS);
            }
            clock.heard(theirsAt(nowMs), ownAt(nowMs + message.wayMs));
            nowMs += message.wayMs;
            expect(clock.atLeast(ownAt(nowMs))).toBeLessThanOrEqual(theirsAt(nowMs) + TINY_MS);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('is known as well as by the newest message, and better if an earlier one came faster', () => {
    const clock = new RemoteClock();
    clock.heard(1_000, 5_300);
    expect(clock.atLeast(5_300)).toBe(1_000);
    clock.heard(1_400, 5_401);
    expect(clock.atLeast(5_401)).toBe(1_400);
    clock.heard(1_500, 6_000);
    expect(clock.atLeast(6_000)).toBeCloseTo(1_999 - 599 * MAX_CLOCK_DRIFT);
  });

  it('is learned anew once the best message is so old that a clock may have gone astray since', () => {
    const clock = new RemoteClock();
    clock.heard(0, 0);
    const dayMs = 86_400_000;
    clock.heard(dayMs - 20, dayMs);
    expect(clock.atLeast(dayMs)).toBe(dayMs - 20);
  });

  it('can be asked about a moment before the message, and before it began', () => {
    const clock = new RemoteClock();
    clock.heard(10, 500);
    expect(clock.atLeast(400)).toBeCloseTo(-90 - 100 * MAX_CLOCK_DRIFT);
  });
});
