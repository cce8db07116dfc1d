import type { Clock } from '../../ports/clock.ts';

/** When an operation has to have answered, by the monotonic clock. */
export class Deadline {
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #endMs: number;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#startMs = clock.nowMs();
    this.#endMs = this.#startMs + timeoutMs;
  }

  /** Milliseconds since the operation began. */
  get elapsedMs(): number {
    return this.#clock.nowMs() - this.#startMs;
  }

  /** Milliseconds left, 0 if none. */
  get leftMs(): number {
    return Math.max(0, this.#endMs - this.#clock.nowMs());
  }

  /** Calls back when nothing is left, unless the returned function was called. */
  onPassed(callBack: () => void): () => void {
    const timer = this.#clock.setTimer(this.leftMs, callBack);
    return () => timer.cancel();
  }
}

/** One that may be brought forward. */
export class MovableDeadline extends Deadline {
  readonly #callBacks = new Set<() => void>();
  #isPassed = false;

  override get leftMs(): number {
    return this.#isPassed ? 0 : super.leftMs;
  }

  override onPassed(callBack: () => void): () => void {
    const stop = super.onPassed(callBack);
    this.#callBacks.add(callBack);
    return () => {
      stop();
      this.#callBacks.delete(callBack);
    };
  }

  /** Nothing is left from now on. Whoever is called back has to stop waiting for it, as for what has passed by itself. */
  passNow(): void {
    this.#isPassed = true;
    for (const callBack of [...this.#callBacks]) callBack();
  }
}
