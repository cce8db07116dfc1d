/**
 * The connections of the open-loop generator: to each node as many as are needed at once, up to a bound.
 *
 * Requests are written as bytes on sockets of its own: at three times what the nodes can bear, a client library would take
 * the processors from them. An answer is known by its status line and the end of its head, whose length of the body every
 * answer here says.
 */
import { connect, type Socket } from 'node:net';

const END_OF_HEAD = '\r\n\r\n';

/** One request on its way. */
export interface Running {
  readonly dueMs: number;
  readonly isMeasured: boolean;
}

/** Gets the status, or nothing if the connection broke. */
type OnAnswer = (running: Running, status: number | undefined) => void;

/** One keep-alive connection, which carries one request at a time. */
class Connection {
  /** Resolves when it stands, or has failed. */
  readonly settled: Promise<void>;
  readonly #socket: Socket;
  readonly #onAnswer: OnAnswer;
  readonly #onFree: (connection: Connection) => void;
  #running: Running | undefined;
  #received = '';

  constructor(url: URL, onAnswer: OnAnswer, onFree: (connection: Connection) => void) {
    this.#onAnswer = onAnswer;
    this.#onFree = onFree;
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text: string) => this.#take(text));
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => this.#end(undefined));
    this.settled = new Promise((resolve) => {
      this.#socket.once('connect', resolve).once('close', resolve);
    });
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  send(bytes: Buffer, running: Running): void {
    this.#running = running;
    this.#socket.write(bytes);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#received += text;
    const end = this.#received.indexOf(END_OF_HEAD);
    if (end < 0) return;
    const head = this.#received.slice(0, end);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#received.length < end + END_OF_HEAD.length + length) return;
    this.#received = '';
    if (/\r\nconnection: close/i.test(head)) this.#socket.destroy();
    this.#end(Number(head.slice(9, 12)));
  }

  #end(status: number | undefined): void {
    const running = this.#running;
    this.#running = undefined;
    if (running !== undefined) this.#onAnswer(running, status);
    if (this.isOpen) this.#onFree(this);
  }
}

/** All connections to one node. */
export class Target {
  readonly #url: URL;
  readonly #max: number;
  readonly #onAnswer: OnAnswer;
  readonly #free: Connection[] = [];
  readonly #all = new Set<Connection>();

  constructor(url: string, max: number, onAnswer: OnAnswer) {
    this.#url = new URL(url);
    this.#max = max;
    this.#onAnswer = onAnswer;
  }

  /** Opens so many before they are needed. A failure shows with the first request. */
  async open(count: number): Promise<void> {
    const opened = Array.from({ length: Math.min(count, this.#max) }, () => this.#connect());
    this.#free.push(...opened);
    await Promise.all(opened.map(({ settled }) => settled));
  }

  /** False if there is no connection for it. */
  send(bytes: Buffer, running: Running): boolean {
    const connection = this.#next();
    connection?.send(bytes, running);
    return connection !== undefined;
  }

  close(): void {
    for (const connection of this.#all) connection.destroy();
  }

  #next(): Connection | undefined {
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop()) {
      if (free.isOpen) return free;
      this.#all.delete(free);
    }
    return this.#all.size >= this.#max ? undefined : this.#connect();
  }

  #connect(): Connection {
    const connection = new Connection(
      this.#url,
      (running, status) => {
        if (!connection.isOpen) this.#all.delete(connection);
        this.#onAnswer(running, status);
      },
      (freed) => this.#free.push(freed),
    );
    this.#all.add(connection);
    return connection;
  }
}
