/**
 * What one failed attempt means: for the write (may it have been applied?), for the node (should others be asked
 * first?), and for the call (may it be tried again?). Pure.
 */
import type { ProblemBody } from '../api/bodies.ts';
import { PROBLEMS } from '../api/errors.ts';
import type { ProblemCode, ProblemOutcome } from '../api/errors.ts';
import { HEADERS, PROBLEM_MEDIA_TYPE } from '../api/headers.ts';
import { messageOf } from './errors.ts';
import type { QuorateErrorCode } from './errors.ts';
import { TransportError } from './transport-error.ts';
import type { TransportResponse } from './transport.ts';

export interface AttemptFailure {
  readonly code: QuorateErrorCode;
  readonly message: string;
  /** Of a write: whether this attempt may have been applied, or may be yet. */
  readonly outcome: ProblemOutcome;
  /** Whether another attempt may fare better. A write is tried again under its id, so that it stays one write. */
  readonly retryable: boolean;
  /** Whether this node rather than the cluster failed: then another one is asked at once. */
  readonly nodeFailed: boolean;
  readonly retryAfterMs?: number;
  readonly hint?: string;
  readonly status?: number;
  readonly problem?: ProblemBody;
  readonly cause?: unknown;
}

/** Problems that pass, on this node or on another. */
const TRANSIENT = new Set<string>([
  'quorum-unavailable',
  'quorum-timeout',
  'session-too-new',
  'overloaded',
  'draining',
  'internal',
  'no-space',
] satisfies ProblemCode[]);

/** Statuses that pass, for answers with a code that this version does not know, or none. */
const TRANSIENT_STATUSES = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Problems that may be those of one node: the next one may answer well at once. A node that finds no quorum is perhaps
 * cut off from the others; if all of them find none, each is asked once before the call pauses.
 */
const NODE_PROBLEMS = new Set<string>([
  'draining',
  'no-space',
  'quorum-unavailable',
  'quorum-timeout',
  'session-too-new',
] satisfies ProblemCode[]);

/** Whether a failure with this code may pass by itself. */
export function isTransient(code: string): boolean {
  return TRANSIENT.has(code) || code === 'unreachable';
}

/** What a rejection of the transport means. */
export function failureOfTransport(thrown: unknown): AttemptFailure {
  const { sent, code, hint } =
    thrown instanceof TransportError ? thrown : new TransportError('', { sent: true });
  // An answer that cannot be taken is no sign of a failed node, and would come again.
  const lost = code === 'unreachable';
  const prefix = lost ? `${sent ? 'No answer' : 'No connection'}: ` : '';
  return {
    code,
    message: `${prefix}${messageOf(thrown)}`,
    outcome: sent ? 'unknown' : 'not-applied',
    retryable: lost,
    nodeFailed: lost,
    ...(hint === undefined ? {} : { hint }),
    cause: thrown,
  };
}

/** What it means that a node said nothing for `afterMs` milliseconds. */
export function failureOfSilence(afterMs: number): AttemptFailure {
  return {
    code: 'timeout',
    message: `No answer within ${Math.round(afterMs)} ms`,
    outcome: 'unknown',
    retryable: true,
    nodeFailed: true,
  };
}

/** What an answer means that is not the one asked for: a problem document, or something foreign. */
export function failureOfResponse(response: TransportResponse, nowMs: number): AttemptFailure {
  const problem = problemOf(response);
  if (problem === undefined) return failureOfForeignAnswer(response);
  if (isUnknownPath(response, problem)) return failureOfUnknownPath(problem);
  const known = Object.hasOwn(PROBLEMS, problem.code);
  const retryAfterMs = retryAfterOf(response, problem, nowMs);
  return {
    code: problem.code,
    message: problem.detail ?? problem.title,
    // Only a plain "not-applied" is one.
    outcome: problem.outcome === 'not-applied' ? 'not-applied' : 'unknown',
    retryable: known ? TRANSIENT.has(problem.code) : TRANSIENT_STATUSES.has(response.status),
    nodeFailed: NODE_PROBLEMS.has(problem.code),
    status: response.status,
    problem,
    ...(problem.hint === undefined ? {} : { hint: problem.hint }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** A proxy, or something else that does not speak this API. It may have passed a write on. */
function failureOfForeignAnswer(response: TransportResponse): AttemptFailure {
  const contentType = response.headers.get('content-type') ?? 'no content type';
  return {
    code: 'bad-response',
    message: `Status ${response.status} with ${contentType} is no answer of a Quorate node`,
    outcome: 'unknown',
    retryable: TRANSIENT_STATUSES.has(response.status),
    nodeFailed: true,
    hint: 'Is this the address of a node, and does a proxy in between pass all Quorate-* headers on?',
    status: response.status,
  };
}

/** A 404 that no quorum stands behind speaks of the path, not of an entry. */
function isUnknownPath({ headers }: TransportResponse, { code }: ProblemBody): boolean {
  return code === 'not-found' && (headers.get(HEADERS.quorum) ?? undefined) === undefined;
}

/** A node answered, but not below this base URL. It must not be taken for an entry that is absent. */
function failureOfUnknownPath(problem: ProblemBody): AttemptFailure {
  return {
    code: 'bad-response',
    message: problem.detail ?? problem.title,
    outcome: problem.outcome === 'not-applied' ? 'not-applied' : 'unknown',
    retryable: false,
    nodeFailed: true,
    hint: 'Does the base URL have a path that does not belong there, or does a proxy drop Quorate-* headers?',
    status: problem.status,
    problem,
  };
}

/** The problem document of an answer, if it is one. */
export function problemOf(response: TransportResponse): ProblemBody | undefined {
  if (!(response.headers.get('content-type') ?? '').startsWith(PROBLEM_MEDIA_TYPE)) return undefined;
  try {
    const body: unknown = JSON.parse(new TextDecoder().decode(response.body));
    return isProblem(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

function isProblem(body: unknown): body is ProblemBody {
  if (typeof body !== 'object' || body === null) return false;
  const { code, title } = body as Partial<Record<keyof ProblemBody, unknown>>;
  return typeof code === 'string' && typeof title === 'string';
}

function retryAfterOf(response: TransportResponse, problem: ProblemBody, nowMs: number): number | undefined {
  if (typeof problem.retryAfterMs === 'number') return Math.max(0, problem.retryAfterMs);
  const header = response.headers.get('retry-after');
  if (header === null || header === undefined) return undefined;
  const milliseconds = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - nowMs;
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, milliseconds);
}

const FIRST_BACKOFF_MS = 25;
const LAST_BACKOFF_MS = 1_000;

/**
 * How long to wait before the next attempt, milliseconds. `failures` counts those of this call so far (1 or more),
 * `freshNode` says whether a node is left that was not asked yet, `random` is from 0 to 1.
 */
export function retryDelayMs(
  failure: AttemptFailure,
  state: { readonly failures: number; readonly freshNode: boolean; readonly random: number },
): number {
  // What a failed node says about when to come back does not concern another node.
  if (failure.nodeFailed && state.freshNode) return 0;
  const backoffMs = Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (state.failures - 1));
  const jitteredMs = backoffMs * (0.5 + state.random / 2);
  return Math.max(jitteredMs, failure.retryAfterMs ?? 0);
}
