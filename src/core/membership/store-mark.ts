/**
 * Whether a member's store is the one that others remember. A store has an id, drawn when it was created, and a sequence
 * number that rises with every batch of writes; members tell each other both. Who presents another id has lost all that it
 * held (a new disk); who was opened at a lower number than others remember has lost the end of it (an old copy was restored,
 * or a disk dropped what it had confirmed). Either must not count as a replica before it has got back what others hold.
 *
 * A store that has lost its end may write on alone, past the number that others remember, and be opened once more: that number
 * is then as high as it should be. So a store also lists its openings, each with the number that it began at. An opening that
 * others remember reached what they remember of it; if the next one began lower, or if it is not in the list at all, what it
 * wrote last is gone.
 *
 * A store that has lost something goes on under an id of its own, and names those that it took the place of: whoever
 * remembers one of these has nothing to tell it any more.
 *
 * Limits: what nobody has heard of is not missed. And a list has an end: an opening that fell off it, because the store was opened
 * so often while the one who remembers it was away, looks like one that was lost. It is taken for lost, wrongly nearly always: that
 * costs getting back what is there already, while the other mistake would cost what was acknowledged.
 */
import type { Incarnation, StoreId } from '../ids.ts';
import { MAX_OPENINGS } from '../limits.ts';

/** One opening of a store, which is one process. */
export interface StoreOpening {
  /** The incarnation that the process began with. */
  readonly opening: Incarnation;
  /** The sequence number that the store had reached when it was opened. */
  readonly openedAt: number;
}

/** The openings that a store knows of. */
export interface OpeningList {
  /** The newest last. */
  readonly openings: readonly StoreOpening[];
  /** Up to this sequence number openings were not listed: 0, unless the store is older than its list. */
  readonly unlistedUpTo: number;
}

/** What is remembered of a member's store. */
export interface StoreMark {
  readonly storeId: StoreId;
  /** The incarnation that the process began with: it names one opening of the store. */
  readonly opening: Incarnation;
  /** The highest sequence number that the store is known to have reached. */
  readonly sequence: number;
}

/** What a member says of its own store. */
export interface PresentedStore extends StoreOpening {
  readonly storeId: StoreId;
  /** Earlier openings of it. */
  readonly earlier: OpeningList;
  /** Ids of stores of this member that lost something, and whose place this one has taken. */
  readonly lost: readonly StoreId[];
}

/**
 * `new`: nothing is remembered. `same`: the store that is remembered. `successor`: it takes the place of that one, and knows
 * it. `replaced`: it is another one, and does not know that there was one before. `rolled-back`: it is the same, but has lost
 * what was written last.
 */
export type StoreVerdict = 'new' | 'same' | 'successor' | 'replaced' | 'rolled-back';

/** What somebody who remembers `mark` of a member makes of the store that it presents. */
export function judgeStore(mark: StoreMark | undefined, presented: PresentedStore): StoreVerdict {
  if (mark === undefined) return 'new';
  if (mark.storeId !== presented.storeId)
    return presented.lost.includes(mark.storeId) ? 'successor' : 'replaced';
  // One process only ever goes forward; what it had reached when it was opened says nothing about what came after.
  if (mark.opening === presented.opening) return 'same';
  return mark.sequence <= endOf(mark.opening, presented) ? 'same' : 'rolled-back';
}

/** The sequence number that the store had kept of an earlier opening when the next one began. */
function endOf(opening: Incarnation, { openedAt, earlier }: PresentedStore): number {
  const place = earlier.openings.findLastIndex((listed) => listed.opening === opening);
  if (place === -1) return Math.min(openedAt, earlier.unlistedUpTo);
  return Math.min(openedAt, ...earlier.openings.slice(place + 1).map((later) => later.openedAt));
}

/** The list after one more opening; without the oldest one if there would be too many. */
export function withOpening({ openings, unlistedUpTo }: OpeningList, opening: StoreOpening): OpeningList {
  return { openings: [...openings, opening].slice(-MAX_OPENINGS), unlistedUpTo };
}

/**
 * What to remember after a member has presented itself. What has lost something without knowing it is not remembered in the
 * place of what it lost: it has to be told again until it knows, whatever becomes of it meanwhile.
 */
export function rememberStore(mark: StoreMark | undefined, presented: PresentedStore): StoreMark {
  const { storeId, opening, openedAt } = presented;
  const verdict = judgeStore(mark, presented);
  if (mark !== undefined && (verdict === 'replaced' || verdict === 'rolled-back')) return mark;
  const sequence = verdict === 'same' ? Math.max(mark?.sequence ?? 0, openedAt) : openedAt;
  return { storeId, opening, sequence };
}

/** The mark after this opening of this store was heard to have reached a sequence number. */
export function raiseMark(mark: StoreMark, heard: StoreMark): StoreMark {
  const isOfMark = mark.storeId === heard.storeId && mark.opening === heard.opening;
  return isOfMark && heard.sequence > mark.sequence ? heard : mark;
}
