/** What became of requests over time, in buckets by the moment at which each was due. */

/** `well`: acknowledged. `refused`: surely not applied. `unknown`: perhaps. */
export type Fate = 'well' | 'refused' | 'unknown';

/** One update, as its client was told. */
export interface Told {
  /** Since the beginning of the timeline. */
  readonly dueMs: number;
  readonly fate: Fate;
}

/** One bucket. */
export interface Bucket {
  readonly fromMs: number;
  readonly well: number;
  readonly refused: number;
  readonly unknown: number;
}

/** Every bucket from 0 to `endMs`, empty ones too. What was due outside of that is left out. */
export function bucketsOf(told: readonly Told[], bucketMs: number, endMs: number): readonly Bucket[] {
  const buckets = Array.from({ length: Math.ceil(endMs / bucketMs) }, (_, index) => ({
    fromMs: index * bucketMs,
    ...{ well: 0, refused: 0, unknown: 0 },
  }));
  for (const { dueMs, fate } of told) {
    const bucket = buckets[Math.floor(dueMs / bucketMs)];
    if (bucket !== undefined) bucket[fate] += 1;
  }
  return buckets;
}

/** Those due from `fromMs` (included) to `toMs`. */
export function between<Each extends Told>(
  told: readonly Each[],
  fromMs: number,
  toMs: number,
): readonly Each[] {
  return told.filter(({ dueMs }) => dueMs >= fromMs && dueMs < toMs);
}

/** Share that was answered well, 0 to 1; undefined if there is nothing. */
export function shareWell(told: readonly Told[]): number | undefined {
  if (told.length === 0) return undefined;
  return told.filter(({ fate }) => fate === 'well').length / told.length;
}
