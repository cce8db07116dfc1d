/**
 * The transport: the only thing that touches the network. A transport sends one request and answers with the whole
 * response, whatever its status; it does not retry, follow redirects, or interpret. The default is `fetch`, which is
 * everywhere; another one (a connection pool on a server, a fake in a test) is one function.
 */
import { boundedBody } from './response-body.ts';
import { TransportError, transportErrorFrom } from './transport-error.ts';

/** One HTTP request. */
export interface TransportRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  /** Absolute; path segments are percent-encoded already and must be sent as they are. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Fires at the attempt's deadline or when the caller gives up; the request should then end at once. */
  readonly signal: AbortSignal;
  /** A longer response body should be refused before it fills the memory; 64 MiB if not said. */
  readonly maxResponseBytes?: number;
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

/** Bytes of a response body if a request does not say: well above what nodes answer with their default limits. */
export const DEFAULT_MAX_RESPONSE_BYTES = 64 * 1024 * 1024;

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
    const maxBytes = request.maxResponseBytes ?? DEFAULT_MAX_RESPONSE_BYTES;
    return {
      status: response.status,
      headers: response.headers,
      body: await boundedBody(response, maxBytes),
    };
  } catch (thrown) {
    throw thrown instanceof TransportError ? thrown : transportErrorFrom(thrown);
  }
};
