/** The bytes of a PUT: every value comes back as it was sent, and a request that is not whole or too large stores nothing. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../../src/core/limits.ts';
import { problemIn, problemInBytes, readToEnd, readUntil } from './http-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const LIMIT = 64 * 1024;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ limits: { maxValueBytes: LIMIT } });
});
afterAll(() => server.close());
beforeEach(() => {
  server.node.puts.length = 0;
});

/** The head of a PUT as it goes over the wire. */
function putHead(key: string, ...headers: readonly string[]): string {
  return [`PUT /v1/kv/values/${key} HTTP/1.1`, 'Host: test', ...headers, '', ''].join('\r\n');
}

/** Proves that the server still works and that nothing was stored under a key. */
async function expectNothingStored(key: string): Promise<void> {
  expect((await server.client.get(`/v1/kv/values/${key}`)).status).toBe(404);
  expect(server.node.puts).toHaveLength(0);
}

describe('a value', () => {
  it('may be empty', async () => {
    expect((await server.client.put('/v1/kv/values/empty', '')).status).toBe(201);
    const got = await server.client.get('/v1/kv/values/empty');
    expect(got.status).toBe(200);
    expect(got.bytes).toHaveLength(0);
    expect(got.headers['content-length']).toBe('0');
    expect(got.headers['quorate-siblings']).toBe('1');
  });

  it('is empty where a request has neither length nor transfer encoding', async () => {
    const answer = await server.client.exchangeBytes(putHead('no-length', 'Connection: close'));
    expect(answer).toMatch(/^HTTP\/1\.1 201 /);
    expect(server.node.puts[0]?.value).toHaveLength(0);
  });

  it('may be any bytes', async () => {
    const bytes = Buffer.from(Array.from({ length: 1024 }, (_, index) => index % 256));
    await server.client.put('/v1/kv/values/binary', bytes);
    expect((await server.client.get('/v1/kv/values/binary')).bytes).toEqual(bytes);
  });

  it('may come in chunks', async () => {
    expect((await server.client.put('/v1/kv/values/chunked', ['one ', 'two ', 'three'])).status).toBe(201);
    expect((await server.client.get('/v1/kv/values/chunked')).text).toBe('one two three');
  });

  it('may be as large as the limit, with a length or in chunks', async () => {
    const value = 'v'.repeat(LIMIT);
    for (const body of [value, [value.slice(0, 1000), value.slice(1000)]]) {
      const answer = await server.client.put('/v1/kv/values/at-limit', body);
      expect(answer.status).toBeOneOf([201, 204]);
      expect(server.node.puts.at(-1)?.value).toHaveLength(LIMIT);
    }
  });

  it('has a limit of 1 MiB unless the configuration says otherwise', () => {
    expect(DEFAULT_LIMITS.maxValueBytes).toBe(1024 * 1024);
  });
});

describe('a value above the limit', () => {
  it.each([
    ['by its length', 'v'.repeat(LIMIT + 1)],
    ['by its chunks', ['v'.repeat(LIMIT), 'v']],
    ['by far', 'v'.repeat(20 * LIMIT)],
    ['by far, in chunks', Array.from({ length: 20 }, () => 'v'.repeat(LIMIT))],
  ])('%s is 413 and names the limit', async (_how, body) => {
    const answer = await server.client.put('/v1/kv/values/too-large', body);
    expect(answer.status).toBe(413);
    const problem = problemIn(answer);
    expect(problem).toMatchObject({ code: 'too-large', outcome: 'not-applied', maxValueBytes: LIMIT });
    expect(problem.detail).toContain(String(LIMIT));
    await expectNothingStored('too-large');
  });

  it('is refused without a byte of it being awaited', async () => {
    const socket = await server.client.connect();
    socket.write(putHead('announced', `Content-Length: ${LIMIT + 1}`));
    expect(problemInBytes(await readUntil(socket, '}'))).toMatchObject({ code: 'too-large' });
    await expectNothingStored('announced');
  });

  it('is refused even where its length is no safe number', async () => {
    const answer = await server.client.exchangeBytes(
      putHead('absurd', 'Content-Length: 99999999999999999', 'Connection: close'),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 4(13|00) /);
    await expectNothingStored('absurd');
  });
});

describe('a body that breaks off', () => {
  it.each([
    ['with a length', putHead('cut', 'Content-Length: 100') + 'ten bytes.'],
    ['in chunks', putHead('cut', 'Transfer-Encoding: chunked') + '5\r\nhello\r\n'],
    ['inside a chunk', putHead('cut', 'Transfer-Encoding: chunked') + '500\r\nhello'],
  ])('%s stores nothing when the connection is reset', async (_how, bytes) => {
    const socket = await server.client.connect();
    const sent = new Promise((resolve) => socket.write(bytes, resolve));
    await sent;
    await until(() => server.admission.inFlight === 1);
    socket.resetAndDestroy();
    await until(() => server.admission.inFlight === 0);
    await expectNothingStored('cut');
  });

  it('is told so, and stores nothing, when the connection is only half closed', async () => {
    const socket = await server.client.connect();
    socket.end(putHead('half', 'Content-Length: 100') + 'ten bytes.');
    const answer = await readToEnd(socket);
    expect(problemInBytes(answer)).toMatchObject({ status: 400, outcome: 'not-applied' });
    await expectNothingStored('half');
  });

  it('has malformed chunks: refused, stores nothing', async () => {
    const answer = await server.client.exchangeBytes(
      putHead('malformed', 'Transfer-Encoding: chunked') + 'not a length\r\nhello\r\n0\r\n\r\n',
    );
    expect(problemInBytes(answer)).toMatchObject({ status: 400, outcome: 'not-applied' });
    await expectNothingStored('malformed');
  });

  it('tells nothing of earlier attempts of its write', async () => {
    const outcomes = ['Quorate-Write-Id: again', 'Quorate-Write-Id: new\r\nQuorate-Attempt: 1'].map(
      async (id) => {
        const socket = await server.client.connect();
        socket.write(
          putHead('again', 'Content-Length: 100', `Quorate-Timeout-Ms: 50\r\n${id}`) + 'ten bytes.',
        );
        return problemInBytes(await readToEnd(socket)).outcome;
      },
    );
    expect(await Promise.all(outcomes)).toEqual(['unknown', 'not-applied']);
  });

  it('is too slow for the deadline: refused, stores nothing', async () => {
    const socket = await server.client.connect();
    socket.write(putHead('slow', 'Content-Length: 100', 'Quorate-Timeout-Ms: 50') + 'ten bytes.');
    const answer = await readToEnd(socket);
    const problem = problemInBytes(answer);
    expect(problem).toMatchObject({ status: 400, code: 'bad-request', outcome: 'not-applied' });
    expect(problem.hint).toContain('Quorate-Timeout-Ms');
    await expectNothingStored('slow');
  });
});

describe('Expect: 100-continue', () => {
  it('gets the interim answer, then the final one', async () => {
    const socket = await server.client.connect();
    socket.write(putHead('expected', 'Content-Length: 5', 'Expect: 100-continue'));
    await readUntil(socket, 'HTTP/1.1 100 Continue\r\n\r\n');
    socket.write('hello');
    await readUntil(socket, 'HTTP/1.1 201 Created');
    expect((await server.client.get('/v1/kv/values/expected')).text).toBe('hello');
  });

  it.each([
    ['too large', `Content-Length: ${LIMIT + 1}`, 413],
    ['with a bad quorum', 'Quorate-W: 0', 400],
    ['with an encoded body', 'Content-Encoding: gzip', 415],
  ])('asks for no body where the request is refused anyway: %s', async (_why, header, status) => {
    const answer = await server.client.exchangeBytes(
      putHead('refused', 'Expect: 100-continue', ...(status === 413 ? [] : ['Content-Length: 5']), header),
    );
    // The connection has to end: whether the body will still come is not known.
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toMatch(/^connection: close\r$/im);
    await expectNothingStored('refused');
  });
});

describe('an encoded body', () => {
  it.each([
    ['Content-Encoding', 'gzip'],
    ['Content-Encoding', 'br'],
    ['Content-Encoding', 'identity, gzip'],
    ['Transfer-Encoding', 'gzip, chunked'],
  ])('is 415: %s: %s', async (name, value) => {
    const isTransfer = name === 'Transfer-Encoding';
    const answer = await server.client.exchangeBytes(
      putHead(
        'encoded',
        `${name}: ${value}`,
        'Connection: close',
        ...(isTransfer ? [] : ['Content-Length: 5']),
      ) + (isTransfer ? '5\r\nhello\r\n0\r\n\r\n' : 'hello'),
    );
    expect(problemInBytes(answer)).toMatchObject({
      status: 415,
      code: 'unsupported-encoding',
      outcome: 'not-applied',
    });
    await expectNothingStored('encoded');
  });

  it('may say that it is not encoded', async () => {
    expect(
      (await server.client.put('/v1/kv/values/identity', 'v', { 'Content-Encoding': 'identity' })).status,
    ).toBe(201);
  });

  it('may not be a part of a value', async () => {
    const answer = await server.client.put('/v1/kv/values/part', 'v', { 'Content-Range': 'bytes 0-0/2' });
    expect([answer.status, problemIn(answer).code]).toEqual([400, 'bad-request']);
    await expectNothingStored('part');
  });
});

describe('a content type', () => {
  it.each(['text/plain', 'application/json; charset=utf-8', 'image/svg+xml', 'x'])(
    'comes back as it was sent: %s',
    async (type) => {
      const key = encodeURIComponent(type);
      await server.client.put(`/v1/kv/types/${key}`, '{}', { 'Content-Type': type });
      expect((await server.client.get(`/v1/kv/types/${key}`)).headers['content-type']).toBe(type);
    },
  );

  it('that is missing means bytes', async () => {
    await server.client.put('/v1/kv/types/none', 'v');
    expect(server.node.puts[0]?.contentType).toBe('application/octet-stream');
    expect((await server.client.get('/v1/kv/types/none')).headers['content-type']).toBe(
      'application/octet-stream',
    );
  });

  it('is kept for each sibling', async () => {
    await server.client.put('/v1/kv/types/two', 'one', { 'Content-Type': 'text/plain' });
    await server.client.put('/v1/kv/types/two', '{"two":2}', { 'Content-Type': 'application/json' });
    const { siblings } = JSON.parse((await server.client.get('/v1/kv/types/two')).text) as {
      siblings: readonly { contentType: string }[];
    };
    expect(siblings.map(({ contentType }) => contentType).sort()).toEqual(['application/json', 'text/plain']);
  });

  it.each([
    ['257 characters', `text/${'x'.repeat(252)}`],
    ['characters beyond ASCII', 'text/pl\u00e4in'],
  ])('may not have %s', async (_what, type) => {
    const answer = await server.client.put('/v1/kv/types/bad', 'v', { 'Content-Type': type });
    expect([answer.status, problemIn(answer).code]).toEqual([400, 'bad-request']);
    expect(server.node.puts).toHaveLength(0);
  });

  it('lets no page run with the rights of this origin', async () => {
    await server.client.put('/v1/kv/types/page', '<script>1</script>', { 'Content-Type': 'text/html' });
    const { headers } = await server.client.get('/v1/kv/types/page');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-security-policy']).toBe('sandbox');
  });
});

/** Waits for a condition; the test's own time limit ends a wait in vain. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
