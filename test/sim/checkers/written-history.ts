/** Histories written by hand, one line for each call, so that a test shows what clients did and nothing else. */
import { History, type ReadEvent, type WriteEvent, type WriteOutcome } from './history.ts';

export const KEY = 'key';

interface Written {
  readonly key?: string;
  readonly known?: readonly number[];
  readonly type?: 'put' | 'delete';
  readonly isBlindDelete?: boolean;
  readonly n?: number;
  readonly w?: number;
  readonly attemptsById?: number;
  /** Undefined: no answer has come. */
  readonly outcome?: WriteOutcome | undefined;
}

/** Calls and returns happen in the order of the method calls; what a method calls also returns before the next one. */
export class WrittenHistory {
  readonly history = new History();
  #reads = 0;

  /** A write that was answered, by default with `ok`. */
  write(id: number, written: Written = {}): WriteEvent {
    const event = this.call(id, written);
    if (!('outcome' in written) || written.outcome !== undefined) this.answer(event, written.outcome ?? 'ok');
    return event;
  }

  /** A write that has no answer yet. */
  call(id: number, written: Written = {}): WriteEvent {
    const event: WriteEvent = {
      id,
      key: written.key ?? KEY,
      type: written.type ?? 'put',
      known: new Set(written.known),
      isBlindDelete: written.isBlindDelete ?? false,
      n: written.n ?? 3,
      w: written.w ?? 2,
      calledAt: this.history.next(),
      attemptsById: written.attemptsById ?? 0,
      returnedAt: undefined,
      outcome: 'unknown',
    };
    this.history.add(event);
    return event;
  }

  answer(event: WriteEvent, outcome: WriteOutcome): void {
    event.outcome = outcome;
    event.returnedAt = this.history.next();
  }

  /** A read that shows these events. */
  read(shown: readonly number[], { n = 3, r = 2, key = KEY } = {}): ReadEvent {
    this.#reads += 1;
    const calledAt = this.history.next();
    return { id: this.#reads, key, n, r, calledAt, returnedAt: this.history.next(), shown };
  }
}
