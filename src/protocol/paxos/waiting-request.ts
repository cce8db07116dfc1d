/** One conditional request that waits for a round to answer it, and what may be said of it if none does in time. */
import { requestDigestOf } from '../../codec/conditional-digest.ts';
import { NEW_REQUEST_MS } from '../../core/limits.ts';
import type { Conditional, Verdict } from '../../core/paxos/conditional.ts';
import type { Ballot } from '../../core/paxos/ballot.ts';
import type { Round } from '../../core/paxos/round.ts';
import { certaintyOf } from '../../core/paxos/write-certainty.ts';
import type { ConditionalOutcome, Failure, QuorumFacts } from '../../core/outcome.ts';
import type { ConditionalRequest } from '../../core/request.ts';
import type { Deadline } from '../coordinator/deadline.ts';
import type { CannotCoordinate } from '../coordinator/write-coordinator.ts';
import type { RoundRun } from './round-run.ts';
import { outcomeOf } from './conditional-outcome.ts';

export type ConditionalResult = ConditionalOutcome | CannotCoordinate;

export interface WaitingOptions {
  /** Whether a round has to propose it, even if what is there is known. */
  readonly mustPropose: boolean;
  /** Whether it came from another node, and not from a client of this one. */
  readonly isForwarded: boolean;
  /** By the monotonic clock, milliseconds: from when on another coordinator may have been given it. */
  readonly takenAtMs: number;
  /** Time of the ballot floor by then, milliseconds since 1970; 0 if there was none. */
  readonly floorMs: number;
  /** The newest time of the key's rounds that was known by then, milliseconds since 1970 (newest-known.ts). */
  readonly knownMs: number;
  readonly resolve: (result: ConditionalResult) => void;
}

export class WaitingRequest {
  readonly request: ConditionalRequest;
  readonly deadline: Deadline;
  readonly mustPropose: boolean;
  readonly isForwarded: boolean;
  readonly #resolve: (result: ConditionalResult) => void;
  readonly #stopDeadline: () => void;
  /** The rounds that it took part in, with its place in each. */
  readonly #rounds: { readonly round: Round; readonly place: number }[] = [];
  readonly #takenAtMs: number;
  readonly #floorMs: number;
  readonly #knownMs: number;
  #conditional: Conditional;
  #run: RoundRun | undefined;
  #isAnswered = false;
  #wasContended = false;

  constructor(
    request: ConditionalRequest,
    deadline: Deadline,
    { mustPropose, isForwarded, takenAtMs, floorMs, knownMs, resolve }: WaitingOptions,
  ) {
    this.request = request;
    this.deadline = deadline;
    this.mustPropose = mustPropose;
    this.isForwarded = isForwarded;
    this.#resolve = resolve;
    this.#takenAtMs = takenAtMs;
    this.#floorMs = floorMs;
    this.#knownMs = knownMs;
    this.#conditional = conditionalOf(request);
    this.#stopDeadline = deadline.onPassed(() => this.answer(this.#tooLate()));
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** Whether no round has had it yet: then nothing of it was sent. */
  get isFresh(): boolean {
    return this.#rounds.length === 0;
  }

  /** For what matters of it at any time. */
  get conditional(): Conditional {
    return this.#conditional;
  }

  /**
   * For a round, or a read, at the time `atMs` of the ballots of its key (milliseconds since 1970), when the monotonic clock shows
   * `nowMs`. Since when it waits is said by that time: what came meanwhile has ballots, too, and the wall clock of this node may be
   * wrong by days, so that everything, or nothing, would seem to have come since.
   */
  conditionalAt(atMs: number, nowMs: number): Conditional {
    const conditional = this.#conditional;
    if (conditional.type !== 'write') return conditional;
    // What was collected by then was collected before, even if the clock that it was collected by was ahead of this one.
    const waitedMs = nowMs - this.#takenAtMs;
    const takenAtMs = Math.max(atMs - waitedMs, this.#floorMs + 1);
    // Meanwhile there will hardly have been so many rounds; and this node may not know of many that there have been before.
    const isNew = waitedMs <= NEW_REQUEST_MS;
    const knownMs = isNew ? takenAtMs : Math.max(this.#knownMs, this.#floorMs + 1);
    return { ...conditional, identity: { ...conditional.identity, takenAtMs, knownMs } };
  }

  /** A round begins that has it at this place. */
  enters(run: RoundRun, round: Round, place: number): void {
    this.#run = run;
    this.#rounds.push({ round, place });
  }

  /** A round that had it was lost; refused by somebody who holds something newer, or not. */
  lost(isContended: boolean): void {
    this.#wasContended ||= isContended;
    const conditional = this.#conditional;
    const first = this.#rounds[0]?.round.ballot as Ballot;
    if (conditional.type !== 'write' || this.#exposed.length === 0 || !conditional.identity.firstAttempt)
      return;
    // What was sent may have been accepted: from now on it is looked for first.
    const identity = { ...conditional.identity, firstAttempt: false, notBefore: first };
    this.#conditional = { ...conditional, identity };
  }

  /** Answers what a round came to. Whether it is answered now: it may have to wait for another round. */
  decided(verdict: Verdict, quorum: QuorumFacts): boolean {
    // Only of a retry can it be unknown; this one is certain of what it has sent itself.
    if (verdict.type === 'expired' && this.#isFirstAttempt) {
      this.#wasContended = true;
      this.answer(this.#tooLate());
      return true;
    }
    const outcome = outcomeOf(verdict, this.request, quorum);
    if (outcome !== undefined) this.answer(outcome);
    return outcome !== undefined;
  }

  /** Only the first answer counts. */
  answer(result: ConditionalResult): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#stopDeadline();
    this.#resolve(result);
  }

  get #exposed(): readonly Round[] {
    return this.#rounds.filter(({ round, place }) => round.exposed === place).map(({ round }) => round);
  }

  get #isFirstAttempt(): boolean {
    const { operation } = this.request;
    return operation.type === 'write' && operation.identity.firstAttempt;
  }

  #tooLate(): Failure {
    const { operation } = this.request;
    // Whoever is told that a write was not applied is told the truth only if no round can propose it any more.
    if (operation.type === 'write') this.#run?.giveUpUnproposed();
    const firstAttempt = operation.type !== 'write' || operation.identity.firstAttempt;
    const certainty = certaintyOf({ firstAttempt, rounds: this.#exposed });
    if (certainty === 'not-applied' && this.#wasContended && operation.type === 'write') {
      const detail = 'Other writes of this key came in between again and again, and this one took no effect.';
      return { type: 'failed', code: 'cas-contention', certainty, detail };
    }
    const detail =
      certainty === 'unknown'
        ? 'No majority of the home replicas confirmed the write in time: it may take effect yet.'
        : 'No majority of the home replicas answered in time.';
    return { type: 'failed', code: 'quorum-timeout', certainty, detail };
  }
}

function conditionalOf({ operation }: ConditionalRequest): Conditional {
  if (operation.type !== 'write') return operation;
  const { condition, content, identity } = operation;
  const requestDigest = requestDigestOf(operation);
  const mayBeElsewhere = !identity.firstAttempt;
  return {
    type: 'write',
    condition,
    content,
    identity: { ...identity, requestDigest, mayBeElsewhere, takenAtMs: 0, knownMs: 0 },
  };
}
