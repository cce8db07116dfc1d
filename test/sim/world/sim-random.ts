import type { Random } from '../../../src/ports/random.ts';
import { drawBits } from './draw.ts';

/** The random port of one process: a stream of its own, so that no other node's draws change it. */
export class SimRandom implements Random {
  readonly #seed: number;
  readonly #purpose: string;
  #count = 0;

  constructor(seed: number, processName: string) {
    this.#seed = seed;
    this.#purpose = `random ${processName}`;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#next() & 0xff);
  }

  fraction(): number {
    return this.#next() / 2 ** 32;
  }

  #next(): number {
    this.#count += 1;
    return drawBits(this.#seed, this.#purpose, this.#count);
  }
}
