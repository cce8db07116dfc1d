import type { FailureCode, WriteCertainty } from '../core/outcome.ts';
import type { Refusal } from '../core/paxos/messages.ts';
import type { ConfigurationEpoch, Incarnation, NodeId, Partition, StoreId } from '../core/ids.ts';

/**
 * What happened, told to whoever watches: logs and metrics in production, checkers in a simulation. Exhaustive, so
 * that a new event has to be given a log line or a metric, or be left out on purpose.
 */
export type TraceEvent =
  | {
      readonly type: 'peer-up';
      readonly peer: NodeId;
      readonly incarnation: Incarnation;
      readonly storeId: StoreId;
    }
  | { readonly type: 'peer-down'; readonly peer: NodeId; readonly reason: string }
  /** A peer is connected, but owes a reply and is silent. */
  | { readonly type: 'peer-suspected'; readonly peer: NodeId }
  /** A suspected peer has been heard of again. */
  | { readonly type: 'peer-trusted'; readonly peer: NodeId }
  | {
      readonly type: 'hello-refused';
      readonly remote: string;
      readonly reason: string;
      /** Set if the peer named another configuration. */
      readonly theirEpoch?: ConfigurationEpoch;
    }
  /** A peer presents another store than the one that is remembered: it was wiped, or replaced. */
  | {
      readonly type: 'peer-store-replaced';
      readonly peer: NodeId;
      readonly storeId: StoreId;
      readonly remembered: StoreId;
    }
  /** A peer's store has lost what it wrote last. */
  | {
      readonly type: 'peer-store-rolled-back';
      readonly peer: NodeId;
      readonly storeId: StoreId;
      /** What it had reached when it was opened, and what is remembered. */
      readonly sequence: number;
      readonly remembered: number;
    }
  /** A second process of a node or of a store was refused, because the first one answers. */
  | {
      readonly type: 'clone-refused';
      readonly peer: NodeId;
      readonly storeId: StoreId;
      readonly remote: string;
    }
  /** The own store has lost something, by what a peer remembers of it; this node does not count until it has got that back. */
  | {
      readonly type: 'store-lost-something';
      /**
       * `wiped`: it is another one. `rolled-back`: what was written last is gone. `damaged`: it does not know what it had lost.
       * `promises`: what it has promised in rounds of some key cannot be read any more. `gap`: some of what was written is gone,
       * and what came later is there.
       */
      readonly kind: 'wiped' | 'rolled-back' | 'damaged' | 'promises' | 'gap';
      /** Who remembers; the node itself where the kind is `damaged`, `promises` or `gap`. */
      readonly toldBy: NodeId;
      readonly lost: StoreId | undefined;
      /** The one under which the node goes on. */
      readonly storeId: StoreId;
    }
  /** Partitions of which this node has not got back yet what it lost, whenever their number changes. */
  | { readonly type: 'recovering'; readonly partitions: number }
  /** After a loss this node votes again on all keys. */
  | {
      readonly type: 'votes-again';
      /** Keys on which the other home replicas have let it vote, in the round that was the last one. */
      readonly admitted: number;
    }
  /** This node votes although its store has lost something, because its operator wants it to. */
  | { readonly type: 'votes-after-loss' }
  /** A stored record that could not be read was replaced by a peer's. */
  | { readonly type: 'record-replaced'; readonly bucket: string; readonly key: string }
  | { readonly type: 'malformed-frame'; readonly remote: string; readonly reason: string }
  | {
      readonly type: 'read-repair';
      readonly target: NodeId;
      readonly result: 'stored' | 'failed' | 'dropped';
    }
  /** This node keeps a record that it did not keep before for a home replica that is away. */
  | { readonly type: 'hint-stored'; readonly owner: NodeId }
  | {
      readonly type: 'hint-refused';
      readonly owner: NodeId;
      readonly reason: string;
      /** Whether the one before for this owner was taken, or there was none. */
      readonly isFirst: boolean;
    }
  /** There were hints on the disk at start; they are counted. */
  | { readonly type: 'hints-loaded'; readonly count: number; readonly ms: number }
  /** The hints of one owner were gone through once. */
  | {
      readonly type: 'handoff';
      readonly owner: NodeId;
      /** Records that the owner holds by now, and that are not kept for it any more. */
      readonly delivered: number;
      /** Records that it did not take, or that changed meanwhile. */
      readonly failed: number;
      /** Hints that are still kept for it. */
      readonly left: number;
      readonly ms: number;
    }
  /** A record that this node is no home replica for, and that it kept for nobody: it is handed to its home replicas. */
  | { readonly type: 'stray-record'; readonly bucket: string; readonly key: string }
  /** An exchange of anti-entropy ended: trees that differed, records that one side or the other took. */
  | {
      readonly type: 'exchange';
      readonly peer: NodeId;
      /** `continued`: its time was over, and another one goes on where it stopped. */
      readonly result: 'done' | 'continued' | 'broken';
      /** Why it broke. */
      readonly reason: string | undefined;
      readonly differing: number;
      readonly repaired: number;
      readonly ms: number;
    }
  /** The records of a partition could not be counted; that is tried again. */
  | { readonly type: 'trees-not-built'; readonly partition: Partition; readonly reason: string }
  /** This node lets the record of a deleted key go. */
  | { readonly type: 'tombstone-reaped'; readonly bucket: string; readonly key: string }
  /** With it this node forgets what it kept of the key as an acceptor, and raises a ballot floor instead. */
  | { readonly type: 'key-collected'; readonly bucket: string; readonly key: string }
  /** A round of reaping that this node led has ended. */
  | {
      readonly type: 'reap-round';
      /** Records that were old enough. */
      readonly due: number;
      /** Records that are gone from all members. */
      readonly reaped: number;
      /** Why it did not come to its end, if so. */
      readonly reason: string | undefined;
      readonly ms: number;
    }
  | { readonly type: 'hedged-read'; readonly peer: NodeId }
  /** A read that asked all home replicas has heard all that it will. */
  | {
      readonly type: 'read-of-all';
      /** `stale`: some were behind. `equal`: all answered, and none was. `incomplete`: none was of those that answered. */
      readonly result: 'equal' | 'stale' | 'incomplete';
      /** How many were behind. */
      readonly behind: number;
    }
  /** A round of a key's home replicas that this node proposed has ended (core/paxos/round.ts). */
  | {
      readonly type: 'round';
      /** `granted`: its promises were there before it began, which saved one round trip. */
      readonly start: 'prepared' | 'granted';
      /**
       * `answered` by the promises alone; `chosen`; or lost: `outbid`, `dirty` (plain writes came in between), `unanswered`, or
       * refused for `another-reason`.
       */
      readonly end: 'answered' | 'chosen' | 'outbid' | 'dirty' | 'unanswered' | 'another-reason';
      /** Linearizable reads of clients that it answered. */
      readonly reads: number;
    }
  /** What this node accepted for a key is stored as chosen here. */
  | {
      readonly type: 'round-committed';
      /** Since it began to store it as accepted. */
      readonly ms: number;
    }
  /** Linearizable reads of one key that were answered in one round trip, without a round. */
  | { readonly type: 'quick-read'; readonly reads: number }
  /**
   * A conditional request came to no answer: told by who coordinated it, or, where no coordinator has said so, by who gave it to
   * them. (A coordinator whose answer was lost on its way may have told it, too: neither can know of the other.)
   */
  | {
      readonly type: 'conditional-failed';
      readonly code: FailureCode;
      readonly certainty: WriteCertainty;
    }
  /** An acceptor of this node refused what a proposer asked of it. */
  | { readonly type: 'vote-refused'; readonly reason: Refusal }
  /** Keys for which this node accepted something that is not known to be chosen, whenever their number changes. */
  | { readonly type: 'unfinished-rounds'; readonly count: number }
  /** This node set about finishing a round that nobody had finished. */
  | { readonly type: 'sweep'; readonly result: 'finished' | 'failed' }
  | { readonly type: 'forwarded'; readonly operation: 'get' | 'put' | 'delete'; readonly to: NodeId }
  /** A context was ahead of the local record on this very incarnation: the store lost something. */
  | {
      readonly type: 'incarnation-renewed';
      readonly bucket: string;
      readonly key: string;
      readonly from: Incarnation;
      readonly to: Incarnation;
    }
  /** Two siblings with one dot and different bytes: a bug, must stay 0. */
  | { readonly type: 'dot-collision'; readonly bucket: string; readonly key: string; readonly dot: string }
  | {
      readonly type: 'unreadable-record';
      readonly bucket: string;
      readonly key: string;
      readonly reason: string;
    }
  | {
      readonly type: 'batch-committed';
      readonly entries: number;
      readonly bytes: number;
      readonly ms: number;
    }
  | { readonly type: 'storage-failed'; readonly reason: string }
  | { readonly type: 'siblings'; readonly bucket: string; readonly count: number };

export interface Tracer {
  trace(event: TraceEvent): void;
}
