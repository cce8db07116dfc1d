/** Which requests are let in at all: none while draining, and so many at once. Both are refused before any work. */
import { Problem } from './problem.ts';

export class Admission {
  readonly #maxInFlight: number;
  #inFlight = 0;
  #draining = false;
  #onIdle: (() => void) | undefined;

  constructor(maxInFlight: number) {
    this.#maxInFlight = maxInFlight;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Counts a request in, or throws `draining` or `overloaded`. Each entry is followed by one `leave`. */
  enter(): void {
    if (this.#draining)
      throw new Problem('draining', 'This node is shutting down and takes no new requests.');
    if (this.#inFlight >= this.#maxInFlight) {
      throw new Problem(
        'overloaded',
        `${this.#maxInFlight} requests are running on this node, which is its limit.`,
      );
    }
    this.#inFlight += 1;
  }

  leave(): void {
    this.#inFlight -= 1;
    if (this.#inFlight === 0) this.#onIdle?.();
  }

  drain(): void {
    this.#draining = true;
  }

  /** Resolves when nothing is running, or after `timeoutMs`. */
  idle(timeoutMs: number): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
