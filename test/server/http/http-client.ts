/**
 * Two ways to talk HTTP to a server under test, neither of which tidies anything up: node:http with the request target as it
 * is given (fetch would collapse dot segments), and bare bytes on a socket.
 */
import { once } from 'node:events';
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { ProblemBody } from '../../../src/api/bodies.ts';

type Headers = Readonly<Record<string, string | readonly string[]>>;

interface Call {
  readonly method?: string;
  readonly headers?: Headers;
  /** An array is sent chunked, one chunk for each element. */
  readonly body?: string | Uint8Array | readonly string[];
  /** Milliseconds after which the call is given up and rejects; for ever, if not set. */
  readonly limitMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
}

export class HttpClient {
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #sockets = new Set<Socket>();

  constructor(port: number) {
    this.#port = port;
  }

  async send(target: string, { method = 'GET', headers = {}, body, limitMs }: Call = {}): Promise<Answer> {
    const outgoing = request({
      host: '127.0.0.1',
      port: this.#port,
      path: target,
      method,
      headers: headers as Record<string, string | string[]>,
      agent: this.#agent,
      maxHeaderSize: 128 * 1024,
      ...(limitMs === undefined ? {} : { signal: AbortSignal.timeout(limitMs) }),
    });
    // A server may answer and close before it has read the whole body: the answer counts, not the broken pipe after it.
    outgoing.on('error', () => {});
    if (Array.isArray(body)) {
      for (const chunk of body as readonly string[]) outgoing.write(chunk);
      outgoing.end();
    } else outgoing.end(body as string | Uint8Array | undefined);
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    return readAnswer(incoming);
  }

  get(target: string, headers?: Headers): Promise<Answer> {
    return this.send(target, headers === undefined ? {} : { headers });
  }

  head(target: string, headers: Headers = {}): Promise<Answer> {
    return this.send(target, { method: 'HEAD', headers });
  }

  put(target: string, body: Call['body'] = 'value', headers: Headers = {}): Promise<Answer> {
    return this.send(target, { method: 'PUT', headers, ...(body === undefined ? {} : { body }) });
  }

  delete(target: string, headers: Headers = {}): Promise<Answer> {
    return this.send(target, { method: 'DELETE', headers });
  }

  /** A socket that is destroyed with the client. */
  async connect(): Promise<Socket> {
    const socket = connect(this.#port, '127.0.0.1');
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  }

  /** Sends bytes as they are, and gives everything that comes back until the server closes the connection. */
  async exchangeBytes(bytes: string | Uint8Array): Promise<string> {
    const socket = await this.connect();
    socket.write(bytes);
    return readToEnd(socket);
  }

  close(): void {
    this.#agent.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Everything that a socket gives until its other side closes, as Latin-1 text. */
export async function readToEnd(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // A reset ends it as well; what came before counts.
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(chunks).toString('latin1');
}

/** What a socket gives until the text contains `mark`; rejects if the connection is closed before. */
export function readUntil(socket: Socket, mark: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const onClose = (): void => reject(new Error(`the connection was closed after ${JSON.stringify(text)}`));
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      if (!text.includes(mark)) return;
      socket.off('data', onData).off('close', onClose);
      resolve(text);
    };
    socket.on('data', onData).on('close', onClose);
  });
}

/** The problem that an answer is; its media type is checked. */
export function problemIn({ headers, text, status }: Answer): ProblemBody {
  if (headers['content-type'] !== 'application/problem+json') {
    throw new Error(`${status} ${headers['content-type'] ?? 'without content type'} is no problem: ${text}`);
  }
  return JSON.parse(text) as ProblemBody;
}

/** The problem in the bytes of an answer that was read from a socket. */
export function problemInBytes(answer: string): ProblemBody {
  const [head = '', body = ''] = answer.split('\r\n\r\n', 2);
  if (!/^content-type: application\/problem\+json$/im.test(head)) throw new Error(`no problem: ${answer}`);
  return JSON.parse(body) as ProblemBody;
}

async function readAnswer(incoming: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, bytes, text: bytes.toString('utf8') };
}
