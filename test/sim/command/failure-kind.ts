/** How a run can fail, and what this program ends with: 1 a wrong result, 2 a crash, 3 no progress. */

export const EXIT_CODES = {
  'wrong-result': 1,
  crash: 2,
  'no-progress': 3,
  usage: 64,
  interrupted: 130,
} as const;

export type FailureKind = 'wrong-result' | 'crash' | 'no-progress';

/** Names beside those of the checkers' invariants: what only the process around a run can see. */
export const PROCESS_ENDED = 'process-ended';
export const WALL_CLOCK = 'wall-clock';
export const DETERMINISM = 'determinism';

/** The kind of failure that a violated invariant is. */
function failureKindOf(invariant: string): FailureKind {
  switch (invariant) {
    case 'no-exception':
    case PROCESS_ENDED:
      return 'crash';
    case 'progress':
    case WALL_CLOCK:
      return 'no-progress';
    default:
      return 'wrong-result';
  }
}

/** The exit code of a program in which these invariants failed: of several kinds the gravest, which is a wrong result. */
export function exitCodeOf(invariants: readonly string[]): number {
  const codes = invariants.map((invariant) => EXIT_CODES[failureKindOf(invariant)]);
  return codes.length === 0 ? 0 : Math.min(...codes);
}
