import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/adapters/system-clock.ts';

describe('system clock', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('has a monotonic time with a fraction and a time for people', () => {
    const first = systemClock.nowMs();
    expect(systemClock.nowMs()).toBeGreaterThanOrEqual(first);
    expect(Math.abs(systemClock.wallMs() - Date.now())).toBeLessThan(60_000);
  });

  it('calls back after at least the delay, never before', async () => {
    const early = await Promise.all(
      Array.from({ length: 50 }, (_, index) => {
        const delayMs = 1 + index / 10;
        const startMs = systemClock.nowMs();
        return new Promise<boolean>((resolve) =>
          systemClock.setTimer(delayMs, () => resolve(systemClock.nowMs() - startMs < delayMs)),
        );
      }),
    );
    expect(early).not.toContain(true);
  });

  it('never fires a cancelled timer, and cancels twice', () => {
    vi.useFakeTimers();
    const onFire = vi.fn();
    const timer = systemClock.setTimer(10, onFire);
    timer.cancel();
    timer.cancel();
    vi.advanceTimersByTime(1_000);
    expect(onFire).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waits longer than the longest delay of Node, and can be cancelled then too', () => {
    vi.useFakeTimers();
    const delayMs = 2 ** 31 + 1_000;
    const onFire = vi.fn();
    const onCancelled = vi.fn();
    systemClock.setTimer(delayMs, onFire);
    const cancelled = systemClock.setTimer(delayMs, onCancelled);
    vi.advanceTimersByTime(2 ** 31 + 500);
    expect(onFire).not.toHaveBeenCalled();
    cancelled.cancel();
    vi.advanceTimersByTime(1_000);
    expect(onFire).toHaveBeenCalledTimes(1);
    expect(onCancelled).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});
