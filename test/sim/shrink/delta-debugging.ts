/**
 * The smallest list that still fails: ddmin (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002).
 * Parts are left out, large ones first; what is left at the end fails no more if any one item is taken away, unless the
 * budget ended before.
 *
 * It tries complements only: a part alone hardly ever fails where a schedule of operations has to come about first.
 */

/** Whether a list still fails. Says no once the budget is spent. */
export type StillFails<Item> = (items: readonly Item[]) => Promise<boolean>;

/** `items` must fail. */
export async function minimize<Item>(
  items: readonly Item[],
  stillFails: StillFails<Item>,
): Promise<readonly Item[]> {
  if (items.length === 0 || (await stillFails([]))) return [];
  let current = items;
  let parts = Math.min(2, current.length);
  while (current.length > 1) {
    const smaller = await firstFailing(complements(current, parts), stillFails);
    if (smaller !== undefined) {
      current = smaller;
      parts = Math.max(2, Math.min(parts - 1, current.length));
    } else if (parts < current.length) {
      parts = Math.min(2 * parts, current.length);
    } else {
      break;
    }
  }
  return current;
}

async function firstFailing<Item>(
  candidates: Iterable<readonly Item[]>,
  stillFails: StillFails<Item>,
): Promise<readonly Item[] | undefined> {
  for (const candidate of candidates) if (await stillFails(candidate)) return candidate;
  return undefined;
}

/** The items without the first of so many equal parts, without the second, and so on; the last part first. */
function* complements<Item>(items: readonly Item[], parts: number): Generator<readonly Item[]> {
  for (let part = parts - 1; part >= 0; part -= 1) {
    const from = Math.floor((part * items.length) / parts);
    const to = Math.floor(((part + 1) * items.length) / parts);
    yield [...items.slice(0, from), ...items.slice(to)];
  }
}
