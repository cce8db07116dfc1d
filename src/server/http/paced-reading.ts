/**
 * Reads from connections in lots, so that a node that is offered several times what it can bear does not spend its time on refusals.
 *
 * Node reads from every connection that has something, in the same turn of the event loop. With some thousand of them a turn lasts
 * for seconds: what was let in goes no further meanwhile, is late, and all of it was for nothing. So a connection whose request was
 * refused is not read for a moment. Those that wait are read some at a time, so that refusals take a small share of the time. The
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
/**
 * Milliseconds of rest for each one that the refusals of a lot were seen to take. That is a third to a fifth of what they take, as
 * neither the parser nor the sending is seen: so a fifth to a third of the time goes to refusals at most, and a larger part of
 * the node's CPU time where others use its processor, too.
 */
const REST = 12;
/** Milliseconds between two lots. */
const SHORTEST_REST_MS = 1;
const LONGEST_REST_MS = 100;

interface Wait {
  readonly sinceMs: number;
  /** Whether it is over: in this turn, what is read may have come at any time since. */
  isOver: boolean;
}

interface Options {
  /** While it says so, nobody waits: who is not read now is cut off. */
  readonly isDraining: () => boolean;
  /** A clock that never goes back. */
  readonly nowMs?: () => number;
}

export class PacedReading {
  readonly #isDraining: () => boolean;
  readonly #nowMs: () => number;
  /** Of those that wait, and in the turn in which they are read again. */
  readonly #waits = new WeakMap<Socket, Wait>();
  /** In the order in which they came, from `#oldest` on. Some may not wait any more. */
  #waiting: Socket[] = [];
  #oldest = 0;
  /** What refusals took since the last lot. */
  #spentMs = 0;
  #restsUntilMs = 0;
  /** Whether a lot is to be read. */
  #isDue = false;

  constructor({ isDraining, nowMs = () => performance.now() }: Options) {
    this.#isDraining = isDraining;
    this.#nowMs = nowMs;
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
    if (!this.#isDue) this.#readAfter(Math.max(SHORTEST_REST_MS, this.#restsUntilMs - nowMs));
  }

  #readAfter(restMs: number): void {
    this.#isDue = true;
    setTimeout(() => this.#readLot(), restMs);
  }

  #readLot(): void {
    const lot = this.#isDraining() ? this.#takeAll() : this.#takeLot();
    for (const socket of lot) socket.resume();
    this.#end(lot);
    setImmediate(() => this.#rest());
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
  #rest(): void {
    const restMs = Math.min(Math.max(SHORTEST_REST_MS, REST * this.#spentMs), LONGEST_REST_MS);
    this.#spentMs = 0;
    this.#restsUntilMs = this.#nowMs() + restMs;
    this.#isDue = this.#waiting.length > this.#oldest;
    if (this.#isDue) this.#readAfter(restMs);
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
