/**
 * What this node does at the moment that may hold a record in its memory, or a request that will make one: operations of
 * clients, repairs, requests of peers. Whoever has to know that nothing older than now is under way waits for `settled`.
 *
 * Counted by cohorts: all that began between two calls of `settled` is one. So it costs two additions for each activity,
 * however many there are.
 */
export type Leave = () => void;

class Cohort {
  running = 0;
  readonly #waiting: (() => void)[] = [];

  left(): void {
    this.running -= 1;
    if (this.running === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  ended(): Promise<void> {
    if (this.running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

export class InFlight {
  #current = new Cohort();
  #older: Cohort[] = [];

  /** An activity begins; what is returned has to be called when it has ended, and may be called again. */
  enter(): Leave {
    const cohort = this.#current;
    cohort.running += 1;
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      cohort.left();
    };
  }

  /** Gives the promise of the activity itself: a small request passes here several times, and each promise around it costs. */
  track<Result>(activity: () => Promise<Result>): Promise<Result> {
    const cohort = this.#current;
    cohort.running += 1;
    const left = (): void => cohort.left();
    const promise = activity();
    promise.then(left, left);
    return promise;
  }

  /** Resolves when everything that has begun by now has ended. Each activity has a time limit, so this has one, too. */
  async settled(): Promise<void> {
    this.#older = [...this.#older, this.#current].filter(({ running }) => running > 0);
    this.#current = new Cohort();
    await Promise.all(this.#older.map((cohort) => cohort.ended()));
  }
}
