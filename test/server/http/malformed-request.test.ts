/** Bytes that are no request, requests that are too large or too slow, and that one of them never speaks for another. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_HEADER_BYTES, MAX_TIMEOUT_MS } from '../../../src/core/limits.ts';
import { problemIn, problemInBytes, readToEnd, readUntil } from './http-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

async function expectServing(): Promise<void> {
  expect((await server.client.get('/livez')).status).toBe(200);
}

/** The status of each answer in what a connection gave. */
function statusesIn(bytes: string): readonly (string | undefined)[] {
  return [...bytes.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status);
}

describe('bytes that are no HTTP', () => {
  const NOISE = Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 7919 + 13) % 256));

  it.each<[string, string | Buffer]>([
    ['noise', NOISE],
    ['a TLS hello', Buffer.from('1603010200010001fc0303', 'hex')],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a frame of the peer protocol', Buffer.from('0000000a93a5666f6f6f6f', 'hex')],
    ['a Redis command', '*1\r\n$4\r\nPING\r\n'],
    ['a version that is not there', 'GET / HTTP/9.9\r\nHost: a\r\n\r\n'],
    ['a method that is not there', 'FETCH / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a header without a colon', 'GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n'],
    ['a folded header', 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n'],
    ['NUL in a header', 'GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n'],
    ['a space in the target', 'GET /v1/kv/b/a b HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['two lengths', 'PUT /v1/kv/b/k HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['a length that is no number', 'PUT /v1/kv/b/k HTTP/1.1\r\nHost: a\r\nContent-Length: one\r\n\r\na'],
    ['a negative length', 'PUT /v1/kv/b/k HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n'],
    [
      'a length and chunks',
      'PUT /v1/kv/b/k HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
  ])('%s: 400, the connection is closed, and nothing else happens', async (_what, bytes) => {
    const answer = await server.client.exchangeBytes(bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toMatch(/^connection: close\r$/im);
    expect(problemInBytes(answer)).toMatchObject({
      status: 400,
      code: 'bad-request',
      outcome: 'not-applied',
      requestId: expect.stringMatching(/^test-/),
    });
    expect(server.node.requestCount).toBe(0);
    await expectServing();
  });

  it('is nothing at all: the connection just ends', async () => {
    const socket = await server.client.connect();
    socket.end();
    expect(await readToEnd(socket)).toBe('');
    await expectServing();
  });
});

describe('a request without a usable target or Host', () => {
  it.each([
    ['no Host', 'GET /v1/kv/b/k HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['a Host that is none', 'GET /v1/kv/b/k HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n\r\n'],
    ['a target without a slash', 'GET v1/kv HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['a Host with a user name', 'GET /v1/kv/b/k HTTP/1.1\r\nHost: u@a\r\nConnection: close\r\n\r\n'],
    ['a port that is none', 'GET /v1/kv/b/k HTTP/1.1\r\nHost: a:99999\r\nConnection: close\r\n\r\n'],
    ['a backslash in the path', 'GET /v1/kv/b\\k HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['an absolute target without a host', 'GET http://:1/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['a target *', 'OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
  ])('is 400 with a problem: %s', async (_what, bytes) => {
    expect(problemInBytes(await server.client.exchangeBytes(bytes))).toMatchObject({
      status: 400,
      code: 'bad-request',
      outcome: 'not-applied',
    });
    expect(server.node.requestCount).toBe(0);
  });

  it('is taken from HTTP/1.0, which knows no Host', async () => {
    expect(await server.client.exchangeBytes('GET /readyz HTTP/1.0\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 200 OK\r\n/,
    );
  });
});

describe('headers', () => {
  it('may be as large as the longest context needs', async () => {
    const answer = await server.client.get('/v1/kv/b/k', { 'X-Padding': 'x'.repeat(MAX_HEADER_BYTES - 512) });
    expect(answer.status).toBe(404);
  });

  it('of more than 64 KiB are 431, also where they keep coming', async () => {
    for (const size of [MAX_HEADER_BYTES + 1, 10 * MAX_HEADER_BYTES]) {
      const answer = await server.client.get('/v1/kv/b/k', { 'X-Padding': 'x'.repeat(size) });
      expect(answer.status).toBe(431);
      expect(answer.headers.connection).toBe('close');
      expect(problemIn(answer)).toMatchObject({
        code: 'headers-too-large',
        outcome: 'not-applied',
        maxHeaderBytes: 65_536,
      });
    }
    await expectServing();
  });

  it('of a target that is too long are 431 too', async () => {
    const answer = await server.client.get(`/v1/kv/b/${'k'.repeat(MAX_HEADER_BYTES)}`);
    expect([answer.status, problemIn(answer).code]).toEqual([431, 'headers-too-large']);
  });

  it('that never end are cut off', async () => {
    const slow = await startTestServer();
    slow.server.headersTimeout = 10;
    const socket = await slow.client.connect();
    socket.write('GET /livez HTTP/1.1\r\nHost: a\r\n');
    const answer = await readToEnd(socket);
    await slow.close();
    expect(problemInBytes(answer)).toMatchObject({
      status: 400,
      code: 'bad-request',
      outcome: 'not-applied',
    });
  });

  it('have a bound in time', () => {
    expect(server.server.headersTimeout).toBeLessThanOrEqual(15_000);
    expect(server.server.requestTimeout).toBeLessThanOrEqual(65_000);
    expect(server.server.maxConnections).toBe(10_000);
  });
});

describe('garbage after a request', () => {
  it.each([
    ['PUT', 'PUT /v1/kv/garbage/put HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nv', 201],
    ['DELETE', 'DELETE /v1/kv/garbage/put HTTP/1.1\r\nHost: a\r\n\r\n', 204],
    ['GET', 'GET /v1/kv/garbage/put HTTP/1.1\r\nHost: a\r\n\r\n', 404],
  ])('does not speak for it: %s', async (_method, request, status) => {
    const answer = await server.client.exchangeBytes(`${request}\0\0 garbage \r\n\r\n`);
    expect(statusesIn(answer)).toEqual([String(status)]);
  });

  it('does not speak for one that takes its time', async () => {
    let finish = (): void => {};
    const { node } = server;
    node.script.put = async (request) => {
      delete node.script.put;
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return node.put(request);
    };
    const socket = await server.client.connect();
    socket.write('PUT /v1/kv/garbage/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nv');
    while (server.admission.inFlight === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    socket.write('\0\0 garbage');
    // The parser gives up on those bytes before another connection is served from start to end.
    await expectServing();
    finish();
    const answer = await readToEnd(socket);
    expect(statusesIn(answer)).toEqual(['201']);
    expect((await server.client.get('/v1/kv/garbage/slow')).text).toBe('v');
  });

  it('gets its own answer where the request before was answered', async () => {
    const socket = await server.client.connect();
    socket.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n');
    await readUntil(socket, '{"live":true}');
    socket.write('\0\0 garbage\r\n\r\n');
    expect(problemInBytes(await readToEnd(socket))).toMatchObject({ status: 400, code: 'bad-request' });
  });
});

describe('requests in a row on one connection', () => {
  it('are answered in their order', async () => {
    await server.client.put('/v1/kv/rows/one', 'one');
    const answer = await server.client.exchangeBytes(
      [
        'GET /v1/kv/rows/one HTTP/1.1\r\nHost: a\r\n\r\n',
        'GET /v1/kv/rows/none HTTP/1.1\r\nHost: a\r\n\r\n',
        'PUT /v1/kv/rows/two HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nv',
        'DELETE /v1/kv/rows/one HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
      ].join(''),
    );
    expect(statusesIn(answer)).toEqual(['200', '404', '201', '204']);
  });
});

describe('a connection that is given up because no request came in time', () => {
  const timeout = Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });

  /** Both sides of a connection whose client goes on when the server has ended its side. */
  async function openBothSides(): Promise<{ client: Socket; connection: Socket }> {
    const accepted = once(server.server, 'connection');
    const client = connect({ host: '127.0.0.1', port: server.port, allowHalfOpen: true });
    const [connection] = (await accepted) as [Socket];
    return { client, connection };
  }

  it('begins no request that crosses its last answer', async () => {
    const { client, connection } = await openBothSides();
    const before = server.node.puts.length;
    server.server.emit('clientError', timeout, connection);
    client.write('PUT /v1/kv/b/crossing HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na');
    let answer = '';
    client.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    await once(connection, 'close');
    expect(statusesIn(answer)).toEqual(['400']);
    expect(server.node.puts).toHaveLength(before);
    client.destroy();
  });

  it('is closed, though its client keeps it open', async () => {
    const { client, connection } = await openBothSides();
    client.resume();
    server.server.emit('clientError', timeout, connection);
    // Node itself would close it after some time, were it idle.
    await once(connection, 'close', { signal: AbortSignal.timeout(5_000) });
    expect(client.destroyed).toBe(false);
    client.destroy();
  });

  it('had longer than the longest request may take, if it only waits', () => {
    expect(server.server.timeout).toBeGreaterThan(MAX_TIMEOUT_MS);
  });
});

describe('a request for another protocol', () => {
  it('is answered in this one, and is the last of its connection', async () => {
    const answer = await server.client.exchangeBytes(
      'GET /livez HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
    );
    expect(statusesIn(answer)).toEqual(['200']);
    expect(answer).toMatch(/^connection: close\r$/im);
  });
});

describe('a condition behind more headers than Node would keep', () => {
  it('counts', async () => {
    await server.client.put('/v1/kv/b/conditional', 'first');
    const answer = await server.client.exchangeBytes(
      'PUT /v1/kv/b/conditional HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n' +
        `${'x: y\r\n'.repeat(3_000)}If-None-Match: *\r\n\r\na`,
    );
    expect(statusesIn(answer)).toEqual(['412']);
  });
});
