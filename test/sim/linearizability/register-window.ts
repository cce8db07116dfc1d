/**
 * Short parts of a register's history that can be searched by themselves, from a state that nobody knows: what such a part
 * cannot be, the whole cannot be.
 *
 * An operation that lies within the window is taken as it is. One that reaches over its edge may have taken effect inside or
 * outside, so it is taken as one of unknown outcome, with its call moved to where the window begins; a passive one is left
 * out. Operations of unknown outcome that were called before the end may take effect inside, too.
 */
import { isPassive, type RegisterOperation } from './register-history.ts';

/** Known operations in a window: a short one is searched at once, a longer one may hold a fault that reaches further. */
const SIZES = [6, 24];

/** Windows of some operations each, overlapping by half, in the order of the calls; the short ones first. */
export function* windowsOf(
  operations: readonly RegisterOperation[],
): Generator<readonly RegisterOperation[]> {
  const known = operations
    .filter(({ outcome }) => outcome.type !== 'unknown')
    .toSorted((left, right) => left.calledAt - right.calledAt);
  for (const size of SIZES) {
    for (let first = 0; first < known.length; first += size / 2) {
      const inside = known.slice(first, first + size);
      const from = Math.min(...inside.map(({ calledAt }) => calledAt));
      const to = Math.max(...inside.map(({ returnedAt }) => returnedAt));
      yield windowOf(operations, from, to);
    }
  }
}

function windowOf(
  operations: readonly RegisterOperation[],
  from: number,
  to: number,
): readonly RegisterOperation[] {
  return operations.flatMap((operation) => {
    const { calledAt, returnedAt } = operation;
    if (calledAt >= from && returnedAt <= to) return [operation];
    if (returnedAt < from || calledAt > to || isPassive(operation)) return [];
    return [
      {
        ...operation,
        calledAt: Math.max(calledAt, from),
        returnedAt: Infinity,
        outcome: { type: 'unknown' as const },
      },
    ];
  });
}
