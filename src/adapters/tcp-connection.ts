/**
 * One TCP socket as a connection of the network port: length-prefixed frames (codec/frame.ts), both ways.
 *
 * Frames are written at the end of the event loop's turn, by `setImmediate`: a coordinator that read 64 clients'
 * requests in one turn then writes to each peer once (measured with 64 clients: 7 to 11 frames to a write and about
 * half of the peer's CPU time; `process.nextTick` ends with each socket's callback and never gathered two).
 */
import { isIPv6, type Socket } from 'node:net';
import { FrameDecoder, assertFrame, encodeFrames, framedBytes } from '../codec/frame.ts';
import type { Connection, ConnectionHandlers } from '../ports/network.ts';

/** What has been given to connections to send. Goes up only. */
export interface SentFrames {
  messages: number;
  /** With what frames them. */
  bytes: number;
}

/** One connection to a peer, whoever opened it. `start` must follow in the turn in which the socket was created. */
export class TcpConnection implements Connection {
  readonly remote: string;
  /** Resolves when the socket is gone and `onClose` was called. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #sent: SentFrames;
  readonly #decoder = new FrameDecoder();
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #end: { readonly reason: string; readonly cause: 'closed' | 'malformed' } | undefined;
  #settleClosed: () => void = () => undefined;

  /** Counts in `sent`, which connections share. */
  constructor(socket: Socket, remote: string, sent: SentFrames) {
    this.#socket = socket;
    this.#sent = sent;
    this.remote = remote;
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
  }

  /** Bytes of one write leave this count together, when the last of them has left: an upper bound. */
  get queuedBytes(): number {
    return this.#end === undefined ? this.#pendingBytes + this.#socket.writableLength : 0;
  }

  start(handlers: ConnectionHandlers): void {
    const socket = this.#socket;
    const onFrame = (frame: Uint8Array): void => {
      // A frame may have led to a close; those behind it in the same chunk are not delivered any more.
      if (this.#end === undefined) handlers.onFrame(frame);
    };
    socket.on('connect', () => {
      if (this.#end === undefined) handlers.onOpen?.();
    });
    socket.on('data', (chunk) => {
      if (this.#end !== undefined) return;
      const result = this.#decoder.feed(chunk, onFrame);
      if (result.type === 'malformed') this.#finish(result.reason, 'malformed');
    });
    // Not waiting for queued writes: whoever ended the stream does not read them. That it ends in the middle of a frame is nobody's
    // fault: a process that was killed, and a reset, which behind bytes not yet read looks like an end, cut anywhere.
    socket.on('end', () =>
      this.#finish(
        this.#decoder.isWhole ? 'closed by the peer' : 'closed in the middle of a message',
        'closed',
      ),
    );
    socket.on('error', (error) => this.#finish(describeSocketError(error), 'closed'));
    socket.on('close', () => {
      const { reason, cause } = this.#end ?? { reason: 'the connection broke', cause: 'closed' };
      this.#end ??= { reason, cause };
      this.#settleClosed();
      handlers.onClose(reason, cause);
    });
  }

  send(frame: Uint8Array): void {
    if (this.#end !== undefined) return;
    assertFrame(frame);
    if (this.#pending.push(frame) === 1) setImmediate(() => this.#flush());
    const bytes = framedBytes(frame);
    this.#pendingBytes += bytes;
    this.#sent.messages += 1;
    this.#sent.bytes += bytes;
  }

  close(reason: string): void {
    // Most often this still reaches the peer: a refusal, for instance, and why.
    this.#flush();
    this.#finish(reason, 'closed');
  }

  /** Without this, what lies in the kernel would be delivered for as long as the other machine takes it, after a pause of minutes. */
  reset(reason: string): void {
    this.#finish(reason, 'closed', 'reset');
  }

  #flush(): void {
    if (this.#end !== undefined || this.#pending.length === 0) return;
    const buffers = encodeFrames(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#socket.cork();
    for (const buffer of buffers) this.#socket.write(buffer);
    this.#socket.uncork();
  }

  /** The first reason counts; `onClose` follows from the socket's `close` event, which comes once, and later. */
  #finish(reason: string, cause: 'closed' | 'malformed', how: 'close' | 'reset' = 'close'): void {
    if (this.#end !== undefined) return;
    this.#end = { reason, cause };
    this.#pending = [];
    this.#pendingBytes = 0;
    // One that is only being made would be reset when it stands, which may be never: nothing has left on it.
    if (how === 'reset' && !this.#socket.connecting && !this.#socket.destroyed)
      this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }
}

/** As people write it; IPv6 addresses in brackets. */
export function hostAndPort(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

const SOCKET_ERRORS = new Map([
  ['ECONNREFUSED', 'connection refused: nothing listens there'],
  ['ECONNRESET', 'connection reset by the peer'],
  ['EPIPE', 'connection closed by the peer while sending'],
  ['ETIMEDOUT', 'connection timed out: the peer does not answer'],
  ['EHOSTUNREACH', 'no route to the host'],
  ['ENETUNREACH', 'the network cannot be reached'],
  ['ENOTFOUND', 'the host name is unknown'],
  ['EAI_AGAIN', 'the host name cannot be looked up now'],
]);

function describeSocketError(error: NodeJS.ErrnoException): string {
  const known = SOCKET_ERRORS.get(error.code ?? '');
  if (known !== undefined) return `${known} (${error.code})`;
  return error.message || (error.code ?? 'unknown socket error');
}
