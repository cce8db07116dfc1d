/** GET in its other forms: conditional, of one sibling, and HEAD. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EntryBody } from '../../../src/api/bodies.ts';
import { problemIn } from './http-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const ENVELOPE = { Accept: 'application/vnd.quorate.entry+json' };
const ONE = '/v1/kv/forms/one';
const SEVERAL = '/v1/kv/forms/several';
const DELETED = '/v1/kv/forms/deleted';
const NEVER = '/v1/kv/forms/never-written';
const BESIDE_TOMBSTONE = '/v1/kv/forms/beside-tombstone';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  const { client } = server;
  const text = { 'Content-Type': 'text/plain; charset=utf-8' };
  await client.put(ONE, 'one', text);
  await client.put(SEVERAL, 'first', text);
  await client.put(SEVERAL, '{"second":2}', { 'Content-Type': 'application/json' });
  await client.put(DELETED, 'gone', text);
  await client.delete(DELETED);
  const first = await client.put(BESIDE_TOMBSTONE, 'old', text);
  const context = { 'Quorate-Context': first.headers['quorate-context'] as string };
  await client.put(BESIDE_TOMBSTONE, 'new', { ...text, ...context });
  await client.delete(BESIDE_TOMBSTONE, context);
});
afterAll(() => server.close());

async function siblingsOf(target: string): Promise<EntryBody['siblings']> {
  return (JSON.parse((await server.client.get(target, ENVELOPE)).text) as EntryBody).siblings;
}

describe('If-None-Match on a GET', () => {
  it.each([ONE, SEVERAL])('is 304 without a body while the tag is the same: %s', async (target) => {
    const { etag, 'quorate-context': context } = (await server.client.get(target)).headers as Record<
      string,
      string
    >;
    for (const condition of [etag, `W/${etag}`, `"other", ${etag}`, '*'] as string[]) {
      const answer = await server.client.get(target, { 'If-None-Match': condition });
      expect([answer.status, answer.text], condition).toEqual([304, '']);
      expect(answer.headers).toMatchObject({ etag, 'quorate-context': context, 'cache-control': 'no-store' });
      expect((await server.client.head(target, { 'If-None-Match': condition })).status).toBe(304);
    }
  });

  it('gives the entry where the tag is another one', async () => {
    for (const condition of ['"other"', 'garbage', '']) {
      expect((await server.client.get(ONE, { 'If-None-Match': condition })).status).toBe(200);
    }
  });

  it('goes together with a quorum: it asks for no compare-and-set', async () => {
    const { etag } = (await server.client.get(ONE)).headers as { etag: string };
    const answer = await server.client.get(ONE, {
      'If-None-Match': etag,
      'Quorate-R': '3',
      'Quorate-N': '3',
    });
    expect(answer.status).toBe(304);
  });

  it('leaves 404 what is not there', async () => {
    expect((await server.client.get(NEVER, { 'If-None-Match': '*' })).status).toBe(404);
    expect((await server.client.get(DELETED, { 'If-None-Match': '"x"' })).status).toBe(404);
  });
});

describe('?sibling=', () => {
  it('gives the bytes of each sibling that the envelope names', async () => {
    const siblings = await siblingsOf(SEVERAL);
    const answers = await Promise.all(
      siblings.map(({ id }) => server.client.get(`${SEVERAL}?sibling=${id}`)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers.map(({ text }) => text).sort()).toEqual(['first', '{"second":2}']);
    expect(answers.map(({ headers }) => String(headers['content-type'])).sort()).toEqual([
      'application/json',
      'text/plain; charset=utf-8',
    ]);
    for (const { headers } of answers) expect(headers['quorate-siblings']).toBe('2');
  });

  it('is 404 for an id that is not there, or is a tombstone', async () => {
    const siblings = await siblingsOf(BESIDE_TOMBSTONE);
    const tombstone = siblings.find((sibling) => 'deleted' in sibling)?.id ?? '';
    for (const id of [tombstone, 'nonsense', '']) {
      const answer = await server.client.get(`${BESIDE_TOMBSTONE}?sibling=${id}`);
      expect([answer.status, problemIn(answer).code]).toEqual([404, 'not-found']);
    }
  });

  it('is 406 where Accept excludes the type of that sibling', async () => {
    const [first] = await siblingsOf(SEVERAL);
    const answer = await server.client.get(`${SEVERAL}?sibling=${first?.id}`, { Accept: 'image/png' });
    expect([answer.status, problemIn(answer).code]).toEqual([406, 'not-acceptable']);
  });
});

describe('HEAD', () => {
  it.each([
    [ONE, 200],
    [SEVERAL, 300],
    [DELETED, 404],
    [NEVER, 404],
  ])('has the status and headers of GET and no body: %s', async (target, status) => {
    const [head, get] = [await server.client.head(target), await server.client.get(target)];
    expect([head.status, head.text]).toEqual([status, '']);
    const changing = ['date', 'server-timing', 'quorate-request-id'];
    for (const name of changing) {
      delete head.headers[name];
      delete get.headers[name];
    }
    // The request id in a problem's body is another one each time, and may be longer or shorter.
    if (status === 404) delete head.headers['content-length'];
    if (status === 404) delete get.headers['content-length'];
    expect(head.headers).toEqual(get.headers);
  });

  it('leaves the connection in order', async () => {
    const answer = await server.client.exchangeBytes(
      `HEAD ${ONE} HTTP/1.1\r\nHost: a\r\n\r\nGET ${ONE} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    expect(answer.match(/^HTTP\/1\.1 200 /gm)).toHaveLength(2);
    expect(answer.endsWith('\r\n\r\none')).toBe(true);
  });
});

describe('a malformed GET', () => {
  it('with If-Match is refused: it would promise what is not done', async () => {
    const answer = await server.client.get(ONE, { 'If-Match': '"x"' });
    expect([answer.status, problemIn(answer).code]).toEqual([400, 'bad-request']);
  });
});
