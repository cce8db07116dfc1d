/** N, R, W, presets, sloppiness and the deadline: what reaches the storage engine, and what is refused before. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { problemIn } from './http-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

type Headers = Readonly<Record<string, string>>;

let server: TestServer;
beforeAll(async () => {
  // Five members, and a bucket of its own defaults.
  server = await startTestServer({
    members: 5,
    buckets: {
      wide: { n: 5, r: 4, w: 3, mode: 'mixed' },
      accounts: { n: 3, r: 2, w: 2, mode: 'cas' },
    },
  });
});
afterAll(() => server.close());
beforeEach(() => {
  server.node.reads.length = 0;
  server.node.puts.length = 0;
  server.node.deletes.length = 0;
});

async function read(headers: Headers, bucket = 'b'): Promise<unknown> {
  await server.client.get(`/v1/kv/${bucket}/k`, headers);
  return server.node.reads[0];
}

async function write(headers: Headers, bucket = 'b'): Promise<unknown> {
  await server.client.put(`/v1/kv/${bucket}/k`, 'v', headers);
  return server.node.puts[0];
}

async function expectRefused(method: string, headers: Headers, code = 'bad-quorum'): Promise<string> {
  const answer = await server.client.send('/v1/kv/b/k', { method, headers });
  expect(answer.status, `${method} ${JSON.stringify(headers)}`).toBe(400);
  const problem = problemIn(answer);
  expect(problem).toMatchObject({ code, outcome: 'not-applied' });
  expect(server.node.requestCount).toBe(0);
  return problem.detail ?? '';
}

describe('without headers', () => {
  it('the defaults of the cluster hold', async () => {
    expect(await read({})).toMatchObject({ n: 3, r: 2, sloppy: true, timeoutMs: 5000 });
    expect(await write({})).toMatchObject({ n: 3, w: 2, sloppy: true });
  });

  it('the defaults of a declared bucket hold', async () => {
    expect(await read({}, 'wide')).toMatchObject({ n: 5, r: 4 });
    expect(await write({}, 'wide')).toMatchObject({ n: 5, w: 3 });
  });
});

describe('Quorate-N, -R and -W', () => {
  it.each<[Headers, object]>([
    [{ 'Quorate-R': '1' }, { n: 3, r: 1 }],
    [{ 'Quorate-R': '3' }, { n: 3, r: 3 }],
    [
      { 'Quorate-N': '5', 'Quorate-R': '5' },
      { n: 5, r: 5 },
    ],
    [{ 'Quorate-N': '1' }, { n: 1, r: 1 }],
    [{ 'Quorate-N': '2' }, { n: 2, r: 2 }],
    [{ 'Quorate-N': '3' }, { n: 3, r: 2 }],
    [{ 'Quorate-N': '4' }, { n: 4, r: 3 }],
    [{ 'Quorate-N': '5' }, { n: 5, r: 3 }],
    [
      { 'Quorate-N': '5', 'Quorate-W': '1' },
      { n: 5, r: 3 },
    ],
  ])('a GET with %j', async (headers, expected) => {
    expect(await read(headers)).toMatchObject(expected);
  });

  it.each<[Headers, object]>([
    [{ 'Quorate-W': '1' }, { n: 3, w: 1 }],
    [{ 'Quorate-W': '3' }, { n: 3, w: 3 }],
    [
      { 'Quorate-N': '5', 'Quorate-W': '5' },
      { n: 5, w: 5 },
    ],
    [{ 'Quorate-N': '1' }, { n: 1, w: 1 }],
    [{ 'Quorate-N': '4' }, { n: 4, w: 3 }],
    [
      { 'Quorate-N': '5', 'Quorate-R': '1' },
      { n: 5, w: 3 },
    ],
  ])('a PUT with %j', async (headers, expected) => {
    expect(await write(headers)).toMatchObject(expected);
  });

  it('replace the defaults of a bucket, by majorities where N is given alone', async () => {
    expect(await read({ 'Quorate-N': '3' }, 'wide')).toMatchObject({ n: 3, r: 2 });
    expect(await write({ 'Quorate-N': '2' }, 'wide')).toMatchObject({ n: 2, w: 2 });
  });

  it('reach a DELETE: W with a context, R too without', async () => {
    const headers = { 'Quorate-N': '5', 'Quorate-R': '4', 'Quorate-W': '2' };
    await server.client.delete('/v1/kv/b/deleted', headers);
    expect(server.node.deletes[0]).toMatchObject({ n: 5, r: 4, w: 2, context: undefined });
  });

  it.each(['0', '-1', 'abc', '', '1.5', '1e0', '0x1', '+1', '1, 1', '9999999999', 'NaN', '٣'])(
    'may not be %j',
    async (value) => {
      // Header values are bytes: what is beyond Latin-1 is sent in UTF-8.
      const sent = Buffer.from(value).toString('latin1');
      for (const [method, name] of [
        ['GET', 'Quorate-R'],
        ['GET', 'Quorate-N'],
        ['PUT', 'Quorate-W'],
        ['PUT', 'Quorate-N'],
        ['DELETE', 'Quorate-W'],
        ['DELETE', 'Quorate-R'],
      ] as const) {
        expect(await expectRefused(method, { [name]: sent })).toContain(name);
      }
    },
  );

  it('may not be above the number of members, which is named', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      expect(await expectRefused(method, { 'Quorate-N': '6' })).toContain('1 to 5');
    }
  });

  it('may not be above N, given or not, which is named', async () => {
    expect(await expectRefused('GET', { 'Quorate-R': '4' })).toContain('1 to 3');
    expect(await expectRefused('PUT', { 'Quorate-W': '4' })).toContain('1 to 3');
    expect(await expectRefused('GET', { 'Quorate-N': '1', 'Quorate-R': '2' })).toContain('1 to 1');
    expect(await expectRefused('PUT', { 'Quorate-N': '1', 'Quorate-W': '2' })).toContain('1 to 1');
    await expectRefused('DELETE', { 'Quorate-R': '4' });
    await expectRefused('DELETE', { 'Quorate-W': '4' });
  });

  it('are looked at only where the operation uses them', async () => {
    expect(await read({ 'Quorate-W': '5' })).toMatchObject({ n: 3, r: 2 });
    expect(await write({ 'Quorate-R': '5' })).toMatchObject({ n: 3, w: 2 });
    const context = (await server.client.put('/v1/kv/b/k')).headers['quorate-context'] as string;
    const answer = await server.client.delete('/v1/kv/b/k', { 'Quorate-R': '5', 'Quorate-Context': context });
    expect(answer.status).toBe(204);
  });
});

describe('Quorate-Consistency', () => {
  it.each<[string, Headers, object]>([
    ['one', {}, { n: 3, r: 1, sloppy: true }],
    ['quorum', {}, { n: 3, r: 2, sloppy: true }],
    ['all', {}, { n: 3, r: 3, sloppy: false }],
    ['one', { 'Quorate-N': '5' }, { n: 5, r: 1 }],
    ['quorum', { 'Quorate-N': '4' }, { n: 4, r: 3 }],
    ['quorum', { 'Quorate-N': '1' }, { n: 1, r: 1 }],
    ['all', { 'Quorate-N': '5' }, { n: 5, r: 5, sloppy: false }],
    ['one', { 'Quorate-R': '3' }, { n: 3, r: 3 }],
    ['all', { 'Quorate-R': '1' }, { n: 3, r: 1 }],
    ['all', { 'Quorate-Sloppy': '?1' }, { n: 3, r: 3, sloppy: true }],
  ])('%s with %j on a GET', async (preset, headers, expected) => {
    expect(await read({ ...headers, 'Quorate-Consistency': preset })).toMatchObject(expected);
  });

  it.each<[string, Headers, object]>([
    ['one', {}, { n: 3, w: 1 }],
    ['quorum', {}, { n: 3, w: 2 }],
    ['all', {}, { n: 3, w: 3, sloppy: false }],
    ['one', { 'Quorate-W': '2' }, { n: 3, w: 2 }],
    ['all', { 'Quorate-N': '4' }, { n: 4, w: 4 }],
  ])('%s with %j on a PUT', async (preset, headers, expected) => {
    expect(await write({ ...headers, 'Quorate-Consistency': preset })).toMatchObject(expected);
  });

  it('goes by the majority of N, not by the defaults of a bucket', async () => {
    expect(await read({ 'Quorate-Consistency': 'quorum' }, 'wide')).toMatchObject({ n: 5, r: 3 });
  });

  it('reaches a DELETE', async () => {
    await server.client.delete('/v1/kv/b/k', { 'Quorate-Consistency': 'all' });
    expect(server.node.deletes[0]).toMatchObject({ n: 3, r: 3, w: 3, sloppy: false });
  });

  it('that is unknown is refused with the list and a guess', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const detail = await expectRefused(method, { 'Quorate-Consistency': 'qorum' }, 'bad-request');
      expect(detail).toContain('one, quorum, all, session, linearizable');
      expect(detail).toContain('Did you mean "quorum"?');
    }
    await expectRefused('GET', { 'Quorate-Consistency': '' }, 'bad-request');
    await expectRefused('GET', { 'Quorate-Consistency': 'QUORUM' }, 'bad-request');
  });
});

describe('Quorate-Sloppy', () => {
  it('is passed on', async () => {
    expect(await read({ 'Quorate-Sloppy': '?0' })).toMatchObject({ sloppy: false });
    expect(await write({ 'Quorate-Sloppy': '?1' })).toMatchObject({ sloppy: true });
  });

  it.each(['0', '1', 'true', '?2', ''])('may not be %j', async (value) => {
    await expectRefused('GET', { 'Quorate-Sloppy': value }, 'bad-request');
    await expectRefused('PUT', { 'Quorate-Sloppy': value }, 'bad-request');
  });
});

describe('Quorate-Timeout-Ms', () => {
  it('is passed on, at its bounds too', async () => {
    expect(await read({ 'Quorate-Timeout-Ms': '1' })).toMatchObject({ timeoutMs: 1 });
    server.node.reads.length = 0;
    expect(await read({ 'Quorate-Timeout-Ms': '60000' })).toMatchObject({ timeoutMs: 60_000 });
  });

  it('of a PUT covers the time that its body took', async () => {
    const put = (await write({ 'Quorate-Timeout-Ms': '60000' })) as { timeoutMs: number };
    expect(put.timeoutMs).toBeGreaterThan(1);
    expect(put.timeoutMs).toBeLessThan(60_000);
  });

  it.each(['0', '60001', '-5', 'abc', '1.5', '5s', ''])('may not be %j', async (value) => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const detail = await expectRefused(method, { 'Quorate-Timeout-Ms': value }, 'bad-request');
      expect(detail).toContain('1 to 60000');
    }
  });
});

describe('an unknown Quorate- header', () => {
  it('is refused with a guess: its meaning would silently be lost', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const detail = await expectRefused(method, { 'Quorate-Contxt': 'x' }, 'bad-request');
      expect(detail).toContain('Did you mean "Quorate-Context"?');
    }
    const inspect = await server.client.get('/v1/inspect/b/k', { 'Quorate-Quroum': '1' });
    expect(inspect.status).toBe(400);
  });

  it('is known in any case', async () => {
    expect(await read({ 'QUORATE-r': '3' })).toMatchObject({ r: 3 });
  });
});

describe('preset session', () => {
  const token = async (): Promise<string> => {
    const written = await server.client.put('/v1/kv/b/k', 'v');
    return String(written.headers['quorate-context']);
  };

  it('hands the context of a GET on, with the R of the bucket or an explicit one', async () => {
    const context = await token();
    const session = { 'Quorate-Consistency': 'session', 'Quorate-Context': context };
    server.node.reads.length = 0;
    expect(await read(session)).toMatchObject({ r: 2, atLeast: { vector: expect.any(Map) } });
    server.node.reads.length = 0;
    expect(await read({ ...session, 'Quorate-R': '1' })).toMatchObject({ r: 1 });
  });

  it('asks for nothing without a context, and a context asks for nothing without the preset', async () => {
    expect(await read({ 'Quorate-Consistency': 'session' })).toMatchObject({ atLeast: undefined });
    server.node.reads.length = 0;
    expect(await read({ 'Quorate-Context': await token() })).toMatchObject({ atLeast: undefined });
  });

  it('is refused on a write', async () => {
    for (const method of ['PUT', 'DELETE']) {
      const detail = await expectRefused(method, { 'Quorate-Consistency': 'session' }, 'bad-request');
      expect(detail).toContain('for reads');
    }
  });
});
