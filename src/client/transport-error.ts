/** A request without a response, and what the platforms' own errors say about whether it reached the node. */

/** What a {@link TransportError} is made of. */
export interface TransportErrorDetails {
  /** False only if it is certain that no byte of the request reached the node: then a write surely was not applied. */
  readonly sent: boolean;
  /** `unreachable` (default): another attempt may fare better. `bad-response`: an answer that cannot be taken. */
  readonly code?: 'unreachable' | 'bad-response';
  /** What to do next, where there is something to say. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** A request without a response. */
export class TransportError extends Error {
  /** False only if it is certain that no byte of the request reached the node: then a write surely was not applied. */
  readonly sent: boolean;
  readonly code: 'unreachable' | 'bad-response';
  readonly hint: string | undefined;

  constructor(message: string, details: TransportErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'TransportError';
    this.sent = details.sent;
    this.code = details.code ?? 'unreachable';
    this.hint = details.hint;
  }
}

/** The error for a response body above its bound. */
export function responseTooLarge(maxBytes: number | undefined, cause?: unknown): TransportError {
  const bound = maxBytes === undefined ? 'its bound' : `${maxBytes} bytes`;
  return new TransportError(`The answer is larger than ${bound}`, {
    sent: true,
    code: 'bad-response',
    hint: 'Raise maxResponseBytes of connect if values, or siblings of one key together, may be that large.',
    cause,
  });
}

/** Codes of undici and of Node's HTTP parser for a header block above the limit of the client's side. */
const HEADERS_TOO_LARGE = new Set<unknown>(['UND_ERR_HEADERS_OVERFLOW', 'HPE_HEADER_OVERFLOW']);
const BODY_TOO_LARGE = 'UND_ERR_RES_EXCEEDED_MAX_SIZE';
/** Codes of failures that come before a connection is used. */
const NEVER_SENT = new Set<unknown>(['ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_INVALID_ARG']);

/**
 * The {@link TransportError} for what `fetch` or a Node socket threw. On Node the cause tells whether the connection was
 * ever there; browsers do not tell, so there every failure counts as perhaps sent.
 */
export function transportErrorFrom(thrown: unknown): TransportError {
  const causes = causesOf(thrown);
  const codes = causes.map((cause) => cause.code);
  if (codes.some((code) => HEADERS_TOO_LARGE.has(code))) return headersTooLarge(thrown);
  if (codes.includes(BODY_TOO_LARGE)) return responseTooLarge(undefined, thrown);
  const told = causes.map(({ message, code }) => (message !== '' ? message : code));
  const message = told.findLast((text) => typeof text === 'string') ?? String(thrown);
  return new TransportError(message, { sent: !causes.some(neverConnected), cause: thrown });
}

/** Contexts grow with the restarts of nodes, up to 64 KiB; Node's own clients take 16 KiB of headers by default. */
function headersTooLarge(cause: unknown): TransportError {
  return new TransportError('The headers of the answer are larger than this platform takes', {
    sent: true,
    code: 'bad-response',
    hint: "On Node, start with `--max-http-header-size=131072`, or give connect a transport that takes 128 KiB of headers: a key's context may have 64 KiB.",
    cause,
  });
}

/** What Node adds to errors of its sockets. */
interface SystemError extends Error {
  readonly code?: unknown;
  readonly syscall?: unknown;
}

/** How deep chains of causes are followed. */
const MAX_CAUSES = 5;

function causesOf(thrown: unknown): readonly SystemError[] {
  const causes: SystemError[] = [];
  for (let next = thrown; next instanceof Error && causes.length < MAX_CAUSES; next = next.cause)
    causes.push(next);
  return causes;
}

/** A refused or timed out connect, or a name that does not resolve: there was nothing to send the request on. */
function neverConnected(cause: SystemError): boolean {
  // A name with several addresses: all of them were tried.
  if (cause instanceof AggregateError) {
    const errors: readonly unknown[] = cause.errors;
    return errors.length > 0 && errors.every((error) => error instanceof Error && neverConnected(error));
  }
  return NEVER_SENT.has(cause.code) || cause.syscall === 'connect' || cause.syscall === 'getaddrinfo';
}
