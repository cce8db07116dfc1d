import { afterEach, beforeEach, describe, expect, expectTypeOf, test, vi } from 'vitest';
import { DELETE, TransportError, connect, union } from '../../src/client/index.ts';
import type { CasResult, Entry, LostRace, ResolvedEntry, Swapped } from '../../src/client/index.ts';
import { ended, origins } from './scripted-call.ts';
import type { Step } from './scripted-call.ts';
import {
  absentAnswer,
  conflictAnswer,
  foundAnswer,
  jsonSibling,
  problemAnswer,
  type ScriptedAnswer,
  scripted,
  writtenAnswer,
} from './scripted-transport.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Requests take the steps in turn, the last one for ever. */
function run(steps: readonly Step[], nodes = ['http://a:1', 'http://b:1']) {
  const { transport, requests } = scripted((_, index) => steps[Math.min(index, steps.length - 1)] as Step);
  const client = connect({ nodes, routing: 'round-robin', transport });
  return { client, bucket: client.bucket<number>('b'), requests };
}

function lostAnswer(siblings: readonly object[], context = 'theirs'): ScriptedAnswer {
  const live = siblings.filter((sibling) => !('deleted' in sibling)).length;
  const entry = { bucket: 'b', key: 'k', context, etag: '"e9"', siblings };
  const answer = problemAnswer(412, 'precondition-failed', siblings.length === 0 ? {} : { entry });
  const quorum = 'n=3, r=2, acks=2, sloppy=?0, ordered=?1';
  return {
    ...answer,
    headers: { ...answer.headers, 'quorate-siblings': String(live), 'quorate-quorum': quorum },
  };
}

const outcomeAnswer = (state: string, more: object = {}): ScriptedAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: { bucket: 'b', key: 'k', writeId: 'w', state, ...more },
});

const sent = (body: Uint8Array | undefined): unknown => JSON.parse(new TextDecoder().decode(body));
const lostConnection = new TransportError('reset', { sent: true });

describe('a conditional write', () => {
  test('has the ETag as its condition, an id, and asks for the entry', async () => {
    const { bucket, requests } = run([writtenAnswer()]);
    const result = await bucket.cas('k', 5, { if: '"e1"' });
    expect(result).toMatchObject({
      ok: true,
      type: 'written',
      etag: '"e3"',
      context: 'after',
      created: false,
    });
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ method: 'PUT', url: expect.stringMatching(/\/v1\/kv\/b\/k$/) });
    expect(requests[0]?.headers).toMatchObject({
      'If-Match': '"e1"',
      Prefer: 'return=representation',
      'Quorate-Attempt': '1',
      'Quorate-Write-Id': expect.any(String),
      'Content-Type': 'application/json',
    });
    expect(sent(requests[0]?.body)).toBe(5);
  });

  test('takes the answer that it follows from as its condition', async () => {
    const read = run([foundAnswer(1), writtenAnswer(), writtenAnswer()]);
    const entry = await read.bucket.get('k');
    const first = await read.bucket.cas('k', 2, { if: entry });
    expect(read.requests[1]?.headers).toMatchObject({ 'If-Match': '"e1"' });
    if (!first.ok) throw new Error('lost');
    await read.bucket.cas('k', 3, { if: first });
    expect(read.requests[2]?.headers).toMatchObject({ 'If-Match': '"e3"' });
    const absent = run([absentAnswer('gone'), writtenAnswer(201)]);
    const nothing = await absent.bucket.get('k');
    expect(await absent.bucket.cas('k', 2, { if: nothing })).toMatchObject({ ok: true, created: true });
    expect(absent.requests[1]?.headers).toMatchObject({ 'If-None-Match': '*' });
    expect(absent.requests[1]?.headers).not.toHaveProperty('If-Match');
  });

  test('creates only where nothing is', async () => {
    const { bucket, requests } = run([writtenAnswer(201)]);
    expect(await bucket.create('k', 1)).toMatchObject({ ok: true, created: true });
    expect(requests[0]?.headers).toMatchObject({ 'If-None-Match': '*' });
  });

  test('sends nothing of what the client says of N, R, W and consistency', async () => {
    const { transport, requests } = scripted(() => writtenAnswer());
    const client = connect({
      nodes: ['http://a:1'],
      transport,
      n: 5,
      r: 2,
      w: 3,
      consistency: 'all',
      sloppy: false,
    });
    await client.bucket<number>('b', { w: 4 }).cas('k', 1, { if: 'absent' });
    const names = Object.keys(requests[0]?.headers ?? {}).map((name) => name.toLowerCase());
    for (const name of ['quorate-n', 'quorate-r', 'quorate-w', 'quorate-consistency', 'quorate-sloppy'])
      expect(names).not.toContain(name);
  });

  test.each([
    ['e1'],
    ['*'],
    ['W/"e1"'],
    ['"a", "b"'],
    [''],
    [undefined],
    [null],
    [{}],
    [{ etag: undefined }],
  ])('refuses %j as a condition before anything is sent', async (condition) => {
    const { bucket, requests } = run([writtenAnswer()]);
    const call = bucket.cas('k', 1, { if: condition as string });
    await expect(call).rejects.toMatchObject({ code: 'invalid-argument', outcome: 'not-applied' });
    expect(requests).toHaveLength(0);
  });
});

describe('a lost race', () => {
  test('is an answer, with the value that is there', async () => {
    const { bucket, requests } = run([lostAnswer([jsonSibling('1', 7)])]);
    const result = await bucket.cas('k', 5, { if: '"e1"' });
    expect(result).toEqual({
      ok: false,
      current: {
        ...{ type: 'found', value: 7, context: 'theirs', etag: '"e9"', contentType: 'application/json' },
        resolvedFrom: 1,
        quorum: { n: 3, required: 2, acks: 2, sloppy: false },
        coordinator: undefined,
      },
    });
    expect(requests).toHaveLength(1);
  });

  test('shows siblings, a deletion, and nothing as a read does', async () => {
    const both = await run([lostAnswer([jsonSibling('1', 7), jsonSibling('2', 8)])]).bucket.create('k', 1);
    expect(both).toMatchObject({
      ok: false,
      current: { type: 'conflict', siblings: [{ value: 7 }, { value: 8 }] },
    });
    const beside = lostAnswer([{ id: '0', deleted: true }, jsonSibling('1', 7)]);
    expect(await run([beside]).bucket.create('k', 1)).toMatchObject({ current: { type: 'found', value: 7 } });
    const gone = await run([lostAnswer([{ id: '1', deleted: true }])]).bucket.cas('k', 1, { if: '"e"' });
    expect(gone).toMatchObject({ ok: false, current: { type: 'absent' } });
    const never = await run([lostAnswer([])]).bucket.cas('k', 1, { if: '"e"' });
    expect(never).toMatchObject({ ok: false, current: { type: 'absent', context: undefined } });
  });

  test('is resolved where the bucket resolves', async () => {
    const { client } = run([lostAnswer([jsonSibling('1', ['a']), jsonSibling('2', ['b'])])]);
    const result = await client.bucket<string[]>('b', { resolve: union }).create('k', []);
    expect(result).toMatchObject({
      ok: false,
      current: { type: 'found', value: ['a', 'b'], resolvedFrom: 2 },
    });
  });

  test("a proxy's 412 is none, nor one that does not tell what is there", async () => {
    const page = { status: 412, headers: { 'content-type': 'text/html' }, body: '<h1>No</h1>' };
    await expect(run([page]).bucket.create('k', 1)).rejects.toMatchObject({ code: 'bad-response' });
    const { headers, ...silent } = lostAnswer([]);
    const mute = {
      ...silent,
      headers: { 'content-type': headers?.['content-type'] ?? '', 'quorate-siblings': '2' },
    };
    await expect(run([mute]).bucket.create('k', 1)).rejects.toMatchObject({ code: 'precondition-failed' });
  });

  test('with a value that the codec refuses says so', async () => {
    const text = {
      id: '1',
      contentType: 'text/plain',
      text: 'no JSON',
      writtenAt: '2024-01-01T00:00:00.000Z',
    };
    const call = run([lostAnswer([text])]).bucket.create('k', 1);
    await expect(call).rejects.toMatchObject({ code: 'bad-value', outcome: 'not-applied' });
  });
});

describe('faults throw', () => {
  test.each([
    [409, 'cas-contention', 'not-applied'],
    [422, 'write-id-reused', 'not-applied'],
    [504, 'write-id-expired', 'unknown'],
  ] as const)('%i %s, at once', async (status, code, outcome) => {
    const { bucket, requests } = run([problemAnswer(status, code)]);
    const thrown = await ended(bucket.cas('k', 1, { if: '"e"' }));
    expect(thrown).toMatchObject({ code, outcome, status, writeId: expect.any(String) });
    expect(requests).toHaveLength(1);
  });

  test('an unknown outcome is tried again under the same id, through another node, and its success counts', async () => {
    const { bucket, requests } = run([problemAnswer(504, 'quorum-timeout'), writtenAnswer(201)]);
    expect(await ended(bucket.create('k', 1))).toMatchObject({ ok: true, created: true });
    expect(new Set(origins(requests)).size).toBe(2);
    const headers = requests.map((request) => request.headers);
    expect(new Set(headers.map((each) => each['Quorate-Write-Id'])).size).toBe(1);
    expect(headers.map((each) => each['Quorate-Attempt'])).toEqual(['1', undefined]);
  });

  test('an id of the caller is never promised to be new', async () => {
    const { bucket, requests } = run([writtenAnswer()]);
    await bucket.cas('k', 1, { if: '"e"', writeId: 'mine' });
    expect(requests[0]?.headers).toMatchObject({ 'Quorate-Write-Id': 'mine' });
    expect(requests[0]?.headers).not.toHaveProperty('Quorate-Attempt');
  });
});

describe('a second attempt, when the first may have been applied', () => {
  test('that loses the race has lost it: the nodes refuse its id before they say so', async () => {
    const { bucket, requests } = run([lostConnection, lostAnswer([jsonSibling('1', 7)])]);
    const result = await ended(bucket.cas('k', 5, { if: '"e1"' }));
    expect(result).toMatchObject({ ok: false, current: { type: 'found', value: 7 } });
    expect(requests[1]?.headers['Quorate-Write-Id']).toBe(requests[0]?.headers['Quorate-Write-Id']);
    expect(requests[1]?.headers).not.toHaveProperty('Quorate-Attempt');
  });

  test('that is refused for another reason leaves it unknown', async () => {
    const { bucket } = run([lostConnection, problemAnswer(409, 'cas-contention')]);
    const thrown = await ended(bucket.cas('k', 5, { if: '"e1"' }));
    expect(thrown).toMatchObject({ code: 'cas-contention', outcome: 'unknown', writeId: expect.any(String) });
  });
});

describe('a conditional deletion', () => {
  test('deletes what has the ETag, or says what is there', async () => {
    const { bucket, requests } = run([writtenAnswer(204, 0), lostAnswer([jsonSibling('1', 7)])]);
    expect(await bucket.deleteIf('k', { if: '"e1"' })).toMatchObject({
      ok: true,
      type: 'deleted',
      existed: true,
    });
    expect(requests[0]).toMatchObject({
      method: 'DELETE',
      headers: { 'If-Match': '"e1"', 'Quorate-Attempt': '1' },
    });
    expect(await bucket.deleteIf('k', { if: '"e1"' })).toMatchObject({ ok: false, current: { value: 7 } });
  });

  test('of nothing is a mistake', async () => {
    const { bucket, requests } = run([writtenAnswer(204)]);
    await expect(bucket.deleteIf('k', { if: 'absent' })).rejects.toMatchObject({ code: 'invalid-argument' });
    expect(requests).toHaveLength(0);
  });
});

describe('a linearizable read', () => {
  test('is asked for without N, R, W and sloppiness of the defaults', async () => {
    const { transport, requests } = scripted(() => foundAnswer(1));
    const client = connect({ nodes: ['http://a:1'], transport, n: 5, r: 2, w: 3, sloppy: true });
    await client.bucket<number>('b').get('k', { consistency: 'linearizable' });
    expect(requests[0]?.headers).toMatchObject({ 'Quorate-Consistency': 'linearizable' });
    const names = Object.keys(requests[0]?.headers ?? {}).map((name) => name.toLowerCase());
    for (const name of ['quorate-n', 'quorate-r', 'quorate-w', 'quorate-sloppy'])
      expect(names).not.toContain(name);
  });

  test('is no consistency of a plain write', async () => {
    const { bucket, requests } = run([writtenAnswer()]);
    const options = { consistency: 'linearizable' } as object;
    await expect(bucket.putBlind('k', 1, options)).rejects.toMatchObject({ code: 'invalid-argument' });
    expect(() => connect({ nodes: ['http://a:1'], ...options })).toThrow('consistency is linearizable');
    expect(requests).toHaveLength(0);
  });
});

describe('update with the consistency linearizable', () => {
  const linearizable = { consistency: 'linearizable' } as const;

  test('reads linearizably and writes what it read by its ETag', async () => {
    const { bucket, requests } = run([foundAnswer(4), writtenAnswer()]);
    const updated = await bucket.update('k', ([value = 0]) => value + 1, linearizable);
    expect(updated).toMatchObject({ type: 'written', value: 5, etag: '"e3"' });
    expect(updated).not.toHaveProperty('ok');
    expect(requests[0]?.headers).toMatchObject({ 'Quorate-Consistency': 'linearizable' });
    expect(requests[1]?.headers).toMatchObject({ 'If-Match': '"e1"' });
    expect(requests[1]?.headers).not.toHaveProperty('Quorate-Context');
  });

  test('goes on from what the winner wrote, without another read, under another id', async () => {
    const { bucket, requests } = run([foundAnswer(4), lostAnswer([jsonSibling('1', 7)]), writtenAnswer()]);
    const updated = await ended(bucket.update('k', ([value = 0]) => value + 1, linearizable));
    expect(updated).toMatchObject({ type: 'written', value: 8 });
    expect(requests.map(({ method }) => method)).toEqual(['GET', 'PUT', 'PUT']);
    expect(requests[2]?.headers).toMatchObject({ 'If-Match': '"e9"', 'Quorate-Attempt': '1' });
    expect(requests[2]?.headers['Quorate-Write-Id']).not.toBe(requests[1]?.headers['Quorate-Write-Id']);
  });

  test('creates, settles siblings, deletes, or leaves all as it is', async () => {
    const creating = run([absentAnswer('gone'), writtenAnswer(201)]);
    expect(await creating.bucket.update('k', (values) => values.length, linearizable)).toMatchObject({
      created: true,
    });
    expect(creating.requests[1]?.headers).toMatchObject({ 'If-None-Match': '*' });
    const settling = run([conflictAnswer([jsonSibling('1', 3), jsonSibling('2', 8)]), writtenAnswer()]);
    await settling.bucket.update('k', (values) => Math.max(...values), linearizable);
    expect(settling.requests[1]?.headers).toMatchObject({ 'If-Match': '"e2"' });
    expect(sent(settling.requests[1]?.body)).toBe(8);
    const deleting = run([foundAnswer(4), writtenAnswer(204, 0)]);
    expect(await deleting.bucket.update('k', () => DELETE, linearizable)).toMatchObject({ type: 'deleted' });
    expect(deleting.requests[1]).toMatchObject({ method: 'DELETE', headers: { 'If-Match': '"e1"' } });
    const idle = run([foundAnswer(4)]);
    expect(await idle.bucket.update('k', () => undefined, linearizable)).toEqual({ type: 'unchanged' });
    const nothing = run([absentAnswer()]);
    expect(await nothing.bucket.update('k', () => DELETE, linearizable)).toEqual({ type: 'unchanged' });
    expect(nothing.requests).toHaveLength(1);
  });

  test('reads anew after a write that surely was not applied', async () => {
    const { bucket, requests } = run([
      foundAnswer(4),
      problemAnswer(409, 'cas-contention'),
      foundAnswer(6),
      writtenAnswer(),
    ]);
    expect(await ended(bucket.update('k', ([value = 0]) => value + 1, linearizable))).toMatchObject({
      value: 7,
    });
    expect(requests.map(({ method }) => method)).toEqual(['GET', 'PUT', 'GET', 'PUT']);
  });

  test('ends after so many lost races, and at its deadline', async () => {
    const { bucket, requests } = run([foundAnswer(4), lostAnswer([jsonSibling('1', 7)])]);
    const change = ([value = 0]: readonly number[]): number => value + 1;
    const few = await ended(bucket.update('k', change, { ...linearizable, maxRounds: 3 }));
    expect(few).toMatchObject({ code: 'cas-contention', outcome: 'not-applied' });
    expect(requests.filter(({ method }) => method === 'PUT')).toHaveLength(3);
    const late = await ended(
      bucket.update('k', change, { ...linearizable, maxRounds: 1_000_000, timeoutMs: 500 }),
    );
    expect(late).toMatchObject({ outcome: 'not-applied' });
  });

  test('does not apply a change twice: an unknown outcome ends it', async () => {
    const { bucket, requests } = run([foundAnswer(4), problemAnswer(504, 'write-id-expired')]);
    const thrown = await ended(bucket.update('k', ([value = 0]) => value + 1, linearizable));
    expect(thrown).toMatchObject({ code: 'write-id-expired', outcome: 'unknown' });
    expect(requests).toHaveLength(2);
  });

  test('takes no N, R or W', async () => {
    const { bucket } = run([foundAnswer(4)]);
    for (const count of [{ n: 3 }, { r: 2 }, { w: 2 }]) {
      await expect(bucket.update('k', () => 1, { ...linearizable, ...count })).rejects.toMatchObject({
        code: 'invalid-argument',
      });
    }
  });
});

describe('outcome', () => {
  test('tells what became of a write', async () => {
    const { bucket, requests } = run([outcomeAnswer('applied', { etag: '"e3"' })]);
    expect(await bucket.outcome('a/b', 'w&1')).toEqual({ state: 'applied', etag: '"e3"', writeId: 'w&1' });
    expect(requests[0]).toMatchObject({ method: 'GET', url: 'http://b:1/v1/outcome/b/a%2Fb?writeId=w%261' });
    expect(await run([outcomeAnswer('too-old')]).bucket.outcome('k', 'w')).toMatchObject({ etag: undefined });
  });

  test('refuses an id that none can have, and an answer that is none', async () => {
    const { bucket, requests } = run([foundAnswer(1)]);
    await expect(bucket.outcome('k', 'no good')).rejects.toMatchObject({ code: 'invalid-argument' });
    expect(requests).toHaveLength(0);
    expect(await ended(bucket.outcome('k', 'w'))).toMatchObject({ code: 'bad-response' });
  });
});

test('the compiler knows that a lost race has no ETag of its own, and what is there instead', () => {
  const use = (result: CasResult<Entry<number>>): unknown => {
    // @ts-expect-error it may be lost
    if (result.etag === '') return undefined;
    if (result.ok) return expectTypeOf(result).toEqualTypeOf<Swapped>();
    expectTypeOf(result).toEqualTypeOf<LostRace<Entry<number>>>();
    return result.current.type;
  };
  const { client } = run([writtenAnswer()]);
  const resolving = client.bucket<string[]>('b', { resolve: union });
  type Result = Awaited<ReturnType<typeof resolving.cas>>;
  expectTypeOf<Result>().toEqualTypeOf<CasResult<ResolvedEntry<string[]>>>();
  expect(use).toBeTypeOf('function');
});
