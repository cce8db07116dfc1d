/**
 * Reads from connections by turns while a node is offered more than it can bear, so that it does not spend its time on refusals.
 *
 * Node reads from every connection that has something, in the same turn of the event loop. With some thousand of them a turn lasts
 * for seconds: what was let in goes no further meanwhile, is late, and all of it was for nothing. So under overload a connection is
 * not read after an answer until it is its turn. When the node wants more to do, it reads the latest, whose clients are the most
 * likely to wait still ("adaptive LIFO", Maurer, Fail at Scale, 2015). And it reads some of the oldest, so that each is read within
 * seconds, as often as refusing them takes a small share of its CPU time: not of the time, as it may have but a part of a processor,
 * and the less it has the more a refusal takes.
 *
 * What a client sends meanwhile lies in its connection, for how long at most is known. Node may read on for reasons of its own, for
 * what is left of a body for instance: that ends the wait.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Of the oldest at least so many are read together, and this share of all. */
const OLDEST = 16;
const SHARE_OF_OLDEST = 1 / 16;
/** Of the node's CPU time, for refusals at most. */
const SHARE_OF_REFUSALS = 0.15;
/** By so much more CPU time a refusal takes than is seen of it, as neither the parser nor the sending is: eight to twelve times. */
const UNSEEN = 10;
/** Milliseconds of CPU time for other things, for each one that refusals were seen to take. */
const REST = (UNSEEN * (1 - SHARE_OF_REFUSALS)) / SHARE_OF_REFUSALS;
/** Milliseconds by the clock after which the next of the oldest are read, whatever refusals took. */
const LONGEST_REST_MS = 250;
/** Milliseconds between two looks at who is to be read. */
const LOOK_MS = 2;

interface Wait {
  readonly sinceMs: number;
  /** Whether it is over: in this turn, what is read may have come at any time since. */
  isOver: boolean;
}

interface Options {
  /** While it says so, nobody waits: who is not read now is cut off. */
  readonly isDraining: () => boolean;
  /** How many requests the node wants, as little is left to do; 0 while it has enough. */
  readonly room: () => number;
  /** A clock that never goes back. */
  readonly nowMs?: () => number;
  /** CPU time of the node, milliseconds. */
  readonly cpuMs?: () => number;
}

export class PacedReading {
  readonly #isDraining: () => boolean;
  readonly #room: () => number;
  readonly #nowMs: () => number;
  readonly #cpuMs: () => number;
  /** Of those that wait, and in the turn in which they are read again. */
  readonly #waits = new WeakMap<Socket, Wait>();
  /** In the order in which they came, from `#oldest` on. Some may not wait any more. */
  #waiting: Socket[] = [];
  #oldest = 0;
  /** What refusals were seen to take since the last look. */
  #spentMs = 0;
  /** The node's CPU time at which the oldest may be read again. */
  #restsUntilCpuMs = 0;
  #lookedAtCpuMs = 0;
  #oldestReadMs = 0;
  #isLooking = false;

  constructor({ isDraining, room, nowMs = () => performance.now(), cpuMs = cpuOfProcessMs }: Options) {
    this.#isDraining = isDraining;
    this.#room = room;
    this.#nowMs = nowMs;
    this.#cpuMs = cpuMs;
  }

  /** A request is refused; `tookMs`: what that was seen to take. */
  refused(incoming: IncomingMessage, outgoing: ServerResponse, tookMs: number): void {
    this.#spentMs += tookMs;
    this.pace(incoming, outgoing);
  }

  /** A request came under overload: when it has its answer, its connection is not read until it is its turn. */
  pace(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { socket } = incoming;
    // When its answer has ended, Node reads on from its connection, whatever was said before. And it has to, for the rest of a body.
    outgoing.once('close', () => {
      if (incoming.complete) this.#wait(socket);
    });
  }

  /** Milliseconds that a request which is read now may have lain in its connection because that was not read, at most. */
  mayHaveWaitedMs(socket: Socket): number {
    const wait = this.#waits.get(socket);
    if (wait === undefined) return 0;
    if (!wait.isOver) this.#end([socket]);
    return this.#nowMs() - wait.sinceMs;
  }

  #wait(socket: Socket): void {
    if (!socket.writable || this.#isDraining()) return;
    socket.pause();
    if (this.#waits.get(socket)?.isOver === false) return;
    const nowMs = this.#nowMs();
    this.#waits.set(socket, { sinceMs: nowMs, isOver: false });
    this.#waiting.push(socket);
    this.#lookLater();
  }

  #lookLater(): void {
    if (this.#isLooking || this.#waiting.length === this.#oldest) return;
    this.#isLooking = true;
    setTimeout(() => this.#look(), LOOK_MS);
  }

  #look(): void {
    this.#isLooking = false;
    const lot = this.#isDraining()
      ? this.#takeAll()
      : [...this.#takeLatest(this.#room()), ...this.#takeOldestAfterRest()];
    for (const socket of lot) socket.resume();
    this.#end(lot);
    this.#lookLater();
  }

  /** With this turn: all that lies in them is read before it is over. */
  #end(lot: readonly Socket[]): void {
    for (const socket of lot) {
      const wait = this.#waits.get(socket);
      if (wait !== undefined) wait.isOver = true;
    }
    setImmediate(() => {
      for (const socket of lot) if (this.#waits.get(socket)?.isOver === true) this.#waits.delete(socket);
    });
  }

  #takeAll(): readonly Socket[] {
    const all = this.#waiting.slice(this.#oldest);
    this.#waiting = [];
    this.#oldest = 0;
    return all;
  }

  /** Not all of them have sent something: then the next look takes more. */
  #takeLatest(count: number): readonly Socket[] {
    return this.#waiting.splice(Math.max(this.#oldest, this.#waiting.length - count));
  }

  #takeOldestAfterRest(): readonly Socket[] {
    const [nowMs, cpuMs] = [this.#nowMs(), this.#cpuMs()];
    const restsFromMs = Math.max(this.#restsUntilCpuMs, this.#lookedAtCpuMs);
    this.#restsUntilCpuMs = restsFromMs + REST * this.#spentMs;
    this.#lookedAtCpuMs = cpuMs;
    this.#spentMs = 0;
    const isLongest = nowMs - this.#oldestReadMs >= LONGEST_REST_MS;
    if (cpuMs < this.#restsUntilCpuMs && !isLongest) return [];
    this.#restsUntilCpuMs = cpuMs;
    this.#oldestReadMs = nowMs;
    return this.#takeOldest();
  }

  #takeOldest(): readonly Socket[] {
    const share = Math.ceil((this.#waiting.length - this.#oldest) * SHARE_OF_OLDEST);
    const end = Math.min(this.#oldest + Math.max(OLDEST, share), this.#waiting.length);
    const oldest = this.#waiting.slice(this.#oldest, end);
    this.#oldest = end;
    if (this.#oldest * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#oldest);
      this.#oldest = 0;
    }
    return oldest;
  }
}

function cpuOfProcessMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
