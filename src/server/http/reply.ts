import type { ProblemCode } from '../../api/errors.ts';

/**
 * What a handler answers, as a value. The app adds the headers that every answer carries. `headers` belongs to the
 * reply: it is made for it and may be written to. A body is text or bytes, never a stream or an ArrayBuffer, which cost
 * several times as much to send.
 */
export interface Reply {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array | string | null;
  /** Set if the body is a problem: counted by code. */
  readonly problem?: ProblemCode;
}

/** A JSON answer. */
export function jsonReply(body: unknown, status = 200): Reply {
  return { status, headers: { 'Content-Type': 'application/json' }, body: `${JSON.stringify(body)}\n` };
}

/** A plain text answer. */
export function textReply(body: string): Reply {
  return { status: 200, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body };
}
