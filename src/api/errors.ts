/**
 * Every problem code of the HTTP API with its status, its title and what it says about a write.
 * Where the outcome column depends on the request (`cas-contention`, `internal`), the entry gives the usual one.
 */
export type ProblemOutcome = 'not-applied' | 'unknown';

interface ProblemKind {
  readonly status: number;
  readonly title: string;
  readonly outcome: ProblemOutcome;
}

export const PROBLEMS = {
  'bad-request': { status: 400, title: 'The request is malformed', outcome: 'not-applied' },
  'invalid-key': { status: 400, title: 'The bucket or key is not allowed', outcome: 'not-applied' },
  'bad-quorum': { status: 400, title: 'The quorum is not possible', outcome: 'not-applied' },
  'bad-context': {
    status: 400,
    title: 'The causal context is not valid for this key',
    outcome: 'not-applied',
  },
  unauthenticated: { status: 401, title: 'Credentials are required', outcome: 'not-applied' },
  forbidden: { status: 403, title: 'These credentials do not allow this', outcome: 'not-applied' },
  'not-found': { status: 404, title: 'Nothing is stored here', outcome: 'not-applied' },
  'method-not-allowed': { status: 405, title: 'This path does not take this method', outcome: 'not-applied' },
  'not-acceptable': { status: 406, title: 'No acceptable representation', outcome: 'not-applied' },
  'sibling-limit': { status: 409, title: 'The record has too many siblings', outcome: 'not-applied' },
  'cas-contention': { status: 409, title: 'Too many writers contend for this key', outcome: 'not-applied' },
  'precondition-failed': { status: 412, title: 'The condition does not hold', outcome: 'not-applied' },
  'too-large': { status: 413, title: 'The value is too large', outcome: 'not-applied' },
  'unsupported-encoding': { status: 415, title: 'Content-Encoding is not supported', outcome: 'not-applied' },
  'write-id-reused': {
    status: 422,
    title: 'The write id was used for another write',
    outcome: 'not-applied',
  },
  'precondition-required': {
    status: 428,
    title: 'This bucket takes conditional writes only',
    outcome: 'not-applied',
  },
  'headers-too-large': { status: 431, title: 'The request headers are too large', outcome: 'not-applied' },
  internal: { status: 500, title: 'Something is broken inside', outcome: 'unknown' },
  'not-implemented': { status: 501, title: 'This part is not built yet', outcome: 'not-applied' },
  overloaded: { status: 503, title: 'The node has too much to do', outcome: 'not-applied' },
  draining: { status: 503, title: 'The node is shutting down', outcome: 'not-applied' },
  'quorum-unavailable': { status: 503, title: 'Too few replicas are reachable', outcome: 'not-applied' },
  'session-too-new': {
    status: 503,
    title: 'No replica that answered is as new as what this client has seen',
    outcome: 'not-applied',
  },
  'quorum-timeout': { status: 504, title: 'Too few replicas answered in time', outcome: 'unknown' },
  'write-id-expired': {
    status: 504,
    title: 'It is no longer known whether this write id was applied',
    outcome: 'unknown',
  },
  'no-space': { status: 507, title: 'The node is low on disk space', outcome: 'not-applied' },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;
