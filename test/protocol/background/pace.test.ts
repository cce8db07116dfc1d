/** Background work yields: it pauses as long as the foreground takes for a step, and not at all once the node closes. */
import { describe, expect, it } from 'vitest';
import { MAX_PACE_MS } from '../../../src/core/limits.ts';
import { Pace } from '../../../src/protocol/background/pace.ts';

/** A clock whose timers are looked at, and fired by hand. */
class HeldClock {
  readonly timers: { readonly delayMs: number; readonly fire: () => void; isCancelled: boolean }[] = [];

  nowMs(): number {
    return 0;
  }

  wallMs(): number {
    return 0;
  }

  setTimer(delayMs: number, fire: () => void): { cancel: () => void } {
    const timer = { delayMs, fire, isCancelled: false };
    this.timers.push(timer);
    return {
      cancel: () => {
        timer.isCancelled = true;
      },
    };
  }
}

describe('a pause', () => {
  it.each([
    [0, 1],
    [0.3, 1.3],
    [20, 21],
    [98.5, 99.5],
    [5_000, MAX_PACE_MS],
  ])('while a step of the foreground takes %d ms lasts %d ms', (foregroundMs, pauseMs) => {
    const clock = new HeldClock();
    void new Pace(clock, () => foregroundMs).pause();
    expect(clock.timers.map(({ delayMs }) => delayMs)).toEqual([pauseMs]);
  });

  it('is as long as the foreground takes now', () => {
    const clock = new HeldClock();
    let foregroundMs = 1;
    const pace = new Pace(clock, () => foregroundMs);
    void pace.pause();
    foregroundMs = 50;
    void pace.pause();
    expect(clock.timers.map(({ delayMs }) => delayMs)).toEqual([2, 51]);
  });

  it('ends when its time is over', async () => {
    const clock = new HeldClock();
    const pause = new Pace(clock, () => 0).pause();
    clock.timers[0]?.fire();
    await expect(pause).resolves.toBeUndefined();
  });

  it('ends with the node, as do all others, and none begins after it', async () => {
    const clock = new HeldClock();
    const pace = new Pace(clock, () => 0);
    const pauses = [pace.pause(), pace.pause(), pace.pause()];
    clock.timers[1]?.fire();
    expect(pace.isClosed).toBe(false);
    pace.close();
    expect(pace.isClosed).toBe(true);
    await Promise.all([...pauses, pace.pause()]);
    expect(clock.timers.map(({ isCancelled }) => isCancelled)).toEqual([true, false, true]);
  });
});
