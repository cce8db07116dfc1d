/** Pages of other origins (the Fetch standard's CORS protocol): allowed ones may call and read everything, others nothing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from './test-server.ts';

const ALLOWED = 'https://shop.example';
const TARGET = '/v1/kv/b/k';

const listOf = (header: string | string[] | undefined): readonly string[] =>
  String(header ?? '')
    .toLowerCase()
    .split(', ');

describe('with configured origins', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({
      origins: [ALLOWED, 'http://localhost:5173'],
      tokens: [{ token: 'secret', access: 'write' }],
    });
  });
  afterAll(() => server.close());

  it('a preflight of an allowed one names methods and headers, and needs no token', async () => {
    const { status, headers, text } = await server.client.send(TARGET, {
      method: 'OPTIONS',
      headers: {
        Origin: ALLOWED,
        'Access-Control-Request-Method': 'PUT',
        'Access-Control-Request-Headers': 'quorate-context,content-type',
      },
    });
    expect([status, text]).toEqual([204, '']);
    expect(headers['access-control-allow-origin']).toBe(ALLOWED);
    expect(headers['access-control-allow-methods']).toBe('GET, HEAD, PUT, DELETE, OPTIONS');
    expect(listOf(headers['access-control-allow-headers'])).toEqual(
      expect.arrayContaining([
        'quorate-n',
        'quorate-r',
        'quorate-w',
        'quorate-consistency',
        'quorate-context',
        'quorate-sloppy',
        'quorate-timeout-ms',
        'quorate-write-id',
        'quorate-attempt',
        'quorate-request-id',
        'if-match',
        'if-none-match',
        'prefer',
        'content-type',
        'authorization',
      ]),
    );
    expect(Number(headers['access-control-max-age'])).toBeGreaterThan(0);
    expect(listOf(headers.vary)).toContain('origin');
  });

  it('an answer exposes every Quorate- header and the tag, a problem too', async () => {
    const token = { Authorization: 'Bearer secret' };
    await server.client.put(TARGET, 'v', token);
    const found = await server.client.get(TARGET, { Origin: ALLOWED, ...token });
    const refused = await server.client.get(TARGET, { Origin: ALLOWED });
    expect([found.status, refused.status]).toEqual([200, 401]);
    for (const { headers } of [found, refused]) {
      expect(headers['access-control-allow-origin']).toBe(ALLOWED);
      const exposed = listOf(headers['access-control-expose-headers']);
      expect(exposed).toContain('etag');
      const own = Object.keys(headers).filter((name) => name.startsWith('quorate-'));
      expect(own.length).toBeGreaterThan(0);
      expect(exposed).toEqual(expect.arrayContaining(own));
    }
  });

  it.each(['https://evil.example', 'null', 'https://shop.example.evil.example', 'http://shop.example'])(
    'another one is told nothing: %s',
    async (origin) => {
      for (const method of ['OPTIONS', 'GET']) {
        const { headers } = await server.client.send(TARGET, {
          method,
          headers: { Origin: origin, 'Access-Control-Request-Method': 'PUT' },
        });
        expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
        expect(listOf(headers.vary)).toContain('origin');
      }
    },
  );
});

describe('with any origin', () => {
  it('every page may', async () => {
    const server = await startTestServer({ origins: ['*'] });
    const { headers } = await server.client.get(TARGET, { Origin: 'https://any.example' });
    await server.close();
    expect(headers['access-control-allow-origin']).toBe('*');
    expect(headers.vary).toBe('Accept, Prefer');
  });
});

describe('without configured origins', () => {
  it('no page may', async () => {
    const server = await startTestServer();
    const { headers } = await server.client.get(TARGET, { Origin: ALLOWED });
    await server.close();
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    expect(headers.vary).toBe('Accept, Prefer');
  });
});
