import { describe, expect, test } from 'vitest';
import { connect, json, perField, union } from '../../src/client/index.ts';
import type { SeenOptions, TransportRequest } from '../../src/client/index.ts';
import {
  absentAnswer,
  conflictAnswer,
  foundAnswer,
  jsonSibling,
  scripted,
  writtenAnswer,
} from './scripted-transport.ts';
import type { ScriptedAnswer } from './scripted-transport.ts';

interface Cart {
  readonly items: readonly string[];
}

function clientOf(answer: ScriptedAnswer) {
  const { transport, requests } = scripted(() => answer);
  const client = connect({ nodes: ['http://a:1'], transport });
  const only = (): TransportRequest => {
    expect(requests).toHaveLength(1);
    return requests[0] as TransportRequest;
  };
  return { client, requests, only };
}

const twoCarts = conflictAnswer([
  jsonSibling('1', { items: ['milk'] }),
  jsonSibling('2', { items: ['bread'] }),
]);

describe('reading', () => {
  test('a found value comes with its context, ETag and quorum', async () => {
    const { client, only } = clientOf(foundAnswer({ items: [] }));
    const entry = await client.bucket<Cart>('carts').get('alice');
    expect(entry).toEqual({
      type: 'found',
      value: { items: [] },
      context: 'ctx',
      etag: '"e1"',
      contentType: 'application/json',
      resolvedFrom: 1,
      quorum: { n: 3, required: 2, acks: 2, sloppy: false },
      coordinator: 'n1',
    });
    expect(only().headers).toMatchObject({ Accept: '*/*' });
  });

  test('a conflict has siblings and no value, and its context covers them', async () => {
    const { client } = clientOf(twoCarts);
    const entry = await client.bucket<Cart>('carts').get('alice');
    expect(entry).not.toHaveProperty('value');
    if (entry.type !== 'conflict') throw new Error(entry.type);
    expect(
      union(entry.siblings.map(({ value, ...rest }) => ({ ...rest, value: value.items })) as never),
    ).toEqual(['milk', 'bread']);
    expect(entry.context).toBe('both');
  });

  test('nothing there is absent, with a context only after a deletion', async () => {
    expect(await clientOf(absentAnswer()).client.bucket('b').get('k')).toMatchObject({
      type: 'absent',
      context: undefined,
    });
    expect(await clientOf(absentAnswer('gone')).client.bucket('b').get('k')).toMatchObject({
      context: 'gone',
    });
  });

  test("a proxy's 404 is not absence, nor is its 200 a value", async () => {
    for (const status of [404, 200]) {
      const { client } = clientOf({
        status,
        headers: { 'content-type': 'text/html' },
        body: '<h1>Hello</h1>',
      });
      await expect(client.bucket('b').get('k')).rejects.toMatchObject({ code: 'bad-response', status });
    }
  });

  test('a stored value of the envelope type is a value all the same', async () => {
    const answer = foundAnswer({ siblings: [] });
    const headers = { ...answer.headers, 'content-type': 'application/vnd.quorate.entry+json' };
    expect(
      await clientOf({ ...answer, headers })
        .client.bucket('b')
        .get('k'),
    ).toMatchObject({ value: { siblings: [] } });
  });

  test('a bucket with a resolver answers found, and the next write settles the siblings', async () => {
    const { transport, requests } = scripted((request) =>
      request.method === 'GET' ? twoCarts : writtenAnswer(),
    );
    const client = connect({ nodes: ['http://a:1'], transport });
    const carts = client.bucket('carts', { codec: json<Cart>(), resolve: perField({ items: union }) });
    const entry = await carts.get('alice');
    if (entry.type !== 'found') throw new Error(entry.type);
    expect(entry).toMatchObject({ value: { items: ['milk', 'bread'] }, resolvedFrom: 2, context: 'both' });
    await carts.put('alice', entry.value, { context: entry });
    expect(requests[1]?.headers).toMatchObject({ 'Quorate-Context': 'both' });
  });
});

describe('writing', () => {
  test('put sends the context of what was read; the answer or its context will do', async () => {
    for (const context of ['ctx', { context: 'ctx' }]) {
      const { client, only } = clientOf(writtenAnswer(201, 2));
      const written = await client.bucket('b').put('k', { a: 1 }, { context, w: 3, n: 3 });
      expect(written).toMatchObject({
        type: 'written',
        created: true,
        siblings: 2,
        context: 'after',
        etag: '"e3"',
      });
      expect(only().method).toBe('PUT');
      expect(only().headers).toMatchObject({
        'Content-Type': 'application/json',
        'Quorate-Context': 'ctx',
        'Quorate-W': '3',
        'Quorate-N': '3',
        'Quorate-Attempt': '1',
        'Quorate-Write-Id': written.writeId,
      });
      expect(written.writeId).toMatch(/^[\w-]{22}$/);
      expect(new TextDecoder().decode(only().body)).toBe('{"a":1}');
    }
  });

  test('an absent entry without a context, and putBlind, send none', async () => {
    const one = clientOf(writtenAnswer());
    await one.client.bucket('b').put('k', 1, { context: { context: undefined } });
    expect(one.only().headers).not.toHaveProperty('Quorate-Context');
    const two = clientOf(writtenAnswer());
    await two.client.bucket('b').putBlind('k', 1);
    expect(two.only().headers).not.toHaveProperty('Quorate-Context');
  });

  test('an id of the caller may have been sent before, so no first attempt is promised', async () => {
    const { client, only } = clientOf(writtenAnswer());
    await client.bucket('b').putBlind('k', 1, { writeId: 'cities:7' });
    expect(only().headers).toMatchObject({ 'Quorate-Write-Id': 'cities:7' });
    expect(only().headers).not.toHaveProperty('Quorate-Attempt');
  });

  test('delete sends the context; deleteBlind says whether anything was there', async () => {
    const one = clientOf(writtenAnswer(204, 0));
    expect(await one.client.bucket('b').delete('k', { context: 'ctx' })).toMatchObject({
      existed: true,
      siblings: 0,
    });
    expect(one.only()).toMatchObject({ method: 'DELETE', headers: { 'Quorate-Context': 'ctx' } });
    const two = clientOf(absentAnswer());
    expect(await two.client.bucket('b').deleteBlind('k')).toMatchObject({ type: 'deleted', existed: false });
  });

  test('a preset of the call silences R and W of the bucket, and each call sends what concerns it', async () => {
    const { transport, requests } = scripted((request) =>
      request.method === 'GET' ? foundAnswer(1) : writtenAnswer(),
    );
    const client = connect({ nodes: ['http://a:1'], transport, consistency: 'quorum' });
    const bucket = client.bucket('b', { r: 1, w: 2, sloppy: false });
    await bucket.get('k');
    await bucket.get('k', { consistency: 'all' });
    await bucket.putBlind('k', 1);
    const sent = requests.map(({ headers }) => [
      headers['Quorate-Consistency'],
      headers['Quorate-R'],
      headers['Quorate-W'],
      headers['Quorate-Sloppy'],
    ]);
    expect(sent).toEqual([
      ['quorum', '1', undefined, '?0'],
      ['all', undefined, undefined, '?0'],
      ['quorum', undefined, '2', '?0'],
    ]);
  });
});

test('a preset or an N of the call silences R and W of the defaults, which were chosen for another', async () => {
  const { transport, requests } = scripted((request) =>
    request.method === 'GET' ? foundAnswer(1) : writtenAnswer(),
  );
  const bucket = connect({ nodes: ['http://a:1'], transport }).bucket('b', { n: 3, r: 1, w: 2 });
  await bucket.get('k');
  await bucket.get('k', { n: 5 });
  await bucket.putBlind('k', 1, { n: 5, w: 4 });
  const sent = requests.map(({ headers }) => [
    headers['Quorate-N'],
    headers['Quorate-R'],
    headers['Quorate-W'],
  ]);
  expect(sent).toEqual([
    ['3', '1', undefined],
    ['5', undefined, undefined],
    ['5', undefined, '4'],
  ]);
});

describe('contexts', () => {
  test('as long as the headers of a node allow go out as they came', async () => {
    const context = 'x'.repeat(60_000);
    const { client, requests } = clientOf({ ...foundAnswer(1, context) });
    const entry = await client.bucket('b').get('k');
    expect(entry.context).toBe(context);
    await client.bucket('b').put('k', 2, { context: entry });
    expect(requests[1]?.headers['Quorate-Context']).toBe(context);
  });

  test.each(['', 'two words', 'line\nbreak', 'ä', 7, null, { context: 7 }, {}])(
    '%j is none, and nothing is sent',
    async (context) => {
      const { client, requests } = clientOf(writtenAnswer());
      const put = client.bucket('b').put('k', 1, { context } as SeenOptions);
      // An object without a context is one of an absent entry.
      if (typeof context === 'object' && context !== null && !('context' in context)) {
        await expect(put).resolves.toMatchObject({ type: 'written' });
        return;
      }
      await expect(put).rejects.toMatchObject({ code: 'bad-context', outcome: 'not-applied' });
      expect(requests).toHaveLength(0);
    },
  );
});
