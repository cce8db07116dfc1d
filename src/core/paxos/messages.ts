/**
 * What proposers ask of acceptors about one key, and what these answer. To a proposer records are values; acceptors may hold them
 * otherwise (`Held`). How they travel is codec's affair.
 */
import type { KeyRecord } from '../causality/record.ts';
import type { StoreId } from '../ids.ts';
import type { Ballot } from './ballot.ts';

declare const brand: unique symbol;

/**
 * Who votes: a name for the configuration epoch together with the store of each of the N home replicas, as a node durably knows
 * them. Two nodes have equal ones only if both know the same stores. A store that was replaced has another id, and none comes
 * back, so a name never means two things.
 *
 * It makes a promise that was lost with a disk void. A node is wiped, a proposer holds its promise of ballot 9; a fresh round of
 * the others at ballot 5 lets the node vote again, with P = 5; it accepts 6, chosen; and then 9, whose proposer has never
 * heard of 6, is taken by all that promised it. Comparing the epoch alone does not prevent that, and no ballot is known to
 * be above all that the lost disk had promised. Here the round of 9 began with other voters, so nobody takes it.
 */
export type Voters = string & { readonly [brand]: 'Voters' };

export interface Prepare {
  readonly type: 'prepare';
  readonly voters: Voters;
  readonly ballot: Ballot;
  /**
   * The highest ballot that an acceptor of the key has told the proposer of. What has been taken there is not too far ahead here:
   * acceptors whose clocks are far apart could not agree on any ballot otherwise.
   */
  readonly heard: Ballot | undefined;
}

export interface Accept<Held = KeyRecord> {
  readonly type: 'accept';
  readonly voters: Voters;
  readonly ballot: Ballot;
  /** The whole object of the key from now on; undefined if it is nothing, which a read of nothing proposes. */
  readonly object: Held | undefined;
  /** A ballot of the same proposer to promise with it: saves its next PREPARE. In buckets of mode `cas` only. */
  readonly next: Ballot | undefined;
}

/** The object was chosen. May come late, more than once, or never. */
export interface Commit<Held = KeyRecord> {
  readonly type: 'commit';
  readonly ballot: Ballot;
  readonly object: Held | undefined;
}

/** As Commit, to an acceptor that has said that it accepted the object: what it accepted under the ballot was chosen. */
export interface CommitAccepted {
  readonly type: 'commit-accepted';
  readonly ballot: Ballot;
}

/** Lets a node whose store was unknown vote on the key: the other home replicas have chosen the object since they know that store. */
export interface Admit<Held = KeyRecord> {
  readonly type: 'admit';
  readonly voters: Voters;
  readonly store: StoreId;
  readonly ballot: Ballot;
  readonly object: Held | undefined;
}

/** Asks for what a linearizable read compares. */
export interface ReadKey {
  readonly type: 'read-key';
  readonly voters: Voters;
}

/** Forgets a deleted key: all N home replicas have accepted and committed its tombstone under this ballot. */
export interface Collect {
  readonly type: 'collect';
  readonly ballot: Ballot;
  /** Exactly what was chosen: tombstones. */
  readonly object: KeyRecord;
}

/**
 * Why an acceptor did not do it.
 * `outbid`: it has promised, accepted or seen chosen a higher ballot. `dirty`: it holds what the object does not know.
 * `collected`: the ballot is not above the floor. `too-far-ahead`: the proposer's clock is wrong. `not-voting`: its store was
 * replaced, and it does not vote on this key yet. `other-voters`: it knows other voters than the proposer. `other-incarnation`: it
 * was accepted here before a restart; nobody knows any more whether it was durable when it was answered.
 */
export type Refusal =
  | 'outbid'
  | 'dirty'
  | 'collected'
  | 'too-far-ahead'
  | 'not-voting'
  | 'other-voters'
  | 'other-incarnation';

export interface Rejected {
  readonly type: 'rejected';
  readonly reason: Refusal;
  /** The highest ballot that the acceptor knows: a proposer that lost jumps ahead of it. */
  readonly highest: Ballot | undefined;
  /** AB: below the refused ballot it proves that this acceptor never accepted that one. */
  readonly accepted: Ballot | undefined;
}

export interface Promised<Held = KeyRecord> {
  readonly type: 'promised';
  readonly voters: Voters;
  readonly accepted: Ballot | undefined;
  /** AO, if it is not known to be chosen. */
  readonly object: Held | undefined;
  readonly chosen: Ballot | undefined;
  readonly record: Held | undefined;
  /** P as it was before. */
  readonly promisedBefore: Ballot | undefined;
  /** F: keys of the partition may have been forgotten up to it, together with the write ids that they remembered. */
  readonly floor: Ballot | undefined;
}

export interface Accepted {
  readonly type: 'accepted';
  readonly voters: Voters;
}

export interface KeyView<Held = KeyRecord> {
  readonly type: 'key-view';
  readonly voters: Voters;
  readonly promised: Ballot | undefined;
  readonly accepted: Ballot | undefined;
  readonly chosen: Ballot | undefined;
  /** AO and S, joined. The wire carries its digest, and its bytes once. */
  readonly record: Held | undefined;
}

export type PrepareReply<Held = KeyRecord> = Promised<Held> | Rejected;
export type AcceptReply = Accepted | Rejected;
export type ReadKeyReply<Held = KeyRecord> = KeyView<Held> | Rejected;
export type CommitReply = { readonly type: 'committed' } | Rejected;
export type CollectReply = { readonly type: 'collected'; readonly floor: Ballot } | Rejected;
