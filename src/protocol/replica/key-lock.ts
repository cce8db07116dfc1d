/**
 * One serial section for each key: every read-modify-write of a key runs in it, so that no `await` lets one dot be
 * minted twice or a join be lost. Sections of different keys run side by side.
 */
export class KeyLock {
  /** The end of the last section of each key that has one; no entry outlives its section. */
  readonly #tails = new Map<string, Promise<void>>();

  /** Runs the section when all earlier ones of this key have ended, however they ended: at once if there are none. */
  run<Result>(key: string, section: () => Promise<Result>): Promise<Result> {
    const earlier = this.#tails.get(key);
    let markEnded: () => void = () => {};
    const tail = new Promise<void>((resolve) => {
      markEnded = resolve;
    });
    // Before it runs: what it calls may ask for the next section of its key.
    this.#tails.set(key, tail);
    const result = earlier === undefined ? section() : earlier.then(section);
    const ended = (): void => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
      markEnded();
    };
    result.then(ended, ended);
    return result;
  }
}
