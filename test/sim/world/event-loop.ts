/**
 * Virtual time. One event is taken from the heap, runs, and everything that it caused (promises, ticks) drains before the
 * next: code with `await` becomes a function of the seed. Equal times run in an order that the seed decides.
 *
 * Events run in slices, each one macrotask, and after each event all its microtasks and ticks drain on the spot (drain.ts). So
 * nothing foreign runs inside a slice, and a guard that watches over slices watches over simulated code and nothing else. What
 * leaves the process (thread pool, sockets, real timers) would escape, and is forbidden to it (determinism-guard.ts).
 */
import { drainNow } from './drain.ts';
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

/** Watches over what runs between the two calls. `leave` throws if that did something which a run may not depend on. */
export interface SliceGuard {
  enter(): void;
  leave(): void;
}

/** Events of one slice: as often everything else in this process gets its turn. */
export const SLICE_EVENTS = 1_000;

// The guard forbids it to simulated code by replacing the global.
const realSetImmediate = setImmediate;

export class EventLoop {
  readonly #seed: number;
  readonly #heap: Scheduled[] = [];
  #nowUs = 0;
  #sequence = 0;
  #executed = 0;
  #hash = 0x811c_9dc5;
  guard: SliceGuard | undefined;
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

  /** As `note`: the lower 32 bits of a whole number. */
  noteNumber(number: number): void {
    this.#hash = Math.imul(this.#hash ^ number, 0x0100_0193);
  }

  /** Mixes something that happened into the trace hash. */
  note(text: string): void {
    for (let index = 0; index < text.length; index += 1) {
      this.#hash = Math.imul(this.#hash ^ text.charCodeAt(index), 0x0100_0193);
    }
  }

  /**
   * Runs until nothing is left, or `untilUs` is reached, or `isDone` says so after an event. Rejects with what an event threw,
   * or what the guard found.
   */
  run(untilUs: number, isDone: () => boolean = () => false): Promise<void> {
    return new Promise((resolve, reject) => {
      const slice = (): void => {
        try {
          if (this.#guarded(() => this.#runSlice(untilUs, isDone))) resolve();
          else realSetImmediate(slice);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      // What the caller began before it came here drains first.
      realSetImmediate(slice);
    });
  }

  #guarded(runSlice: () => boolean): boolean {
    this.guard?.enter();
    try {
      return runSlice();
    } finally {
      this.guard?.leave();
    }
  }

  /** Answers whether the run has come to its end. */
  #runSlice(untilUs: number, isDone: () => boolean): boolean {
    for (let count = 0; count < SLICE_EVENTS; count += 1) {
      const event = this.#next(untilUs);
      if (event === undefined) {
        this.#nowUs = Math.max(this.#nowUs, Math.min(untilUs, Number.MAX_SAFE_INTEGER));
        return true;
      }
      this.#nowUs = event.atUs;
      this.#executed += 1;
      event.run();
      drainNow();
      this.noteNumber(event.atUs);
      this.note(event.kind);
      this.note(event.owner.name);
      this.onEvent?.(event.kind, event.owner.name);
      if (isDone()) return true;
    }
    return false;
  }

  /** Takes the next event that is to run by then; what is cancelled or belongs to the dead is dropped on the way. */
  #next(untilUs: number): Scheduled | undefined {
    for (let event = this.#heap[0]; event !== undefined && event.atUs <= untilUs; event = this.#heap[0]) {
      this.#pop();
      if (event.cancelled || !event.owner.alive) continue;
      if (event.owner.pausedUntilUs <= event.atUs) return event;
      this.#postpone(event);
    }
    return undefined;
  }

  /**
   * What waits for a paused owner runs when it wakes, in the order in which it was due: a stream stays a stream, and a disk
   * does what it was told before it says so. Timers all come before the rest or all after it, as it happens. It is a copy, and a
   * cancel still reaches the first.
   */
  #postpone(event: Scheduled): void {
    this.#sequence += 1;
    const { owner, kind } = event;
    const timersFirst = drawBits(this.#seed, `wake ${owner.name}`, owner.pausedUntilUs) % 2 === 0;
    const tieBreak = kind === 'timer' && !timersFirst ? 1 : kind !== 'timer' && timersFirst ? 1 : 0;
    const run = (): void => {
      if (!event.cancelled) event.run();
    };
    this.#push({ ...event, atUs: owner.pausedUntilUs, tieBreak, sequence: this.#sequence, run });
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

function isBefore(left: Scheduled, right: Scheduled): boolean {
  if (left.atUs !== right.atUs) return left.atUs < right.atUs;
  if (left.tieBreak !== right.tieBreak) return left.tieBreak < right.tieBreak;
  return left.sequence < right.sequence;
}
