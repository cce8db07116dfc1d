/**
 * What is certain of a conditional write for which no round came to an answer, because its ballots or its time ran out. It is
 * `not-applied` (409 cas-contention) only if no acceptor can ever have taken it: one acceptance is enough for a later round
 * of somebody else to take it up. All else is `unknown`.
 */
import type { WriteCertainty } from '../outcome.ts';
import type { Round } from './round.ts';

export interface UnansweredWrite {
  /** Whether no other coordinator may have sent an ACCEPT of this write id. */
  readonly firstAttempt: boolean;
  /** The lost rounds that had it as their winner. Refusals that they are still told of count. */
  readonly rounds: readonly Pick<Round, 'exposed'>[];
}

export function certaintyOf({ firstAttempt, rounds }: UnansweredWrite): WriteCertainty {
  return firstAttempt && rounds.every(({ exposed }) => exposed === undefined) ? 'not-applied' : 'unknown';
}
