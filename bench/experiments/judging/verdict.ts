/** What the checkers say, as the report has it. */
import type { Verdict } from '../../report/document.ts';

/** Sentences that are named; the rest is counted. */
const NAMED = 5;

/** `broken`: what does not hold, in sentences. `sound`: what to say if that is nothing. */
export function verdictOf(broken: readonly string[], sound: string): Verdict {
  if (broken.length === 0) return { isSound: true, text: sound };
  const rest = broken.length > NAMED ? [`and ${broken.length - NAMED} more`] : [];
  return { isSound: false, text: [...broken.slice(0, NAMED), ...rest].join('; ') };
}
