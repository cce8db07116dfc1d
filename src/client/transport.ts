/**
 * The transport: the only thing that touches the network. A transport sends one request and answers with the whole
 * response, whatever its status; it does not retry, follow redirects, or interpret. The default is `fetch`, which is
 * everywhere; another one (a connection pool on a server, a fake in a test) is one function.
 */

/** One HTTP request. */
export interface TransportRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  /** Absolute; path segments are percent-encoded already and must be sent as they are. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Fires at the attempt's deadline or when the caller gives up; the request should then end at once. */
  readonly signal: AbortSignal;
}

/** One HTTP response with its whole body. */
export interface TransportResponse {
  readonly status: number;
  readonly headers: {
    /** The header's value, by its name in any case; null (or undefined) if there is none. */
    get(name: string): string | null | undefined;
  };
  readonly body: Uint8Array;
}

/**
 * Sends one request. Rejects if there was no complete response: with a {@link TransportError} whose `sent` is false if
 * it is certain that the node never received the request, with anything else if it is not.
 */
export type Transport = (request: TransportRequest) => Promise<TransportResponse>;

/** A request without a response. */
export class TransportError extends Error {
  /** False only if it is certain that no byte of the request reached the node: then a write surely was not applied. */
  readonly sent: boolean;

  constructor(message: string, details: { readonly sent: boolean; readonly cause?: unknown }) {
    super(message, { cause: details.cause });
    this.name = 'TransportError';
    this.sent = details.sent;
  }
}

/** Sends by the platform's `fetch`. */
export const fetchTransport: Transport = async (request) => {
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      signal: request.signal,
      // Nodes do not redirect. Whoever does must not get the token, nor a write.
      redirect: 'manual',
      credentials: 'omit',
      ...(request.body === undefined ? {} : { body: request.body as Uint8Array<ArrayBuffer> }),
    });
    const body = new Uint8Array(await response.arrayBuffer());
    return { status: response.status, headers: response.headers, body };
  } catch (thrown) {
    throw transportErrorFrom(thrown);
  }
};

/**
 * The {@link TransportError} for what `fetch` or a Node socket threw. On Node the cause tells whether the connection was
 * ever there; browsers do not tell, so there every failure counts as perhaps sent.
 */
export function transportErrorFrom(thrown: unknown): TransportError {
  const causes = causesOf(thrown);
  const told = causes.map((cause) => cause.message).filter((message) => message !== '');
  const code = causes.map((cause) => (cause as SystemError).code).find((value) => typeof value === 'string');
  const message = told.at(-1) ?? code ?? String(thrown);
  return new TransportError(message, { sent: !causes.some(neverConnected), cause: thrown });
}

/** What Node adds to errors of its sockets. */
interface SystemError extends Error {
  readonly code?: unknown;
  readonly syscall?: unknown;
}

/** How deep chains of causes are followed. */
const MAX_CAUSES = 5;

function causesOf(thrown: unknown): readonly Error[] {
  const causes: Error[] = [];
  for (let next = thrown; next instanceof Error && causes.length < MAX_CAUSES; next = next.cause)
    causes.push(next);
  return causes;
}

/** A refused or timed out connect, or a name that does not resolve: there was nothing to send the request on. */
function neverConnected(cause: SystemError): boolean {
  if (cause.code === 'ECONNREFUSED' || cause.code === 'UND_ERR_CONNECT_TIMEOUT') return true;
  return cause.syscall === 'connect' || cause.syscall === 'getaddrinfo';
}
