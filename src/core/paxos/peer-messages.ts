/**
 * What the nodes of a key's rounds send one another: the messages of messages.ts for one entry, with records as they lie on the
 * disk (codec/record-codec.ts), which is how every record travels.
 */
import type { EntryName, StoreId } from '../ids.ts';
import type { Ballot } from './ballot.ts';
import type { Accepted, CommitReply, KeyView, Promised, Rejected, Voters } from './messages.ts';

export interface PaxosPrepare extends EntryName {
  readonly type: 'paxos-prepare';
  readonly voters: Voters;
  readonly ballot: Ballot;
  readonly heard: Ballot | undefined;
  /** Digest (16 bytes) of what the proposer holds already: the bytes of an equal record are left out. */
  readonly known: Uint8Array | undefined;
}

export interface PaxosAccept extends EntryName {
  readonly type: 'paxos-accept';
  readonly voters: Voters;
  readonly ballot: Ballot;
  readonly object: Uint8Array | undefined;
  /** Digest (16 bytes) of the record that the object was made of, if it was one alone: whoever holds that one need not compare. */
  readonly base: Uint8Array | undefined;
  readonly next: Ballot | undefined;
}

export interface PaxosCommit extends EntryName {
  readonly type: 'paxos-commit';
  readonly ballot: Ballot;
  /** `accepted`: what the acceptor has accepted under the ballot, as it said. */
  readonly object: Uint8Array | 'accepted' | undefined;
  /** As that of PaxosAccept. */
  readonly base?: Uint8Array | undefined;
}

export interface PaxosAdmit extends EntryName {
  readonly type: 'paxos-admit';
  readonly voters: Voters;
  readonly store: StoreId;
  readonly ballot: Ballot;
  readonly object: Uint8Array | undefined;
}

export interface PaxosRead extends EntryName {
  readonly type: 'paxos-read';
  readonly voters: Voters;
  /** Digest (16 bytes) of what the asker holds already: the bytes of an equal record are left out. */
  readonly known: Uint8Array | undefined;
}

export type PaxosRequest = PaxosPrepare | PaxosAccept | PaxosCommit | PaxosAdmit | PaxosRead;

/** A promise with its records encoded. */
export interface EncodedPromise extends Omit<Promised, 'object' | 'record'> {
  readonly object: Uint8Array | undefined;
  /** `known`: the one that the proposer holds already. */
  readonly record: Uint8Array | 'known' | undefined;
}

/** What a linearizable read compares, with its record encoded. */
export interface EncodedView extends Omit<KeyView, 'record'> {
  /** Of the record (16 bytes); undefined if there is none. */
  readonly digest: Uint8Array | undefined;
  /** Left out if it is the one that the asker holds already. */
  readonly record: Uint8Array | undefined;
}

export type PaxosReply =
  | { readonly type: 'paxos-prepare'; readonly reply: EncodedPromise | Rejected }
  | { readonly type: 'paxos-accept'; readonly reply: Accepted | Rejected }
  | { readonly type: 'paxos-commit'; readonly reply: CommitReply }
  | { readonly type: 'paxos-admit'; readonly reply: CommitReply }
  | { readonly type: 'paxos-read'; readonly reply: EncodedView | Rejected };
