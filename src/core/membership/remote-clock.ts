/**
 * What a peer's monotonic clock shows at the least, as far as its messages prove it: so that what is sent to it can say when it
 * left, by the clock of who reads it, and nobody has to trust that two clocks agree.
 *
 * Each message says what the peer's clock showed before it left. At its receipt that clock shows as much at the least; the one
 * that was on its way the shortest says it best. What was learned gets worse with time, for one clock may run slower than the
 * other; so an old proof gives way to a newer one that says less.
 *
 * The error lies on one side: a peer that reckons with this takes a message for older than it is, by the way of one message
 * back, never for younger.
 *
 * Rejected: the receiver keeps the smallest difference between its clock and the sender's that it has seen (the base delay of
 * LEDBAT, RFC 6817). If all messages of a connection come late, the first included, all of them pass for punctual.
 */
import { MAX_CLOCK_DRIFT } from '../limits.ts';

interface Proof {
  /** Milliseconds by which the other clock is ahead of the own one at the least. */
  readonly aheadMs: number;
  readonly heardAtMs: number;
}

export class RemoteClock {
  #best: Proof | undefined;

  /** A message came at `ownMs` that left after the other clock had shown `theirsMs` (both in milliseconds). */
  heard(theirsMs: number, ownMs: number): void {
    const aheadMs = theirsMs - ownMs;
    const known = this.#best === undefined ? Number.NEGATIVE_INFINITY : aheadAt(this.#best, ownMs);
    if (aheadMs >= known) this.#best = { aheadMs, heardAtMs: ownMs };
  }

  /**
   * What the other clock showed at the least (milliseconds) when the own one showed `ownMs`, a little earlier or later than
   * now; below zero if that was before it began. Undefined: nothing was heard yet.
   */
  atLeast(ownMs: number): number | undefined {
    return this.#best === undefined ? undefined : ownMs + aheadAt(this.#best, ownMs);
  }
}

function aheadAt({ aheadMs, heardAtMs }: Proof, ownMs: number): number {
  return aheadMs - Math.abs(ownMs - heardAtMs) * MAX_CLOCK_DRIFT;
}
