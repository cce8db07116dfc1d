/** Which methods each path takes: the others are 405 with the list, and OPTIONS tells it too. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemIn } from './http-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

describe('methods', () => {
  it.each([
    ['/v1/kv/b/k', ['POST', 'PATCH', 'TRACE', 'PROPFIND', 'QUERY'], 'GET, HEAD, PUT, DELETE, OPTIONS'],
    ['/v1/inspect/b/k', ['PUT', 'POST', 'DELETE'], 'GET, HEAD, OPTIONS'],
    ['/v1/ring', ['PUT', 'POST', 'DELETE'], 'GET, HEAD, OPTIONS'],
    ['/v1/cluster', ['PUT', 'POST', 'DELETE'], 'GET, HEAD, OPTIONS'],
    ['/livez', ['POST'], 'GET, HEAD, OPTIONS'],
    ['/readyz', ['POST'], 'GET, HEAD, OPTIONS'],
    ['/metrics', ['POST'], 'GET, HEAD, OPTIONS'],
    ['/openapi.json', ['POST'], 'GET, HEAD, OPTIONS'],
    ['/', ['POST', 'PUT'], 'GET, HEAD, OPTIONS'],
  ])('that %s does not take are 405 and name those it takes', async (path, methods, allow) => {
    for (const method of methods) {
      const answer = await server.client.send(path, { method });
      expect(answer.status, `${method} ${path}`).toBe(405);
      expect(answer.headers.allow).toBe(allow);
      expect(problemIn(answer)).toMatchObject({ code: 'method-not-allowed', outcome: 'not-applied' });
    }
    const options = await server.client.send(path, { method: 'OPTIONS' });
    expect([options.status, options.headers.allow, options.text]).toEqual([204, allow, '']);
    expect((await server.client.head(path)).text).toBe('');
  });

  it('of a path that is not there are 404', async () => {
    for (const method of ['GET', 'PUT', 'OPTIONS']) {
      expect((await server.client.send('/nowhere', { method })).status).toBe(404);
    }
  });
});
