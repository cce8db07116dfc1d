/**
 * The listening socket: bounds on headers, time and connections.
 * `Expect: 100-continue` is answered only when a body is really going to be read.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { MAX_HEADER_BYTES, MAX_TIMEOUT_MS } from '../../core/limits.ts';
import { createApp } from './app.ts';
import type { AppOptions } from './app-options.ts';
import { Door } from './door.ts';
import { EntryLane } from './entry-lane.ts';
import { MalformedRequests } from './malformed-request.ts';
import { PacedReading } from './paced-reading.ts';
import { isUsable } from './request-target.ts';
import { ShedRequests } from './shed-requests.ts';
import { Turns } from './turns.ts';
import { UnsentAnswers } from './unsent-answers.ts';

/** Connections at once; more are closed as they come. */
const MAX_CONNECTIONS = 10_000;
/** Milliseconds for a request's headers to arrive. */
const HEADERS_TIMEOUT_MS = 15_000;
/** Milliseconds for a whole request to arrive: the longest deadline, and some. */
const REQUEST_TIMEOUT_MS = MAX_TIMEOUT_MS + 5_000;
/** Milliseconds without a byte either way, while a request or its answer is under way, after which a connection is closed. */
const STALLED_MS = REQUEST_TIMEOUT_MS;
/** Milliseconds that an idle connection is kept; longer than clients usually keep theirs, so that they close first. */
const KEEP_ALIVE_TIMEOUT_MS = 30_000;
/** Milliseconds between looks at headersTimeout and requestTimeout. */
const TIMEOUT_CHECK_MS = 5_000;

/** A server that is not listening yet. */
export function createHttpServer(options: AppOptions): Server {
  const onFailure = (error: unknown): void =>
    options.log.error({ code: 'internal-error', err: error }, 'an answer could not be made');
  const door = new Door(options);
  const app = createApp(door);
  const unsent = new UnsentAnswers();
  const reading = new PacedReading({
    isDraining: () => options.admission.draining,
    // What is let in would be refused all the same.
    room: () => (unsent.overload === undefined ? options.admission.room : 0),
  });
  const lane = new EntryLane(door, unsent, onFailure);
  const malformed = new MalformedRequests(options);
  const listener = getRequestListener((request, env) => app.fetch(request, env), {
    // Only for the adapter, which wants a whole URL; health checks by HTTP/1.0 send no Host.
    hostname: 'localhost',
    errorHandler: (error) => {
      onFailure(error);
      return new Response(null, { status: 500 });
    },
  });
  const shed = new ShedRequests(options, unsent, reading);
  const turns = new Turns((incoming, outgoing, waited) => {
    if (shed.refuses(incoming, outgoing, waited)) return;
    if (!isUsable(incoming)) malformed.refuse(incoming, outgoing);
    else if (!lane.takes(incoming, outgoing)) void listener(incoming, outgoing);
  });
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    malformed.began(incoming, outgoing);
    // What follows it in the same read is lost to Node's parser, so nothing may follow.
    if (incoming.headers.upgrade !== undefined) outgoing.shouldKeepAlive = false;
    turns.take(incoming, outgoing, reading.mayHaveWaitedMs(incoming.socket));
  };
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      // Node would answer a missing Host without a body; here it gets a problem.
      requireHostHeader: false,
    },
    onRequest,
  );
  server.maxConnections = MAX_CONNECTIONS;
  // Their bytes are bounded. Of more than so many Node would drop the last ones, and with them a condition or a write id.
  server.maxHeadersCount = 0;
  server.timeout = STALLED_MS;
  server.on('checkContinue', onRequest);
  server.on('clientError', (error, socket) => malformed.onClientError(error, socket, turns));
  return server;
}
