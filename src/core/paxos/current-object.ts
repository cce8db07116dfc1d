/**
 * What a key's object is, by the promises of a quorum, and whether it is known to be that without another round.
 *
 * Two sources meet. What plain writes and commits stored (S) is joined over the quorum. What was accepted under the highest
 * ballot (AO) may be chosen, so it counts too, unless a higher one is known to be, for then that is in some S of the quorum's join, or
 * what came from it is. One that is known to be chosen itself should be there as well; but a disk that has lost a piece of its middle
 * may know that it was, and hold it no more. All other accepted objects are ignored: what was accepted under a lower ballot is in the highest one's, or it was
 * never chosen (a ghost), and then it must not come back. "v is the value of the highest-numbered proposal among the
 * responses" (Paxos Made Simple, 2.2, phase 2a; CASPaxos 2.2: "picks the value of the tuple with the highest ballot number").
 */
import type { KeyRecord } from '../causality/record.ts';
import type { BucketMode } from '../cluster-config.ts';
import { isWithin, joinIfAny, sameRecord } from '../causality/record-order.ts';
import { heldBallot } from './acceptor-state.ts';
import { highestBallot, isAbove } from './ballot.ts';
import type { Promised } from './messages.ts';

/** `promises` of a quorum of distinct nodes. Undefined: there is nothing. */
export function currentObject(promises: readonly Promised[]): KeyRecord | undefined {
  let current: KeyRecord | undefined;
  let top: Promised | undefined;
  for (const promise of promises) {
    current = joinIfAny(current, promise.record);
    if (isAbove(promise.accepted, top?.accepted)) top = promise;
    // Who has stored what was chosen does not keep it in both places.
    else if (promise.accepted === top?.accepted && top?.object === undefined) top = promise;
  }
  const chosen = highestBallot(...promises.map((promise) => promise.chosen));
  if (top === undefined || isAbove(chosen, top.accepted) || isWithin(top.object, current)) return current;
  return joinIfAny(current, top.object);
}

/**
 * Whether the promises of a quorum prove that its current object is chosen: all hold the object of the same ballot, hold the
 * same, and (beside plain writes) had not promised anything higher before these; see linearizable-read.ts. Ballots are compared beside the values, because rounds that propose what
 * they found make equal objects under different ballots; the promise, because what it was given to may be accepted elsewhere.
 */
export function isSettled(promises: readonly Promised[], mode: BucketMode): boolean {
  const [first, ...others] = promises;
  if (first === undefined) return false;
  const held = heldBy(first);
  const ballot = heldBallot(first);
  const agree = others.every((other) => heldBallot(other) === ballot && sameRecord(heldBy(other), held));
  return (
    agree && (mode === 'cas' || promises.every(({ promisedBefore }) => !isAbove(promisedBefore, ballot)))
  );
}

function heldBy({ object, record }: Promised): KeyRecord | undefined {
  return joinIfAny(object, record);
}
