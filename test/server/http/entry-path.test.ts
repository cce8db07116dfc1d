/** Buckets and keys in the path: what is a name, what is refused, and that no key ever becomes another one. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { problemIn, problemInBytes } from './http-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(() => {
  server.node.puts.length = 0;
});

const REFUSING_METHODS = ['GET', 'HEAD', 'PUT', 'DELETE'] as const;

/** Asks with every method; each has to refuse the path, and none may reach the storage engine. */
async function expectRefused(path: string, code = 'invalid-key'): Promise<void> {
  const before = server.node.requestCount;
  for (const method of REFUSING_METHODS) {
    const answer = await server.client.send(path, { method });
    expect(answer.status, `${method} ${path}`).toBe(400);
    if (method !== 'HEAD') expect(problemIn(answer)).toMatchObject({ code, outcome: 'not-applied' });
  }
  expect(server.node.requestCount).toBe(before);
}

describe('a key', () => {
  const KEYS: readonly (readonly [name: string, path: string, key: string])[] = [
    ['plain', 'plain', 'plain'],
    ['slashes as they are', 'a/b/c', 'a/b/c'],
    ['encoded slashes', 'a%2Fb%2fc', 'a/b/c'],
    ['a slash first', '/leading', '/leading'],
    ['a slash last', 'trailing/', 'trailing/'],
    ['two slashes', 'a//b', 'a//b'],
    ['a percent sign', '100%25', '100%'],
    ['what looks like an escape', '%2541', '%41'],
    ['a question mark', 'what%3F', 'what?'],
    ['a hash sign', '%23one', '#one'],
    ['a plus sign, which is no space', 'a+b', 'a+b'],
    ['a space', 'a%20b', 'a b'],
    ['NUL', 'a%00b', 'a\0b'],
    ['a newline', 'a%0Ab', 'a\nb'],
    ['an encoded backslash', 'a%5Cb', 'a\\b'],
    ['an emoji', '%F0%9F%90%98', '🐘'],
    ['__proto__', '__proto__', '__proto__'],
    ['constructor', 'constructor', 'constructor'],
    ['three dots', '...', '...'],
    ['a dot first', '.hidden', '.hidden'],
    ['two dots inside a segment', 'a..b', 'a..b'],
    ['1024 bytes', 'k'.repeat(1024), 'k'.repeat(1024)],
    ['1024 bytes of two-byte letters', '%C3%A9'.repeat(512), 'é'.repeat(512)],
  ];

  it.each(KEYS)('may have %s', async (_name, path, key) => {
    const target = `/v1/kv/keys/${path}`;
    const put = await server.client.put(target, `value of ${path}`);
    expect(put.status).toBeOneOf([201, 204]);
    expect(server.node.puts[0]?.key).toBe(key);
    const got = await server.client.get(target, { Accept: 'application/vnd.quorate.entry+json' });
    expect(JSON.parse(got.text)).toMatchObject({ bucket: 'keys', key });
    expect((await server.client.get(target)).status).toBeOneOf([200, 300]);
  });

  it('is the same one however its bytes are escaped', async () => {
    await server.client.put('/v1/kv/escapes/a%2Fb', 'one');
    for (const path of ['a/b', '%61%2F%62', 'a%2fb']) {
      expect((await server.client.get(`/v1/kv/escapes/${path}`)).text).toBe('one');
    }
  });

  it('is compared by its bytes: no Unicode normalisation', async () => {
    await server.client.put('/v1/kv/unicode/%C3%A9', 'composed');
    expect((await server.client.get('/v1/kv/unicode/e%CC%81')).status).toBe(404);
  });

  it.each([
    ['is empty', '/v1/kv/b/'],
    ['has 1025 bytes', `/v1/kv/b/${'k'.repeat(1025)}`],
    ['has 513 letters of two bytes each', `/v1/kv/b/${'%C3%A9'.repeat(513)}`],
    ['is "."', '/v1/kv/b/.'],
    ['is ".."', '/v1/kv/b/..'],
    ['is an encoded "."', '/v1/kv/b/%2e'],
    ['is an encoded ".."', '/v1/kv/b/%2E%2e'],
    ['is a half encoded ".."', '/v1/kv/b/.%2e'],
    ['has a "." segment first', '/v1/kv/b/./a'],
    ['has a ".." segment inside', '/v1/kv/b/a/../c'],
    ['has a ".." segment last', '/v1/kv/b/a/..'],
    ['has an encoded ".." segment between encoded slashes', '/v1/kv/b/a%2F%2e%2e%2Fc'],
    ['has a ".." segment between encoded slashes', '/v1/kv/b/a%2F..%2Fc'],
    ['would leave its bucket', '/v1/kv/b/../other/k'],
    ['would leave the API', '/v1/kv/b/../../../livez'],
    ['has an escape cut short', '/v1/kv/b/a%2'],
    ['has an escape of no hex digits', '/v1/kv/b/a%zz'],
    ['has a lone percent sign', '/v1/kv/b/100%'],
    ['has a byte that is no UTF-8', '/v1/kv/b/%FF'],
    ['has an overlong form', '/v1/kv/b/%C0%AF'],
    ['has a surrogate', '/v1/kv/b/%ED%A0%80'],
    ['has UTF-8 cut short', '/v1/kv/b/%F0%9F%90'],
    ['has a raw hash sign', '/v1/kv/b/a#b'],
  ])('is refused where it %s', async (_why, path) => {
    await expectRefused(path);
  });

  it('is refused with a raw backslash, which URL parsers take for a slash', async () => {
    const answer = await server.client.put('/v1/kv/b/a\\b');
    expect(answer.status).toBe(400);
    expect(problemIn(answer)).toMatchObject({ code: 'bad-request', outcome: 'not-applied' });
    expect(server.node.puts).toHaveLength(0);
  });

  it('is refused in raw UTF-8, with the advice to encode it', async () => {
    const answer = await server.client.exchangeBytes('PUT /v1/kv/b/🐘 HTTP/1.1\r\nHost: a\r\n\r\n');
    const problem = problemInBytes(answer);
    expect(problem).toMatchObject({ status: 400, code: 'bad-request', outcome: 'not-applied' });
    expect(problem.hint).toContain('Percent-encode');
  });

  it('may not be left out', async () => {
    for (const method of ['PUT', 'DELETE']) {
      const answer = await server.client.send('/v1/kv/b', { method });
      expect([answer.status, problemIn(answer).code]).toEqual([400, 'invalid-key']);
    }
  });

  it('says what is allowed where it is refused', async () => {
    const tooLong = problemIn(await server.client.put(`/v1/kv/b/${'k'.repeat(1025)}`));
    expect(tooLong.detail).toContain('1025 bytes');
    expect(`${tooLong.detail} ${tooLong.hint}`).toContain('1024');
    expect(problemIn(await server.client.put('/v1/kv/b/a/../c')).detail).toContain('".."');
  });
});

describe('a query', () => {
  it('that is not known is refused: it may be part of a key', async () => {
    await expectRefused('/v1/kv/b/what?is=this', 'bad-request');
    const problem = problemIn(await server.client.get('/v1/kv/b/k?siblin=x'));
    expect(problem.detail).toContain('Did you mean "sibling"?');
    expect(problem.hint).toContain('%3F');
  });

  it('may be empty', async () => {
    expect((await server.client.put('/v1/kv/queries/k?')).status).toBe(201);
    expect((await server.client.get('/v1/kv/queries/k?')).status).toBe(200);
  });
});

describe('a bucket', () => {
  it.each(['a', 'A-Z.a_z-0.9', '...', '.hidden', '__proto__', 'b'.repeat(64)])(
    'may be called %s',
    async (bucket) => {
      expect((await server.client.put(`/v1/kv/${bucket}/k`, 'v')).status).toBe(201);
      expect(server.node.puts[0]?.bucket).toBe(bucket);
      expect((await server.client.get(`/v1/kv/${bucket}/k`)).text).toBe('v');
    },
  );

  it.each([
    ['', 'empty'],
    ['.', 'a dot'],
    ['..', 'two dots'],
    ['%2e%2e', 'two encoded dots'],
    ['b'.repeat(65), '65 characters'],
    ['a%20b', 'a space'],
    ['a%2Fb', 'an encoded slash'],
    ['b%C3%A4r', 'a letter beyond ASCII'],
    ['a:b', 'a colon'],
    ['a%00', 'NUL'],
    ['a%0A', 'a newline at its end'],
    ['%zz', 'a broken escape'],
  ])('may not be called %j (%s)', async (bucket) => {
    await expectRefused(`/v1/kv/${bucket}/k`);
  });

  it('needs no declaration, and has the defaults of the cluster then', async () => {
    await server.client.put('/v1/kv/nobody-declared-this/k');
    expect(server.node.puts[0]).toMatchObject({ n: 3, w: 2 });
  });
});

describe('a request target', () => {
  it('may be absolute, as a proxy sends it', async () => {
    await server.client.put('/v1/kv/absolute/k', 'through a proxy');
    const answer = await server.client.exchangeBytes(
      `GET http://127.0.0.1:${server.port}/v1/kv/absolute/k HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain('through a proxy');
  });

  it('that is absolute hides no dot segments either', async () => {
    const answer = await server.client.exchangeBytes(
      `GET http://127.0.0.1:${server.port}/v1/kv/b/a/../c HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`,
    );
    expect(problemInBytes(answer)).toMatchObject({ status: 400, code: 'invalid-key' });
  });

  it('that leads nowhere is 404', async () => {
    for (const path of ['/v1', '/v1/kvs/b/k', '/v2/kv/b/k', '/favicon.ico', '/V1/KV/b/k', '//v1/kv/b/k']) {
      const answer = await server.client.get(path);
      expect(answer.status, path).toBe(404);
      expect(problemIn(answer)).toMatchObject({ code: 'not-found', outcome: 'not-applied' });
    }
  });
});
