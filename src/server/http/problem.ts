/**
 * Refusals and failures as RFC 9457 problem details. Handlers throw a `Problem`; the app turns it into a reply.
 * What is thrown that is no `Problem` is a bug: it becomes `internal`, is logged, and its text never leaves the process.
 */
import { PROBLEM_MEDIA_TYPE } from '../../api/headers.ts';
import type { ProblemBody } from '../../api/bodies.ts';
import { PROBLEMS, type ProblemCode, type ProblemOutcome } from '../../api/errors.ts';
import type { Failure } from '../../core/outcome.ts';
import type { Reply } from './reply.ts';

interface ProblemFacts {
  /** What the client can do about it, in a sentence. */
  readonly hint?: string;
  /** Set where it differs from the code's usual one. */
  readonly outcome?: ProblemOutcome;
  /** Milliseconds after which another try makes sense. */
  readonly retryAfterMs?: number;
  /** Headers beside the usual ones. */
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON text of the envelope of what is there: the member `entry` of the body. */
  readonly entryText?: string;
  /** Further members of the body. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly about: ProblemFacts;

  constructor(code: ProblemCode, detail: string, about: ProblemFacts = {}) {
    super(detail);
    this.code = code;
    this.about = about;
  }
}

/** A problem, or what stands for one where nobody has to throw it. */
type ProblemLike = Pick<Problem, 'code' | 'message' | 'about'>;

const HINTS: Partial<Record<ProblemCode, string>> = {
  'invalid-key': 'A bucket is 1 to 64 of A-Z a-z 0-9 . _ -, a key 1 to 1024 bytes of percent-encoded UTF-8.',
  'bad-quorum': 'Leave the header out to use the defaults of the bucket.',
  'bad-context': 'Send back the Quorate-Context of an answer for this very key, unchanged, or none at all.',
  unauthenticated: 'Send the header Authorization: Bearer TOKEN with a token of this cluster.',
  forbidden: 'Use a token with write access.',
  'sibling-limit':
    'Read the key, resolve its siblings, and write the result with the Quorate-Context of that read.',
  'write-id-reused': 'Draw a new write id for each new write; only a retry of the same bytes may reuse one.',
  'headers-too-large': 'Send fewer or shorter headers.',
  internal: 'This is a bug. The log of the node has more under this request id.',
  overloaded: 'Nothing was done. Try again after a pause, or through another node.',
  draining: 'Nothing was done. Use another node.',
  'quorum-unavailable': 'Nothing was written. Try again when more nodes are up, or ask for a smaller quorum.',
  'session-too-new':
    'Try again: replicas that missed something are repaired meanwhile. A larger Quorate-Timeout-Ms waits longer for them.',
  'quorum-timeout':
    'A write may still appear. Send it again with the same Quorate-Write-Id, or read the key before you decide.',
  'precondition-failed':
    'Read the key, decide again, and send the ETag of that read. The ETag in this answer is the one it had just now.',
  'cas-contention': 'Nothing was done. Try again after a pause.',
  'write-id-expired': 'Read the key to see whether the write was applied before you write again.',
  'no-space': 'Free some space on the disk of this node, or write through another one.',
};

const RETRY_HINT =
  'This attempt did nothing, but an earlier one under this Quorate-Write-Id may have been applied. Send it again with the same id, or read the key before you decide.';

const RETRY_AFTER_MS: Partial<Record<ProblemCode, number>> = {
  'cas-contention': 100,
  overloaded: 1_000,
  draining: 1_000,
  'quorum-unavailable': 1_000,
  'session-too-new': 1_000,
  'no-space': 30_000,
};

/** What a conditional request can do about it, which takes no other quorum than a majority of the home replicas. */
const CONDITIONAL_HINTS: Partial<Record<ProblemCode, string>> = {
  'quorum-unavailable':
    'Nothing was done. Try again when a majority of the home replicas of the key is up: GET /v1/inspect tells which those are, and who votes.',
  'quorum-timeout':
    'The write may still appear. Send it again with the same Quorate-Write-Id, or ask GET /v1/outcome what became of it.',
};

/** What an operation asked for: hints and outcomes differ. */
export type FailedOperation = 'read' | 'write' | 'linearizable read' | 'conditional write';

/**
 * The problem that a failed operation of the storage node is. A failed read changed nothing, whatever happened. `writeId`: of a
 * write that the client gave none, the one that its outcome can be asked for by.
 */
export function problemOfFailure(failure: Failure, operation: FailedOperation, writeId?: string): Problem {
  const { code, detail, certainty, required, received, replicas } = failure;
  const facts: Record<string, unknown> = {};
  if (writeId !== undefined && certainty === 'unknown') facts['writeId'] = writeId;
  if (required !== undefined) facts['required'] = required;
  if (received !== undefined) facts['received'] = received;
  if (replicas !== undefined) facts['replicas'] = replicas;
  const isRead = operation === 'read' || operation === 'linearizable read';
  const hint = hintOf(code, operation, certainty);
  return new Problem(code, detail, {
    outcome: isRead ? 'not-applied' : certainty,
    ...(hint === undefined ? {} : { hint }),
    ...(isRead && code === 'quorum-timeout' ? { retryAfterMs: 1_000 } : {}),
    facts,
  });
}

/** Undefined: the usual one. */
function hintOf(
  code: ProblemCode,
  operation: FailedOperation,
  certainty: Failure['certainty'],
): string | undefined {
  if (code === 'quorum-timeout' && operation === 'read') return 'Try again, or ask for a smaller R.';
  if (code === 'quorum-timeout' && operation === 'linearizable read')
    return 'Try again. A majority of the home replicas of the key has to answer: GET /v1/inspect tells which those are, and who votes.';
  if (code === 'quorum-timeout' && certainty === 'not-applied')
    return 'The write took no effect, and will take none: it can be sent again.';
  return operation === 'read' || operation === 'write' ? undefined : CONDITIONAL_HINTS[code];
}

/** Body and headers of a problem, without the headers that every reply gets. An `outcome` given here wins over the problem's. */
export function problemReply(problem: ProblemLike, requestId: string, outcome?: ProblemOutcome): Reply {
  const { code, about } = problem;
  const { status } = PROBLEMS[code];
  const headers: Record<string, string> = { 'Content-Type': PROBLEM_MEDIA_TYPE, ...about.headers };
  const retryAfterMs = about.retryAfterMs ?? RETRY_AFTER_MS[code];
  if (retryAfterMs !== undefined) headers['Retry-After'] = String(Math.ceil(retryAfterMs / 1_000));
  return {
    status,
    headers,
    body: withEntry(JSON.stringify(problemBody(problem, requestId, retryAfterMs, outcome)), about.entryText),
    problem: code,
  };
}

/** The envelope is put in as the text that it is: parsed and printed again, it would round large numbers of a JSON value. */
function withEntry(body: string, entryText: string | undefined): string {
  return entryText === undefined ? body : `${body.slice(0, -1)},"entry":${entryText}}`;
}

function problemBody(
  problem: ProblemLike,
  requestId: string,
  retryAfterMs: number | undefined,
  forced: ProblemOutcome | undefined,
): ProblemBody {
  const { code, message, about } = problem;
  const { title, status, outcome: usual } = PROBLEMS[code];
  const outcome = forced ?? about.outcome ?? usual;
  // Where a refusal is unknown all the same, the write was sent before: what this attempt did not do is not the whole truth.
  const isRefusedRetry = usual === 'not-applied' && outcome === 'unknown';
  const hint = isRefusedRetry ? RETRY_HINT : (about.hint ?? HINTS[code]);
  return {
    type: `urn:quorate:problem:${code}`,
    title,
    status,
    detail: message,
    code,
    outcome,
    requestId,
    ...(hint === undefined ? {} : { hint }),
    ...about.facts,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}
