/**
 * How long the next round of a key may take. A round that has run out of time is followed by one that may take twice as long: with
 * a large record on slow links, or on slow disks, one that takes as long again is lost again, and the next one, for ever.
 *
 * A round that is lost in another way says nothing of that. One among nodes that are away is over as soon as the links are known to
 * be down, and one that was refused as soon as the refusals have come, however long it might have taken.
 */
import { MAX_ROUND_TIMEOUT_MS, ROUND_TIMEOUT_MS } from '../limits.ts';

export class RoundLimit {
  #ms = ROUND_TIMEOUT_MS;

  /** Milliseconds. */
  get ms(): number {
    return this.#ms;
  }

  /** Whether the last rounds have run out of time, and not for want of somebody who answers. */
  get isExtended(): boolean {
    return this.#ms > ROUND_TIMEOUT_MS;
  }

  /** A round was lost because it took so long, milliseconds: that may have been less than it was allowed by this limit. */
  ranOut(afterMs: number): void {
    this.#ms = Math.max(this.#ms, Math.min(2 * afterMs, MAX_ROUND_TIMEOUT_MS));
  }

  /** A round was chosen, or answered. */
  succeeded(): void {
    this.#ms = ROUND_TIMEOUT_MS;
  }
}
