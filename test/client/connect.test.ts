import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { QuorateError, connect } from '../../src/client/index.ts';
import type { ConnectOptions } from '../../src/client/index.ts';
import { absentAnswer, foundAnswer, problemAnswer, scripted } from './scripted-transport.ts';

// The clock stands still, so that a deadline arrives as it was given.
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function refusal(options: unknown): QuorateError {
  try {
    connect(options as ConnectOptions);
  } catch (thrown) {
    if (thrown instanceof QuorateError) return thrown;
    throw thrown;
  }
  throw new Error('the options were taken');
}

describe('options', () => {
  test('everything that is wrong is told at once', () => {
    const error = refusal({
      nodes: ['http://a:1', 'ftp://b', 'http://user@c', 7],
      token: 'two words',
      transport: 'fetch',
      maxAttempts: 0,
      maxResponseBytes: 1.5,
      routing: 'hash',
      timeout: 5,
      r: 0,
    });
    expect(error).toMatchObject({ code: 'invalid-argument', outcome: 'not-applied', attempts: [] });
    for (const problem of [
      'nodes: "ftp://b"',
      'nodes: "http://user@c"',
      'nodes: 7',
      'token is not',
      'transport is not a function',
      'maxAttempts is 0',
      'maxResponseBytes is 1.5',
      'routing is hash',
      'no option timeout',
      'r is 0',
    ]) {
      expect(error.message).toContain(problem);
    }
    expect(error.message).not.toContain('http://a:1');
    expect(error.message).not.toContain('two words');
  });

  test.each([
    ['none at all', undefined, 'connect needs options'],
    ['no nodes', {}, 'nodes is not a list'],
    ['an empty list', { nodes: [] }, 'nodes is not a list'],
    ['a single address', { nodes: 'http://a:1' }, 'nodes is not a list'],
    ['an unknown preset', { nodes: ['a:1'], consistency: 'quorm' }, 'consistency is quorm'],
    ['a deadline of none', { nodes: ['a:1'], timeoutMs: 0 }, 'timeoutMs is 0'],
    ['a sloppiness of text', { nodes: ['a:1'], sloppy: 'no' }, 'sloppy is no'],
  ])('%s', (_name, options, message) => {
    expect(refusal(options).message).toContain(message);
    expect(refusal(options).hint).toBeTypeOf('string');
  });

  test('an undefined option is like one left out', () => {
    const options: ConnectOptions = {
      nodes: ['a:1'],
      token: undefined,
      maxAttempts: undefined,
      r: undefined,
    };
    expect(() => connect(options)).not.toThrow();
  });

  test.each([
    ['127.0.0.1:7001', 'http://127.0.0.1:7001'],
    ['localhost:7001', 'http://localhost:7001'],
    ['[::1]:7001', 'http://[::1]:7001'],
    ['https://store.example/', 'https://store.example'],
    ['https://proxy.example/quorate//', 'https://proxy.example/quorate'],
  ])('%s is asked at %s', async (node, base) => {
    const { transport, requests } = scripted(() => foundAnswer(1));
    await connect({ nodes: [node], transport })
      .bucket('b')
      .get('k');
    expect(requests[0]?.url).toBe(`${base}/v1/kv/b/k`);
  });

  test('token, deadline, bound and presets travel with every request', async () => {
    const { transport, requests } = scripted(() => foundAnswer(1));
    const client = connect({
      nodes: ['a:1'],
      transport,
      token: 's3cret',
      timeoutMs: 700,
      consistency: 'one',
      maxResponseBytes: 99,
    });
    await client.bucket('b').get('k');
    await client.bucket('b', { timeoutMs: 600 }).get('k', { consistency: 'all' });
    await client.bucket('b').get('k', { timeoutMs: 500, n: 5, r: 4, sloppy: false });
    expect(requests.map(({ headers }) => headers)).toEqual([
      expect.objectContaining({
        Authorization: 'Bearer s3cret',
        'Quorate-Consistency': 'one',
        'Quorate-Timeout-Ms': '700',
      }),
      expect.objectContaining({ 'Quorate-Consistency': 'all', 'Quorate-Timeout-Ms': '600' }),
      expect.objectContaining({
        'Quorate-N': '5',
        'Quorate-R': '4',
        'Quorate-Sloppy': '?0',
        'Quorate-Timeout-Ms': '500',
      }),
    ]);
    expect(requests[0]?.maxResponseBytes).toBe(99);
  });

  test('nothing is sent before the first call', () => {
    const { transport, requests } = scripted(() => foundAnswer(1));
    connect({ nodes: ['a:1'], transport }).bucket('b');
    expect(requests).toHaveLength(0);
  });
});

describe('a bucket', () => {
  const client = connect({ nodes: ['a:1'], routing: 'round-robin' });

  test.each([
    ['a codec that was not called', { codec: (): never => undefined as never }, 'codec is none'],
    ['a content type that no header can carry', { codec: codecOf('text/plain\n') }, 'content type'],
    ['no content type', { codec: codecOf('') }, 'content type'],
    ['a resolver that is none', { resolve: 'union' }, 'resolve is not a function'],
    ['a quorum of none', { w: 0 }, 'w is 0'],
  ])('refuses %s', (_name, options, message) => {
    expect(() => client.bucket('b', options as object)).toThrow(message);
  });
});

function codecOf(contentType: string) {
  return { contentType, encode: () => new Uint8Array(), decode: () => undefined };
}

describe('ring, cluster and inspect', () => {
  test('answer what a node publishes', async () => {
    const { transport, requests } = scripted(
      () => ({ status: 200, headers: { 'content-type': 'application/json' }, body: { cluster: 'local' } }),
      () => ({ cluster: 'ringed' }),
    );
    const client = connect({ nodes: ['a:1'], transport, token: 't' });
    expect(await client.cluster()).toEqual({ cluster: 'local' });
    expect(await client.ring()).toEqual({ cluster: 'ringed' });
    expect(await client.inspect('b', 'x/y', { n: 5 })).toEqual({ cluster: 'local' });
    expect(requests.map(({ url }) => url)).toEqual([
      'http://a:1/v1/cluster',
      'http://a:1/v1/inspect/b/x%2Fy',
    ]);
    expect(requests[1]?.headers).toMatchObject({ Authorization: 'Bearer t', 'Quorate-N': '5' });
  });

  test('a page of something else is no answer', async () => {
    for (const body of ['<html>', '7', 'null']) {
      const { transport } = scripted(() => ({ status: 200, body }));
      await expect(connect({ nodes: ['a:1'], transport }).cluster()).rejects.toMatchObject({
        code: 'bad-response',
      });
    }
  });
});

test('a base URL with a path that does not belong there is an error, not an absent key', async () => {
  const { transport } = scripted(() =>
    problemAnswer(404, 'not-found', { detail: 'There is nothing there.' }),
  );
  const bucket = connect({ nodes: ['http://a:1/v1'], transport }).bucket('b');
  await expect(bucket.get('k')).rejects.toMatchObject({
    code: 'bad-response',
    status: 404,
    hint: expect.stringContaining('base URL') as string,
  });
  await expect(bucket.deleteBlind('k')).rejects.toMatchObject({
    code: 'bad-response',
    outcome: 'not-applied',
  });
  const right = scripted(() => absentAnswer());
  const absent = await connect({ nodes: ['a:1'], transport: right.transport })
    .bucket('b')
    .get('k');
  expect(absent).toMatchObject({ type: 'absent', quorum: { n: 3, required: 2, acks: 2 } });
});
