/** The ballots of one key's rounds, one after the other: each above what its acceptors have told of. */
import { type Ballot, type BallotClock, type BallotTime, highestBallot } from '../../core/paxos/ballot.ts';
import type { LostRound } from '../../core/paxos/round.ts';
import type { Clock } from '../../ports/clock.ts';

export interface KeyBallotsPorts {
  readonly ballots: BallotClock;
  readonly clock: Clock;
}

export class KeyBallots {
  readonly #ports: KeyBallotsPorts;
  #heard: Ballot | undefined;
  /** Whether the last ballot was too far ahead of all that was heard: one of the clocks is wrong, and it may be this node's. */
  #wasTooFarAhead = false;

  constructor(ports: KeyBallotsPorts) {
    this.#ports = ports;
  }

  /** The highest that acceptors have told of. */
  get heard(): Ballot | undefined {
    return this.#heard;
  }

  next(): Ballot {
    const { ballots } = this.#ports;
    const time = this.#time;
    return this.#wasTooFarAhead ? ballots.above(this.#heard, time.nowMs) : ballots.next(time, this.#heard);
  }

  /** To be promised together with the acceptance of this one. */
  after(ballot: Ballot): Ballot {
    return this.#ports.ballots.after(ballot, this.#time);
  }

  lost({ refusals, highest }: LostRound): void {
    // Who has outbid it has told of a ballot that the others take as well, then (core/paxos/messages.ts, Prepare).
    this.#wasTooFarAhead = refusals.includes('too-far-ahead') && !refusals.includes('outbid');
    this.#heard = highestBallot(this.#heard, highest);
  }

  get #time(): BallotTime {
    const { clock } = this.#ports;
    return { wallMs: clock.wallMs(), nowMs: clock.nowMs() };
  }
}
