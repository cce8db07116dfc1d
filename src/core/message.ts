/**
 * Everything one node may ask of another, as one union; each reply is named after its request. Bytes of records stay
 * encoded (codec/record-codec.ts): a replica's answer goes onto the wire as it lies on its disk.
 */
import type { DeleteOutcome, PutOutcome, ReadOutcome } from './outcome.ts';
import type { DeleteRequest, PutRequest, ReadRequest } from './request.ts';

export type PeerRequest =
  | ReadReplica
  | StoreReplica
  /** Asks for a sign of life. */
  | { readonly type: 'ping' }
  | { readonly type: 'coordinate-get'; readonly request: ReadRequest }
  | { readonly type: 'coordinate-put'; readonly request: PutRequest }
  | { readonly type: 'coordinate-delete'; readonly request: DeleteRequest };

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
}

export type ReadReply =
  | { readonly type: 'found'; readonly record: Uint8Array }
  | { readonly type: 'same' }
  | { readonly type: 'absent' }
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
  | { readonly type: 'coordinate-get'; readonly outcome: ReadOutcome }
  | { readonly type: 'coordinate-put'; readonly outcome: PutOutcome }
  | { readonly type: 'coordinate-delete'; readonly outcome: DeleteOutcome }
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
}
