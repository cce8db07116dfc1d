/**
 * Everything one node may ask of another, as one union; each reply is named after its request. Bytes of records stay
 * encoded (codec/record-codec.ts): a replica's answer goes onto the wire as it lies on its disk.
 */
import type { EntryName, NodeId, Partition, StoreId } from './ids.ts';
import type { OpeningList, StoreMark } from './membership/store-mark.ts';
import type { ConditionalOutcome, PutOutcome, ReadOutcome, RemovalOutcome } from './outcome.ts';
import type { Ballot } from './paxos/ballot.ts';
import type { PaxosReply, PaxosRequest } from './paxos/peer-messages.ts';
import type { ConditionalRequest, DeleteRequest, PutRequest, ReadRequest } from './request.ts';

export type PeerRequest =
  | ReadReplica
  | StoreReplica
  /** Asks for a sign of life. */
  | { readonly type: 'ping' }
  | TreeRequest
  | PartitionKeysRequest
  | VotedKeysRequest
  | FloorsRequest
  | ReapRequest
  | BarrierRequest
  | { readonly type: 'coordinate-get'; readonly request: ReadRequest }
  | { readonly type: 'coordinate-put'; readonly request: PutRequest }
  | { readonly type: 'coordinate-delete'; readonly request: DeleteRequest }
  | PaxosRequest
  | { readonly type: 'coordinate-conditional'; readonly request: ConditionalRequest }
  | InspectVote;

/** Asks for a replica's own record of a key. */
export interface ReadReplica {
  readonly type: 'read';
  readonly bucket: string;
  readonly key: string;
  /** Digest (16 bytes) of what the asker holds already: an equal record is answered by `same`. */
  readonly known: Uint8Array | undefined;
}

/** Asks a replica to join a record into its own, durably. */
export interface StoreReplica {
  readonly type: 'store';
  readonly bucket: string;
  readonly key: string;
  readonly record: Uint8Array;
  /**
   * A home replica that cannot be reached, and that the receiver, which is none, stands in for: it keeps the record with a
   * hint, and hands it over when that node is back.
   */
  readonly hintFor?: NodeId;
}

/** Asks what a node keeps of a key as an acceptor, for people to look at. */
export interface InspectVote extends EntryName {
  readonly type: 'inspect-vote';
}

/** What a node keeps of a key as an acceptor (core/paxos/acceptor-state.ts), and whether it votes. */
export interface VoteView {
  readonly promised: Ballot | undefined;
  readonly accepted: Ballot | undefined;
  readonly chosen: Ballot | undefined;
  /** Why it does not vote on the key now; undefined: it does. */
  readonly notVoting: string | undefined;
}

/** Which tree: of a partition, the records that are kept on `n` nodes. */
export interface TreeName {
  readonly partition: Partition;
  readonly n: number;
}

export interface TreeRoot extends TreeName {
  readonly root: Uint8Array;
}

/** What a node tells of all its trees. */
export interface TreeRoots {
  /** Of the trees that hold something. */
  readonly roots: readonly TreeRoot[];
  /** Partitions whose trees do not stand yet: of what they hold nothing is known. */
  readonly unbuilt: readonly Partition[];
  /** Partitions whose trees may not say all that the node holds: a record could not be read, or they do not fit the records. */
  readonly doubtful: readonly Partition[];
}

/** What anti-entropy asks about digest trees. */
export type TreeRequest =
  /** The roots of all trees of the node. */
  | { readonly type: 'tree-roots' }
  /** The leaves of one tree. */
  | { readonly type: 'tree-leaves'; readonly tree: TreeName }
  | TreeKeysRequest;

/** Asks for the keys of some leaves of a tree with the digests of their records, page by page in storage order. */
export interface TreeKeysRequest {
  readonly type: 'tree-keys';
  readonly tree: TreeName;
  readonly leaves: readonly number[];
  /** Storage key after which the page begins; undefined for the first. */
  readonly after: Uint8Array | undefined;
}

/**
 * Asks for all keys of a partition whose records have at least so many copies, with the digests of these, page by page in
 * storage order; also for those that cannot be read.
 */
export interface PartitionKeysRequest {
  readonly type: 'partition-keys';
  readonly partition: Partition;
  readonly leastN: number;
  /** Storage key after which the page begins; undefined for the first. */
  readonly after: Uint8Array | undefined;
}

/**
 * Asks for all keys that some Paxos round has reached here, and that `node` is a home replica of, page by page in storage order. It
 * is refused by whoever does not know that node by this store: until then rounds may go on here that count on the store before.
 */
export interface VotedKeysRequest {
  readonly type: 'voted-keys';
  readonly node: NodeId;
  readonly store: StoreId;
  /** Storage key after which the page begins; undefined for the first. */
  readonly after: Uint8Array | undefined;
}

/**
 * Asks for all ballot floors: a node that has lost something takes them over before it counts again. It is refused by whoever does not
 * know it by this store: until then keys may be collected there that the store before had a part in.
 */
export interface FloorsRequest {
  readonly type: 'floors';
  readonly node: NodeId;
  readonly store: StoreId;
}

/** Keys of the partition may have been collected up to this ballot. */
export interface PartitionFloor {
  readonly partition: Partition;
  readonly floor: Ballot;
}

/** One record that is to be reaped, if all members hold just that or nothing. */
export interface ReapEntry extends EntryName {
  /** Of the record (16 bytes). */
  readonly digest: Uint8Array;
  /**
   * The ballot under which all voters of the key have accepted just this record, and were told that it is chosen. Set: they forget
   * what they keep of the key as acceptors together with it.
   */
  readonly chosenAt?: Ballot;
}

/** One round of reaping tombstones (protocol/reaping), led by one member; its steps in their order. */
export type ReapRequest =
  /** Which of these does the node hold just so, or not at all? From now on it notes whether that changes. */
  | {
      readonly type: 'reap-watch';
      readonly leader: NodeId;
      /** 16 random bytes. */
      readonly round: Uint8Array;
      readonly entries: readonly ReapEntry[];
    }
  /** Wait until nothing that the node began before now is under way, in its memory or to its peers. */
  | { readonly type: 'reap-settle'; readonly leader: NodeId; readonly round: Uint8Array }
  /** Which of them are as they were? */
  | { readonly type: 'reap-check'; readonly leader: NodeId; readonly round: Uint8Array }
  /** Delete those that are still as they were; `places`: their indexes in the list of the first step. */
  | {
      readonly type: 'reap-drop';
      readonly leader: NodeId;
      readonly round: Uint8Array;
      readonly places: readonly number[];
    };

/** Answered when all that the asker sent before, on this or on an older connection, has been carried out, or never will be. */
export interface BarrierRequest {
  readonly type: 'barrier';
}

export interface TreeKey extends EntryName {
  /** Digest of the record (16 bytes); undefined if it is there, but cannot be read. */
  readonly digest: Uint8Array | undefined;
}

export interface TreeKeysPage {
  readonly keys: readonly TreeKey[];
  /** Storage key up to which this page has looked; undefined if that was the end. */
  readonly next: Uint8Array | undefined;
}

/** On a replica's answer to a plain read. */
interface RoundFlag {
  /**
   * Set if something was accepted here that is not known to be chosen. It may have been acknowledged, and is not in the record:
   * who wants to see what was acknowledged finishes that round first.
   */
  readonly hasUnfinishedRound?: true;
}

export type ReadReply =
  | ({ readonly type: 'found'; readonly record: Uint8Array } & RoundFlag)
  | ({ readonly type: 'same' } & RoundFlag)
  | ({ readonly type: 'absent' } & RoundFlag)
  /**
   * The replica has lost something, and does not know yet what. Counts for nothing; what it has got back so far is worth
   * knowing all the same.
   */
  | { readonly type: 'recovering'; readonly record: Uint8Array | undefined }
  /** The replica cannot tell what it holds. Counts for nothing, and never as absent. */
  | { readonly type: 'unreadable'; readonly reason: string };

export type StoreReply =
  | { readonly type: 'stored' }
  /** Nothing was stored, for instance because the local record is unreadable. */
  | { readonly type: 'store-refused'; readonly reason: string };

/** The peer did not start on the request at all: it is draining, overloaded, or no home replica. */
export interface RequestRefused {
  readonly type: 'request-refused';
  readonly reason: string;
}

export type PeerReply =
  | { readonly type: 'read'; readonly reply: ReadReply }
  | { readonly type: 'store'; readonly reply: StoreReply }
  | { readonly type: 'ping' }
  | ({ readonly type: 'tree-roots' } & TreeRoots)
  | { readonly type: 'tree-leaves'; readonly leaves: Uint8Array }
  | { readonly type: 'tree-keys'; readonly page: TreeKeysPage }
  | { readonly type: 'partition-keys'; readonly page: TreeKeysPage }
  /** Without digests. */
  | { readonly type: 'voted-keys'; readonly page: TreeKeysPage }
  | { readonly type: 'floors'; readonly floors: readonly PartitionFloor[] }
  | {
      readonly type: 'reap-watch';
      /** One for each entry, in their order. */
      readonly held: readonly boolean[];
      /** Places of entries that some Paxos round has reached here, though the leader does not say so. */
      readonly votedOn: readonly number[];
    }
  | { readonly type: 'reap-settle' }
  | { readonly type: 'reap-check'; readonly intact: readonly boolean[] }
  | { readonly type: 'reap-drop'; readonly dropped: number }
  | BarrierRequest
  | { readonly type: 'coordinate-get'; readonly outcome: ReadOutcome }
  | { readonly type: 'coordinate-put'; readonly outcome: PutOutcome }
  | { readonly type: 'coordinate-delete'; readonly outcome: RemovalOutcome }
  | PaxosReply
  | { readonly type: 'coordinate-conditional'; readonly outcome: ConditionalOutcome }
  | { readonly type: 'inspect-vote'; readonly view: VoteView }
  | RequestRefused;

/** First message of either side of a connection. */
export interface Hello {
  readonly cluster: string;
  readonly protocolVersion: number;
  readonly nodeId: string;
  readonly storeId: string;
  readonly incarnation: string;
  readonly epoch: string;
  /** 16 random bytes, which the other side's proof must cover. */
  readonly nonce: Uint8Array;
  /** See PresentedStore, as the next three. */
  readonly opening: string;
  readonly openedAt: number;
  readonly earlier: OpeningList;
  readonly lost: readonly string[];
  /** What the sender remembers of the other side's store. */
  readonly remembered: StoreMark | undefined;
}
