/** How long a node waits until it dials a member again. */
import { RECONNECT_FIRST_MS, RECONNECT_LAST_MS } from '../../core/limits.ts';
import type { Random } from '../../ports/random.ts';

/**
 * Milliseconds after so many dials in a row that came to nothing: doubles from the first to the last delay; half of it is
 * drawn, so that nodes do not dial in step.
 */
export function backoffMs(failures: number, random: Random): number {
  const fullMs = Math.min(RECONNECT_FIRST_MS * 2 ** Math.min(failures, 16), RECONNECT_LAST_MS);
  return fullMs / 2 + (random.fraction() * fullMs) / 2;
}
