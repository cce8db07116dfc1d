/** A transport that answers from a script and keeps what was asked. */
import type { Transport, TransportRequest, TransportResponse } from '../../src/client/index.ts';

export interface ScriptedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

type Script = (request: TransportRequest, index: number) => ScriptedAnswer | Error | 'hang';

export interface ScriptedTransport {
  readonly transport: Transport;
  /** Requests for entries, in order. */
  readonly requests: TransportRequest[];
}

/** `hang` never answers, and does not even heed the signal. Requests for the ring go to `ring`, else there is none. */
export function scripted(script: Script, ring?: () => unknown): ScriptedTransport {
  const requests: TransportRequest[] = [];
  const transport: Transport = async (request) => {
    if (request.url.endsWith('/v1/ring')) {
      return ring === undefined ? problem(501, 'not-implemented') : response({ status: 200, body: ring() });
    }
    requests.push(request);
    const answer = script(request, requests.length - 1);
    if (answer instanceof Error) throw answer;
    if (answer === 'hang') return new Promise(() => {});
    return response(answer);
  };
  return { transport, requests };
}

function response({ status, headers = {}, body = '' }: ScriptedAnswer): TransportResponse {
  const isText = typeof body === 'string';
  const bytes =
    body instanceof Uint8Array ? body : new TextEncoder().encode(isText ? body : JSON.stringify(body));
  return { status, headers: new Headers(headers), body: bytes };
}

export function problemAnswer(status: number, code: string, more: object = {}): ScriptedAnswer {
  const outcome = status === 504 || status === 500 ? 'unknown' : 'not-applied';
  const body = {
    type: 'about:blank',
    title: `Title of ${code}`,
    status,
    code,
    outcome,
    requestId: 'q',
    ...more,
  };
  return { status, headers: { 'content-type': 'application/problem+json' }, body };
}

const problem = (status: number, code: string): TransportResponse => response(problemAnswer(status, code));

export function foundAnswer(value: unknown, context = 'ctx'): ScriptedAnswer {
  return {
    status: 200,
    headers: {
      'content-type': 'application/json',
      etag: '"e1"',
      'quorate-context': context,
      'quorate-siblings': '1',
      'quorate-quorum': 'n=3, r=2, acks=2, sloppy=?0',
      'quorate-coordinator': 'n1',
    },
    body: JSON.stringify(value),
  };
}

export function conflictAnswer(siblings: readonly object[], context = 'both'): ScriptedAnswer {
  const body = { bucket: 'b', key: 'k', context, etag: '"e2"', siblings };
  const headers = { 'content-type': 'application/json', 'quorate-context': context, etag: '"e2"' };
  return { status: 300, headers, body };
}

export function jsonSibling(id: string, value: unknown, writtenAt = '2024-01-01T00:00:00.000Z'): object {
  return { id, contentType: 'application/json', json: value, writtenAt };
}

export const absentAnswer = (context?: string): ScriptedAnswer => {
  const answer = problemAnswer(404, 'not-found');
  const headers = { ...answer.headers, 'quorate-quorum': 'n=3, r=2, acks=2, sloppy=?0' };
  return { ...answer, headers: context === undefined ? headers : { ...headers, 'quorate-context': context } };
};

export const writtenAnswer = (status = 204, siblings = 1): ScriptedAnswer => ({
  status,
  headers: { 'quorate-context': 'after', 'quorate-siblings': String(siblings), etag: '"e3"' },
});
