/**
 * A clock whose timers share one timer of the clock below. Each operation sets a deadline and, if it waits for others, a
 * hedge, and nearly all are cancelled within a millisecond or two: setting and clearing a real timer for each was one of
 * the larger costs of a small request.
 *
 * Timers fire in steps of STEP_MS, late by less than one step, never early. What is due in one step fires in the order in
 * which it was set.
 *
 * The shared timer runs on when all that waited for it was cancelled, up to the deadline that it was set for. That is what is
 * cheap, and it must end with the node: a process does not end by itself while a timer runs.
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
  #closed = false;

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
    return {
      cancel: () => {
        step.delete(entry);
        if (this.#closed) this.#disarmIfUnused();
      },
    };
  }

  /** From now on the timer of the clock below runs only while a timer of this one does. All of them still fire. */
  close(): void {
    this.#closed = true;
    this.#disarmIfUnused();
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

  #disarmIfUnused(): void {
    for (const step of this.#steps.values()) if (step.size > 0) return;
    this.#steps.clear();
    this.#armed?.timer.cancel();
    this.#armed = undefined;
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
