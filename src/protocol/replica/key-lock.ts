/**
 * One serial section for each key: every read-modify-write of a key runs in it, so that no `await` lets one dot be
 * minted twice or a join be lost. Sections of different keys run side by side.
 */
export class KeyLock {
  /** The last section of each key that has one; no entry outlives its section. */
  readonly #tails = new Map<string, Promise<void>>();

  /** Runs the section when all earlier ones of this key have ended, however they ended. */
  async run<Result>(key: string, section: () => Promise<Result>): Promise<Result> {
    const earlier = this.#tails.get(key);
    const result = earlier === undefined ? section() : earlier.then(section);
    const tail = result.then(ignore, ignore);
    this.#tails.set(key, tail);
    try {
      return await result;
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }
}

function ignore(): void {}
