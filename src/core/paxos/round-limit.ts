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

  /**
   * A round was lost because it took so long, milliseconds: that may have been less than it was allowed by this limit. If somebody has
   * failed in it, the next round had better not last too long: that one may be back by then, and a round asks nobody twice.
   */
  ranOut(afterMs: number, hasSomebodyFailed: boolean): void {
    const mostMs = hasSomebodyFailed ? MAX_ROUND_TIMEOUT_MS / 4 : MAX_ROUND_TIMEOUT_MS;
    this.#ms = Math.min(Math.max(this.#ms, 2 * afterMs), mostMs);
  }

  /** A round was chosen, or answered. */
  succeeded(): void {
    this.#ms = ROUND_TIMEOUT_MS;
  }
}
