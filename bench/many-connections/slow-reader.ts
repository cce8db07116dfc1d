/**
 * A client that asks for a value again and again and hardly reads the answers. It has several requests on their way
 * (pipelining, RFC 9112 section 9.3.2): one answer alone would go into the buffers of the system whole, and the node would never
 * see that nobody reads.
 */
import { connect, type Socket } from 'node:net';

/** Requests that are not answered yet: with 100 KB each, more than the buffers of the system take. */
export const PIPELINED = 64;
const TRICKLE_MS = 250;
const REOPEN_MS = 500;
const ANSWER = 'HTTP/1.1 200 ';

/** `trickle`: so many bytes per second, evenly. `stop`: nothing for so many milliseconds, then all that is there. */
export type ReadingPace =
  | { readonly type: 'trickle'; readonly bytesPerSecond: number }
  | { readonly type: 'stop'; readonly ms: number };

/** One that runs. */
export class SlowReader {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #request: string;
  readonly #pace: ReadingPace;
  readonly #timer: NodeJS.Timeout;
  #socket: Socket;
  #reopening: NodeJS.Timeout | undefined;
  /** End of what was read, in which the next answer may begin. */
  #tail = '';
  #answers = 0;
  #bytes = 0;
  #closed = 0;

  /** `path` of an entry on the node with this address. */
  constructor(url: string, path: string, pace: ReadingPace) {
    const { hostname, port } = new URL(url);
    this.#target = { host: hostname, port: Number(port) };
    this.#request = `GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: keep-alive\r\n\r\n`;
    this.#pace = pace;
    this.#socket = this.#open();
    this.#timer = setInterval(() => this.#read(), pace.type === 'trickle' ? TRICKLE_MS : pace.ms);
  }

  /** What came of it so far; `closed`: how often the other side ended the connection. */
  get seen(): { readonly answers: number; readonly bytes: number; readonly closed: number } {
    return { answers: this.#answers, bytes: this.#bytes, closed: this.#closed };
  }

  end(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#reopening);
    this.#socket.removeAllListeners('close').destroy();
  }

  #open(): Socket {
    const socket = connect({ ...this.#target, noDelay: true });
    // Nobody listens for data: what comes stays in the socket until it is read.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed += 1;
      this.#reopening = setTimeout(() => {
        this.#socket = this.#open();
      }, REOPEN_MS);
    });
    socket.write(this.#request.repeat(PIPELINED));
    this.#tail = '';
    return socket;
  }

  #read(): void {
    if (this.#pace.type === 'trickle') {
      const wanted = Math.ceil((this.#pace.bytesPerSecond * TRICKLE_MS) / 1_000);
      // A part of what was wanted comes only if all that is there is asked for.
      const found = this.#received(wanted) ?? this.#received();
      if (found !== null) this.#take(found);
      return;
    }
    for (let found = this.#received(); found !== null; found = this.#received()) this.#take(found);
  }

  /** Null if there is nothing, or less than so many bytes. */
  #received(bytes?: number): Buffer | null {
    return this.#socket.read(bytes) as Buffer | null;
  }

  #take(bytes: Buffer): void {
    this.#bytes += bytes.length;
    const text = this.#tail + bytes.toString('latin1');
    const answers = text.split(ANSWER).length - 1;
    this.#tail = text.slice(text.lastIndexOf(ANSWER) + 1).slice(-(ANSWER.length - 1));
    this.#answers += answers;
    if (answers > 0) this.#socket.write(this.#request.repeat(answers));
  }
}
