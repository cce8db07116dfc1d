import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TransportError, connect } from '../../src/client/index.ts';
import type { QuorateError } from '../../src/client/index.ts';
import { ended, origins, run } from './scripted-call.ts';
import type { Step } from './scripted-call.ts';
import { absentAnswer, foundAnswer, problemAnswer, scripted, writtenAnswer } from './scripted-transport.ts';
import type { ScriptedAnswer } from './scripted-transport.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const nodes = ['http://a:1', 'http://b:1', 'http://c:1'];
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
      message: expect.stringMatching(/ECONNREFUSED/) as string,
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

  test('of a write under an id of the caller, which may have been sent before, nothing else is known', async () => {
    for (const steps of [[refused], [problemAnswer(503, 'draining')]]) {
      const { bucket } = run(steps);
      const error = (await ended(bucket.putBlind('k', 1, { writeId: 'mine' }))) as QuorateError;
      expect(error).toMatchObject({ outcome: 'unknown', writeId: 'mine' });
      expect(error.message).toMatch(/may have been applied/);
    }
  });

  test('a hint about a later attempt does not hide how to settle an unknown outcome', async () => {
    const refusal = problemAnswer(503, 'quorum-unavailable', { hint: 'Nothing was written.' });
    const error = (await ended(run([lost, refusal]).bucket.putBlind('k', 1))) as QuorateError;
    expect(error.hint).toMatch(/^Nothing was written\. .*same writeId/);
    const timedOut = problemAnswer(504, 'quorum-timeout', { hint: 'Send it again.' });
    const settled = (await ended(run([timedOut]).bucket.putBlind('k', 1))) as QuorateError;
    expect(settled.hint).toBe('Send it again.');
  });

  test('an answer too large is final: it would come again', async () => {
    const tooLarge = new TransportError('The answer is larger than 5 bytes', {
      sent: true,
      code: 'bad-response',
      hint: 'Raise it.',
    });
    const reading = run([tooLarge]);
    expect(await ended(reading.bucket.get('k'))).toMatchObject({
      code: 'bad-response',
      outcome: 'not-applied',
      hint: 'Raise it.',
      message: 'GET b/k: The answer is larger than 5 bytes',
    });
    expect(reading.requests).toHaveLength(1);
    expect(await ended(run([tooLarge]).bucket.putBlind('k', 1))).toMatchObject({ outcome: 'unknown' });
  });

  test('a success after a lost connection settles it', async () => {
    const { bucket } = run([lost, writtenAnswer()]);
    expect(await ended(bucket.putBlind('k', 1))).toMatchObject({ type: 'written' });
  });

  test('nothing to delete settles a blind deletion, unless an earlier attempt may yet delete something', async () => {
    const first = run([absentAnswer()]);
    expect(await ended(first.bucket.deleteBlind('k'))).toMatchObject({ type: 'deleted', existed: false });
    const second = run([lost, absentAnswer()]);
    expect(await ended(second.bucket.deleteBlind('k'))).toMatchObject({
      code: 'not-found',
      outcome: 'unknown',
    });
    const applied = run([lost, writtenAnswer(204, 0)]);
    expect(await ended(applied.bucket.deleteBlind('k'))).toMatchObject({ type: 'deleted', existed: true });
  });

  test('a blind deletion promises no first attempt, one with a context does', async () => {
    const { bucket, requests } = run([writtenAnswer(204, 0)]);
    await ended(bucket.deleteBlind('k'));
    await ended(bucket.delete('k', { context: 'ctx' }));
    expect(requests.map(({ headers }) => headers['Quorate-Attempt'])).toEqual([undefined, '1']);
    expect(requests.map(({ headers }) => headers['Quorate-Write-Id'])).not.toContain(undefined);
  });

  test('a failed read is never unknown', async () => {
    expect(await ended(run([lost]).bucket.get('k'))).toMatchObject({ outcome: 'not-applied' });
  });
});
