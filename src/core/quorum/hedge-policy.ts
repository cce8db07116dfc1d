/**
 * When a read that waits for a late replica asks another one, too (Dean and Barroso, "The Tail at Scale", Communications of the
 * ACM 56(2), 2013, "hedged requests"). After the time within which 95 of 100 replicas answered lately: what is slower than that
 * is late by the measure of this cluster, whether its nodes stand in one room or in two countries. And within a budget: if all
 * replicas become slow at once, asking each of them twice would be the last thing that they need. A read for which there is no
 * budget left asks after a longer while all the same, for the replica may be dead.
 */
import {
  HEDGE_DELAY_MS,
  HEDGE_LATEST_MS,
  HEDGE_SHARE,
  MAX_SAVED_HEDGES,
  MIN_HEDGE_DELAY_MS,
} from '../limits.ts';

/** Answers that the percentile is taken of. */
const SAMPLES = 512;
/** Answers after which it is taken anew; before so many have come nothing is known. */
const RENEW_AFTER = 64;
const PERCENTILE = 0.95;

export class HedgePolicy {
  readonly #samples: number[] = [];
  #next = 0;
  #sinceRenewal = 0;
  #delayMs = HEDGE_DELAY_MS;
  #budget = MAX_SAVED_HEDGES;

  /** Milliseconds after which a read asks another replica: MIN_HEDGE_DELAY_MS to HEDGE_LATEST_MS. */
  get delayMs(): number {
    return this.#delayMs;
  }

  /** A read began: it adds its share to the budget. */
  began(): void {
    this.#budget = Math.min(MAX_SAVED_HEDGES, this.#budget + HEDGE_SHARE);
  }

  /** A replica answered after so many milliseconds. */
  answered(ms: number): void {
    this.#samples[this.#next] = ms;
    this.#next = (this.#next + 1) % SAMPLES;
    this.#sinceRenewal += 1;
    if (this.#sinceRenewal < RENEW_AFTER) return;
    this.#sinceRenewal = 0;
    const sorted = this.#samples.toSorted((left, right) => left - right);
    const percentile = sorted[Math.floor(PERCENTILE * sorted.length)] ?? HEDGE_DELAY_MS;
    this.#delayMs = Math.min(HEDGE_LATEST_MS, Math.max(MIN_HEDGE_DELAY_MS, percentile));
  }

  /**
   * Whether a read that has waited for so many milliseconds may ask another replica now. Takes it from the budget, unless the
   * read has waited so long that it may without.
   */
  allows(waitedMs: number): boolean {
    if (waitedMs >= HEDGE_LATEST_MS) return true;
    if (this.#budget < 1) return false;
    this.#budget -= 1;
    return true;
  }
}
