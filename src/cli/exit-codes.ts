/** Exit codes of the command line. They are part of its contract: scripts branch on them. */
export const EXIT = {
  ok: 0,
  /** Anything that has no code of its own, for instance a busy port or a refused value. */
  failed: 1,
  usage: 2,
  notFound: 3,
  preconditionFailed: 4,
  siblings: 5,
  /** Too few replicas, or no node at all, could be reached; nothing was written. */
  quorumUnavailable: 6,
  /** The write may have happened, or may yet. */
  outcomeUnknown: 7,
  configuration: 78,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const BY_CODE: ReadonlyMap<string, ExitCode> = new Map<string, ExitCode>([
  ['not-found', EXIT.notFound],
  ['precondition-failed', EXIT.preconditionFailed],
  ['quorum-unavailable', EXIT.quorumUnavailable],
  ['quorum-timeout', EXIT.quorumUnavailable],
  ['session-too-new', EXIT.quorumUnavailable],
  ['draining', EXIT.quorumUnavailable],
  ['overloaded', EXIT.quorumUnavailable],
  ['unreachable', EXIT.quorumUnavailable],
  ['timeout', EXIT.quorumUnavailable],
  ['bad-request', EXIT.usage],
  ['invalid-key', EXIT.usage],
  ['bad-quorum', EXIT.usage],
  ['bad-context', EXIT.usage],
  ['invalid-argument', EXIT.usage],
]);

/** The exit code for an error's `code` and `outcome`. An unknown outcome decides alone, whatever caused it. */
export function exitCodeOf(error: { readonly code: string; readonly outcome: string }): ExitCode {
  if (error.outcome === 'unknown') return EXIT.outcomeUnknown;
  return BY_CODE.get(error.code) ?? EXIT.failed;
}

/** Whether the error says that nodes could not be reached in number, not that something is wrong with the request. */
export function isUnavailable(code: string): boolean {
  return BY_CODE.get(code) === EXIT.quorumUnavailable;
}
