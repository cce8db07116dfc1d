/**
 * Begins the requests of one connection one after the other. A client may send many in a row before it reads an answer
 * (pipelining, RFC 9112, 9.3.2), and only safe ones may be carried out side by side: a GET behind a PUT has to see what that
 * wrote. And what is answered before its turn has to be kept until then, so one connection that asks for large values and reads
 * none of them would fill the memory.
 *
 * A response that is behind another has no socket until that one has left, nor ever if the connection closes before: then its
 * request is not begun, and goes with the connection. While many wait, nothing more is read.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** So many requests wait, and what is left of one read, before their connection is not read any further. */
const MAX_WAITING = 64;

/** For how long a request has waited before it was begun, milliseconds. */
export interface Waited {
  /** In its connection, because that was not read: at most. */
  readonly unreadMs: number;
  /** For those before it. */
  readonly inLineMs: number;
}

type Begin = (incoming: IncomingMessage, outgoing: ServerResponse, waited: Waited) => void;

export class Turns {
  readonly #begin: Begin;
  readonly #lines = new WeakMap<Socket, Line>();
  readonly #waiting = new WeakSet<ServerResponse>();

  constructor(begin: Begin) {
    this.#begin = begin;
  }

  /** Begins the request, at once or when those before it on its connection are answered. */
  take(incoming: IncomingMessage, outgoing: ServerResponse, unreadMs: number): void {
    if (outgoing.socket === null) this.#wait(incoming, outgoing, unreadMs);
    // Not if the connection has had its last answer (malformed-request.ts): its client takes that for the answer to this one.
    else if (outgoing.socket.writable) this.#begin(incoming, outgoing, { unreadMs, inLineMs: 0 });
  }

  /** Whether its request has not begun. */
  isWaiting(outgoing: ServerResponse): boolean {
    return this.#waiting.has(outgoing);
  }

  #wait(incoming: IncomingMessage, outgoing: ServerResponse, unreadMs: number): void {
    const { socket } = incoming;
    const line = this.#lineOf(socket);
    line.joined();
    this.#waiting.add(outgoing);
    const joinedMs = performance.now();
    const begin = (): void => {
      this.#waiting.delete(outgoing);
      line.left();
      // The connection may have closed just now, or the request was answered already (malformed-request.ts).
      if (socket.writable && !outgoing.headersSent)
        this.#begin(incoming, outgoing, { unreadMs, inLineMs: performance.now() - joinedMs });
    };
    // Not at once: Node is at assigning the socket, and a long line of requests must not keep other connections waiting.
    outgoing.once('socket', () => setImmediate(begin));
  }

  #lineOf(socket: Socket): Line {
    let line = this.#lines.get(socket);
    if (line === undefined) {
      line = new Line(socket);
      this.#lines.set(socket, line);
    }
    return line;
  }
}

/** Those of one connection that wait. */
class Line {
  readonly #socket: Socket;
  #waiting = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    // Node resumes it for reasons of its own, when an answer has left for instance.
    socket.on('resume', () => this.#holdBack());
  }

  joined(): void {
    this.#waiting += 1;
    this.#holdBack();
  }

  left(): void {
    this.#waiting -= 1;
    if (this.#waiting === MAX_WAITING - 1) this.#socket.resume();
  }

  #holdBack(): void {
    if (this.#waiting >= MAX_WAITING) this.#socket.pause();
  }
}
