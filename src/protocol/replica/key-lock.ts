/**
 * One serial section for each key: every read-modify-write of a key runs in it, so that no `await` lets one dot be
 * minted twice or a join be lost. Sections of different keys run side by side.
 */
interface Line {
  /** The end of the last section. */
  tail: Promise<void>;
  /** Sections that have not ended. */
  length: number;
}

export class KeyLock {
  /** Of each key that has a section; no entry outlives its last one. */
  readonly #lines = new Map<string, Line>();
  readonly #onWait: () => void;

  /** `onWait`: told whenever a section has to wait for another one. */
  constructor(onWait: () => void) {
    this.#onWait = onWait;
  }

  /** Runs the section when all earlier ones of this key have ended, however they ended: at once if there are none. */
  run<Result>(key: string, section: () => Promise<Result>): Promise<Result> {
    let markEnded: () => void = () => {};
    const tail = new Promise<void>((resolve) => {
      markEnded = resolve;
    });
    const line = this.#lines.get(key);
    const earlier = line?.tail;
    const own = line ?? { tail, length: 0 };
    own.tail = tail;
    own.length += 1;
    // Before it runs: what it calls may ask for the next section of its key.
    if (line === undefined) this.#lines.set(key, own);
    else this.#onWait();
    const result = earlier === undefined ? begun(section) : earlier.then(section);
    const ended = (): void => {
      own.length -= 1;
      if (own.length === 0) this.#lines.delete(key);
      markEnded();
    };
    result.then(ended, ended);
    return result;
  }

  /** Whether something waits for the section that this key has now. */
  isAwaited(key: string): boolean {
    return (this.#lines.get(key)?.length ?? 0) > 1;
  }

  /** Resolves when the sections that this key has now have ended; undefined if it has none. */
  settled(key: string): Promise<void> | undefined {
    return this.#lines.has(key) ? this.run(key, nothing) : undefined;
  }
}

/** One that throws rejects: it must not hold the others up, either. */
async function begun<Result>(section: () => Promise<Result>): Promise<Result> {
  return section();
}

function nothing(): Promise<void> {
  return Promise.resolve();
}
