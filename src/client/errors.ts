import type { ProblemBody } from '../api/bodies.ts';
import type { ProblemCode, ProblemOutcome } from '../api/errors.ts';

/**
 * Codes that the client itself gives, beside the problem codes of the nodes:
 * - `timeout`: the deadline of the call passed;
 * - `aborted`: the caller's AbortSignal fired;
 * - `unreachable`: no connection to a node, or it was lost;
 * - `bad-response`: what answered does not speak this API;
 * - `bad-value`: the codec could not encode or decode the value;
 * - `invalid-argument`: an option or argument is not possible.
 */
export type ClientErrorCode =
  | 'timeout'
  | 'aborted'
  | 'unreachable'
  | 'bad-response'
  | 'bad-value'
  | 'invalid-argument';

/** Every code that a {@link QuorateError} may have; a newer node may send others. */
export type QuorateErrorCode = ProblemCode | ClientErrorCode | (string & Record<never, never>);

/** One request that was sent, or could not be sent, to one node. */
export interface AttemptReport {
  /** Base URL of the node. */
  readonly node: string;
  /** How long the attempt took, milliseconds. */
  readonly ms: number;
  /** HTTP status, if there was an answer. */
  readonly status?: number;
  readonly code?: QuorateErrorCode;
  readonly message: string;
}

/** What a {@link QuorateError} is made of. */
export interface QuorateErrorDetails {
  readonly code: QuorateErrorCode;
  readonly outcome?: ProblemOutcome;
  readonly attempts?: readonly AttemptReport[];
  readonly hint?: string | undefined;
  readonly status?: number | undefined;
  readonly problem?: ProblemBody | undefined;
  readonly writeId?: string | undefined;
  readonly cause?: unknown;
}

/**
 * The only error that the client throws on purpose. What a caller's own function throws (a resolver, the function
 * given to `update`) passes through as it is.
 */
export class QuorateError extends Error {
  /** Stable and machine-readable, for instance `quorum-unavailable`. */
  readonly code: QuorateErrorCode;
  /**
   * What is known of a write. `not-applied`: it certainly did not happen and will not. `unknown`: it may have
   * happened, or may yet. A read that failed is always `not-applied`.
   */
  readonly outcome: ProblemOutcome;
  /** All attempts of the call, in order; empty if nothing was sent. */
  readonly attempts: readonly AttemptReport[];
  /** What to do next, where there is something to say. */
  readonly hint: string | undefined;
  /** HTTP status of the last answer, if there was one. */
  readonly status: number | undefined;
  /** The last answer's problem document (RFC 9457), if there was one. */
  readonly problem: ProblemBody | undefined;
  /** Id of the write. Repeating the write with this `writeId` is the same write, not a second one. */
  readonly writeId: string | undefined;

  constructor(message: string, details: QuorateErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'QuorateError';
    this.code = details.code;
    this.outcome = details.outcome ?? 'not-applied';
    this.attempts = details.attempts ?? [];
    this.hint = details.hint;
    this.status = details.status;
    this.problem = details.problem;
    this.writeId = details.writeId;
  }
}

/** What went wrong, in words, whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
