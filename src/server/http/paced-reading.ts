/**
 * Reads from connections by turns while a node is offered more than it can bear, so that it does not spend its time on refusals.
 *
 * Node reads from every connection that has something, in the same turn of the event loop. With some thousand of them a turn lasts
 * for seconds: what was let in goes no further meanwhile, is late, and all of it was for nothing. So under overload a connection is
 * not read after an answer until it is its turn. When the node wants more to do, it reads the latest, whose clients are the most
 * likely to wait still ("adaptive LIFO", Maurer, Fail at Scale, 2015). And it reads some of the oldest, so that each is read within
 * seconds, as often as refusing them takes a small share of its processor time: of what it uses and what it leaves unused, and not of
 * the time, as it may have but a part of a processor, and the less it has the more a refusal takes.
 *
 * What a client sends meanwhile lies in its connection, for how long at most is known. Node may read on for reasons of its own, for
 * what is left of a body for instance: that ends the wait.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Of the oldest at least so many are read together, and this share of all. */
const OLDEST = 16;
const SHARE_OF_OLDEST = 1 / 16;
/** Of the latest, so many are read with them: of the writes only those may be young enough (shed-requests.ts). */
const LATEST = 16;
/** Of the node's processor time, for refusals at most. */
const SHARE_OF_REFUSALS = 0.12;
/** By so much more a refusal takes than is seen of it, as neither the parser nor the sending is: eight to twelve times. */
const UNSEEN = 10;
/** Milliseconds of processor time for each one that refusals were seen to take. */
const REST = UNSEEN / SHARE_OF_REFUSALS;
/** Milliseconds that one is seen to take at most: what took longer was something else, which came in between. */
const MAX_SEEN_MS = 0.2;
/** Milliseconds without a refusal after which connections are read as they come. */
const PACED_FOR_MS = 1_000;
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
  /** Processor time that the node has used or left unused, milliseconds. */
  readonly processorMs?: () => number;
}

interface Refusal {
  /** What it was seen to take. */
  readonly tookMs: number;
  /** Whether it says that others have to wait, too. */
  readonly isOverload: boolean;
}

export class PacedReading {
  readonly #isDraining: () => boolean;
  readonly #room: () => number;
  readonly #nowMs: () => number;
  readonly #processorMs: () => number;
  /** Of those that wait, and in the turn in which they are read again. */
  readonly #waits = new WeakMap<Socket, Wait>();
  /** In the order in which they came, from `#oldest` on. Some may not wait any more. */
  #waiting: Socket[] = [];
  #oldest = 0;
  /** What refusals were seen to take since the last look. */
  #spentMs = 0;
  /** The node's processor time at which the oldest may be read again, and when it was looked at. */
  #restsUntil = 0;
  #lookedAt = 0;
  #oldestReadMs = 0;
  #refusedAtMs = Number.NEGATIVE_INFINITY;
  #isLooking = false;

  constructor({
    isDraining,
    room,
    nowMs = () => performance.now(),
    processorMs = processorOfProcessMs,
  }: Options) {
    this.#isDraining = isDraining;
    this.#room = room;
    this.#nowMs = nowMs;
    this.#processorMs = processorMs;
  }

  /** Whether connections are read by turns: something was refused a moment ago, for whatever reason, and not for its haste. */
  get isPacing(): boolean {
    return this.#nowMs() - this.#refusedAtMs < PACED_FOR_MS;
  }

  /** A request is refused. */
  refused(incoming: IncomingMessage, outgoing: ServerResponse, { tookMs, isOverload }: Refusal): void {
    if (isOverload) this.#refusedAtMs = this.#nowMs();
    this.#spentMs += Math.min(tookMs, MAX_SEEN_MS);
    this.pace(incoming, outgoing);
  }

  /** When a request has its answer, its connection is not read until it is its turn. */
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
    const before = this.#waits.get(socket);
    // Somebody else has held it back since: what lies in it may be as old as that.
    const sinceMs = before !== undefined && socket.isPaused() ? before.sinceMs : this.#nowMs();
    socket.pause();
    if (before?.isOver === false) return;
    this.#waits.set(socket, { sinceMs, isOver: false });
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
    const lot = this.#isDraining() ? this.#takeAll() : this.#takeLot();
    for (const socket of lot) socket.resume();
    this.#end(lot);
    this.#lookLater();
  }

  /** With this turn: what lies in them is read before it is over. */
  #end(lot: readonly Socket[]): void {
    const ended = lot.flatMap((socket) => {
      const wait = this.#waits.get(socket);
      if (wait !== undefined) wait.isOver = true;
      return wait === undefined ? [] : [{ socket, wait }];
    });
    setImmediate(() => {
      for (const { socket, wait } of ended) this.#forget(socket, wait);
    });
  }

  /** Not while somebody else holds it back: then more of that lies in it. */
  #forget(socket: Socket, wait: Wait): void {
    if (this.#waits.get(socket) !== wait) return;
    if (socket.isPaused()) socket.once('resume', () => setImmediate(() => this.#forget(socket, wait)));
    else this.#waits.delete(socket);
  }

  #takeAll(): readonly Socket[] {
    const all = this.#waiting.slice(this.#oldest);
    this.#waiting = [];
    this.#oldest = 0;
    return all;
  }

  #takeLot(): readonly Socket[] {
    const oldest = this.#takeOldestAfterRest();
    const latest = this.#takeLatest(Math.max(this.#room(), oldest.length === 0 ? 0 : LATEST));
    return [...latest, ...oldest];
  }

  /** Not all of them have sent something: then the next look takes more. */
  #takeLatest(count: number): readonly Socket[] {
    const latest = this.#waiting.splice(Math.max(this.#oldest, this.#waiting.length - count));
    // Nor are those kept that were taken before.
    if (this.#waiting.length === this.#oldest) this.#takeAll();
    return latest;
  }

  #takeOldestAfterRest(): readonly Socket[] {
    const [nowMs, processorMs] = [this.#nowMs(), this.#processorMs()];
    this.#restsUntil = Math.max(this.#restsUntil, this.#lookedAt) + REST * this.#spentMs;
    this.#lookedAt = processorMs;
    this.#spentMs = 0;
    const isLongest = nowMs - this.#oldestReadMs >= LONGEST_REST_MS;
    if (processorMs < this.#restsUntil && !isLongest) return [];
    this.#restsUntil = processorMs;
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

function processorOfProcessMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000 + performance.eventLoopUtilization().idle;
}
