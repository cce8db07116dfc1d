/** Conditions that could not be kept atomically, and parts of the contract that are not built: refused, never done as something less. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemIn } from './http-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

type Headers = Readonly<Record<string, string>>;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

/** No request of these tests may reach the storage engine. */
async function expectRefused(
  method: string,
  target: string,
  headers: Headers,
  expected: { readonly status: number; readonly code: string },
): Promise<void> {
  const answer = await server.client.send(target, {
    method,
    headers,
    ...(method === 'PUT' ? { body: 'v' } : {}),
  });
  expect(answer.status, `${method} ${target} ${JSON.stringify(headers)}`).toBe(expected.status);
  expect(problemIn(answer)).toMatchObject({ code: expected.code, outcome: 'not-applied' });
  expect(server.node.requestCount).toBe(0);
}

const NOT_IMPLEMENTED = { status: 501, code: 'not-implemented' };
const BAD_REQUEST = { status: 400, code: 'bad-request' };
const BAD_QUORUM = { status: 400, code: 'bad-quorum' };

describe('a conditional write', () => {
  const CONDITIONS: readonly Headers[] = [
    { 'If-Match': '"abc"' },
    { 'If-Match': '""' },
    { 'If-None-Match': '*' },
  ];

  it.each(CONDITIONS)('is 400 with R, W, or an N that is not its bucket’s: %j', async (headers) => {
    for (const method of ['PUT', 'DELETE']) {
      for (const quorum of [
        { 'Quorate-R': '2' },
        { 'Quorate-W': '2' },
        { 'Quorate-N': '2' },
        { 'Quorate-N': 'x' },
      ]) {
        await expectRefused(method, '/v1/kv/b/k', { ...headers, ...quorum }, BAD_QUORUM);
      }
    }
  });

  it.each<Headers>([
    { 'If-Match': '*' },
    { 'If-Match': '"a", "b"' },
    { 'If-Match': 'W/"a"' },
    { 'If-Match': 'a' },
    { 'If-Match': '' },
    { 'If-Match': '"a' },
    { 'If-None-Match': '"a"' },
    { 'If-None-Match': 'W/"a"' },
    { 'If-None-Match': '"a", "b"' },
    { 'If-None-Match': '' },
    { 'If-None-Match': '*, "a"' },
    { 'If-Match': '"a"', 'If-None-Match': '*' },
    { 'If-Unmodified-Since': 'Wed, 21 Oct 2015 07:28:00 GMT' },
  ])('is 400 in a form that could not be atomic: %j', async (headers) => {
    for (const method of ['PUT', 'DELETE']) await expectRefused(method, '/v1/kv/b/k', headers, BAD_REQUEST);
  });

  it('is 400 where anything else of it is malformed', async () => {
    const condition = { 'If-None-Match': '*' };
    await expectRefused('PUT', '/v1/kv/b/a/../c', condition, { status: 400, code: 'invalid-key' });
    await expectRefused(
      'PUT',
      '/v1/kv/b/k',
      { ...condition, 'Quorate-Context': 'garbage' },
      { status: 400, code: 'bad-context' },
    );
    await expectRefused('PUT', '/v1/kv/b/k', { ...condition, 'Quorate-Timeout-Ms': '0' }, BAD_REQUEST);
    await expectRefused('PUT', '/v1/kv/b/k', { ...condition, 'Quorate-Nonsense': '0' }, BAD_REQUEST);
    await expectRefused('PUT', '/v1/kv/b/k', { ...condition, 'Quorate-Consistency': 'any' }, BAD_REQUEST);
  });
});

describe('linearizable', () => {
  const PRESET = { 'Quorate-Consistency': 'linearizable' };

  it('is 400 with N, R or W', async () => {
    for (const name of ['Quorate-N', 'Quorate-R', 'Quorate-W']) {
      await expectRefused('GET', '/v1/kv/b/k', { ...PRESET, [name]: '2' }, BAD_QUORUM);
      await expectRefused('PUT', '/v1/kv/b/k', { ...PRESET, 'If-None-Match': '*', [name]: '2' }, BAD_QUORUM);
    }
  });

  it('is 400 on a write without a condition', async () => {
    for (const method of ['PUT', 'DELETE']) await expectRefused(method, '/v1/kv/b/k', PRESET, BAD_REQUEST);
  });
});

describe('a bucket of mode cas', () => {
  it('refuses plain writes', async () => {
    for (const method of ['PUT', 'DELETE']) {
      await expectRefused(method, '/v1/kv/accounts/k', {}, { status: 428, code: 'precondition-required' });
      await expectRefused(
        method,
        '/v1/kv/accounts/k',
        { 'Quorate-Context': 'x' },
        { status: 400, code: 'bad-context' },
      );
    }
  });

  it('takes reads', async () => {
    expect((await server.client.get('/v1/kv/accounts/k')).status).toBe(404);
    server.node.reads.length = 0;
  });
});

describe('the list of keys of a bucket', () => {
  it('is 501', async () => {
    await expectRefused('GET', '/v1/kv/b', {}, NOT_IMPLEMENTED);
    await expectRefused('GET', '/v1/kv/b?prefix=a&limit=10&cursor=x', {}, NOT_IMPLEMENTED);
  });

  it('is 400 where the bucket is none', async () => {
    await expectRefused('GET', '/v1/kv/a%20b', {}, { status: 400, code: 'invalid-key' });
    await expectRefused('GET', '/v1/kv', {}, { status: 400, code: 'invalid-key' });
  });
});

it('never leaves a body in the way of the next request', async () => {
  const answer = await server.client.exchangeBytes(
    'PUT /v1/kv/b/k HTTP/1.1\r\nHost: a\r\nIf-Match: *\r\nContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n' +
      'GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  );
  expect([...answer.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status)).toEqual(['400', '200']);
});
