/**
 * The smallest list that still fails, after Zeller and Hildebrandt ("Simplifying and Isolating Failure-Inducing Input", 2002): parts
 * are left out, large ones first, then smaller ones, then single items, until nothing more can be.
 *
 * Unlike their ddmin it goes on behind a part that could be left out instead of beginning anew: what could not be left out
 * before hardly ever can be afterwards, and each try costs a whole run. Nor does it try a part alone, which hardly ever fails
 * where a schedule of operations has to come about first.
 */

/** Whether a list still fails. Says no once the budget is spent. */
export type StillFails<Item> = (items: readonly Item[]) => Promise<boolean>;

/** `items` must fail. Of the result no single item can be left out, unless the budget ended before. */
export async function minimize<Item>(
  items: readonly Item[],
  stillFails: StillFails<Item>,
): Promise<readonly Item[]> {
  if (items.length === 0 || (await stillFails([]))) return [];
  let current = items;
  for (let size = Math.ceil(items.length / 2); size > 1; size = Math.ceil(size / 2)) {
    current = await withoutParts(current, size, stillFails);
  }
  for (let before = -1; before !== current.length; ) {
    before = current.length;
    current = await withoutParts(current, 1, stillFails);
  }
  return current;
}

/** Tries to leave out each part of this size once, the last one first. */
async function withoutParts<Item>(
  items: readonly Item[],
  size: number,
  stillFails: StillFails<Item>,
): Promise<readonly Item[]> {
  let current = items;
  for (let from = Math.floor((items.length - 1) / size) * size; from >= 0; from -= size) {
    const candidate = [...current.slice(0, from), ...current.slice(from + size)];
    // The empty list was tried first of all.
    if (candidate.length > 0 && (await stillFails(candidate))) current = candidate;
  }
  return current;
}
