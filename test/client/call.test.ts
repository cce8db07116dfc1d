import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { QuorateError, TransportError, connect, transportErrorFrom } from '../../src/client/index.ts';
import type { TransportRequest } from '../../src/client/index.ts';
import { foundAnswer, problemAnswer, scripted, writtenAnswer } from './scripted-transport.ts';
import type { ScriptedAnswer } from './scripted-transport.ts';

const nodes = ['http://a:1', 'http://b:1', 'http://c:1'];

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets time pass until the call has ended, and answers how. */
async function ended<T>(call: Promise<T>): Promise<T | QuorateError> {
  const settled = call.catch((thrown: unknown) => {
    if (thrown instanceof QuorateError) return thrown;
    throw thrown;
  });
  await vi.advanceTimersByTimeAsync(60_000);
  return settled;
}

type Step = ScriptedAnswer | Error | 'hang';

/** One call against the steps in turn, the last of them for ever. */
function run(
  steps: readonly Step[],
  more: { readonly maxAttempts?: number; readonly nodes?: string[] } = {},
) {
  const { transport, requests } = scripted(
    (_request, index) => steps[Math.min(index, steps.length - 1)] as Step,
  );
  const client = connect({ nodes, routing: 'round-robin', ...more, transport });
  return { bucket: client.bucket('b'), requests };
}

const origins = (requests: readonly TransportRequest[]): string[] =>
  requests.map(({ url }) => new URL(url).origin);
const lost = new Error('socket hang up');
const refused = new TransportError('connect ECONNREFUSED', { sent: false });
const foreign: ScriptedAnswer = {
  status: 502,
  headers: { 'content-type': 'text/html' },
  body: 'Bad gateway',
};

describe('failover and retries', () => {
  test.each([
    ['a lost connection', lost],
    ['a refused connection', refused],
    ['a draining node', problemAnswer(503, 'draining')],
    ['an overloaded node', problemAnswer(503, 'overloaded')],
    ['too few replicas', problemAnswer(503, 'quorum-unavailable')],
    ['a quorum that timed out', problemAnswer(504, 'quorum-timeout')],
    ['a bug in a node', problemAnswer(500, 'internal')],
    ['a proxy in trouble', foreign],
  ])('after %s the next node is asked', async (_name, step) => {
    const { bucket, requests } = run([step, foundAnswer(7)]);
    expect(await ended(bucket.get('k'))).toMatchObject({ type: 'found', value: 7 });
    expect(new Set(origins(requests)).size).toBe(2);
  });

  test('a write is sent again under the same id, and promises a first attempt only once', async () => {
    const { bucket, requests } = run([lost, problemAnswer(504, 'quorum-timeout'), writtenAnswer()]);
    const written = await ended(bucket.putBlind('k', 1));
    expect(written).toMatchObject({ type: 'written' });
    expect(new Set(requests.map(({ headers }) => headers['Quorate-Write-Id'])).size).toBe(1);
    expect(requests.map(({ headers }) => headers['Quorate-Attempt'])).toEqual(['1', undefined, undefined]);
    expect(new Set(origins(requests)).size).toBe(3);
  });

  test('two calls have two ids', async () => {
    const { bucket, requests } = run([writtenAnswer()]);
    await bucket.putBlind('k', 1);
    await bucket.putBlind('k', 1);
    expect(new Set(requests.map(({ headers }) => headers['Quorate-Write-Id'])).size).toBe(2);
  });

  test.each([
    'bad-context',
    'too-large',
    'sibling-limit',
    'write-id-reused',
    'forbidden',
    'not-implemented',
    'write-id-expired',
  ])('%s is final', async (code) => {
    const { bucket, requests } = run([
      problemAnswer(code === 'write-id-expired' ? 504 : 400, code, { hint: 'Do this.' }),
    ]);
    const error = await ended(bucket.putBlind('k', 1));
    expect(error).toMatchObject({
      code,
      hint: 'Do this.',
      outcome: code === 'write-id-expired' ? 'unknown' : 'not-applied',
    });
    expect(requests).toHaveLength(1);
  });

  test('attempts are bounded and all reported', async () => {
    const { bucket, requests } = run([refused], { maxAttempts: 4 });
    const error = (await ended(bucket.get('k'))) as QuorateError;
    expect(error).toMatchObject({ name: 'QuorateError', code: 'unreachable', outcome: 'not-applied' });
    expect(error.attempts).toHaveLength(4);
    expect(error.attempts[0]).toMatchObject({
      node: origins(requests)[0],
      code: 'unreachable',
      message: /ECONNREFUSED/,
    });
    expect(error.hint).toMatch(/running/);
  });

  test.each([
    ['the problem', problemAnswer(503, 'overloaded', { retryAfterMs: 700 })],
    [
      'the header',
      {
        ...problemAnswer(503, 'overloaded'),
        headers: { 'content-type': 'application/problem+json', 'retry-after': '1' },
      },
    ],
  ])('waits as long as %s says', async (_name, step) => {
    const { bucket, requests } = run([step, foundAnswer(1)]);
    const reading = bucket.get('k');
    await vi.advanceTimersByTimeAsync(690);
    expect(requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(400);
    expect(requests).toHaveLength(2);
    expect(await reading).toMatchObject({ value: 1 });
  });

  test('a wait beyond the deadline is not begun', async () => {
    const { bucket, requests } = run([problemAnswer(503, 'overloaded', { retryAfterMs: 9_000 })]);
    const reading = bucket.get('k').catch((thrown: unknown) => thrown);
    await vi.advanceTimersByTimeAsync(0);
    expect(await reading).toMatchObject({ code: 'overloaded', problem: { retryAfterMs: 9_000 } });
    expect(requests).toHaveLength(1);
  });

  test('a node that failed is asked last for a while, and then again', async () => {
    const { transport, requests } = scripted(({ url }) =>
      url.startsWith('http://a') ? refused : foundAnswer(1),
    );
    const bucket = connect({ nodes, routing: 'round-robin', transport }).bucket('b');
    const failures = () => origins(requests).filter((origin) => origin === 'http://a:1').length;
    for (let count = 0; count < 9; count += 1) await bucket.get('k');
    expect(failures()).toBe(1);
    await vi.advanceTimersByTimeAsync(300);
    for (let count = 0; count < 3; count += 1) await bucket.get('k');
    expect(failures()).toBe(2);
  });
});

describe('the outcome of a write', () => {
  const cases: readonly (readonly [string, readonly Step[], string, string])[] = [
    ['never connected', [refused], 'unreachable', 'not-applied'],
    ['connection lost', [lost], 'unreachable', 'unknown'],
    ['no answer', ['hang'], 'timeout', 'unknown'],
    ['refused each time', [problemAnswer(503, 'quorum-unavailable')], 'quorum-unavailable', 'not-applied'],
    ['lost, then refused', [lost, problemAnswer(503, 'quorum-unavailable')], 'quorum-unavailable', 'unknown'],
    [
      'timed out, then malformed',
      [problemAnswer(504, 'quorum-timeout'), problemAnswer(400, 'bad-request')],
      'bad-request',
      'unknown',
    ],
    ['a proxy, then never connected', [foreign, refused], 'unreachable', 'unknown'],
    ['a success that no node sent', [{ status: 204 }], 'bad-response', 'unknown'],
    [
      'a problem without an outcome',
      [problemAnswer(400, 'bad-request', { outcome: undefined })],
      'bad-request',
      'unknown',
    ],
  ];
  test.each(cases)('%s', async (_name, steps, code, outcome) => {
    const { bucket, requests } = run(steps);
    const error = (await ended(bucket.putBlind('k', 1))) as QuorateError;
    expect(error).toMatchObject({ code, outcome, writeId: requests[0]?.headers['Quorate-Write-Id'] });
    expect(error.message).toMatch(outcome === 'unknown' ? /may have been applied/ : /was not applied/);
    if (outcome === 'unknown') expect(error.hint).toMatch(/writeId/);
  });

  test('a success after a lost connection settles it', async () => {
    const { bucket } = run([lost, writtenAnswer()]);
    expect(await ended(bucket.putBlind('k', 1))).toMatchObject({ type: 'written' });
  });

  test('a failed read is never unknown', async () => {
    expect(await ended(run([lost]).bucket.get('k'))).toMatchObject({ outcome: 'not-applied' });
  });
});

describe('deadlines', () => {
  test('a call ends, whatever the nodes and the transport do, and tells the nodes how long they have', async () => {
    const { bucket, requests } = run(['hang']);
    const reading = bucket.get('k', { timeoutMs: 4_000 }).catch((thrown: unknown) => thrown);
    await vi.advanceTimersByTimeAsync(4_500);
    expect(await reading).toMatchObject({ code: 'timeout', outcome: 'not-applied' });
    const told = requests.map(({ headers }) => Number(headers['Quorate-Timeout-Ms']));
    expect(told[0]).toBe(2_000);
    expect(told.every((ms) => ms >= 1 && ms <= 2_000)).toBe(true);
    expect(requests.every(({ signal }) => signal.aborted)).toBe(true);
    expect(new Set(origins(requests)).size).toBe(3);
  });

  test('a hanging node does not keep the call from another one', async () => {
    expect(await ended(run(['hang', foundAnswer(1)]).bucket.get('k'))).toMatchObject({ value: 1 });
  });

  test('a single node has the whole time', async () => {
    const { bucket, requests } = run(['hang'], { nodes: ['http://a:1'] });
    await ended(bucket.get('k', { timeoutMs: 3_000 }));
    expect(requests.map(({ headers }) => headers['Quorate-Timeout-Ms'])).toEqual(['3000']);
  });

  test('a node is never told more than it takes', async () => {
    const { bucket, requests } = run([foundAnswer(1)], { nodes: ['http://a:1'] });
    await bucket.get('k', { timeoutMs: 300_000 });
    expect(requests[0]?.headers['Quorate-Timeout-Ms']).toBe('60000');
  });

  test.each([0, -1, 600_001, Number.NaN])('timeoutMs %d is refused', async (timeoutMs) => {
    await expect(run([foundAnswer(1)]).bucket.get('k', { timeoutMs })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });

  test.each([0, 1.5, -1, Number.NaN])('R of %d is refused', async (r) => {
    await expect(run([foundAnswer(1)]).bucket.get('k', { r })).rejects.toMatchObject({ code: 'bad-quorum' });
  });
});

describe('aborting', () => {
  test('before anything was sent, a write was not applied', async () => {
    const { bucket, requests } = run([writtenAnswer()]);
    const error = await ended(bucket.putBlind('k', 1, { signal: AbortSignal.abort('enough') }));
    expect(error).toMatchObject({ code: 'aborted', outcome: 'not-applied', cause: 'enough' });
    expect(requests).toHaveLength(0);
  });

  test('in flight, the outcome of a write is unknown and the request ends', async () => {
    const { bucket, requests } = run(['hang']);
    const controller = new AbortController();
    const writing = bucket.putBlind('k', 1, { signal: controller.signal }).catch((thrown: unknown) => thrown);
    await vi.advanceTimersByTimeAsync(10);
    controller.abort();
    expect(await writing).toMatchObject({ code: 'aborted', outcome: 'unknown' });
    expect(requests[0]?.signal.aborted).toBe(true);
  });

  test('between two attempts, what is known stays known', async () => {
    const { bucket, requests } = run([problemAnswer(503, 'overloaded', { retryAfterMs: 3_000 })]);
    const controller = new AbortController();
    const writing = bucket.putBlind('k', 1, { signal: controller.signal }).catch((thrown: unknown) => thrown);
    await vi.advanceTimersByTimeAsync(100);
    controller.abort();
    expect(await writing).toMatchObject({ code: 'aborted', outcome: 'not-applied' });
    expect(requests).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test('only a connection that never was is certainly not sent', () => {
  const system = (code: string, syscall: string) => Object.assign(new Error(code), { code, syscall });
  const wrapped = (cause: Error) => new TypeError('fetch failed', { cause });
  expect(transportErrorFrom(wrapped(system('ECONNREFUSED', 'connect'))).sent).toBe(false);
  expect(transportErrorFrom(wrapped(system('ENOTFOUND', 'getaddrinfo'))).sent).toBe(false);
  expect(transportErrorFrom(wrapped(system('ETIMEDOUT', 'connect'))).sent).toBe(false);
  expect(transportErrorFrom(wrapped(system('ECONNRESET', 'read'))).sent).toBe(true);
  expect(transportErrorFrom(wrapped(system('ETIMEDOUT', 'read'))).sent).toBe(true);
  expect(transportErrorFrom(new TypeError('Failed to fetch')).sent).toBe(true);
  expect(transportErrorFrom('odd')).toMatchObject({ sent: true, message: 'odd' });
});
