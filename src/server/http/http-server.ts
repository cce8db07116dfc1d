/**
 * The listening socket: bounds on headers, time and connections, and answers where the request never became one.
 * `Expect: 100-continue` is answered only when a body is really going to be read.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { PROBLEMS } from '../../api/errors.ts';
import { HEADERS } from '../../api/headers.ts';
import { MAX_HEADER_BYTES, MAX_TIMEOUT_MS } from '../../core/limits.ts';
import { createApp, unusableTarget } from './app.ts';
import type { AppOptions } from './app-options.ts';
import type { RequestIds } from './exchange.ts';
import { Problem, problemReply } from './problem.ts';

/** Connections at once; more are closed as they come. */
const MAX_CONNECTIONS = 10_000;
/** Milliseconds for a request's headers to arrive. */
const HEADERS_TIMEOUT_MS = 15_000;
/** Milliseconds for a whole request to arrive: the longest deadline, and some. */
const REQUEST_TIMEOUT_MS = MAX_TIMEOUT_MS + 5_000;
/** Milliseconds that an idle connection is kept; longer than clients usually keep theirs, so that they close first. */
const KEEP_ALIVE_TIMEOUT_MS = 30_000;
/** Milliseconds between looks at headersTimeout and requestTimeout. */
const TIMEOUT_CHECK_MS = 5_000;

/** A server that is not listening yet. */
export function createHttpServer(options: AppOptions): Server {
  const app = createApp(options);
  const { requestIds, node } = options;
  const listener = getRequestListener((request, env) => app.fetch(request, env as HttpBindings), {
    errorHandler: (error) => {
      if (error instanceof Error && error.name === 'RequestError')
        return unusableTarget(requestIds, node.nodeId);
      options.log.error({ code: 'internal-error', err: error }, 'an answer could not be made');
      return new Response(null, { status: 500 });
    },
  });
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse): void =>
    void listener(incoming, outgoing);
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    },
    onRequest,
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on('checkContinue', onRequest);
  server.on('clientError', (error, socket) => answerUnparsable(error, socket, requestIds));
  return server;
}

/** Writes a problem by hand where Node's parser gave up, and closes the connection. */
function answerUnparsable(error: NodeJS.ErrnoException, socket: Duplex, requestIds: RequestIds): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const requestId = requestIds.idFor(undefined);
  const { status, headers, body } = problemReply(problemOf(error), requestId);
  const text = body as string;
  const lines = Object.entries({
    ...headers,
    [HEADERS.requestId]: requestId,
    'Cache-Control': 'no-store',
    'Content-Length': String(Buffer.byteLength(text)),
    Connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n${lines.join('')}\r\n${text}`);
}

function problemOf({ code }: NodeJS.ErrnoException): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new Problem(
      'headers-too-large',
      `The headers are larger than the limit of ${MAX_HEADER_BYTES} bytes.`,
      {
        facts: { maxHeaderBytes: MAX_HEADER_BYTES },
      },
    );
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new Problem('bad-request', 'The request did not arrive in time.');
  return new Problem('bad-request', `This is no valid HTTP/1.1 request (${code ?? 'unknown error'}).`);
}

function reasonPhrase(status: number): string {
  return status === PROBLEMS['headers-too-large'].status ? 'Request Header Fields Too Large' : 'Bad Request';
}
