/**
 * Chance as a function: a draw depends on the seed, a purpose and its arguments, never on what was drawn before. So one
 * fault can be taken out of a run without changing any other draw, which is what makes shrinking work.
 */

/** 32 bits from a seed, a purpose and numbers: FNV-1a over the purpose, MurmurHash3 mixing over the rest. */
export function drawBits(seed: number, purpose: string, ...numbers: readonly number[]): number {
  let hash = mix(seed ^ 0x9e37_79b9);
  for (let index = 0; index < purpose.length; index += 1) {
    hash = Math.imul(hash ^ purpose.charCodeAt(index), 0x0100_0193);
  }
  for (const number of numbers) {
    hash = mix(hash ^ (number | 0));
    hash = Math.imul(hash ^ Math.floor(number / 2 ** 32), 0x85eb_ca6b);
  }
  return mix(hash);
}

/** Uniform in [0, 1). */
export function draw(seed: number, purpose: string, ...numbers: readonly number[]): number {
  return drawBits(seed, purpose, ...numbers) / 2 ** 32;
}

/** Exponentially distributed with the given mean. */
export function exponential(meanValue: number, uniform: number): number {
  return -meanValue * Math.log(1 - uniform);
}

/** A stream of draws for one purpose: for generating workloads and faults up front. */
export class Stream {
  readonly #seed: number;
  readonly #purpose: string;
  #count = 0;

  constructor(seed: number, purpose: string) {
    this.#seed = seed;
    this.#purpose = purpose;
  }

  /** Uniform in [0, 1). */
  fraction(): number {
    this.#count += 1;
    return draw(this.#seed, this.#purpose, this.#count);
  }

  /** An integer in min..max, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1));
  }

  between(min: number, max: number): number {
    return min + this.fraction() * (max - min);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(this.fraction() * items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  /** The items in a random order. */
  shuffle<Item>(items: readonly Item[]): Item[] {
    return items
      .map((item) => ({ item, order: this.fraction() }))
      .sort((left, right) => left.order - right.order)
      .map(({ item }) => item);
  }
}

function mix(hash: number): number {
  let mixed = hash;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
