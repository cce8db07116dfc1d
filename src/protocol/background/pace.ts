/**
 * The pace of background work: between small steps it pauses as long as the foreground takes for a step of its own, so that
 * it gets at most about half of the disk, and less the more clients wait.
 */
import { MAX_PACE_MS } from '../../core/limits.ts';
import type { Clock, Timer } from '../../ports/clock.ts';

export class Pace {
  readonly #clock: Clock;
  readonly #foregroundMs: () => number;
  readonly #pauses = new Map<Timer, () => void>();
  #isClosed = false;

  /** `foregroundMs`: how long a step of the foreground takes now, milliseconds. */
  constructor(clock: Clock, foregroundMs: () => number) {
    this.#clock = clock;
    this.#foregroundMs = foregroundMs;
  }

  /** Whether whoever pauses has to come to an end. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  pause(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(Math.min(MAX_PACE_MS, 1 + this.#foregroundMs()), () => {
        this.#pauses.delete(timer);
        resolve();
      });
      this.#pauses.set(timer, resolve);
    });
  }

  /** Ends all pauses, and lets no other begin. */
  close(): void {
    this.#isClosed = true;
    for (const [timer, resolve] of this.#pauses) {
      timer.cancel();
      resolve();
    }
    this.#pauses.clear();
  }
}
