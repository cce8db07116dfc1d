import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as a node received it. */
export interface ReceivedRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What a test's node answers; undefined cuts the connection. */
export interface FakeAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** An HTTP server that stands for a node. */
export interface FakeNode {
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  close(): Promise<void>;
}

/** Starts one on a free port. */
export async function startFakeNode(
  answer: (request: ReceivedRequest, url: string) => FakeAnswer | undefined | Promise<FakeAnswer | undefined>,
): Promise<FakeNode> {
  const requests: ReceivedRequest[] = [];
  let url = '';
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const request = {
        method: incoming.method ?? '',
        path: incoming.url ?? '',
        headers: incoming.headers,
        body: Buffer.concat(chunks),
      };
      requests.push(request);
      void Promise.resolve(answer(request, url)).then((answered) => {
        if (answered === undefined) incoming.socket.destroy();
        else outgoing.writeHead(answered.status, answered.headers).end(answered.body);
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    requests,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A single value as a node answers it. */
export function foundAnswer(
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): FakeAnswer {
  return { status: 200, headers: { 'quorate-context': 'T', ...headers }, body };
}

/** A 404 that a quorum stands behind. */
export function absentAnswer(headers: Readonly<Record<string, string>> = {}): FakeAnswer {
  const quorum = { 'quorate-quorum': 'n=3, r=2, acks=2, sloppy=?0' };
  return problemAnswer(
    404,
    { code: 'not-found', detail: 'Nothing is stored here' },
    { ...quorum, ...headers },
  );
}

/** A problem document as a node answers it. */
export function problemAnswer(
  status: number,
  problem: {
    readonly code: string;
    readonly outcome?: string;
    readonly detail?: string;
    readonly hint?: string;
  },
  headers: Readonly<Record<string, string>> = {},
): FakeAnswer {
  const body = {
    type: 'about:blank',
    title: problem.code,
    status,
    outcome: 'not-applied',
    requestId: 'r1',
    ...problem,
  };
  return {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
    body: JSON.stringify(body),
  };
}

/** The address of a port that nothing listens on. */
export async function closedUrl(): Promise<string> {
  const node = await startFakeNode(() => undefined);
  await node.close();
  return node.url;
}
