import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { TransportError, connect, fetchTransport, transportErrorFrom } from '../../src/client/index.ts';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

/** A server that answers everything alike; its base URL. */
async function serve(answer: (response: ServerResponse) => void): Promise<string> {
  // A connection that idles for long, because the machine is busy, must not be closed at the moment when it is used again.
  const server = createServer({ keepAliveTimeout: 60_000 }, (_request, response) => answer(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function get(url: string, maxResponseBytes?: number) {
  const signal = AbortSignal.timeout(10_000);
  const bound = maxResponseBytes === undefined ? {} : { maxResponseBytes };
  return fetchTransport({ method: 'GET', url, headers: {}, signal, ...bound });
}

describe('fetchTransport', () => {
  const body = Buffer.alloc(100_000, 7);
  const forms: readonly (readonly [string, (response: ServerResponse) => void])[] = [
    ['with its length', (response) => response.writeHead(200, { 'content-length': body.length }).end(body)],
    [
      'in chunks',
      (response) => {
        response.write(body.subarray(0, 5));
        response.end(body.subarray(5));
      },
    ],
  ];

  test.each(forms)('reads a body %s up to its bound, and no further', async (_name, answer) => {
    const url = await serve(answer);
    expect(new Uint8Array((await get(url, body.length)).body)).toEqual(new Uint8Array(body));
    expect(new Uint8Array((await get(url)).body)).toEqual(new Uint8Array(body));
    await expect(get(url, body.length - 1)).rejects.toMatchObject({
      name: 'TransportError',
      code: 'bad-response',
      sent: true,
      message: 'The answer is larger than 99999 bytes',
    });
  });

  test('gives up a body without an end', async () => {
    const url = await serve((response) => {
      const more = () => {
        while (response.writable && response.write(body));
      };
      response.on('drain', more);
      more();
    });
    await expect(get(url, 1_000_000)).rejects.toMatchObject({ code: 'bad-response' });
  });

  test('follows no redirect: the token would go along', async () => {
    const url = await serve((response) => response.writeHead(307, { location: 'http://127.0.0.1:9/' }).end());
    expect((await get(url)).status).toBe(307);
    const client = connect({ nodes: [url], routing: 'round-robin' });
    await expect(client.bucket('b').putBlind('k', 1)).rejects.toMatchObject({
      code: 'bad-response',
      status: 307,
      outcome: 'unknown',
    });
  });

  test('says what to do about headers above the limit of the platform', async () => {
    const url = await serve((response) =>
      response.writeHead(200, { 'quorate-context': 'x'.repeat(40_000) }).end(),
    );
    await expect(get(url)).rejects.toMatchObject({
      code: 'bad-response',
      hint: expect.stringContaining('--max-http-header-size') as string,
    });
  });

  test('says that a refused connection carried nothing', async () => {
    const url = await serve(() => {});
    await Promise.all(closers.splice(0).map((close) => close()));
    await expect(get(url)).rejects.toMatchObject({
      code: 'unreachable',
      sent: false,
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
  });
});

describe('transportErrorFrom', () => {
  const system = (code: string, syscall?: string) => Object.assign(new Error(code), { code, syscall });
  const wrapped = (cause: Error) => new TypeError('fetch failed', { cause });

  test.each([
    ['a refused connect', wrapped(system('ECONNREFUSED', 'connect')), false],
    ['an unknown name', wrapped(system('ENOTFOUND', 'getaddrinfo')), false],
    ['a connect that timed out', wrapped(system('ETIMEDOUT', 'connect')), false],
    ["a pool's connect that timed out", system('UND_ERR_CONNECT_TIMEOUT'), false],
    ['a request that could not be made', system('UND_ERR_INVALID_ARG'), false],
    ['a connection that was reset', wrapped(system('ECONNRESET', 'read')), true],
    ['a read that timed out', wrapped(system('ETIMEDOUT', 'read')), true],
    ['what a browser says', new TypeError('Failed to fetch'), true],
    ['what is no error', 'odd', true],
  ])('%s', (_name, thrown, sent) => {
    expect(transportErrorFrom(thrown).sent).toBe(sent);
  });

  test('of a name with several addresses, all must have been refused', () => {
    const refused = [system('ECONNREFUSED', 'connect'), system('EHOSTUNREACH', 'connect')];
    expect(transportErrorFrom(wrapped(new AggregateError(refused, ''))).sent).toBe(false);
    const one = new AggregateError([...refused, system('ECONNRESET', 'read')], '');
    expect(transportErrorFrom(wrapped(one)).sent).toBe(true);
    expect(transportErrorFrom(wrapped(new AggregateError([], ''))).sent).toBe(true);
  });

  test('tells the innermost cause, its code if it has no message', () => {
    expect(transportErrorFrom(wrapped(system('ECONNRESET', 'read'))).message).toBe('ECONNRESET');
    const silent = Object.assign(new AggregateError([], ''), { code: 'EHOSTUNREACH' });
    expect(transportErrorFrom(wrapped(silent)).message).toBe('EHOSTUNREACH');
    expect(transportErrorFrom('odd').message).toBe('odd');
    expect(transportErrorFrom(wrapped(new Error(''))).message).toBe('fetch failed');
  });

  test('does not follow a chain of causes for ever', () => {
    const circular = new Error('round');
    circular.cause = circular;
    expect(transportErrorFrom(circular)).toBeInstanceOf(TransportError);
  });
});
