/** Counts the time in which at least one thing is broken. */
export class BrokenTime {
  readonly #startedMs = performance.now();
  #broken = 0;
  #sinceMs = 0;
  #sumMs = 0;

  /** One thing more is broken until the promise is settled. */
  async during<Result>(fault: Promise<Result>): Promise<Result> {
    if (this.#broken === 0) this.#sinceMs = performance.now();
    this.#broken += 1;
    try {
      return await fault;
    } finally {
      this.#broken -= 1;
      if (this.#broken === 0) this.#sumMs += performance.now() - this.#sinceMs;
    }
  }

  /** Since this was made, 0 to 1. */
  get share(): number {
    const nowMs = performance.now();
    const runningMs = this.#broken === 0 ? 0 : nowMs - this.#sinceMs;
    return (this.#sumMs + runningMs) / (nowMs - this.#startedMs);
  }
}
