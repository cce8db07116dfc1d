import type { Clock } from '../../../src/ports/clock.ts';

interface TestTimer {
  readonly dueMs: number;
  readonly onFire: () => void;
}

/** A clock that goes on when a test says so, and fires each timer at its time. */
export class TestClock implements Clock {
  #nowMs = 0;
  #timers: readonly TestTimer[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, onFire: () => void): { cancel(): void } {
    const timer = { dueMs: this.#nowMs + delayMs, onFire };
    this.#timers = [...this.#timers, timer];
    return { cancel: () => (this.#timers = this.#timers.filter((one) => one !== timer)) };
  }

  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let next = this.#firstBy(endMs); next !== undefined; next = this.#firstBy(endMs)) {
      const { dueMs, onFire } = next;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#nowMs = dueMs;
      onFire();
    }
    this.#nowMs = endMs;
  }

  #firstBy(endMs: number): TestTimer | undefined {
    return this.#timers
      .filter(({ dueMs }) => dueMs <= endMs)
      .toSorted((left, right) => left.dueMs - right.dueMs)[0];
  }
}
