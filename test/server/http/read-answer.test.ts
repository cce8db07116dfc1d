/** The table of GET: what `Accept` and the number of live values come to, cell by cell, and the headers of every answer. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, problemIn } from './http-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const ENVELOPE = 'application/vnd.quorate.entry+json';
const ONE = '/v1/kv/table/one';
const SEVERAL = '/v1/kv/table/several';
const DELETED = '/v1/kv/table/deleted';
const NEVER = '/v1/kv/table/never-written';
/** One live value beside a tombstone: somebody deleted while somebody else wrote. */
const BESIDE_TOMBSTONE = '/v1/kv/table/beside-tombstone';

interface Envelope {
  readonly bucket: string;
  readonly key: string;
  readonly context: string;
  readonly etag: string;
  readonly siblings: readonly { readonly id: string; readonly text?: string; readonly deleted?: true }[];
}

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

const accepting = (target: string, accept: string): Promise<Answer> =>
  server.client.get(target, { Accept: accept });

const envelopeIn = (answer: Answer): Envelope => {
  expect(answer.headers['content-type']).toBe(ENVELOPE);
  return JSON.parse(answer.text) as Envelope;
};

describe('where Accept takes the value', () => {
  const TAKING = [undefined, '*/*', 'text/plain', 'text/*', 'TEXT/Plain', 'text/html, text/plain;q=0.5', ''];

  it.each(TAKING)('one live value is 200 with its own bytes and type: Accept %j', async (accept) => {
    const answer = await server.client.get(ONE, accept === undefined ? {} : { Accept: accept });
    expect([answer.status, answer.text]).toEqual([200, 'one']);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-length': '3',
      'quorate-siblings': '1',
    });
  });

  it.each([...TAKING, 'application/json'])(
    'several are 300 with the envelope and no Location: Accept %j',
    async (accept) => {
      const answer = await server.client.get(SEVERAL, accept === undefined ? {} : { Accept: accept });
      expect(answer.status).toBe(300);
      expect(answer.headers).not.toHaveProperty('location');
      expect(answer.headers['quorate-siblings']).toBe('2');
      expect(envelopeIn(answer).siblings).toHaveLength(2);
    },
  );

  it('a live value beside a tombstone is one live value', async () => {
    const answer = await server.client.get(BESIDE_TOMBSTONE);
    expect([answer.status, answer.text]).toEqual([200, 'new']);
    expect(answer.headers['quorate-siblings']).toBe('1');
  });

  it('a deleted key is 404 with the context and the ETag of its tombstone', async () => {
    const answer = await server.client.get(DELETED);
    expect(answer.status).toBe(404);
    expect(problemIn(answer)).toMatchObject({ code: 'not-found', outcome: 'not-applied' });
    expect(answer.headers['quorate-context']).toMatch(/^[\w-]+$/);
    expect(answer.headers['etag']).toMatch(/^"[\da-f]+"$/);
    expect(answer.headers['quorate-siblings']).toBe('0');
  });

  it('a key that was never written is 404 without a context or an ETag', async () => {
    const answer = await accepting(NEVER, '*/*');
    expect(answer.status).toBe(404);
    expect(problemIn(answer)).toMatchObject({ code: 'not-found', outcome: 'not-applied' });
    expect(answer.headers).not.toHaveProperty('quorate-context');
    expect(answer.headers).not.toHaveProperty('etag');
    expect(answer.headers['quorate-siblings']).toBe('0');
  });
});

describe('where Accept takes the envelope', () => {
  it.each([ENVELOPE, `text/html, ${ENVELOPE}`, `*/*;q=0.1, ${ENVELOPE}`, 'application/*'])(
    'one live value is 200 with the envelope: Accept %j',
    async (accept) => {
      const answer = await accepting(ONE, accept);
      expect(answer.status).toBe(200);
      expect(answer.headers['quorate-siblings']).toBe('1');
      expect(envelopeIn(answer)).toMatchObject({
        bucket: 'table',
        key: 'one',
        context: answer.headers['quorate-context'],
        etag: answer.headers.etag,
        siblings: [{ text: 'one' }],
      });
    },
  );

  it('several are 200 with the envelope', async () => {
    const answer = await accepting(SEVERAL, ENVELOPE);
    expect(answer.status).toBe(200);
    expect(answer.headers['quorate-siblings']).toBe('2');
    expect(envelopeIn(answer).siblings).toHaveLength(2);
  });

  it('a tombstone beside a live value is shown as deleted', async () => {
    const { siblings } = envelopeIn(await accepting(BESIDE_TOMBSTONE, ENVELOPE));
    expect(siblings.filter(({ deleted }) => deleted === true).map(Object.keys)).toEqual([['id', 'deleted']]);
    expect(siblings.flatMap(({ text }) => text ?? [])).toEqual(['new']);
  });

  it.each([DELETED, NEVER])('what is not there is 404: %s', async (target) => {
    const answer = await accepting(target, ENVELOPE);
    expect([answer.status, problemIn(answer).code]).toEqual([404, 'not-found']);
  });
});

describe('where Accept excludes everything there is', () => {
  it.each([ONE, SEVERAL, BESIDE_TOMBSTONE, DELETED, NEVER])('the answer is 406: %s', async (target) => {
    for (const accept of ['image/png', 'text/plain;q=0, image/*', '*/*;q=0']) {
      const answer = await accepting(target, accept);
      expect(answer.status, accept).toBe(406);
      expect(problemIn(answer)).toMatchObject({ code: 'not-acceptable', outcome: 'not-applied' });
      const head = await server.client.head(target, { Accept: accept });
      expect([head.status, head.text]).toEqual([406, '']);
    }
  });

  it('the answer names what there is, and lets the client go on', async () => {
    const answer = await accepting(ONE, 'image/png');
    expect(problemIn(answer).detail).toContain('text/plain; charset=utf-8');
    expect(answer.headers['quorate-context']).toBe((await server.client.get(ONE)).headers['quorate-context']);
  });
});

describe('the headers of an answer', () => {
  it.each([
    ['one value', ONE, 200],
    ['several', SEVERAL, 300],
    ['none', DELETED, 404],
    ['none ever', NEVER, 404],
  ])('tell what was done: %s', async (_what, target, status) => {
    const { headers, ...answer } = await server.client.get(target, { 'Quorate-R': '3' });
    expect(answer.status).toBe(status);
    expect(headers).toMatchObject({
      'quorate-quorum': 'n=3, r=3, acks=3, sloppy=?0',
      'quorate-coordinator': 'n1',
      'cache-control': 'no-store',
      vary: 'Accept, Prefer',
      'server-timing': expect.stringMatching(/^total;dur=[\d.]+$/),
      'quorate-request-id': expect.stringMatching(/^[\w.~-]+$/),
    });
  });

  it('tell which node coordinated, and that a fallback was counted', async () => {
    const record = server.node.recordOf({ bucket: 'table', key: 'one' });
    const quorum = { n: 3, required: 2, acks: 2, sloppy: true, ordered: false, coordinator: 'n2' as never };
    server.node.script.get = async () => ({ type: 'read', record, quorum });
    const { headers } = await server.client.get(ONE);
    delete server.node.script.get;
    expect(headers).toMatchObject({
      'quorate-quorum': 'n=3, r=2, acks=2, sloppy=?1',
      'quorate-coordinator': 'n2',
    });
  });

  it('carry the request id of the client where it is a plain one', async () => {
    const mine = await server.client.get(ONE, { 'Quorate-Request-Id': 'mine-1' });
    expect(mine.headers['quorate-request-id']).toBe('mine-1');
    for (const id of ['x'.repeat(65), 'a b', 'a"b']) {
      const other = await server.client.get(ONE, { 'Quorate-Request-Id': id });
      expect(other.headers['quorate-request-id']).toMatch(/^test-/);
    }
  });

  it('have a strong tag that changes with the set of siblings and with nothing else', async () => {
    const target = '/v1/kv/tags/k';
    const tags: unknown[] = [];
    const tag = async (): Promise<unknown> => (await server.client.get(target)).headers.etag;
    const context = (await server.client.put(target, 'same')).headers['quorate-context'] as string;
    tags.push(await tag());
    expect(await tag()).toBe(tags[0]);
    await server.client.put(target, 'same');
    tags.push(await tag());
    await server.client.delete(target, { 'Quorate-Context': context });
    tags.push(await tag());
    expect(new Set(tags).size).toBe(3);
    for (const each of tags) expect(each).toMatch(/^"[0-9a-f]+"$/);
  });
});
