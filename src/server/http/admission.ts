/**
 * Which requests are let in at all: none while draining, only so many at once, and none that would not be answered in time.
 * All are refused before any work, so that the node spends its time on answers somebody still waits for.
 *
 * How long a new request would take follows from how many are running and how many come to their end per second while a queue
 * stands (Little's law). Of a burst after a quiet time, in which no queue stood, nothing is known yet but for how long it stands:
 * it is let in until that is too long. A queue that is allowed to grow until each request in it has outlived its deadline is work
 * for nobody. A burst may queue up for half of its time limit; once that is not enough, what is offered is more than the node can
 * bear, and a long queue only makes everybody wait: so a short one is kept until nothing has been refused for a while (the idea of
 * CoDel, Nichols and Jacobson, 2012, section "Controlled delay").
 */
import { Problem } from './problem.ts';
import { Throughput } from './throughput.ts';

/** Requests that are let in whatever they may take: with so few no queue stands, and what they wait for is something else. */
const ALWAYS_LET_IN = 128;
/**
 * A queue that stood is over with fewer. Well below the other bound: under overload so many are running as are always let in, and
 * they end many at once, as those that wait for one sync of the disk do. All of them have to count, not only the first.
 */
const QUEUE_IS_OVER = ALWAYS_LET_IN / 2;
/** A request is let in if it is expected to take no more than this share of its time limit. */
const SHARE_OF_TIME_LIMIT = 0.5;
/** The same while there is more than the node can bear. */
const SHARE_UNDER_OVERLOAD = 0.1;
/** Milliseconds without a refusal after which there is not. */
export const OVER_AFTER_MS = 1_000;

export class Admission {
  readonly #maxInFlight: number;
  readonly #throughput: Throughput;
  readonly #nowMs: () => number;
  #lastRefusalMs = Number.NEGATIVE_INFINITY;
  #inFlight = 0;
  #hasQueue = false;
  #draining = false;
  #onIdle: (() => void) | undefined;

  /** `nowMs`: a clock that never goes back. */
  constructor(maxInFlight: number, nowMs: () => number = () => performance.now()) {
    this.#maxInFlight = maxInFlight;
    this.#nowMs = nowMs;
    this.#throughput = new Throughput(nowMs);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** How many requests the node wants, as little is left to do; 0 while it has enough. All of them are let in. */
  get room(): number {
    if (this.#inFlight >= QUEUE_IS_OVER) return 0;
    return Math.max(0, Math.min(ALWAYS_LET_IN, this.#maxInFlight) - this.#inFlight);
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Why a request that is to be answered within `timeLimitMs` is refused for want of time; undefined if it is let in. */
  overload(timeLimitMs: number): string | undefined {
    if (this.#inFlight >= this.#maxInFlight)
      return `${this.#maxInFlight} requests are running on this node, which is its limit.`;
    const expectedMs = this.#expectedMs();
    if (expectedMs === 0 || expectedMs <= timeLimitMs * this.#share()) return undefined;
    this.#lastRefusalMs = this.#nowMs();
    return `${this.#inFlight} requests are running on this node; one more would take about ${Math.round(expectedMs)} ms, too long for its time limit of ${Math.round(timeLimitMs)} ms.`;
  }

  /** Counts a request in, or throws `draining` or `overloaded`. Each entry is followed by one `leave`. */
  enter(): void {
    if (this.#draining)
      throw new Problem('draining', 'This node is shutting down and takes no new requests.');
    const overload = this.overload(Number.POSITIVE_INFINITY);
    if (overload !== undefined) throw new Problem('overloaded', overload);
    this.#inFlight += 1;
    if (this.#hasQueue || this.#inFlight < ALWAYS_LET_IN) return;
    this.#hasQueue = true;
    this.#throughput.queueBegan();
  }

  /** `isDone`: it came to an end of its own; one that is given up when its time is over says nothing of what the node can bear. */
  leave(isDone: boolean): void {
    this.#inFlight -= 1;
    if (isDone) this.#throughput.ended();
    if (this.#hasQueue && this.#inFlight < QUEUE_IS_OVER) {
      this.#hasQueue = false;
      this.#throughput.queueEnded();
    }
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

  #share(): number {
    const isOverloaded = this.#nowMs() - this.#lastRefusalMs < OVER_AFTER_MS;
    return isOverloaded ? SHARE_UNDER_OVERLOAD : SHARE_OF_TIME_LIMIT;
  }

  #expectedMs(): number {
    if (this.#inFlight < ALWAYS_LET_IN) return 0;
    const perSecond = this.#throughput.perSecond();
    return perSecond === undefined ? this.#throughput.unknownForMs() : (this.#inFlight / perSecond) * 1000;
  }
}
