/**
 * The client's transport over undici's connection pools, for Node processes that make many calls: a call costs about a
 * tenth of the CPU time of the platform's `fetch`. Each origin has its own pool of kept-alive connections; requests beyond
 * the bound wait for a free one.
 */
import type { Agent } from 'undici';
import { transportErrorFrom } from '../client/transport-error.ts';
import {
  DEFAULT_MAX_RESPONSE_BYTES,
  type Transport,
  type TransportRequest,
  type TransportResponse,
} from '../client/transport.ts';

/** Connections to one origin at most. */
const CONNECTIONS_PER_ORIGIN = 64;
/** How long a connection may take to be there, milliseconds; the client's own deadline is often earlier. */
const CONNECT_TIMEOUT_MS = 3_000;
/** How long an idle connection is kept, milliseconds; less than nodes keep theirs, so that none closes under a request. */
const KEEP_ALIVE_MS = 20_000;
/** Bytes of a response's header block. Twice what a node takes: a context that can be sent can surely be received. */
const MAX_RESPONSE_HEADER_BYTES = 128 * 1024;

/** Settings of {@link pooledTransport}. */
export interface PooledTransportOptions {
  /** Connections to one origin at most; 64 by default. */
  readonly connectionsPerOrigin?: number;
  /** Bytes of one response body at most; 64 MiB by default. It is the pool's own bound, not one of each request. */
  readonly maxResponseBytes?: number;
}

/** A transport that holds connections, until `close`. */
export interface PooledTransport {
  readonly transport: Transport;
  /** Ends idle connections at once and busy ones with their requests. */
  close(): Promise<void>;
}

/** A pooled transport of its own; whoever makes it closes it. */
export function pooledTransport(options: PooledTransportOptions = {}): PooledTransport {
  let agent: Promise<Agent> | undefined;
  let isClosed = false;
  return {
    transport: async (request) => {
      if (!isClosed) agent ??= openAgent(options);
      return send(agent ?? Promise.reject(new Error('This transport is closed')), request);
    },
    close: async () => {
      isClosed = true;
      await (await agent)?.close();
    },
  };
}

/** Loaded at the first call: it takes a fifth of a second, which a node that is started need not wait for. */
async function openAgent(options: PooledTransportOptions): Promise<Agent> {
  const { Agent } = await import('undici');
  return new Agent({
    connections: options.connectionsPerOrigin ?? CONNECTIONS_PER_ORIGIN,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
    maxResponseSize: options.maxResponseBytes ?? DEFAULT_MAX_RESPONSE_BYTES,
    // The caller's signal is the deadline.
    headersTimeout: 0,
    bodyTimeout: 0,
    pipelining: 1,
  });
}

async function send(opened: Promise<Agent>, request: TransportRequest): Promise<TransportResponse> {
  try {
    const { origin, path } = split(request.url);
    const agent = await opened;
    const response = await agent.request({
      origin,
      path,
      method: request.method,
      headers: request.headers,
      signal: request.signal,
      body: request.body ?? null,
    });
    const body = new Uint8Array(await response.body.arrayBuffer());
    return {
      status: response.statusCode,
      headers: { get: (name) => firstValue(response.headers[name.toLowerCase()]) },
      body,
    };
  } catch (thrown) {
    throw transportErrorFrom(thrown);
  }
}

/** Cut as text: `URL` would collapse the segments of a key that look like `.` and `..`, and costs more. */
function split(url: string): { readonly origin: string; readonly path: string } {
  const start = url.indexOf('/', url.indexOf('://') + 3);
  return start === -1 ? { origin: url, path: '/' } : { origin: url.slice(0, start), path: url.slice(start) };
}

function firstValue(value: string | string[] | undefined): string | undefined {
  return typeof value === 'object' ? value.join(', ') : value;
}
