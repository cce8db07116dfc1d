import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ended, origins, run } from './scripted-call.ts';
import { foundAnswer, problemAnswer, writtenAnswer } from './scripted-transport.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('deadlines', () => {
  test('bound every call in time, by any deadline and any number of nodes that say nothing', async () => {
    for (const timeoutMs of [1, 40, 999, 5_000]) {
      const { bucket } = run(['hang']);
      let over = false;
      const writing = bucket.putBlind('k', 1, { timeoutMs }).catch((thrown: unknown) => thrown);
      void writing.then(() => {
        over = true;
      });
      await vi.advanceTimersByTimeAsync(timeoutMs - 1);
      expect(over).toBe(false);
      await vi.advanceTimersByTimeAsync(102);
      expect(over).toBe(true);
      expect(await writing).toMatchObject({ code: 'timeout', outcome: 'unknown' });
      expect(vi.getTimerCount()).toBe(0);
    }
  });

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
