/**
 * Two log lines for each time in which a node refuses requests for overload: one at the first refusal, and one when nothing has been
 * refused for a while, with how many were. A line for each refusal would be work at the worst time.
 */
import type { Logger } from 'pino';
import { OVER_AFTER_MS } from '../http/admission.ts';

/** One time of overload, by the clock of the log. */
interface Overload {
  readonly beganMs: number;
  lastRefusalMs: number;
  refused: number;
}

export class OverloadLog {
  readonly #log: Logger;
  readonly #nowMs: () => number;
  #overload: Overload | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `nowMs`: a clock that never goes back. */
  constructor(log: Logger, nowMs: () => number = () => performance.now()) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** A request was refused for this reason. */
  refused(reason: string): void {
    const nowMs = this.#nowMs();
    if (this.#overload === undefined) {
      this.#overload = { beganMs: nowMs, lastRefusalMs: nowMs, refused: 0 };
      this.#log.warn({ code: 'overloaded', reason }, `requests are refused for overload: ${reason}`);
      this.#lookAfter(OVER_AFTER_MS);
    }
    this.#overload.lastRefusalMs = nowMs;
    this.#overload.refused += 1;
  }

  /** The node is going: what is still to be said of an overload is said now. */
  stop(): void {
    if (this.#overload !== undefined) this.#over(this.#overload, 'when this node stopped');
  }

  /** One timer for all refusals: they only move the time at which it would be over. */
  #lookAfter(delayMs: number): void {
    this.#timer = setTimeout(() => this.#look(), Math.ceil(delayMs));
    this.#timer.unref();
  }

  #look(): void {
    const overload = this.#overload;
    if (overload === undefined) return;
    const leftMs = overload.lastRefusalMs + OVER_AFTER_MS - this.#nowMs();
    if (leftMs > 0) this.#lookAfter(leftMs);
    else this.#over(overload, `and none for ${OVER_AFTER_MS} ms`);
  }

  #over({ beganMs, lastRefusalMs, refused }: Overload, end: string): void {
    clearTimeout(this.#timer);
    this.#overload = undefined;
    const ms = Math.round(lastRefusalMs - beganMs);
    this.#log.info(
      { code: 'overload-over', refused, ms },
      `the overload is over: ${refused} requests were refused within ${ms} ms, ${end}`,
    );
  }
}
