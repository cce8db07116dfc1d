import fc from 'fast-check';
import { expect, expectTypeOf, test } from 'vitest';
import { bytes, connect, json, text } from '../../src/client/index.ts';
import type { Bucket } from '../../src/client/index.ts';
import { conflictAnswer, foundAnswer, scripted, writtenAnswer } from './scripted-transport.ts';

const nodes = ['http://a:1'];

test('each codec gives back what was put', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.uint8Array(), fc.jsonValue(), (string, array, value) => {
      expect(text.decode(text.encode(string), text.contentType)).toBe(string);
      expect(bytes.decode(bytes.encode(array), bytes.contentType)).toEqual(array);
      const codec = json();
      expect(codec.decode(codec.encode(value), codec.contentType)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
  expect(text.decode(text.encode('\uFEFFmarked'), text.contentType)).toBe('\uFEFFmarked');
});

test('a value that JSON has no form for is refused before anything is sent', async () => {
  const { transport, requests } = scripted(() => writtenAnswer());
  const bucket = connect({ nodes, transport }).bucket('b');
  await expect(bucket.putBlind('k', undefined)).rejects.toMatchObject({
    code: 'bad-value',
    outcome: 'not-applied',
  });
  expect(requests).toHaveLength(0);
});

test('a text that UTF-8 has no form for is refused, not changed without a word', async () => {
  const { transport, requests } = scripted(() => writtenAnswer());
  const texts = connect({ nodes, transport }).bucket('b', { codec: text });
  await expect(texts.putBlind('k', 'half \uD83E of a fox')).rejects.toMatchObject({ code: 'bad-value' });
  expect(requests).toHaveLength(0);
});

test('what is not bytes is refused by the bytes codec and by every other', async () => {
  const { transport, requests } = scripted(() => writtenAnswer());
  const client = connect({ nodes, transport });
  const raw = client.bucket('b', { codec: bytes });
  await expect(raw.putBlind('k', 5 as never)).rejects.toMatchObject({ code: 'bad-value' });
  const wrong = client.bucket('b', {
    codec: { contentType: 'text/plain', encode: () => 'text' as never, decode: () => '' },
  });
  await expect(wrong.putBlind('k', '')).rejects.toMatchObject({
    code: 'bad-value',
    message: expect.stringMatching(/Uint8Array/) as string,
  });
  expect(requests).toHaveLength(0);
});

test('a retry sends the bytes of the first attempt, whatever became of the buffer', async () => {
  const buffer = Uint8Array.of(1, 2, 3);
  const { transport, requests } = scripted((_request, index) => {
    buffer.fill(9);
    return index === 0 ? new Error('socket hang up') : writtenAnswer();
  });
  const client = connect({ nodes: ['http://a:1', 'http://b:1'], transport, routing: 'round-robin' });
  await client.bucket('b', { codec: bytes }).putBlind('k', buffer);
  expect(requests.map(({ body }) => [...(body ?? [])])).toEqual([
    [1, 2, 3],
    [1, 2, 3],
  ]);
});

test('a stored value that the codec refuses is bad-value and is not tried again', async () => {
  const { transport, requests } = scripted(() => foundAnswer({ count: 'many' }));
  const parse = (value: unknown): { count: number } => {
    if (typeof (value as { count: unknown }).count !== 'number') throw new TypeError('count is no number');
    return value as { count: number };
  };
  const counts = connect({ nodes, transport }).bucket('b', { codec: json(parse) });
  expectTypeOf(counts).toEqualTypeOf<Bucket<{ count: number }>>();
  await expect(counts.get('k')).rejects.toMatchObject({
    code: 'bad-value',
    message: expect.stringMatching(/count is no number/) as string,
  });
  expect(requests).toHaveLength(1);
});

test('siblings reach the codec whatever form the envelope gave them', async () => {
  const at = '2024-01-01T00:00:00.000Z';
  const siblings = [
    { id: '1', contentType: 'application/json', json: { a: 1 }, writtenAt: at, writeId: 'w' },
    { id: '2', contentType: 'text/plain', text: 'grüß', writtenAt: at },
    { id: '3', contentType: 'application/octet-stream', base64: '/wA=', writtenAt: at },
    { id: '4', deleted: true },
  ];
  const { transport } = scripted(() => conflictAnswer(siblings));
  const entry = await connect({ nodes, transport }).bucket('b', { codec: bytes }).get('k');
  if (entry.type !== 'conflict') throw new Error(`a conflict was expected, not ${entry.type}`);
  const decoder = new TextDecoder();
  expect(entry.siblings.map((sibling) => sibling.id)).toEqual(['1', '2', '3']);
  expect(decoder.decode(entry.siblings[0].value)).toBe('{"a":1}');
  expect(decoder.decode(entry.siblings[1]?.value)).toBe('grüß');
  expect(entry.siblings[2]?.value).toEqual(Uint8Array.of(255, 0));
  expect(entry.siblings[0]).toMatchObject({ writeId: 'w', writtenAt: new Date(at) });
});
