/** A client's operation of the model, and what its client has learnt of it. */
import type { CausalContext } from '../../../../src/core/causality/causal-context.ts';
import type { Ballot } from '../../../../src/core/paxos/ballot.ts';
import type { KeyRecord } from '../../../../src/core/causality/record.ts';
import type { Round } from '../../../../src/core/paxos/round.ts';
import type { KeyOutcome, KeyRequest, Writes } from './linearizability.ts';

/** What a client was shown: by it it writes on. */
export interface Sight {
  readonly writes: Writes;
  readonly etag: string | undefined;
  readonly context: CausalContext | undefined;
  readonly hasLive: boolean;
}

export interface ModelOperation {
  readonly number: number;
  readonly request: KeyRequest;
  readonly seen: Sight | undefined;
  readonly calledAt: number;
  /** Below every ballot that may carry it. */
  readonly notBefore: Ballot;
  returnedAt: number;
  /** `failed`: certainly not applied, or a read without an answer. */
  outcome: KeyOutcome | { readonly type: 'failed' } | undefined;
  /** Requests sent to coordinators. */
  attempts: number;
  /** Whether an ACCEPT of it may have been sent by another coordinator. */
  isRetry: boolean;
  /** Rounds of its coordinator that were lost after they had proposed it. */
  readonly lostRounds: Round[];
  rounds: number;
}

/** What the driver offers to coordinators. */
export interface ModelHost {
  readonly nowMs: number;
  draw(below: number): number;
  chance(percent: number): boolean;
  /** Puts a message on its way: it may be lost, late, or come twice. */
  send(deliver: () => void): void;
  /** The coordinator's answer to the client. */
  answer(
    operation: ModelOperation,
    outcome: NonNullable<ModelOperation['outcome']>,
    record?: KeyRecord,
  ): void;
  log(line: () => string): void;
}
