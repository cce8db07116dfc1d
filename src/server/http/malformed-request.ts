/**
 * Answers where a request never became one: Node's parser gave up, or its target cannot be used.
 *
 * Invariant: what is written here by hand is never taken for the answer to another request. A client may send several
 * requests in a row on one connection; bytes that follow a request and make no sense say nothing about what became of it. So
 * while a request of the connection is unanswered, its own answer goes out, as the last one.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { HEADERS } from '../../api/headers.ts';
import { MAX_HEADER_BYTES } from '../../core/limits.ts';
import type { AppOptions } from './app-options.ts';
import { Problem, problemReply } from './problem.ts';
import { outcomeForRetry } from './retry-outcome.ts';
import { sendReply } from './send-reply.ts';
import type { Turns } from './turns.ts';

/** Milliseconds that a client has to read the last answer before its connection is closed. */
const CLOSE_MS = 500;

type Options = Pick<AppOptions, 'requestIds' | 'node' | 'metrics'>;

export class MalformedRequests {
  readonly #options: Options;
  /** The answer to the latest request of each connection, until it has left. */
  readonly #latest = new WeakMap<Duplex, ServerResponse>();
  /** Those that are the last of their connection. */
  readonly #last = new WeakSet<ServerResponse>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Has to hear of every request. */
  began(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { socket } = incoming;
    this.#latest.set(socket, outgoing);
    // Of a thousand connections a thousand answers would be kept otherwise, each with its request, for the collector to move about.
    outgoing.once('close', () => {
      if (this.#latest.get(socket) === outgoing) this.#latest.delete(socket);
    });
  }

  /** Ends a connection on which the parser gave up, with a problem if none of its requests is unanswered. */
  onClientError(error: NodeJS.ErrnoException, socket: Duplex, turns: Pick<Turns, 'isWaiting'>): void {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const latest = this.#latest.get(socket);
    if (latest === undefined || latest.writableFinished) endSoon(socket, this.#rawAnswer(problemOf(error)));
    // The parser gives up again with whatever comes after.
    else if (!this.#last.has(latest)) {
      this.#last.add(latest);
      finishWith(latest, socket);
      if (!latest.req.complete) this.#breakOff(latest, error, turns.isWaiting(latest));
    }
  }

  /** Answers a request whose target or Host header cannot be used. */
  refuse(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const problem = new Problem('bad-request', 'The request target or the Host header is malformed.', {
      hint: 'Start the target with "/", percent-encode what is not a URL character (a backslash is %5C), and send one valid Host.',
    });
    sendReply(incoming, outgoing, this.#reply(problem, incoming));
  }

  /** Nothing more of the body of this answer's request will be parsed. */
  #breakOff(outgoing: ServerResponse, error: NodeJS.ErrnoException, isWaiting: boolean): void {
    // Whoever reads the body is told as if the connection had closed.
    if (!isWaiting) outgoing.req.emit('close');
    // Nothing of it was begun, and nothing will be as it has its answer.
    else sendReply(outgoing.req, outgoing, this.#reply(problemOf(error), outgoing.req));
  }

  #rawAnswer(problem: Problem): string {
    const { status, headers, body } = this.#reply(problem);
    headers['Content-Length'] = String(Buffer.byteLength(body));
    headers['Connection'] = 'close';
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`;
  }

  /** `incoming`: left out if there is none. */
  #reply(
    problem: Problem,
    incoming?: IncomingMessage,
  ): { status: number; headers: Record<string, string>; body: string } {
    const { requestIds, node, metrics } = this.#options;
    const requestId = requestIds.idFor(undefined);
    const outcome = incoming === undefined ? undefined : outcomeForRetry(problem.code, incoming);
    const { status, headers, body } = problemReply(problem, requestId, outcome);
    metrics.countProblem(problem.code);
    const common = {
      [HEADERS.coordinator]: node.nodeId,
      [HEADERS.requestId]: requestId,
      'Cache-Control': 'no-store',
    };
    return { status, headers: { ...headers, ...common }, body: body as string };
  }
}

/** Lets the answer of the connection's latest request be its last. */
function finishWith(outgoing: ServerResponse, socket: Duplex): void {
  outgoing.shouldKeepAlive = false;
  outgoing.once('close', () => endSoon(socket));
}

/** Ends a connection, and closes it if the other side does not: one that is kept open by that side alone is watched by nobody. */
function endSoon(socket: Duplex, lastBytes?: string): void {
  const timer = setTimeout(() => socket.destroy(), CLOSE_MS);
  socket.once('close', () => clearTimeout(timer));
  if (lastBytes === undefined) socket.end();
  else socket.end(lastBytes);
}

function problemOf({ code }: NodeJS.ErrnoException): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new Problem(
      'headers-too-large',
      `The headers are larger than the limit of ${MAX_HEADER_BYTES} bytes.`,
      { facts: { maxHeaderBytes: MAX_HEADER_BYTES } },
    );
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new Problem('bad-request', 'The request did not arrive in time.');
  if (code === 'HPE_INVALID_URL') {
    return new Problem('bad-request', 'The request target has bytes that are no URL characters.', {
      hint: 'Percent-encode spaces, control characters and every byte above 127.',
    });
  }
  return new Problem('bad-request', `This is no valid HTTP/1.1 request (${code ?? 'unknown error'}).`);
}
