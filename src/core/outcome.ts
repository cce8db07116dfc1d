/**
 * What an operation came to, as values. Three kinds of failure are kept apart: certainly not applied, perhaps applied
 * (`unknown`, which is never reported as failed), and a bug, which is an exception.
 */
import type { CausalContext } from './causality/causal-context.ts';
import type { Dot } from './causality/dot.ts';
import type { KeyRecord } from './causality/record.ts';
import type { NodeId } from './ids.ts';

/** Codes a node's own decisions can end in. Each is also a problem code of the HTTP API. */
export const FAILURE_CODES = [
  'bad-context',
  'quorum-unavailable',
  'quorum-timeout',
  'session-too-new',
  'sibling-limit',
  'cas-contention',
  'write-id-reused',
  'write-id-expired',
  'too-large',
  'no-space',
  'overloaded',
  'draining',
  'internal',
] as const;
export type FailureCode = (typeof FAILURE_CODES)[number];

/** `not-applied` must never appear later; `unknown` may have been applied, now or later, or never. */
export type WriteCertainty = 'not-applied' | 'unknown';

export const REPLICA_RESULTS = [
  'ok',
  'not-found',
  'unreachable',
  'no-answer',
  'unreadable',
  'recovering',
  'refused',
  'connection-lost',
  'not-asked',
] as const;
export type ReplicaResult = (typeof REPLICA_RESULTS)[number];

/** What one replica came to, for people: which node, how it answered, after how many milliseconds. */
export interface ReplicaReport {
  readonly node: NodeId;
  readonly result: ReplicaResult;
  readonly ms: number;
}

export interface Failure {
  readonly type: 'failed';
  readonly code: FailureCode;
  readonly certainty: WriteCertainty;
  /** A sentence with the facts. */
  readonly detail: string;
  readonly required?: number;
  readonly received?: number;
  readonly replicas?: readonly ReplicaReport[];
}

export const ROUND_PHASES = ['read', 'prepare', 'accept'] as const;
export type RoundPhase = (typeof ROUND_PHASES)[number];

/** How long one phase of the round that decided a conditional request took at its coordinator, milliseconds. */
export interface PhaseTime {
  readonly phase: RoundPhase;
  readonly ms: number;
}

/** What was really done, shown in `Quorate-Quorum`. */
export interface QuorumFacts {
  readonly n: number;
  /** R of a read, W of a write. */
  readonly required: number;
  /** Distinct nodes that answered (read) or stored durably (write) when the answer went out. */
  readonly acks: number;
  /** Whether a fallback's answer was counted. */
  readonly sloppy: boolean;
  /** Of a write: whether a majority of the bucket's home replicas had stored it. */
  readonly ordered: boolean;
  /** The node that coordinated. */
  readonly coordinator: NodeId;
  /** Of a conditional request: what its round consisted of, in order. */
  readonly phases?: readonly PhaseTime[];
}

export interface ReadSuccess {
  readonly type: 'read';
  /** The join of what the replicas answered; undefined if none of them ever held the key. */
  readonly record: KeyRecord | undefined;
  readonly quorum: QuorumFacts;
}

export interface WriteSuccess {
  readonly type: 'written';
  /** The event that this write became; with a repeated write id, the one it became the first time. */
  readonly dot: Dot;
  /** The client's own context plus exactly the new dot. */
  readonly context: CausalContext;
  /** Whether no live value was visible to the coordinator before. */
  readonly created: boolean;
  /** Live values the coordinator sees now. */
  readonly liveSiblings: number;
  /** Set if exactly this write is what the coordinator holds now. */
  readonly etag: string | undefined;
  readonly quorum: QuorumFacts;
  /** The coordinator's record after the write, if it was asked for. */
  readonly record: KeyRecord | undefined;
}

/** A DELETE without a context that found nothing alive. Nothing was written. */
export interface NothingToDelete {
  readonly type: 'nothing-to-delete';
  readonly record: KeyRecord | undefined;
  readonly quorum: QuorumFacts;
}

export type ReadOutcome = ReadSuccess | Failure;
export type PutOutcome = WriteSuccess | Failure;
/** A DELETE of what a context covers. It always writes, if it does not fail. */
export type RemovalOutcome = WriteSuccess | Failure;
export type DeleteOutcome = RemovalOutcome | NothingToDelete;

/** Compare-and-set lost: its condition did not hold. Nothing was written. */
export interface PreconditionFailed {
  readonly type: 'precondition-failed';
  /** What is there instead; undefined if nothing ever was. */
  readonly record: KeyRecord | undefined;
  /** Whether an earlier attempt was refused for good: its condition may hold by now, and yet nothing was written. */
  readonly wasRefused: boolean;
  readonly quorum: QuorumFacts;
}

export const SETTLED_STATES = ['applied', 'superseded', 'never-applied', 'too-old'] as const;
/**
 * `applied`: it is among what is there. `superseded`: it was, and something has taken its place. `never-applied`: no conditional
 * write of that id has taken place, and none will. `too-old`: the key may have forgotten the id since, so nobody can tell.
 */
export type SettledState = (typeof SETTLED_STATES)[number];

/** What became of a write. */
export interface Settled {
  readonly type: 'settled';
  readonly state: SettledState;
  /** Of a conditional write that took place, the one that it was answered; of a plain one, the key's if it is all there is. */
  readonly etag: string | undefined;
  readonly quorum: QuorumFacts;
}

export type ConditionalOutcome = ReadSuccess | WriteSuccess | PreconditionFailed | Settled | Failure;
