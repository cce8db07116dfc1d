/** Chance that is the same again for the same seed: Mulberry32 (Tommy Ettinger, public domain), good enough to choose keys. */

/** Numbers from 0 to below 1. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Times between the arrivals of a Poisson process, in the unit of the given mean. */
export function exponentialGaps(mean: number, random: () => number): () => number {
  return () => -Math.log(1 - random()) * mean;
}
