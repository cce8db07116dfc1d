/**
 * Virtual time. One event is taken from the heap, runs, and everything that it caused (promises, ticks) drains before the
 * next: code with `await` becomes a function of the seed. Equal times run in an order that the seed decides.
 *
 * Between two macrotasks Node empties the tick queue and the microtask queue, so one setImmediate is a complete drain,
 * however long a chain of promises is. What leaves the process (thread pool, sockets, real timers) would escape, and is
 * forbidden to simulated code (tripwires.ts).
 */
import { drawBits } from './draw.ts';

/** Whose event it is: those of a life that ended are dropped, those of a paused one wait. */
export interface Owner {
  readonly name: string;
  readonly alive: boolean;
  /** Virtual microseconds until which this owner does nothing. */
  readonly pausedUntilUs: number;
}

export interface SimEvent {
  cancelled: boolean;
}

interface Scheduled extends SimEvent {
  atUs: number;
  readonly tieBreak: number;
  readonly sequence: number;
  readonly owner: Owner;
  readonly kind: string;
  readonly run: () => void;
}

const realSetImmediate = setImmediate;

export class EventLoop {
  readonly #seed: number;
  readonly #heap: Scheduled[] = [];
  #nowUs = 0;
  #sequence = 0;
  #executed = 0;
  #hash = 0x811c_9dc5;
  /** Called after each event has drained. */
  onEvent: ((kind: string, owner: string) => void) | undefined;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Virtual microseconds since the beginning. */
  get nowUs(): number {
    return this.#nowUs;
  }

  get executed(): number {
    return this.#executed;
  }

  /** Events that are waiting, cancelled ones included. */
  get waiting(): number {
    return this.#heap.length;
  }

  /** Digest over all events so far: equal in every run of one seed. */
  get traceHash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  schedule(delayUs: number, owner: Owner, kind: string, run: () => void): SimEvent {
    this.#sequence += 1;
    const event: Scheduled = {
      atUs: this.#nowUs + Math.max(0, Math.round(delayUs)),
      tieBreak: drawBits(this.#seed, 'tie', this.#sequence),
      sequence: this.#sequence,
      owner,
      kind,
      run,
      cancelled: false,
    };
    this.#push(event);
    return event;
  }

  /** Mixes something that happened into the trace hash. */
  note(text: string): void {
    for (let index = 0; index < text.length; index += 1) {
      this.#hash = Math.imul(this.#hash ^ text.charCodeAt(index), 0x0100_0193);
    }
  }

  /** Runs until nothing is left, or `untilUs` is reached, or `isDone` says so after an event. */
  async run(untilUs: number, isDone: () => boolean = () => false): Promise<void> {
    // What the caller began before it came here drains first.
    await drain();
    for (;;) {
      const event = this.#heap[0];
      if (event === undefined || event.atUs > untilUs) break;
      this.#pop();
      if (event.cancelled || !event.owner.alive) continue;
      if (event.owner.pausedUntilUs > event.atUs) {
        this.#postpone(event);
        continue;
      }
      this.#nowUs = event.atUs;
      this.#executed += 1;
      event.run();
      await drain();
      this.note(`${event.kind} ${event.owner.name} ${event.atUs}`);
      this.onEvent?.(event.kind, event.owner.name);
      if (isDone()) return;
    }
    this.#nowUs = Math.max(this.#nowUs, Math.min(untilUs, Number.MAX_SAFE_INTEGER));
  }

  /**
   * What waits for a paused owner runs when it wakes, in the order in which it was due: a stream stays a stream, and a disk
   * does what it was told before it says so. It is a copy, and a cancel still reaches the first.
   */
  #postpone(event: Scheduled): void {
    this.#sequence += 1;
    const run = (): void => {
      if (!event.cancelled) event.run();
    };
    this.#push({ ...event, atUs: event.owner.pausedUntilUs, tieBreak: 0, sequence: this.#sequence, run });
  }

  #push(event: Scheduled): void {
    const heap = this.#heap;
    heap.push(event);
    let index = heap.length - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(event, heap[parent] as Scheduled)) break;
      heap[index] = heap[parent] as Scheduled;
      index = parent;
    }
    heap[index] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Scheduled;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Scheduled, heap[child] as Scheduled))
        child += 1;
      if (!isBefore(heap[child] as Scheduled, last)) break;
      heap[index] = heap[child] as Scheduled;
      index = child;
    }
    heap[index] = last;
  }
}

function drain(): Promise<void> {
  return new Promise((resolve) => realSetImmediate(resolve));
}

function isBefore(left: Scheduled, right: Scheduled): boolean {
  if (left.atUs !== right.atUs) return left.atUs < right.atUs;
  if (left.tieBreak !== right.tieBreak) return left.tieBreak < right.tieBreak;
  return left.sequence < right.sequence;
}
