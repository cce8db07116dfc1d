/**
 * How many requests come to their end per second while a queue stands: an average over slots of time that forgets within a second
 * or so. Without a queue as many end as were asked for, which says nothing of how many could: so what ends then is not counted, and
 * the time stands still.
 */

/** Milliseconds with a queue that are counted together. */
const SLOT_MS = 100;
/**
 * The first slot begins with its first end, and lasts until so many were counted, or so many milliseconds. How long a burst takes to
 * come in says nothing of the rate at which it will be answered, and neither do the few that end with it.
 */
const FIRST_SLOT_ENDS = 64;
const FIRST_SLOT_MS = 1_000;
/** Weight of one slot in the average. */
const WEIGHT = 0.2;
/** After so many milliseconds without a request that was counted nothing is known any more. */
const FORGET_MS = 2_000;

export class Throughput {
  readonly #nowMs: () => number;
  /** Until when the time with a queue has been counted; undefined while there is none. */
  #countedUntilMs: number | undefined;
  #slotMs = 0;
  #endedInSlot = 0;
  #perMs: number | undefined;
  #lastEndMs = Number.NEGATIVE_INFINITY;
  /** When the queue began, or what was known was forgotten. */
  #unknownSinceMs = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** A queue stands from now on. */
  queueBegan(): void {
    this.#countedUntilMs = this.#nowMs();
    this.#unknownSinceMs = this.#countedUntilMs;
  }

  /** None does any more. */
  queueEnded(): void {
    this.#count(this.#nowMs());
    this.#countedUntilMs = undefined;
  }

  /** One request came to its end. */
  ended(): void {
    if (this.#countedUntilMs === undefined) return;
    const nowMs = this.#nowMs();
    this.#count(nowMs);
    this.#lastEndMs = nowMs;
    this.#endedInSlot += 1;
  }

  /** Undefined when nothing is known: in the first slot of a queue, and after a pause. */
  perSecond(): number | undefined {
    this.#count(this.#nowMs());
    return this.#perMs === undefined ? undefined : this.#perMs * 1000;
  }

  /** Milliseconds for which a queue stands of which nothing is known; 0 without one. */
  unknownForMs(): number {
    return this.#countedUntilMs === undefined ? 0 : this.#nowMs() - this.#unknownSinceMs;
  }

  #count(nowMs: number): void {
    if (nowMs - this.#lastEndMs > FORGET_MS) this.#forget(nowMs);
    if (this.#countedUntilMs === undefined) return;
    const isKnown = this.#perMs !== undefined;
    if (isKnown || this.#endedInSlot > 0) this.#slotMs += nowMs - this.#countedUntilMs;
    this.#countedUntilMs = nowMs;
    const isEnough = isKnown || this.#endedInSlot >= FIRST_SLOT_ENDS || this.#slotMs >= FIRST_SLOT_MS;
    if (isEnough && this.#slotMs >= SLOT_MS) this.#closeSlot();
  }

  #closeSlot(): void {
    const perMs = this.#endedInSlot / this.#slotMs;
    // A long slot weighs as much as the slots that it stands for.
    const weight = 1 - (1 - WEIGHT) ** (this.#slotMs / SLOT_MS);
    this.#perMs = this.#perMs === undefined ? perMs : this.#perMs * (1 - weight) + perMs * weight;
    this.#slotMs = 0;
    this.#endedInSlot = 0;
  }

  #forget(nowMs: number): void {
    if (this.#perMs !== undefined) this.#unknownSinceMs = nowMs;
    this.#perMs = undefined;
    this.#slotMs = 0;
    this.#endedInSlot = 0;
  }
}
