/**
 * The acceptor of one key: what it decides upon each message, without any effect. The caller runs a decision inside the
 * key's serial section, makes `write` durable in one batch, and only then answers. Nothing here looks at who asks.
 *
 * Rystsov, "CASPaxos", arXiv 1802.07000, section 2.2; Lamport, "Paxos Made Simple", section 2.2. Beyond the paper: the
 * object of the register is joined with what plain writes store beside it, so an accept has to know all of that (`dirty`).
 */
import type { KeyRecord } from '../causality/record.ts';
import { type RecordOrder, sameRecord } from '../causality/record-order.ts';
import type { Incarnation, StoreId } from '../ids.ts';
import { type AcceptorState, type HeldKey, isUnfinished, NO_STORE } from './acceptor-state.ts';
import { type Ballot, highestBallot, isAbove, isTooFarAhead } from './ballot.ts';
import type {
  Accept,
  AcceptReply,
  Admit,
  Collect,
  CollectReply,
  Commit,
  CommitAccepted,
  CommitReply,
  Prepare,
  PrepareReply,
  ReadKey,
  ReadKeyReply,
  Refusal,
  Rejected,
  Voters,
} from './messages.ts';

/** The node that votes. */
export interface VotingNode {
  readonly voters: Voters;
  readonly store: StoreId;
  readonly incarnation: Incarnation;
  /** Whether this store took the place of one that voted: then it votes on a key only after it was admitted there. */
  readonly isNewcomer: boolean;
  /** F of the key's partition: nothing at or below it is taken any more, from the network or from the disk. */
  readonly floor: Ballot | undefined;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** The node as which an acceptor decides. */
export interface AcceptorNode<Held = KeyRecord> extends VotingNode {
  readonly records: RecordOrder<Held>;
}

export interface Decision<Reply, Held = KeyRecord> {
  /** To be durable before the reply goes out; undefined if nothing changes. */
  readonly write: HeldKey<Held> | undefined;
  readonly reply: Reply;
}

/**
 * "If an acceptor receives a prepare request with number n greater than that of any prepare request to which it has already
 * responded, then it responds to the request with a promise not to accept any more proposals numbered less than n and with
 * the highest-numbered proposal (if any) that it has accepted." (Paxos Made Simple, 2.2, phase 1b)
 */
export function decidePrepare<Held>(
  held: HeldKey<Held>,
  { voters, ballot, heard }: Prepare,
  node: VotingNode,
): Decision<PrepareReply<Held>, Held> {
  const { state, record } = held;
  const refusal = refusalOfVote(state, voters, ballot, node);
  if (refusal !== undefined) return rejected(held, refusal, node);
  // What was chosen elsewhere, and came here by a commit alone, is known as well as what was promised here.
  const known = highestBallot(state.promised, state.accepted, state.chosen);
  if (!isAbove(ballot, known)) return rejected(held, 'outbid', node);
  if (isTooFarAhead(ballot, node.nowMs, [known, node.floor, heard])) {
    return rejected(held, 'too-far-ahead', node);
  }
  return {
    write: { state: { ...state, promised: ballot }, record },
    reply: {
      type: 'promised',
      voters,
      accepted: state.accepted,
      object: isUnfinished(state) ? state.object : undefined,
      chosen: state.chosen,
      record,
      promisedBefore: state.promised,
      floor: node.floor,
    },
  };
}

/**
 * "If an acceptor receives an accept request for a proposal numbered n, it accepts the proposal unless it has already
 * responded to a prepare request having a number greater than n." (Paxos Made Simple, 2.2, phase 2b)
 *
 * And unless its record holds what the object does not know: a plain write came in after the promise, and might be
 * acknowledged by now. It is not joined into the object, for then there were two objects under one ballot.
 */
export function decideAccept<Held>(
  held: HeldKey<Held>,
  message: Accept<Held>,
  node: AcceptorNode<Held>,
): Decision<AcceptReply, Held> {
  const { state, record } = held;
  const { voters, ballot, object, next } = message;
  const refusal = refusalOfVote(state, voters, ballot, node);
  if (refusal !== undefined) return rejected(held, refusal, node);
  if (isAbove(highestBallot(state.promised, state.accepted, state.chosen), ballot))
    return rejected(held, 'outbid', node);
  if (state.accepted === ballot) {
    if (state.acceptedIn !== node.incarnation) return rejected(held, 'other-incarnation', node);
    return { write: undefined, reply: { type: 'accepted', voters } };
  }
  if (!node.records.isWithin(record, object)) return rejected(held, 'dirty', node);
  // The ballot itself was promised by a quorum, so it is not too far ahead, whatever this clock says.
  if (next !== undefined && isTooFarAhead(next, node.nowMs, [state.promised, node.floor, ballot]))
    return rejected(held, 'too-far-ahead', node);
  const promised = highestBallot(ballot, next);
  const accepted = { ...state, promised, accepted: ballot, object, acceptedIn: node.incarnation };
  return { write: { state: accepted, record }, reply: { type: 'accepted', voters } };
}

/** The object, which was chosen, goes into the record. In the same batch the accepted bytes may go, for they are in it. */
export function decideCommit<Held>(
  held: HeldKey<Held>,
  { ballot, object }: Commit<Held>,
  node: AcceptorNode<Held>,
): Decision<CommitReply, Held> {
  if (!isAbove(ballot, node.floor)) return rejected(held, 'collected', node);
  // What was chosen later came from it, and is in the record.
  if (!isAbove(ballot, held.state.chosen)) return { write: undefined, reply: { type: 'committed' } };
  return { write: committed(held, { ballot, object }, node), reply: { type: 'committed' } };
}

/**
 * As decideCommit. Of what was accepted since instead nothing is known to be chosen, and what has no vote has lost something, which
 * may be the object: it has to be told all of it.
 */
export function decideCommitAccepted<Held>(
  held: HeldKey<Held>,
  { ballot }: CommitAccepted,
  node: AcceptorNode<Held>,
): Decision<CommitReply, Held> {
  const { accepted, chosen, object } = held.state;
  if (!hasVote(held.state, node)) return rejected(held, 'not-voting', node);
  if (isAbove(ballot, chosen) && accepted !== ballot) return rejected(held, 'outbid', node);
  return decideCommit(held, { type: 'commit', ballot, object }, node);
}

/**
 * A node that has lost its store has lost promises and acceptances, so its vote could contradict them. It votes again from a
 * ballot on that the *other* home replicas have chosen, all of them knowing that it lost its store. Copying what
 * they accepted instead would be a vote for it, which nobody has cast.
 *
 * Why that ballot is enough: whatever was chosen with the lost store's vote was accepted by a majority less one of the others, so
 * one of those that chose this ballot had it, and its object is in this one's. And whatever the lost store had promised together
 * with a majority less one of the others, one of those had promised, too: so this ballot is above it.
 */
export function decideAdmit<Held>(
  held: HeldKey<Held>,
  { voters, store, ballot, object }: Admit<Held>,
  node: AcceptorNode<Held>,
): Decision<CommitReply, Held> {
  if (voters !== node.voters || store !== node.store) return rejected(held, 'other-voters', node);
  if (!isAbove(ballot, node.floor)) return rejected(held, 'collected', node);
  if (hasVote(held.state, node)) return decideCommit(held, { type: 'commit', ballot, object }, node);
  // It has kept its promises: what is not above them may be a message from before its record was lost.
  if (held.state.admittedAs === NO_STORE && !isAbove(ballot, held.state.promised))
    return rejected(held, 'outbid', node);
  const isNew = isAbove(ballot, held.state.chosen);
  const { state, record } = isNew ? committed(held, { ballot, object }, node) : held;
  const admitted = { ...state, promised: highestBallot(state.promised, ballot), admittedAs: store };
  return { write: { state: admitted, record }, reply: { type: 'committed' } };
}

/** What a linearizable read compares. Changes nothing. */
export function decideRead<Held>(
  held: HeldKey<Held>,
  { voters }: ReadKey,
  node: AcceptorNode<Held>,
): Decision<ReadKeyReply<Held>, Held> {
  const { state, record } = held;
  if (voters !== node.voters) return rejected(held, 'other-voters', node);
  if (!hasVote(state, node)) return rejected(held, 'not-voting', node);
  const { promised, accepted, chosen } = state;
  const seen = isUnfinished(state) ? node.records.join(state.object, record) : record;
  return { write: undefined, reply: { type: 'key-view', voters, promised, accepted, chosen, record: seen } };
}

export type CollectDecision = {
  readonly reply: CollectReply;
  /** The floor to raise in the same batch in which all that is held of the key is deleted; undefined: nothing is done. */
  readonly floor: Ballot | undefined;
};

/**
 * Forgets a deleted key, ballots and all. The floor takes their place: it is above every ballot that this key ever knew here, so
 * whatever is still under way for it is refused.
 *
 * Not by a store that votes on this key because it was let in, and not on all keys yet: it would forget that, too. If another
 * store was lost meanwhile, and forgot the same, the two were a majority without a vote, and nobody could let them in again.
 */
export function decideCollect(
  held: Pick<HeldKey, 'record'> & { readonly state: AcceptorState<unknown> },
  { ballot, object }: Collect,
  node: VotingNode,
): CollectDecision {
  const { state, record } = held;
  if (node.isNewcomer) return { reply: rejection(state, 'not-voting', node), floor: undefined };
  const isDeleted =
    object.siblings.length > 0 && object.siblings.every(({ content }) => content.type === 'tombstone');
  const isUntouched = state.accepted === ballot && state.promised === ballot && sameRecord(record, object);
  if (!isDeleted || !isUntouched) return { reply: rejection(state, 'outbid', node), floor: undefined };
  const floor = highestBallot(node.floor, ballot) as Ballot;
  return { reply: { type: 'collected', floor }, floor };
}

/** What a vote on any ballot asks first: who votes, whether this store does, and whether the key's past is forgotten. */
function refusalOfVote(
  state: AcceptorState<unknown>,
  voters: Voters,
  ballot: Ballot,
  node: VotingNode,
): Refusal | undefined {
  if (voters !== node.voters) return 'other-voters';
  if (!hasVote(state, node)) return 'not-voting';
  return isAbove(ballot, node.floor) ? undefined : 'collected';
}

/** Whether a store has a vote on a key. */
export function hasVote(
  { admittedAs }: Pick<AcceptorState, 'admittedAs'>,
  { isNewcomer, store }: Pick<VotingNode, 'isNewcomer' | 'store'>,
): boolean {
  return admittedAs === store || (!isNewcomer && admittedAs !== NO_STORE);
}

function committed<Held>(
  { state, record }: HeldKey<Held>,
  { ballot, object }: Pick<Commit<Held>, 'ballot' | 'object'>,
  { records }: AcceptorNode<Held>,
): HeldKey<Held> {
  const isFinished = !isAbove(state.accepted, ballot);
  return {
    state: { ...state, chosen: ballot, object: isFinished ? undefined : state.object },
    record: records.join(record, object),
  };
}

function rejected(
  { state }: { readonly state: AcceptorState<unknown> },
  reason: Refusal,
  node: VotingNode,
): Decision<Rejected, never> {
  return { write: undefined, reply: rejection(state, reason, node) };
}

function rejection(
  { promised, accepted, chosen }: AcceptorState<unknown>,
  reason: Refusal,
  { floor }: VotingNode,
): Rejected {
  const highest = highestBallot(promised, accepted, chosen, floor);
  return { type: 'rejected', reason, highest, accepted };
}
