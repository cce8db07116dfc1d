/**
 * Reads from connections in lots, so that a node that is offered several times what it can bear does not spend its time on refusals.
 *
 * Node reads from every connection that has something, in the same turn of the event loop. With some thousand of them a turn lasts
 * for seconds: what was let in goes no further meanwhile, is late, and all of it was for nothing. So a connection whose request was
 * refused is not read for a moment. Those that wait are read some at a time, so that refusals take a small share of what the node has
 * of its processor: that may be a fraction of the time, where others use it, too, and the less it is the more a refusal takes. The
 * latest come first: their clients are the most likely to wait still ("adaptive LIFO", Maurer, Fail at Scale, 2015); a share of the
 * oldest come with them, so that each is read within a second or two.
 *
 * What a client sends meanwhile lies in its connection, for how long at most is known. Node may read on for reasons of its own, for
 * what is left of a body for instance: that ends the wait.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Of the latest, so many are read in one turn. */
const LATEST = 48;
/** Of the oldest at least so many, and this share of all. */
const OLDEST = 16;
const SHARE_OF_OLDEST = 1 / 16;
/** Of the node's CPU time, for refusals at most. */
const SHARE_OF_REFUSALS = 0.15;
/** By so much more CPU time a refusal takes than is seen of it, as neither the parser nor the sending is: three to five times. */
const UNSEEN = 5;
/** Milliseconds of CPU time for other things, for each one that the refusals of a lot were seen to take. */
const REST = (UNSEEN * (1 - SHARE_OF_REFUSALS)) / SHARE_OF_REFUSALS;
/** Milliseconds between two lots, by the clock. */
const SHORTEST_REST_MS = 1;
const LONGEST_REST_MS = 250;
/** Milliseconds between two looks at what ends a rest. */
const LOOK_MS = 20;

interface Wait {
  readonly sinceMs: number;
  /** Whether it is over: in this turn, what is read may have come at any time since. */
  isOver: boolean;
}

interface Options {
  /** While it says so, nobody waits: who is not read now is cut off. */
  readonly isDraining: () => boolean;
  /** Whether the node has little to do: then it need not rest. */
  readonly hasRoom: () => boolean;
  /** A clock that never goes back. */
  readonly nowMs?: () => number;
  /** CPU time of the node, milliseconds. */
  readonly cpuMs?: () => number;
}

/** What lies between two lots. */
interface Rest {
  readonly sinceMs: number;
  /** The node's CPU time when it is over, if nothing else ends it. */
  readonly untilCpuMs: number;
}

export class PacedReading {
  readonly #isDraining: () => boolean;
  readonly #hasRoom: () => boolean;
  readonly #nowMs: () => number;
  readonly #cpuMs: () => number;
  /** Of those that wait, and in the turn in which they are read again. */
  readonly #waits = new WeakMap<Socket, Wait>();
  /** In the order in which they came, from `#oldest` on. Some may not wait any more. */
  #waiting: Socket[] = [];
  #oldest = 0;
  /** What refusals took since the last lot. */
  #spentMs = 0;
  /** After the last lot. */
  #rest: Rest = { sinceMs: Number.NEGATIVE_INFINITY, untilCpuMs: 0 };
  /** Whether a lot is to be read. */
  #isDue = false;

  constructor({ isDraining, hasRoom, nowMs = () => performance.now(), cpuMs = cpuOfProcessMs }: Options) {
    this.#isDraining = isDraining;
    this.#hasRoom = hasRoom;
    this.#nowMs = nowMs;
    this.#cpuMs = cpuMs;
  }

  /** A request is refused; `tookMs`: what that has cost until now. */
  refused(incoming: IncomingMessage, outgoing: ServerResponse, tookMs: number): void {
    const { socket } = incoming;
    this.#spentMs += tookMs;
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
    if (!this.#isDue) this.#readAfterRest();
  }

  #readAfterRest(): void {
    this.#isDue = true;
    setTimeout(
      () => {
        if (this.#restMs() === 0) this.#readLot();
        else this.#readAfterRest();
      },
      Math.max(SHORTEST_REST_MS, this.#restMs()),
    );
  }

  /** Milliseconds for which to rest before another look; 0 if it is over. */
  #restMs(): number {
    const leftMs = this.#rest.sinceMs + LONGEST_REST_MS - this.#nowMs();
    if (leftMs <= 0 || this.#isDraining() || this.#hasRoom()) return 0;
    return Math.min(Math.max(0, this.#rest.untilCpuMs - this.#cpuMs()), leftMs, LOOK_MS);
  }

  #readLot(): void {
    const lot = this.#isDraining() ? this.#takeAll() : this.#takeLot();
    for (const socket of lot) socket.resume();
    this.#end(lot);
    setImmediate(() => this.#beginRest());
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

  /** After a lot that was read. */
  #beginRest(): void {
    this.#rest = { sinceMs: this.#nowMs(), untilCpuMs: this.#cpuMs() + REST * this.#spentMs };
    this.#spentMs = 0;
    this.#isDue = false;
    if (this.#waiting.length > this.#oldest) this.#readAfterRest();
  }

  #takeAll(): readonly Socket[] {
    const all = this.#waiting.slice(this.#oldest);
    this.#waiting = [];
    this.#oldest = 0;
    return all;
  }

  #takeLot(): readonly Socket[] {
    const share = Math.ceil((this.#waiting.length - this.#oldest) * SHARE_OF_OLDEST);
    const end = Math.min(this.#oldest + Math.max(OLDEST, share), this.#waiting.length);
    const oldest = this.#waiting.slice(this.#oldest, end);
    this.#oldest = end;
    const latest = this.#waiting.splice(Math.max(end, this.#waiting.length - LATEST));
    if (this.#oldest * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#oldest);
      this.#oldest = 0;
    }
    return [...oldest, ...latest];
  }
}

function cpuOfProcessMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
