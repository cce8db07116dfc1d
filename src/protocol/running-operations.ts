/**
 * Client operations that this node carries out: bounded in number, none begun while draining, waited for at the end. Tells how long
 * one that is to be begun may have waited already.
 */
import type { FailureCode } from '../core/outcome.ts';
import type { Clock } from '../ports/clock.ts';
import type { InFlight } from './in-flight.ts';
import { StallWatch } from './stall-watch.ts';

export class RunningOperations {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #inFlight: InFlight;
  readonly #stalls: StallWatch;
  #running = 0;
  #draining = false;
  #onIdle: () => void = () => {};

  constructor(clock: Clock, max: number, inFlight: InFlight) {
    this.#inFlight = inFlight;
    this.#clock = clock;
    this.#max = max;
    this.#stalls = new StallWatch(clock);
  }

  /** From now on requests come. */
  start(): void {
    this.#stalls.start();
  }

  /** Milliseconds that a client's request may have waited for this process to go on, at most. */
  mayHaveWaitedMs(): number {
    return this.#stalls.mayHaveWaitedMs();
  }

  get running(): number {
    return this.#running;
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /** Why no operation may begin now, if so. */
  refusal(): { readonly code: FailureCode; readonly detail: string } | undefined {
    if (this.#draining) return { code: 'draining', detail: 'The node is shutting down.' };
    if (this.#running < this.#max) return undefined;
    return {
      code: 'overloaded',
      detail: `${this.#max} operations are running on the node, which is its limit.`,
    };
  }

  async run<Result>(operation: () => Promise<Result>): Promise<Result> {
    this.#running += 1;
    try {
      return await this.#inFlight.track(operation);
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#onIdle();
    }
  }

  drain(): void {
    this.#draining = true;
    this.#stalls.stop();
  }

  /** Resolves when nothing runs, or after `graceMs`. */
  idle(graceMs: number): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(graceMs, resolve);
      this.#onIdle = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
