import { closestMatch } from 'leven';

/**
 * The candidate that a mistyped name probably meant, compared without case; undefined if none is near. A third of the
 * name's length may differ, so that short names do not match everything.
 */
export function closestName(name: string, candidates: readonly string[]): string | undefined {
  const byLowerCase = new Map(candidates.map((candidate) => [candidate.toLowerCase(), candidate]));
  const lower = name.toLowerCase();
  const same = byLowerCase.get(lower);
  if (same !== undefined) return same;
  const maxDistance = Math.max(1, Math.ceil(name.length / 3));
  const closest = closestMatch(lower, [...byLowerCase.keys()], { maxDistance });
  return closest === undefined ? undefined : byLowerCase.get(closest);
}

/** ` Did you mean "x"?`, or nothing; fit to follow a sentence. */
export function didYouMean(name: string, candidates: readonly string[]): string {
  const closest = closestName(name, candidates);
  return closest === undefined ? '' : ` Did you mean "${closest}"?`;
}
