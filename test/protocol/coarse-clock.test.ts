import { describe, expect, it } from 'vitest';
import type { Clock, Timer } from '../../src/ports/clock.ts';
import { CoarseClock } from '../../src/protocol/coarse-clock.ts';

/** A clock that stands until it is moved, and counts the timers that are set on it. */
class ManualClock implements Clock {
  #nowMs = 1_000.25;
  readonly #timers = new Set<{ readonly dueMs: number; readonly onFire: () => void }>();
  timersSet = 0;

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return 42;
  }

  setTimer(delayMs: number, onFire: () => void): { cancel(): void } {
    this.timersSet += 1;
    const timer = { dueMs: this.#nowMs + delayMs, onFire };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  get running(): number {
    return this.#timers.size;
  }

  /** Moves on in steps of a quarter of a millisecond. */
  advance(ms: number): void {
    for (let step = 0; step < ms * 4; step += 1) {
      this.#nowMs += 0.25;
      for (const timer of this.#timers) {
        if (timer.dueMs > this.#nowMs) continue;
        this.#timers.delete(timer);
        timer.onFire();
      }
    }
  }
}

function clocks(): { readonly manual: ManualClock; readonly coarse: CoarseClock } {
  const manual = new ManualClock();
  return { manual, coarse: new CoarseClock(manual) };
}

describe('a coarse clock', () => {
  it('tells the time of the clock below', () => {
    const { manual, coarse } = clocks();
    expect(coarse.nowMs()).toBe(manual.nowMs());
    expect(coarse.wallMs()).toBe(42);
  });

  it.each([0, 1, 7, 8, 9, 30, 1_000])(
    'fires a timer of %i ms never early, and less than 8 ms late',
    (delayMs) => {
      const { manual, coarse } = clocks();
      const startMs = manual.nowMs();
      let firedMs = Number.NaN;
      coarse.setTimer(delayMs, () => {
        firedMs = manual.nowMs();
      });
      manual.advance(delayMs + 10);
      expect(firedMs - startMs).toBeGreaterThanOrEqual(delayMs);
      expect(firedMs - startMs).toBeLessThan(delayMs + 8.5);
    },
  );

  it('fires a cancelled timer never, and the others of its step', () => {
    const { manual, coarse } = clocks();
    const fired: string[] = [];
    const first = coarse.setTimer(20, () => fired.push('first'));
    coarse.setTimer(20, () => fired.push('second'));
    first.cancel();
    first.cancel();
    manual.advance(100);
    expect(fired).toEqual(['second']);
  });

  it('fires in the order in which the steps are due, however they were set', () => {
    const { manual, coarse } = clocks();
    const fired: number[] = [];
    for (const delayMs of [500, 30, 100, 31, 0]) coarse.setTimer(delayMs, () => fired.push(delayMs));
    manual.advance(600);
    expect(fired).toEqual([0, 30, 31, 100, 500]);
  });

  it('lets a timer set and cancel others when it fires', () => {
    const { manual, coarse } = clocks();
    const fired: string[] = [];
    const timers: Timer[] = [];
    const first = coarse.setTimer(10, () => {
      fired.push('first');
      timers[1]?.cancel();
      coarse.setTimer(10, () => fired.push('later'));
    });
    timers.push(
      first,
      coarse.setTimer(10, () => fired.push('doomed')),
    );
    manual.advance(50);
    expect(fired).toEqual(['first', 'later']);
  });

  it('uses one timer of the clock below for a thousand deadlines that are cancelled', () => {
    const { manual, coarse } = clocks();
    for (let count = 0; count < 1_000; count += 1) coarse.setTimer(5_000, () => undefined).cancel();
    expect(manual.timersSet).toBe(1);
    manual.advance(5_100);
    expect(manual.running).toBe(0);
  });

  it('leaves no timer running on the clock below when it is closed and nothing waits any more', () => {
    const { manual, coarse } = clocks();
    coarse.setTimer(5_000, () => undefined).cancel();
    expect(manual.running).toBe(1);
    coarse.close();
    expect(manual.running).toBe(0);
  });

  it('when closed, still fires what waits, and stops with the last that is cancelled', () => {
    const { manual, coarse } = clocks();
    const fired: string[] = [];
    coarse.setTimer(100, () => fired.push('first'));
    const second = coarse.setTimer(5_000, () => fired.push('second'));
    const third = coarse.setTimer(6_000, () => fired.push('third'));
    coarse.close();
    second.cancel();
    expect(manual.running).toBe(1);
    manual.advance(110);
    expect(fired).toEqual(['first']);
    expect(manual.running).toBe(1);
    third.cancel();
    expect(manual.running).toBe(0);
    coarse.setTimer(10, () => fired.push('late'));
    manual.advance(20);
    expect(fired).toEqual(['first', 'late']);
    expect(manual.running).toBe(0);
  });
});
