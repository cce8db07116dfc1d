/** The JSON envelope: how each value appears in it, that nothing is changed on the way, and that equal records give equal bytes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from './test-server.ts';

const ENVELOPE = { Accept: 'application/vnd.quorate.entry+json' };

let server: TestServer;
let keys = 0;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

/** Stores values as siblings and gives the text of the envelope. */
async function envelopeOf(
  ...values: readonly (readonly [type: string, value: string | Uint8Array])[]
): Promise<string> {
  keys += 1;
  const target = `/v1/kv/envelopes/${keys}`;
  for (const [type, value] of values) await server.client.put(target, value, { 'Content-Type': type });
  return (await server.client.get(target, ENVELOPE)).text;
}

async function memberOf(type: string, value: string | Uint8Array): Promise<unknown> {
  const { siblings } = JSON.parse(await envelopeOf([type, value])) as {
    siblings: readonly Record<string, unknown>[];
  };
  const { id, contentType, writtenAt, ...member } = siblings[0] as Record<string, unknown>;
  expect(id).toMatch(/^[\w-]{22}\.[0-9a-z]+\.\d+$/);
  expect(contentType).toBe(type);
  expect(writtenAt).toBe('2024-01-01T00:00:00.000Z');
  return member;
}

describe('a value', () => {
  it.each([
    ['application/json', '{"a":[1,null]}', { a: [1, null] }],
    ['application/json; charset=utf-8', ' "text" ', 'text'],
    ['APPLICATION/JSON', 'null', null],
    ['text/json', 'false', false],
    ['application/ld+json', '0', 0],
    ['application/vnd.api+json;v=1', '[]', []],
  ])('of type %s appears as json: %s', async (type, value, json) => {
    expect(await memberOf(type, value)).toEqual({ json });
  });

  it.each([
    ['text/plain', 'plain'],
    ['text/plain', ''],
    ['application/octet-stream', 'valid UTF-8 \u{1F418} of no stated type'],
    ['application/json', '{"broken":'],
    ['application/json', ''],
    ['application/json', '\uFEFF{}'],
    ['application/jsonp', '{}'],
    ['text/plain', '{"json":"but not by its type"}'],
    ['text/html', '</script>\u2028"\\ \0'],
  ])('of type %s appears as text: %j', async (type, text) => {
    expect(await memberOf(type, text)).toEqual({ text });
  });

  it.each([
    ['application/octet-stream', [0xff, 0xfe, 0x00]],
    ['application/json', [0x7b, 0xff, 0x7d]],
    ['text/plain', [0xc3]],
    ['text/plain', [0xed, 0xa0, 0x80]],
  ])('of type %s that is no UTF-8 appears as base64', async (type, bytes) => {
    const value = Uint8Array.from(bytes);
    expect(await memberOf(type, value)).toEqual({ base64: Buffer.from(value).toString('base64') });
  });

  it('in JSON is put in as it was stored: numbers keep their digits, keys their order', async () => {
    const json = '{"b":12345678901234567890,"a":1.0,"a":1e400,"__proto__":{"x":1}}';
    expect(await envelopeOf(['application/json', json])).toContain(`"json":${json}`);
  });
});

describe('an envelope', () => {
  it('names bucket and key, also odd ones', async () => {
    await server.client.put('/v1/kv/__proto__/%22%5C%00%F0%9F%90%98%2F__proto__', 'v');
    const answer = await server.client.get('/v1/kv/__proto__/%22%5C%00%F0%9F%90%98%2F__proto__', ENVELOPE);
    expect(answer.text).toContain('"bucket":"__proto__"');
    expect(JSON.parse(answer.text)).toMatchObject({ key: '"\\\0\u{1F418}/__proto__' });
  });

  it('has its siblings in the order of their dots, and the same bytes each time', async () => {
    const text = await envelopeOf(['text/plain', 'c'], ['text/plain', 'a'], ['text/plain', 'b']);
    const ids = (JSON.parse(text) as { siblings: readonly { id: string }[] }).siblings.map(({ id }) => id);
    expect(ids).toHaveLength(3);
    expect(ids).toEqual([...ids].sort());
    expect((await server.client.get(`/v1/kv/envelopes/${keys}`, ENVELOPE)).text).toBe(text);
    // The same record gives the same bytes in a 300.
    expect((await server.client.get(`/v1/kv/envelopes/${keys}`)).text).toBe(text);
  });
});
