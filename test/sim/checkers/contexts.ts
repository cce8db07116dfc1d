/**
 * A context claims only what its holder has seen. One that covers more makes the next write of its holder destroy siblings
 * that nobody looked at, and no reader ever learns of it.
 */
import { type CausalContext, sameContext, withDot } from '../../../src/core/causality/causal-context.ts';
import type { Dot } from '../../../src/core/causality/dot.ts';
import type { EventSet } from './closure.ts';
import type { Violation } from './history.ts';

/** The context that came with an answer. */
export interface GivenContext {
  readonly key: string;
  /** What gave it, for people. */
  readonly what: string;
  /** Events that it covers. */
  readonly events: Iterable<number>;
  /** Dots that it covers and that no process ever tried to write. */
  readonly unheard: readonly string[];
}

/** `seen`: the events that whoever gets the context has seen, and all that those had superseded. */
export function checkCoversOnlySeen(
  { key, what, events, unheard }: GivenContext,
  seen: EventSet,
): readonly Violation[] {
  const unseen = [...events].find((event) => !seen.has(event));
  const violations: Violation[] = [];
  if (unseen !== undefined) {
    violations.push({
      invariant: 'over-covering-context',
      detail: `the context of ${what} of ${key} covers ${unseen}, which its holder has not seen`,
    });
  }
  if (unheard.length > 0) {
    violations.push({
      invariant: 'over-covering-context',
      detail: `the context of ${what} of ${key} covers ${unheard.join(', ')}, which nobody ever wrote`,
    });
  }
  return violations;
}

/** The answer to a write gives the client's own context plus exactly the new dot. */
export function checkAnswersOwnContext(
  what: string,
  {
    before,
    dot,
    answered,
  }: { readonly before: CausalContext; readonly dot: Dot; readonly answered: CausalContext },
): readonly Violation[] {
  if (sameContext(answered, withDot(before, dot))) return [];
  const detail = `the context of the answer to ${what} is not the client's own plus the new dot`;
  return [{ invariant: 'over-covering-context', detail }];
}
