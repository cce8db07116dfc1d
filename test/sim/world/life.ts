import type { Owner } from './event-loop.ts';

/**
 * One run of one node's process. Its ports are bound to it: when it dies, its timers, messages and disk operations are
 * dropped and its promises never settle, because a dead process runs no `finally`.
 */
export class Life implements Owner {
  readonly name: string;
  #alive = true;
  #crashAfterCalls: number | undefined;
  readonly #onCrash: () => void;
  #pausedUntilUs = 0;
  /** Factor on all delays of this node: a slow machine. */
  slowness = 1;
  /** Timers that are set: neither fired nor cancelled. */
  timers = 0;

  constructor(name: string, onCrash: () => void) {
    this.name = name;
    this.#onCrash = onCrash;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get pausedUntilUs(): number {
    return this.#pausedUntilUs;
  }

  /**
   * A pause can be made longer, never shorter: what waits for its end would then come after what does not, and a disk would take
   * an old batch after a newer one.
   */
  set pausedUntilUs(untilUs: number) {
    this.#pausedUntilUs = Math.max(this.#pausedUntilUs, untilUs);
  }

  end(): void {
    this.#alive = false;
  }

  /** The process dies inside the n-th call of a port from now: that call is not made, nor any after it. */
  crashAfterCalls(calls: number): void {
    this.#crashAfterCalls = calls;
  }

  /** Every port asks before it does anything: false means that this process is dead. */
  isCalling(): boolean {
    if (!this.#alive) return false;
    if (this.#crashAfterCalls === undefined) return true;
    this.#crashAfterCalls -= 1;
    if (this.#crashAfterCalls >= 0) return true;
    this.#crashAfterCalls = undefined;
    this.#alive = false;
    this.#onCrash();
    return false;
  }
}

/** Microseconds that something takes on a slow machine; even there it ends within half a minute. */
export function slowed(delayUs: number, slowness: number): number {
  return Math.max(delayUs, Math.min(delayUs * slowness, 30_000_000));
}

/** What a call of a dead process returns. */
export function never<Result>(): Promise<Result> {
  return new Promise(() => {});
}
