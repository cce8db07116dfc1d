/** The order that the join makes of records: one is within another if joining it in changes nothing there. */
import { sameContext } from './causal-context.ts';
import { compareSiblings, joinRecords } from './join.ts';
import type { KeyRecord } from './record.ts';
import { compareRememberedWrites } from './remembered-writes.ts';

/** The order and the join of records in the form in which someone holds them: as values, or as bytes. */
export interface RecordOrder<Held> {
  isWithin(part: Held | undefined, whole: Held | undefined): boolean;
  join(left: Held | undefined, right: Held | undefined): Held | undefined;
}

/** Joins two records, either of which may be missing. A missing record holds nothing, and is within every other. */
export function joinIfAny(left: KeyRecord | undefined, right: KeyRecord | undefined): KeyRecord | undefined {
  if (left === undefined) return right;
  return right === undefined ? left : joinRecords(left, right);
}

/** Whether all that `part` knows is in `whole` already. */
export function isWithin(part: KeyRecord | undefined, whole: KeyRecord | undefined): boolean {
  if (part === undefined || part === whole) return true;
  return whole !== undefined && sameRecord(joinRecords(part, whole), whole);
}

/** Whether two records hold the same: equal siblings, contexts, remembered writes and N. */
export function sameRecord(left: KeyRecord | undefined, right: KeyRecord | undefined): boolean {
  if (left === right) return true;
  if (left === undefined || right === undefined) return false;
  return (
    left.largestN === right.largestN &&
    sameLists(left.siblings, right.siblings, compareSiblings) &&
    sameLists(left.writes, right.writes, compareRememberedWrites) &&
    sameContext(left.context, right.context)
  );
}

function sameLists<Item>(
  left: readonly Item[],
  right: readonly Item[],
  compare: (left: Item, right: Item) => number,
): boolean {
  return (
    left === right ||
    (left.length === right.length && left.every((item, index) => compare(item, right[index] as Item) === 0))
  );
}

/** Of records as values. */
export const KEY_RECORDS: RecordOrder<KeyRecord> = { isWithin, join: joinIfAny };
