/**
 * What an acceptor keeps for one key, beside the record that the replica stores anyway: P, AB, AO and CB of CASPaxos.
 * Ballots are never purged while the key lives, only the bytes of the accepted object are, once they are in the record.
 */
import type { KeyRecord } from '../causality/record.ts';
import type { Incarnation, StoreId } from '../ids.ts';
import { type Ballot, highestBallot, isAbove } from './ballot.ts';

/** `Held`: the form in which records are held. Most decisions compare ballots only, so that bytes need not be decoded for them. */
export interface AcceptorState<Held = KeyRecord> {
  /** P: nothing below it is taken any more. */
  readonly promised: Ballot | undefined;
  /** AB: the ballot that was accepted last, whether its object was chosen or not. */
  readonly accepted: Ballot | undefined;
  /** AO: what was accepted under it. Undefined if that is nothing at all, or if it is in the record by now. */
  readonly object: Held | undefined;
  /** The process that accepted it: only this one knows that it made it durable. */
  readonly acceptedIn: Incarnation | undefined;
  /** CB: the highest ballot that is known to be chosen. */
  readonly chosen: Ballot | undefined;
  /** The store as which this node, whose store peers did not know, was let vote on the key. See acceptor.ts. */
  readonly admittedAs: StoreId | undefined;
}

/**
 * Stands in `admittedAs` for a store that no node has. A store that is whole but for the record of this key has kept its promises,
 * and lost what it knew to be chosen: it votes on this key only after it was let in anew.
 */
export const NO_STORE = 'AAAAAAAAAAAAAAAAAAAAAA' as StoreId;

/** Of a key that no round has ever reached. */
export const UNTOUCHED: AcceptorState<never> = {
  promised: undefined,
  accepted: undefined,
  object: undefined,
  acceptedIn: undefined,
  chosen: undefined,
  admittedAs: undefined,
};

/** All that an acceptor decides upon: its state of a key, and S, the record that the replica holds of it. */
export interface HeldKey<Held = KeyRecord> {
  readonly state: AcceptorState<Held>;
  readonly record: Held | undefined;
}

/**
 * Whether something was accepted that is not known to be chosen. A plain GET that meets such a replica finishes the round first,
 * and the sweeper does so for all, or an acknowledged conditional write might stay invisible for plain reads.
 */
export function isUnfinished({ accepted, chosen }: Pick<AcceptorState, 'accepted' | 'chosen'>): boolean {
  return isAbove(accepted, chosen);
}

/** The highest ballot whose object the acceptor holds: because it has accepted it, or because it was told that it was chosen. */
export function heldBallot({
  accepted,
  chosen,
}: Pick<AcceptorState, 'accepted' | 'chosen'>): Ballot | undefined {
  return highestBallot(accepted, chosen);
}

/** Whether the key needs a round: to finish one, or because only by one the others let a node vote again that has lost this vote. */
export function needsRound(state: Pick<AcceptorState, 'accepted' | 'chosen' | 'admittedAs'>): boolean {
  return isUnfinished(state) || state.admittedAs === NO_STORE;
}
