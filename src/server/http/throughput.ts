/** How many requests come to their end per second, lately: an average over slots of time that forgets within a second or so. */

/** Milliseconds that are counted together. */
const SLOT_MS = 100;
/** Weight of one slot in the average. */
const WEIGHT = 0.2;
/** After so many milliseconds without a request nothing is known any more. */
const FORGET_MS = 2_000;

export class Throughput {
  readonly #nowMs: () => number;
  #slotBeganMs: number;
  #endedInSlot = 0;
  #perMs: number | undefined;
  #lastEndMs = Number.NEGATIVE_INFINITY;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#slotBeganMs = nowMs();
  }

  /** One request came to its end. */
  ended(): void {
    this.#lastEndMs = this.#nowMs();
    this.#closeSlot(this.#lastEndMs);
    this.#endedInSlot += 1;
  }

  /** Undefined when nothing is known: at the start, and after a pause. */
  perSecond(): number | undefined {
    const nowMs = this.#nowMs();
    this.#closeSlot(nowMs);
    if (nowMs - this.#lastEndMs > FORGET_MS) this.#perMs = undefined;
    return this.#perMs === undefined ? undefined : this.#perMs * 1000;
  }

  #closeSlot(nowMs: number): void {
    const ms = nowMs - this.#slotBeganMs;
    if (ms < SLOT_MS) return;
    const perMs = this.#endedInSlot / ms;
    const isKnown = this.#perMs !== undefined && ms < FORGET_MS;
    // A long slot weighs as much as the slots that it stands for.
    const weight = isKnown ? 1 - (1 - WEIGHT) ** (ms / SLOT_MS) : 1;
    this.#perMs = (this.#perMs ?? 0) * (1 - weight) + perMs * weight;
    if (this.#perMs === 0) this.#perMs = undefined;
    this.#slotBeganMs = nowMs;
    this.#endedInSlot = 0;
  }
}
