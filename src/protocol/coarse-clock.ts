/**
 * A clock whose timers share one timer of the clock below. Each operation sets a deadline and, if it waits for others, a
 * hedge, and nearly all are cancelled within a millisecond or two: setting and clearing a real timer for each was one of
 * the larger costs of a small request.
 *
 * Timers fire in steps of STEP_MS, late by less than one step, never early. What is due in one step fires in the order in
 * which it was set.
 */
import type { Clock, Timer } from '../ports/clock.ts';

/** Milliseconds: far below every deadline and hedge, far above the time between two requests of a busy node. */
const STEP_MS = 8;

type Step = Set<() => void>;

export class CoarseClock implements Clock {
  readonly #clock: Clock;
  /** What is due, by the number of its step. */
  readonly #steps = new Map<number, Step>();
  #armed: { readonly step: number; readonly timer: Timer } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  setTimer(delayMs: number, onFire: () => void): Timer {
    const number = Math.ceil((this.#clock.nowMs() + delayMs) / STEP_MS);
    const step = this.#steps.get(number) ?? new Set();
    this.#steps.set(number, step);
    // A function of its own, because a set holds one callback only once.
    const entry = (): void => onFire();
    step.add(entry);
    if (this.#armed === undefined || number < this.#armed.step) this.#arm(number);
    return { cancel: () => step.delete(entry) };
  }

  #arm(step: number): void {
    this.#armed?.timer.cancel();
    const timer = this.#clock.setTimer(step * STEP_MS - this.#clock.nowMs(), () => this.#fire());
    this.#armed = { step, timer };
  }

  #fire(): void {
    this.#armed = undefined;
    const nowMs = this.#clock.nowMs();
    const due = [...this.#steps.keys()].filter((step) => step * STEP_MS <= nowMs).sort((a, b) => a - b);
    for (const number of due) {
      const step = this.#steps.get(number);
      this.#steps.delete(number);
      for (const entry of step ?? []) entry();
    }
    this.#armNext();
  }

  /** Steps in which everything was cancelled are forgotten. */
  #armNext(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const [number, step] of this.#steps) {
      if (step.size === 0) this.#steps.delete(number);
      else if (number < next) next = number;
    }
    const isEarlier = this.#armed === undefined || next < this.#armed.step;
    if (next !== Number.POSITIVE_INFINITY && isEarlier) this.#arm(next);
  }
}
