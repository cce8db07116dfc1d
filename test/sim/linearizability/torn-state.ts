/**
 * When a search of one key's history (object-search.ts) has come to a state from which nothing leads on, told before all is tried
 * that may follow. No event comes back that has left. So what has to find an event comes before whatever must not find it; and if
 * that makes two operations come one before the other, each of the two, the state is torn between them. And what one must not find
 * something has to take the place of before.
 *
 * That something must not take the place of anything that has to stay until then: of what the one has to find, all
 * that is there already, and all that others have to find together with what leaves. They come before it leaves, so
 * what they have in common with the one is there from them to the one. Without that a search did not see that what
 * it had placed too early could not leave in time, and tried all subsets of a dozen writes of which one read shows
 * a part, and another one, later, the whole.
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
  /**
   * The targets with the event, also of operations that cannot be next. Those of placed ones do no harm: what they
   * found and another one still has to find is there.
   */
  readonly targetsWith: (event: string) => readonly Target[];
  /** Whether one that is called by then may take the place of the event, and of none that is kept. */
  readonly mayLeave: (event: string, by: number, kept: readonly string[]) => boolean;
}

/** `events`: those of the state. */
export function isTorn(
  events: readonly string[],
  { next, nothingLiveBy, first, isFoundLater, targetsWith, mayLeave }: FrontTargets,
): boolean {
  if (events.some((event) => first?.has(event) === false && isFoundLater(event))) return true;
  const live = nothingLiveBy === undefined ? [] : events.filter((event) => !isDeletion(event));
  if (live.some((event) => !mayLeave(event, nothingLiveBy ?? 0, []))) return true;
  const found = next.map((target) => events.filter((event) => target.events.has(event)));
  const there = new Set(events);
  if (
    next.some((target) =>
      events.some((event) => !mayLeaveBefore(target, event, { there, targetsWith, mayLeave })),
    )
  )
    return true;
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

interface Situation extends Pick<FrontTargets, 'targetsWith' | 'mayLeave'> {
  readonly there: Target;
}

/** Whether the event is in the target, or may leave before without anything that has to stay. */
function mayLeaveBefore(
  target: FrontTarget,
  event: string,
  { there, targetsWith, mayLeave }: Situation,
): boolean {
  if (target.events.has(event)) return true;
  const earlier = targetsWith(event);
  const kept = [...target.events].filter(
    (each) => there.has(each) || earlier.some((other) => other.has(each)),
  );
  return mayLeave(event, target.returnedAt, kept);
}
