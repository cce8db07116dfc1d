/**
 * Whether a connected peer still lives, judged by what it owes: no traffic, no judgement, and none of it by anybody else's
 * opinion. A peer that owes a reply and is silent is asked for a sign of life, suspected if none comes soon, and taken for
 * gone if none comes for PEER_SILENCE_MS. A peer that works on a long request gives the sign.
 *
 * One timer serves all requests. Two run in a row before anybody is suspected, because this process may have been held up
 * itself: what came meanwhile is read before the second one fires.
 *
 * Rejected: phi accrual (Hayashibara et al., 2004), which learns the rhythm of heartbeats. Here requests come in any rhythm,
 * and what a suspicion costs is little: others are asked first.
 */
import { PEER_PATIENCE_MS, PEER_PROBE_MS, PEER_SILENCE_MS } from '../../core/limits.ts';
import type { Clock, Timer } from '../../ports/clock.ts';

export interface SilenceHandlers {
  readonly isOwed: () => boolean;
  /** Asks for a sign of life. */
  readonly ping: () => void;
  /** Told when suspicion begins and ends. */
  readonly onSuspicion: (isSuspected: boolean) => void;
  readonly onGone: (reason: string) => void;
}

export class SilenceWatch {
  readonly #clock: Clock;
  readonly #handlers: SilenceHandlers;
  #timer: Timer | undefined;
  /** Frames that came. */
  #heard = 0;
  #heardAtMs = Number.NEGATIVE_INFINITY;
  #isSuspected = false;
  #isProbing = false;

  constructor(clock: Clock, handlers: SilenceHandlers) {
    this.#clock = clock;
    this.#handlers = handlers;
  }

  get isSuspected(): boolean {
    return this.#isSuspected;
  }

  /** Whether a frame came so lately that nobody would ask for a sign of life yet. */
  get hasHeardLately(): boolean {
    return this.#clock.nowMs() - this.#heardAtMs < PEER_PATIENCE_MS;
  }

  /** A frame came. */
  heard(): void {
    this.#heard += 1;
    this.#heardAtMs = this.#clock.nowMs();
    if (!this.#isSuspected) return;
    this.#isSuspected = false;
    this.#handlers.onSuspicion(false);
  }

  /** A request has left; nothing happens if a watch is on already. */
  watch(): void {
    if (this.#timer !== undefined) return;
    this.#afterSilence(PEER_PATIENCE_MS, () => {
      this.#handlers.ping();
      this.#afterSilence(PEER_PATIENCE_MS, () => this.#suspect());
    });
  }

  /** The connection is doubtful: the peer is gone unless there is a sign of life soon. */
  probe(): void {
    this.#handlers.ping();
    // Whoever raises doubts again and again must not put the end of the first off.
    if (this.#isProbing) return;
    this.#isProbing = true;
    this.#afterSilence(PEER_PROBE_MS, () =>
      this.#handlers.onGone('no sign of life on a doubtful connection'),
    );
  }

  /** The connection has ended. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#isSuspected = false;
    this.#isProbing = false;
  }

  #suspect(): void {
    this.#isSuspected = true;
    this.#handlers.onSuspicion(true);
    const restMs = PEER_SILENCE_MS - 2 * PEER_PATIENCE_MS;
    this.#afterSilence(restMs, () => this.#handlers.onGone(`silent for ${PEER_SILENCE_MS} ms`));
  }

  /** Calls back if the peer still owes a reply after that time, and has been silent all along; else watches on. */
  #afterSilence(ms: number, onSilent: () => void): void {
    const heard = this.#heard;
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(ms, () => {
      this.#timer = undefined;
      this.#isProbing = false;
      if (!this.#handlers.isOwed()) return;
      if (this.#heard === heard) onSilent();
      else this.watch();
    });
  }
}
