import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/ports/clock.ts';
import { StallWatch } from '../../src/protocol/stall-watch.ts';

/** Its timers are late if the process stands still. */
class HandClock implements Clock {
  #nowMs = 0;
  #due: { readonly atMs: number; readonly onFire: () => void } | undefined;

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, onFire: () => void): { cancel: () => void } {
    const timer = { atMs: this.#nowMs + delayMs, onFire };
    this.#due = timer;
    return {
      cancel: () => {
        if (this.#due === timer) this.#due = undefined;
      },
    };
  }

  get isSet(): boolean {
    return this.#due !== undefined;
  }

  standStill(ms: number): void {
    this.#nowMs += ms;
  }

  run(ms: number): void {
    for (let left = ms; left > 0; left -= 10) {
      this.#nowMs += 10;
      this.fire();
    }
  }

  fire(): void {
    const due = this.#due;
    if (due === undefined || due.atMs > this.#nowMs) return;
    this.#due = undefined;
    due.onFire();
  }
}

function started(): { clock: HandClock; stalls: StallWatch } {
  const clock = new HandClock();
  const stalls = new StallWatch(clock);
  stalls.start();
  clock.run(3_000);
  return { clock, stalls };
}

describe('a request', () => {
  it('has not waited for a process that runs', () => {
    const { clock, stalls } = started();
    for (let step = 0; step < 100; step += 1) {
      clock.run(70);
      expect(stalls.mayHaveWaitedMs()).toBe(0);
    }
  });

  it('has not waited for one that was busy for a moment', () => {
    const { clock, stalls } = started();
    clock.standStill(1_000);
    expect(stalls.mayHaveWaitedMs()).toBe(0);
    clock.fire();
    expect(stalls.mayHaveWaitedMs()).toBe(0);
  });

  it('may have waited for as long as the process stood still, if it is met at once', () => {
    const { clock, stalls } = started();
    clock.standStill(8_000);
    expect(stalls.mayHaveWaitedMs()).toBeGreaterThanOrEqual(8_000);
    clock.fire();
    expect(stalls.mayHaveWaitedMs()).toBeGreaterThanOrEqual(8_000);
    clock.run(200);
    expect(stalls.mayHaveWaitedMs()).toBeGreaterThanOrEqual(8_200);
    clock.run(60);
    expect(stalls.mayHaveWaitedMs()).toBe(0);
  });

  it('leaves no timer behind', () => {
    const { clock, stalls } = started();
    stalls.stop();
    expect(clock.isSet).toBe(false);
  });
});
