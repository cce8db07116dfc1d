import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

/** One request as the handlers see it: the raw message, and what was taken from it once. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly headers: IncomingHttpHeaders;
  /** Path exactly as sent, still percent-encoded, dot segments and all. */
  readonly path: string;
  /** What follows the first `?`, without it; empty if nothing does. */
  readonly query: string;
  readonly requestId: string;
  /** By performance.now(). */
  readonly startedMs: number;
}

const SANE_REQUEST_ID = /^[A-Za-z0-9._~-]{1,64}$/;

/** Makes request ids: a random part for the process, then a counter. Clients may bring their own. */
export class RequestIds {
  readonly #prefix: string;
  #next = 0;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The client's id if it is 1 to 64 unreserved characters, else a new one. */
  idFor(sent: string | string[] | undefined): string {
    if (typeof sent === 'string' && SANE_REQUEST_ID.test(sent)) return sent;
    this.#next += 1;
    return `${this.#prefix}-${this.#next.toString(36)}`;
  }
}

const ABSOLUTE_FORM = /^https?:\/\/[^/?]*/;

/** The raw path of a request target, up to `?`. A proxy's absolute form (RFC 9112 3.2.2) loses its scheme and authority. */
export function rawPath(target: string): string {
  const question = target.indexOf('?');
  const path = question === -1 ? target : target.slice(0, question);
  return path.startsWith('/') ? path : path.replace(ABSOLUTE_FORM, '') || '/';
}

/** What follows the first `?` of a request target. */
export function rawQuery(target: string): string {
  const question = target.indexOf('?');
  return question === -1 ? '' : target.slice(question + 1);
}

/** The one value of a header that Node keeps as a string; undefined if it was not sent. */
export function headerOf(headers: IncomingHttpHeaders, lowerCaseName: string): string | undefined {
  const value = headers[lowerCaseName];
  return typeof value === 'string' ? value : value?.join(', ');
}
