/**
 * What a client asks of the cluster, validated: buckets, keys, N, R and W are known to be in range.
 * Every request carries its own deadline; nothing waits for ever.
 */
import type { CausalContext } from './causality/causal-context.ts';
import type { SiblingContent } from './causality/record.ts';
import type { Ballot } from './paxos/ballot.ts';
import type { Condition } from './paxos/conditional.ts';

export interface ReadRequest {
  readonly bucket: string;
  readonly key: string;
  readonly n: number;
  readonly r: number;
  /** Whether fallbacks may stand in for home replicas. */
  readonly sloppy: boolean;
  /** What the answer has to cover: what the client has seen already (session consistency); undefined if it does not matter. */
  readonly atLeast?: CausalContext | undefined;
  /** Time left for the whole request, milliseconds. */
  readonly timeoutMs: number;
}

export interface WriteIdentity {
  readonly id: string;
  /** The client promises that it never sent this id before, which saves the lookup for an earlier attempt. */
  readonly firstAttempt: boolean;
}

interface WriteRequest {
  readonly bucket: string;
  readonly key: string;
  readonly n: number;
  readonly w: number;
  readonly sloppy: boolean;
  readonly timeoutMs: number;
  /** What the client has seen; undefined for a blind write. */
  readonly context: CausalContext | undefined;
  readonly identity: WriteIdentity | undefined;
  /** Whether the answer shall carry the record as it is after the write. */
  readonly returnRecord: boolean;
}

export interface PutRequest extends WriteRequest {
  readonly contentType: string;
  readonly value: Uint8Array;
}

export interface DeleteRequest extends WriteRequest {
  /** Used only without a context: what is read at R is what the tombstone covers. */
  readonly r: number;
}

/**
 * What is decided by a Paxos round of the key's home replicas: a conditional write, a linearizable read, or what became of a
 * write whose outcome is unknown.
 */
export interface ConditionalRequest {
  readonly bucket: string;
  readonly key: string;
  /** N of the bucket: the voters of a key are always the same. */
  readonly n: number;
  readonly timeoutMs: number;
  readonly operation: ConditionalOperation;
  /** Whether the answer to a write shall carry the record as it is after it. */
  readonly returnRecord: boolean;
}

export type ConditionalOperation =
  | { readonly type: 'read' }
  | { readonly type: 'settle'; readonly writeId: string }
  | {
      readonly type: 'write';
      readonly condition: Condition;
      /** A tombstone for a DELETE. */
      readonly content: SiblingContent;
      /** Every conditional write has an id: the client's, or one that the node drew which the client had asked. */
      readonly identity: WriteIdentity & {
        /** No ACCEPT of this id was sent under a ballot below this one; undefined: nothing is known of that. */
        readonly notBefore: Ballot | undefined;
      };
    };
