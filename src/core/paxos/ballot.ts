/**
 * Ballots: the numbers of Paxos rounds. One names one attempt of one proposer, for ever, and all of them are ordered.
 * (Lamport, "Paxos Made Simple", section 2.2: "different proposers choose their numbers from disjoint sets of numbers".)
 *
 * A ballot is (hybrid logical time in milliseconds, logical counter, node id, incarnation). The time makes the ballots of a
 * proposer that has heard nothing yet likely to be the highest (Kulkarni et al., "Logical Physical Clocks", 2014); nothing
 * rests on it but latency. Node and incarnation make ballots of different proposers, and of one before and after a restart,
 * different: an incarnation is drawn at random at each start.
 *
 * It is kept as one text whose bytewise order is the order of ballots, so that it can be compared, stored and sent as it
 * stands, and be part of a dot (core/causality/dot.ts): `{time}{counter}.{node}.{incarnation}`, time and counter in base 36
 * with leading zeros. Rejected: four fields, which every format would have to take apart and put together again.
 */
import type { Incarnation, NodeId } from '../ids.ts';
import { MAX_BALLOT_AHEAD_MS } from '../limits.ts';

declare const brand: unique symbol;

export type Ballot = string & { readonly [brand]: 'Ballot' };

export interface BallotParts {
  /** Milliseconds since 1970 by a hybrid logical clock; below 36^9, the year 5188. None that comes from elsewhere is in its later half. */
  readonly timeMs: number;
  /** Tells apart the ballots of one millisecond; below 36^4. */
  readonly logical: number;
  readonly node: NodeId;
  readonly incarnation: Incarnation;
}

const TIME_DIGITS = 9;
const LOGICAL_DIGITS = 4;
const TIMES = 36 ** TIME_DIGITS;
const LOGICALS = 36 ** LOGICAL_DIGITS;

const BALLOT = /^[0-9a-z]{13}\.[A-Za-z0-9._-]{1,64}\.[A-Za-z0-9_-]{21}[AQgw]$/;

/** Characters that a ballot has at most. */
export const MAX_BALLOT_CHARACTERS = TIME_DIGITS + LOGICAL_DIGITS + 1 + 64 + 1 + 22;

/** Throws RangeError for a time or counter that has no room. */
export function ballotOf({ timeMs, logical, node, incarnation }: BallotParts): Ballot {
  return `${digits(timeMs, TIMES, TIME_DIGITS)}${digits(logical, LOGICALS, LOGICAL_DIGITS)}.${node}.${incarnation}` as Ballot;
}

/**
 * Whether a string from the wire, the disk or a token is a ballot, in the one form that a ballot has. Whatever is one has room for
 * others above it.
 */
export function isBallot(text: string): text is Ballot {
  return BALLOT.test(text) && timeOfBallot(text as Ballot) < TIMES / 2;
}

export function partsOfBallot(ballot: Ballot): BallotParts {
  const end = ballot.lastIndexOf('.');
  return {
    timeMs: timeOfBallot(ballot),
    logical: Number.parseInt(ballot.slice(TIME_DIGITS, TIME_DIGITS + LOGICAL_DIGITS), 36),
    node: ballot.slice(TIME_DIGITS + LOGICAL_DIGITS + 1, end) as NodeId,
    incarnation: ballot.slice(end + 1) as Incarnation,
  };
}

/** Milliseconds since 1970 by the proposer's hybrid logical clock. */
export function timeOfBallot(ballot: Ballot): number {
  return Number.parseInt(ballot.slice(0, TIME_DIGITS), 36);
}

/** Whether `left` is above `right`, where having seen no ballot (undefined) is below all of them. */
export function isAbove(left: Ballot | undefined, right: Ballot | undefined): boolean {
  return left !== undefined && (right === undefined || left > right);
}

/** The highest of these ballots; undefined if there is none. */
export function highestBallot(...ballots: readonly (Ballot | undefined)[]): Ballot | undefined {
  let highest: Ballot | undefined;
  for (const ballot of ballots) if (isAbove(ballot, highest)) highest = ballot;
  return highest;
}

/**
 * Whether an acceptor must not take this ballot because its time is more than a bound ahead of all that it knows. A clock
 * that runs far ahead would otherwise drag every other ballot of the key after it, once and for all. Ballots that it is known to
 * have promised, or that others have, count: else a key that such a ballot has reached could not be used any more.
 */
export function isTooFarAhead(
  ballot: Ballot,
  nowMs: number,
  known: readonly (Ballot | undefined)[],
): boolean {
  const aheadOfMs = timeOfBallot(ballot) - MAX_BALLOT_AHEAD_MS;
  if (aheadOfMs <= nowMs) return false;
  const highest = highestBallot(...known);
  return highest === undefined || aheadOfMs > timeOfBallot(highest);
}

/** Counters from here on belong to ballots that do not go by the clock: so no ballot is made twice. */
const FIRST_ASIDE = LOGICALS / 2;
/**
 * How fast the time of ballots goes on while the wall clock is behind it, as a part of real time. What was written since a request
 * came is told by the times of ballots (round-plan.ts): if they stood still, 64 writes would seem to have come since any request.
 * They must not go faster than real time, or what has come since would seem to be older; slower, so that the wall clock overtakes them.
 */
const SLEW = 0.5;
/** Of so many ballots that do not go by the clock it is known when they were made. */
const MAX_DATED_ASIDES = 1_024;

/** What time it is for whoever makes a ballot. */
export interface BallotTime {
  /** Milliseconds since 1970; may jump. */
  readonly wallMs: number;
  /** Milliseconds by a clock that never goes back. */
  readonly nowMs: number;
}

/**
 * Makes the ballots of one proposer, no two the same: by its clock each above all that it made before, and above what it was told
 * of. What is too far ahead does not move the clock: it would drag the ballots of all keys after it, which nobody would take.
 */
export class BallotClock {
  readonly #node: NodeId;
  readonly #incarnation: Incarnation;
  #timeMs = 0;
  #logical = 0;
  /** When the latest ballots aside were made, by the monotonic clock, the oldest first. */
  readonly #asidesMadeMs = new Map<Ballot, number>();
  /** The last time that was told by the wall clock or by another ballot, and when that was. */
  #told: BallotTime = { wallMs: 0, nowMs: 0 };
  #asides = 0;
  /** The highest time that was given aside, and the one that all of the next series of counters are above. */
  #asideMs = 0;
  #asideAboveMs = 0;

  constructor(node: NodeId, incarnation: Incarnation) {
    this.#node = node;
    this.#incarnation = incarnation;
  }

  /** A ballot above `seen`, and not before the time of the wall clock. */
  next(time: BallotTime, seen: Ballot | undefined): Ballot {
    if (seen !== undefined && isTooFarAhead(seen, time.wallMs, [])) return this.above(seen, time.nowMs);
    if (seen !== undefined) this.#rise(partsOfBallot(seen));
    this.#rise({ timeMs: Math.floor(this.#slewed(time, seen)), logical: -1 });
    this.#logical += 1;
    if (this.#logical >= FIRST_ASIDE) {
      this.#timeMs += 1;
      this.#logical = 0;
    }
    return this.#ballotAt(this.#timeMs, this.#logical);
  }

  /** A ballot above `taken` that whoever has taken that one takes as well, whatever the clocks say. */
  after(taken: Ballot, time: BallotTime): Ballot {
    const made = this.next(time, taken);
    return isTooFarAhead(made, timeOfBallot(taken), []) ? this.above(taken, time.nowMs) : made;
  }

  /** A ballot a little above `seen`, whatever the wall clock says; `nowMs`: by the monotonic clock. */
  above(seen: Ballot | undefined, nowMs: number): Ballot {
    if (this.#asides === LOGICALS - FIRST_ASIDE) {
      this.#asides = 0;
      this.#asideAboveMs = this.#asideMs;
    }
    const seenMs = seen === undefined ? 0 : timeOfBallot(seen);
    const timeMs = Math.max(seenMs + this.#passedSince(seen, nowMs), this.#asideAboveMs) + 1;
    this.#asideMs = Math.max(this.#asideMs, timeMs);
    this.#asides += 1;
    const ballot = this.#ballotAt(timeMs, FIRST_ASIDE + this.#asides - 1);
    this.#date(ballot, nowMs);
    return ballot;
  }

  /** Of one that this clock has made aside; nothing is known of others. Never so much that who took that one refuses this. */
  #passedSince(seen: Ballot | undefined, nowMs: number): number {
    const madeMs = seen === undefined ? undefined : this.#asidesMadeMs.get(seen);
    if (madeMs === undefined) return 0;
    return Math.min(Math.floor((nowMs - madeMs) * SLEW), MAX_BALLOT_AHEAD_MS / 2);
  }

  #date(ballot: Ballot, nowMs: number): void {
    this.#asidesMadeMs.set(ballot, nowMs);
    if (this.#asidesMadeMs.size <= MAX_DATED_ASIDES) return;
    const [oldest] = this.#asidesMadeMs.keys();
    if (oldest !== undefined) this.#asidesMadeMs.delete(oldest);
  }

  /** The time of the wall clock; slowly on from what was told last, while that is behind. */
  #slewed({ wallMs, nowMs }: BallotTime, seen: Ballot | undefined): number {
    const slewedMs = this.#told.wallMs + (nowMs - this.#told.nowMs) * SLEW;
    const toldMs = Math.max(wallMs, seen === undefined ? 0 : timeOfBallot(seen));
    if (toldMs < slewedMs) return slewedMs;
    this.#told = { wallMs: toldMs, nowMs };
    return toldMs;
  }

  #ballotAt(timeMs: number, logical: number): Ballot {
    return ballotOf({ timeMs, logical, node: this.#node, incarnation: this.#incarnation });
  }

  #rise({ timeMs, logical }: Pick<BallotParts, 'timeMs' | 'logical'>): void {
    if (timeMs < this.#timeMs || (timeMs === this.#timeMs && logical <= this.#logical)) return;
    this.#timeMs = timeMs;
    this.#logical = logical;
  }
}

function digits(value: number, limit: number, length: number): string {
  if (!Number.isInteger(value) || value < 0 || value >= limit) {
    throw new RangeError(`${value} has no room in a ballot`);
  }
  return value.toString(36).padStart(length, '0');
}
