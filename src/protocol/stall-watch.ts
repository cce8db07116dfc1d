/**
 * Notices when this process stood still: stopped, swapped out, or kept from its processor. What clients send meanwhile lies in its
 * sockets, says nothing of its age, and would be begun as if it had just come, though its client has given up long ago and asked
 * another node. A beat that is late tells that, and for how long.
 */
import { MAX_WAY_OF_FIRST_ATTEMPT_MS } from '../core/limits.ts';
import type { Clock, Timer } from '../ports/clock.ts';

const BEAT_MS = 500;
/** Milliseconds after it in which what comes may have lain there: as long as it takes to read all sockets. */
const BACKLOG_MS = 250;

export class StallWatch {
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #lastBeatMs: number | undefined;
  /** The last time that it stood still. */
  #stall: { readonly endedMs: number; readonly lastedMs: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(): void {
    this.#beat();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Milliseconds that a request which is met now may have waited for this process, at most; 0 if it has not stood still. */
  mayHaveWaitedMs(): number {
    const nowMs = this.#clock.nowMs();
    const stalledMs = this.#stalledMs(nowMs);
    if (stalledMs > 0) return stalledMs;
    if (this.#stall === undefined) return 0;
    const agoMs = nowMs - this.#stall.endedMs;
    return agoMs < BACKLOG_MS ? this.#stall.lastedMs + agoMs : 0;
  }

  #beat(): void {
    const nowMs = this.#clock.nowMs();
    const lastedMs = this.#stalledMs(nowMs);
    if (lastedMs > 0) this.#stall = { endedMs: nowMs, lastedMs };
    this.#lastBeatMs = nowMs;
    this.#timer = this.#clock.setTimer(BEAT_MS, () => this.#beat());
  }

  /** What is shorter does not matter: a request may take as long on its way. */
  #stalledMs(nowMs: number): number {
    const sinceMs = nowMs - (this.#lastBeatMs ?? nowMs);
    return sinceMs > BEAT_MS + MAX_WAY_OF_FIRST_ATTEMPT_MS ? sinceMs : 0;
  }
}
