import type { ConfigurationEpoch, Incarnation, NodeId, StoreId } from '../core/ids.ts';

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
  | {
      readonly type: 'hello-refused';
      readonly remote: string;
      readonly reason: string;
      /** Set if the peer named another configuration. */
      readonly theirEpoch?: ConfigurationEpoch;
    }
  | { readonly type: 'malformed-frame'; readonly remote: string; readonly reason: string }
  | {
      readonly type: 'read-repair';
      readonly target: NodeId;
      readonly result: 'stored' | 'failed' | 'dropped';
    }
  | { readonly type: 'hedged-read'; readonly peer: NodeId }
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
