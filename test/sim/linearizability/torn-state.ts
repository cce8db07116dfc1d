/**
 * When a search of one key's history (object-search.ts) has come to a state from which nothing leads on, told before all is tried
 * that may follow. No event comes back that has left. So what has to find an event comes before whatever must not find it; and if
 * that makes two operations come one before the other, each of the two, the state is torn between them. And what one must not find
 * something has to take the place of.
 */
import { isDeletion } from './object-history.ts';

/** What an operation has to find, and nothing else beside it. */
export type Target = ReadonlySet<string>;

export interface FrontTarget {
  readonly events: Target;
  /** When the first operation that has to find just this returns. */
  readonly returnedAt: number;
}

export interface FrontTargets {
  /** Of the operations that may be next. */
  readonly next: readonly FrontTarget[];
  /** When the first of those returns that have to find nothing live; undefined: there is none. */
  readonly nothingLiveBy: number | undefined;
  /** Of the one that returns first; undefined: it does not say what it has to find. */
  readonly first: Target | undefined;
  /** Whether one that cannot be next, and so comes after the one that returns first, has to find the event. */
  readonly isFoundLater: (event: string) => boolean;
  /** Whether one that is called by then may take the place of the event. */
  readonly mayLeave: (event: string, by: number) => boolean;
}

/** `events`: those of the state. */
export function isTorn(
  events: readonly string[],
  { next, nothingLiveBy, first, isFoundLater, mayLeave }: FrontTargets,
): boolean {
  if (events.some((event) => first?.has(event) === false && isFoundLater(event))) return true;
  const live = nothingLiveBy === undefined ? [] : events.filter((event) => !isDeletion(event));
  if (live.some((event) => !mayLeave(event, nothingLiveBy ?? 0))) return true;
  const others = next.map((target) => events.filter((event) => !target.events.has(event)));
  if (
    next.some(
      ({ returnedAt }, place) => others[place]?.some((event) => !mayLeave(event, returnedAt)) === true,
    )
  )
    return true;
  const found = next.map((target) => events.filter((event) => target.events.has(event)));
  return next.some((target, place) =>
    next
      .slice(0, place)
      .some(
        (other, otherPlace) =>
          hasOthers(found[place], other.events) && hasOthers(found[otherPlace], target.events),
      ),
  );
}

function hasOthers(events: readonly string[] | undefined, target: Target): boolean {
  return events?.some((event) => !target.has(event)) === true;
}
