import { afterEach, beforeEach, describe, expect, expectTypeOf, test, vi } from 'vitest';
import { DELETE, TransportError, connect, union } from '../../src/client/index.ts';
import type { Deleted, Entry, ResolvedEntry, Unchanged, Updated, Written } from '../../src/client/index.ts';
import { ended } from './scripted-call.ts';
import type { Step } from './scripted-call.ts';
import {
  absentAnswer,
  conflictAnswer,
  foundAnswer,
  jsonSibling,
  problemAnswer,
  scripted,
  writtenAnswer,
} from './scripted-transport.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Reads and writes take their answers in turn, each the last of its own for ever. One node, one attempt for each. */
function run(reads: readonly Step[], writes: readonly Step[]) {
  let read = 0;
  let written = 0;
  const { transport, requests } = scripted((request) => {
    const [steps, index] = request.method === 'GET' ? [reads, read++] : [writes, written++];
    return steps[Math.min(index, steps.length - 1)] as Step;
  });
  const client = connect({ nodes: ['http://a:1'], routing: 'round-robin', maxAttempts: 1, transport });
  return { client, bucket: client.bucket<number>('b'), requests };
}

const unavailable = problemAnswer(503, 'quorum-unavailable');
const sent = (body: Uint8Array | undefined): unknown => JSON.parse(new TextDecoder().decode(body));

describe('one round', () => {
  test('reads, changes, and writes with the context of the read', async () => {
    const { bucket, requests } = run([foundAnswer(4, 'seen')], [writtenAnswer()]);
    const updated = await bucket.update('k', ([value = 0]) => value + 1, { r: 2, w: 3 });
    expect(updated).toMatchObject({ type: 'written', value: 5, context: 'after' });
    expect(requests.map(({ method }) => method)).toEqual(['GET', 'PUT']);
    expect(requests[0]?.headers).toMatchObject({ 'Quorate-R': '2' });
    expect(requests[1]?.headers).toMatchObject({
      'Quorate-W': '3',
      'Quorate-Context': 'seen',
      'Quorate-Attempt': '1',
    });
    expect(sent(requests[1]?.body)).toBe(5);
  });

  test('of siblings sees all of them and resolves them by its write', async () => {
    const siblings = conflictAnswer([jsonSibling('1', 3), jsonSibling('2', 8)], 'both');
    const { bucket, requests } = run([siblings], [writtenAnswer()]);
    const seen: unknown[] = [];
    await bucket.update('k', (values, entry) => {
      seen.push(values, entry.type);
      return Math.max(...values);
    });
    expect(seen).toEqual([[3, 8], 'conflict']);
    expect(requests[1]?.headers).toMatchObject({ 'Quorate-Context': 'both' });
    expect(sent(requests[1]?.body)).toBe(8);
  });

  test('of an absent key sees no value; with a deletion behind it, its context', async () => {
    for (const context of [undefined, 'gone']) {
      const { bucket, requests } = run([absentAnswer(context)], [writtenAnswer(201)]);
      expect(await bucket.update('k', (values) => values.length)).toMatchObject({ value: 0, created: true });
      expect(requests[1]?.headers['Quorate-Context']).toBe(context);
    }
  });

  test('may delete, or leave all as it is', async () => {
    const deleting = run([foundAnswer(1, 'seen')], [writtenAnswer(204, 0)]);
    expect(await deleting.bucket.update('k', () => DELETE)).toMatchObject({ type: 'deleted', existed: true });
    expect(deleting.requests[1]).toMatchObject({ method: 'DELETE', headers: { 'Quorate-Context': 'seen' } });
    const idle = run([foundAnswer(1)], []);
    expect(await idle.bucket.update('k', () => undefined)).toEqual({ type: 'unchanged' });
    expect(idle.requests).toHaveLength(1);
  });

  test('of a bucket with a resolver sees the resolved value, and its write settles the siblings', async () => {
    const siblings = conflictAnswer([jsonSibling('1', ['milk']), jsonSibling('2', ['bread'])], 'both');
    const { client, requests } = run([siblings], [writtenAnswer()]);
    const lists = client.bucket<string[]>('lists', { resolve: union });
    const updated = await lists.update('k', (list = [], entry) => {
      expect(entry).toMatchObject({ type: 'found', resolvedFrom: 2 });
      return [...list, 'eggs'];
    });
    expect(updated).toMatchObject({ value: ['milk', 'bread', 'eggs'] });
    expect(requests[1]?.headers).toMatchObject({ 'Quorate-Context': 'both' });
  });

  test('that wrote beside somebody else is over: changing again would apply the change twice', async () => {
    const { bucket, requests } = run([foundAnswer(1)], [writtenAnswer(204, 2)]);
    expect(await bucket.update('k', ([value = 0]) => value + 1)).toMatchObject({ siblings: 2, value: 2 });
    expect(requests).toHaveLength(2);
  });
});

describe('another round', () => {
  test('reads and changes anew after a write that surely was not applied, under an id of its own', async () => {
    const { bucket, requests } = run(
      [foundAnswer(1, 'one'), foundAnswer(7, 'two')],
      [unavailable, writtenAnswer()],
    );
    const updated = await ended(bucket.update('k', ([value = 0]) => value + 1));
    expect(updated).toMatchObject({ type: 'written', value: 8 });
    const puts = requests.filter(({ method }) => method === 'PUT');
    expect(puts.map(({ headers }) => headers['Quorate-Context'])).toEqual(['one', 'two']);
    expect(puts.map(({ headers }) => headers['Quorate-Attempt'])).toEqual(['1', '1']);
    expect(new Set(puts.map(({ headers }) => headers['Quorate-Write-Id'])).size).toBe(2);
  });

  test('has an id of its own even if an untyped caller gave one', async () => {
    const { bucket, requests } = run([foundAnswer(1)], [unavailable, writtenAnswer()]);
    await ended(bucket.update('k', ([value = 0]) => value + 1, { writeId: 'mine' } as object));
    const ids = requests
      .filter(({ method }) => method === 'PUT')
      .map((put) => put.headers['Quorate-Write-Id']);
    expect(new Set([...ids, 'mine']).size).toBe(3);
  });

  test('helps where a record was at its bound of siblings: it sees and resolves them', async () => {
    const siblings = conflictAnswer([jsonSibling('1', 3), jsonSibling('2', 8)], 'both');
    const { bucket, requests } = run(
      [absentAnswer(), siblings],
      [problemAnswer(409, 'sibling-limit'), writtenAnswer()],
    );
    expect(await ended(bucket.update('k', (values) => values.length))).toMatchObject({ value: 2 });
    expect(requests.at(-1)?.headers).toMatchObject({ 'Quorate-Context': 'both' });
  });

  test.each([
    ['an unknown outcome', new Error('socket hang up'), 'unreachable', 'unknown'],
    ['a quorum that timed out', problemAnswer(504, 'quorum-timeout'), 'quorum-timeout', 'unknown'],
    ['a refusal that would come again', problemAnswer(413, 'too-large'), 'too-large', 'not-applied'],
  ] as const)('is not made after %s', async (_name, step, code, outcome) => {
    const { bucket, requests } = run([foundAnswer(1)], [step, writtenAnswer()]);
    let changes = 0;
    const error = await ended(bucket.update('k', () => (changes += 1)));
    expect(error).toMatchObject({ code, outcome, writeId: requests[1]?.headers['Quorate-Write-Id'] });
    expect(changes).toBe(1);
  });

  test('is not made without end: maxRounds and the deadline bound it', async () => {
    const three = run([foundAnswer(1)], [unavailable]);
    expect(await ended(three.bucket.update('k', () => 2))).toMatchObject({ code: 'quorum-unavailable' });
    expect(three.requests).toHaveLength(6);
    const one = run([foundAnswer(1)], [unavailable]);
    await ended(one.bucket.update('k', () => 2, { maxRounds: 1 }));
    expect(one.requests).toHaveLength(2);
    const short = run([foundAnswer(1)], [unavailable]);
    await ended(short.bucket.update('k', () => 2, { maxRounds: 1_000, timeoutMs: 20 }));
    expect(short.requests).toHaveLength(2);
  });

  test('is not made if the read fails: that was tried often enough', async () => {
    const refused = new TransportError('connect ECONNREFUSED', { sent: false });
    const { bucket, requests } = run([refused], []);
    expect(await ended(bucket.update('k', () => 1))).toMatchObject({ code: 'unreachable' });
    expect(requests).toHaveLength(1);
  });

  test.each([0, 1.5, -1, Number.NaN])(
    'maxRounds of %d is refused before anything is sent',
    async (maxRounds) => {
      const { bucket, requests } = run([foundAnswer(1)], []);
      await expect(bucket.update('k', () => 1, { maxRounds })).rejects.toMatchObject({
        code: 'invalid-argument',
      });
      expect(requests).toHaveLength(0);
    },
  );
});

describe('the end', () => {
  test('comes at the deadline of the whole, even if the function given to it never returns', async () => {
    const { bucket, requests } = run([foundAnswer(1)], [writtenAnswer()]);
    const updating = bucket.update('k', async () => new Promise<number>(() => {}), { timeoutMs: 1_000 });
    const settled = updating.catch((thrown: unknown) => thrown);
    await vi.advanceTimersByTimeAsync(1_101);
    expect(await settled).toMatchObject({ code: 'timeout', outcome: 'not-applied' });
    expect(requests).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('comes without a write if the function returned after the deadline', async () => {
    const { bucket, requests } = run([foundAnswer(1)], [writtenAnswer()]);
    const late = async (): Promise<number> => new Promise((settle) => setTimeout(() => settle(2), 1_050));
    expect(await ended(bucket.update('k', late, { timeoutMs: 1_000 }))).toMatchObject({
      code: 'timeout',
      outcome: 'not-applied',
    });
    expect(requests).toHaveLength(1);
  });

  test('comes at once when the caller gives up', async () => {
    const { bucket, requests } = run([foundAnswer(1)], [writtenAnswer()]);
    const controller = new AbortController();
    const updating = bucket.update('k', async () => new Promise<number>(() => {}), {
      signal: controller.signal,
    });
    const settled = updating.catch((thrown: unknown) => thrown);
    await vi.advanceTimersByTimeAsync(10);
    controller.abort('enough');
    expect(await settled).toMatchObject({ code: 'aborted', outcome: 'not-applied', cause: 'enough' });
    expect(requests).toHaveLength(1);
  });

  test('a pause between rounds ends when the caller gives up, and what is known stays known', async () => {
    const { bucket } = run([foundAnswer(1)], [unavailable]);
    const controller = new AbortController();
    const updating = bucket.update('k', () => 2, { signal: controller.signal });
    const settled = updating.catch((thrown: unknown) => thrown);
    await vi.advanceTimersByTimeAsync(10);
    controller.abort();
    expect(await settled).toMatchObject({ code: 'quorum-unavailable', outcome: 'not-applied' });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('what the function throws passes through as it is', async () => {
    const { bucket, requests } = run([foundAnswer(1)], [writtenAnswer()]);
    const thrown = new RangeError('out of stock');
    await expect(
      bucket.update('k', () => {
        throw thrown;
      }),
    ).rejects.toBe(thrown);
    expect(requests).toHaveLength(1);
  });
});

test('types', () => {
  const client = connect({ nodes: ['http://a:1'], routing: 'round-robin' });
  const plain = client.bucket<string[]>('b');
  const resolving = client.bucket<string[]>('b', { resolve: union });
  type PlainChange = Parameters<typeof plain.update>[1];
  type ResolvingChange = Parameters<typeof resolving.update>[1];
  expectTypeOf<Parameters<PlainChange>>().toEqualTypeOf<[readonly string[][], Entry<string[]>]>();
  expectTypeOf<Parameters<ResolvingChange>>().toEqualTypeOf<
    [string[] | undefined, ResolvedEntry<string[]>]
  >();
  expectTypeOf<Awaited<ReturnType<typeof plain.update>>>().toEqualTypeOf<Updated<string[]>>();
  expectTypeOf<Updated<number>>().toEqualTypeOf<
    (Written & { readonly value: number }) | Deleted | Unchanged
  >();
  // @ts-expect-error a change of another type
  const wrong: PlainChange = () => 7;
  expect(wrong).toBeTypeOf('function');
});
