/**
 * Judges what clients saw of one key that is only written conditionally. Every value names itself and the version (ETag) that it
 * was to replace, so whoever sees it knows where it belongs: if compare-and-set is what it says, all versions are one chain, and
 * each answer shows a version that is not older than any that was shown before it began.
 */

/** What the key held before anything. */
export const NOTHING = 'nothing';

/** One answer that showed what the key held, or left, at some moment between its beginning and its end (milliseconds). */
interface Sighting {
  readonly etag: string;
  readonly beganMs: number;
  readonly endedMs: number;
}

export class VersionChain {
  readonly #parents = new Map<string, string>([]);
  readonly #values = new Map<string, string>();
  readonly #refused = new Set<string>();
  readonly #sightings: Sighting[] = [];
  readonly #wrong: string[] = [];

  /** An answer that showed a version: its value, and the version that it was written upon. */
  saw(sighting: Sighting & { readonly value: string; readonly parent: string }): void {
    const { etag, value, parent } = sighting;
    const known = this.#values.get(etag);
    if (known !== undefined && known !== value)
      this.#wrong.push(`${etag} is the ETag of ${known} and ${value}`);
    this.#values.set(etag, value);
    this.#parents.set(etag, parent);
    this.#sightings.push(sighting);
  }

  /** An answer that showed that nothing was there. */
  sawNothing(beganMs: number, endedMs: number): void {
    this.#sightings.push({ etag: NOTHING, beganMs, endedMs });
  }

  /** A write that was said not to be applied. */
  refused(value: string): void {
    this.#refused.add(value);
  }

  get length(): number {
    return this.#parents.size;
  }

  /** What is wrong; nothing, if all is well. */
  judge(): readonly string[] {
    const places = this.#places();
    const appeared = [...this.#values.values()].filter((value) => this.#refused.has(value));
    return [
      ...this.#wrong,
      ...this.#forks(),
      ...[...this.#parents.keys()].flatMap((etag) => (places.has(etag) ? [] : `${etag} is on no chain`)),
      ...appeared.map((value) => `${value} was refused, and has appeared`),
      ...this.#stale(places),
    ];
  }

  #forks(): readonly string[] {
    const children = new Map<string, string>();
    const forks: string[] = [];
    for (const [etag, parent] of this.#parents) {
      const other = children.get(parent);
      if (other !== undefined) forks.push(`${other} and ${etag} both replaced ${parent}`);
      children.set(parent, etag);
    }
    return forks;
  }

  /** How many versions came before each. */
  #places(): ReadonlyMap<string, number> {
    const children = new Map([...this.#parents].map(([etag, parent]) => [parent, etag]));
    const places = new Map<string, number>();
    let etag: string | undefined = NOTHING;
    while (etag !== undefined && !places.has(etag)) {
      places.set(etag, places.size);
      etag = children.get(etag);
    }
    return places;
  }

  #stale(places: ReadonlyMap<string, number>): readonly string[] {
    const byEnd = this.#sightings.toSorted((left, right) => left.endedMs - right.endedMs);
    const stale: string[] = [];
    let ended = 0;
    let newest = 0;
    for (const { etag, beganMs } of this.#sightings.toSorted((left, right) => left.beganMs - right.beganMs)) {
      for (; (byEnd[ended]?.endedMs ?? Number.POSITIVE_INFINITY) < beganMs; ended += 1) {
        newest = Math.max(newest, places.get(byEnd[ended]?.etag ?? '') ?? 0);
      }
      const place = places.get(etag) ?? newest;
      if (place < newest) stale.push(`${etag} (${place}) was shown after version ${newest} had been`);
    }
    return stale;
  }
}
