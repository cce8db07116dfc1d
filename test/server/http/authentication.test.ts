/** Bearer tokens where they are configured: 401 without one, 403 without the right, and health for everybody. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemIn } from './http-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const READER = { Authorization: 'Bearer reader-token' };
const WRITER = { Authorization: 'Bearer writer-token' };
const TARGET = '/v1/kv/b/k';
const READS = [TARGET, '/v1/inspect/b/k', '/v1/ring', '/v1/cluster', '/metrics', '/v1/kv/b'];

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    tokens: [
      { token: 'reader-token', access: 'read' },
      { token: 'writer-token', access: 'write' },
    ],
  });
});
afterAll(() => server.close());

describe('a request', () => {
  it.each(['/livez', '/readyz', '/openapi.json', '/'])('needs no token for %s', async (path) => {
    expect((await server.client.get(path)).status).toBe(200);
  });

  it.each([
    {},
    { Authorization: '' },
    { Authorization: 'Bearer' },
    { Authorization: 'Bearer ' },
    { Authorization: 'Bearer nobody' },
    { Authorization: 'Bearer reader-token2' },
    { Authorization: 'reader-token' },
    { Authorization: 'Basic cmVhZGVyLXRva2VuOg==' },
    { Authorization: 'Bearer reader-token, Bearer writer-token' },
  ])('is 401 with %j', async (headers) => {
    for (const path of READS) {
      const answer = await server.client.get(path, headers);
      expect(answer.status, path).toBe(401);
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
      expect(problemIn(answer)).toMatchObject({ code: 'unauthenticated', outcome: 'not-applied' });
    }
    for (const method of ['PUT', 'DELETE']) {
      const answer = await server.client.send(TARGET, { method, headers: headers });
      expect([answer.status, problemIn(answer).code]).toEqual([401, 'unauthenticated']);
    }
    expect(server.node.requestCount).toBe(0);
  });

  it('is 403 where its token may only read', async () => {
    for (const method of ['PUT', 'DELETE']) {
      const answer = await server.client.send(TARGET, { method, headers: READER });
      expect(answer.status).toBe(403);
      expect(problemIn(answer)).toMatchObject({ code: 'forbidden', outcome: 'not-applied' });
    }
    expect(server.node.requestCount).toBe(0);
  });

  it('is answered where its token may', async () => {
    expect((await server.client.put(TARGET, 'v', WRITER)).status).toBe(201);
    for (const token of [READER, WRITER, { authorization: 'bearer reader-token' }]) {
      expect((await server.client.get(TARGET, token)).text).toBe('v');
      expect((await server.client.get('/v1/ring', token)).status).toBe(200);
    }
    expect((await server.client.delete(TARGET, WRITER)).status).toBe(204);
  });

  it('gets no body awaited before its token is known', async () => {
    const answer = await server.client.exchangeBytes(
      `PUT ${TARGET} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  });
});
