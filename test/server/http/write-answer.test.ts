/** What PUT and DELETE answer: status, context, siblings, tag, and the entry where it is preferred. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EntryBody } from '../../../src/api/bodies.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import { type Answer, problemIn } from './http-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ limits: { maxSiblings: 3 } });
});
afterAll(() => server.close());

const contextOf = (answer: Answer): Record<string, string> => ({
  'Quorate-Context': answer.headers['quorate-context'] as string,
});

describe('PUT', () => {
  it('is 201 where no value was visible, and 204 where one was', async () => {
    const target = '/v1/kv/puts/created';
    const first = await server.client.put(target, 'one');
    expect([first.status, first.text]).toEqual([201, '']);
    expect(first.headers['content-length']).toBe('0');
    expect(first.headers).not.toHaveProperty('transfer-encoding');
    const second = await server.client.put(target, 'two', contextOf(first));
    expect([second.status, second.text]).toEqual([204, '']);
    await server.client.delete(target, contextOf(second));
    expect((await server.client.put(target, 'three')).status).toBe(201);
  });

  it('has a context, a tag and one sibling where it stands alone', async () => {
    const target = '/v1/kv/puts/alone';
    const put = await server.client.put(target, 'v', { 'Quorate-W': '3' });
    expect(put.headers).toMatchObject({
      'quorate-context': expect.stringMatching(/^[\w-]+$/),
      'quorate-siblings': '1',
      'quorate-quorum': 'n=3, w=3, acks=3, sloppy=?0',
      'quorate-coordinator': 'n1',
      'cache-control': 'no-store',
    });
    const { headers } = await server.client.get(target);
    expect(headers.etag).toBe(put.headers.etag);
    expect(headers['quorate-context']).toBe(put.headers['quorate-context']);
  });

  it('makes a sibling without a context, has no tag then, and covers only itself', async () => {
    const target = '/v1/kv/puts/siblings';
    await server.client.put(target, 'one');
    const second = await server.client.put(target, 'two');
    expect(second.status).toBe(204);
    expect(second.headers['quorate-siblings']).toBe('2');
    expect(second.headers).not.toHaveProperty('etag');
    // The second writer never saw "one": overwriting with its own context leaves "one" alone.
    await server.client.put(target, 'three', contextOf(second));
    const { siblings } = JSON.parse((await server.client.get(target)).text) as EntryBody;
    expect(siblings.map((sibling) => ('text' in sibling ? sibling.text : '')).sort()).toEqual([
      'one',
      'three',
    ]);
  });

  it('resolves siblings with the context of the read that showed them', async () => {
    const target = '/v1/kv/puts/resolved';
    await server.client.put(target, 'one');
    await server.client.put(target, 'two');
    const seen = await server.client.get(target);
    expect(seen.status).toBe(300);
    const resolved = await server.client.put(target, 'both', contextOf(seen));
    expect(resolved.headers['quorate-siblings']).toBe('1');
    expect(resolved.headers['etag']).toBeDefined();
    const now = await server.client.get(target);
    expect([now.status, now.text]).toEqual([200, 'both']);
  });

  it('makes no sibling of a tombstone whose context it was given by the 404', async () => {
    const target = '/v1/kv/puts/again';
    await server.client.put(target, 'one');
    await server.client.delete(target);
    const absent = await server.client.get(target);
    const again = await server.client.put(target, 'two', contextOf(absent));
    expect([again.status, again.headers['quorate-siblings']]).toEqual([201, '1']);
    expect(again.headers.etag).toBe((await server.client.get(target)).headers.etag);
  });

  it('says where a majority of the home replicas stored it', async () => {
    const target = '/v1/kv/puts/ordered';
    const { node } = server;
    node.script.put = async (request) => {
      delete node.script.put;
      const outcome = await node.put(request);
      if (outcome.type === 'failed') return outcome;
      const quorum = { ...outcome.quorum, sloppy: true, ordered: true, coordinator: 'n3' as NodeId };
      return { ...outcome, created: false, liveSiblings: 2, etag: undefined, quorum };
    };
    const answer = await server.client.put(target, 'v');
    expect(answer.status).toBe(204);
    expect(answer.headers).toMatchObject({
      'quorate-quorum': 'n=3, w=2, acks=2, sloppy=?1, ordered=?1',
      'quorate-coordinator': 'n3',
      'quorate-siblings': '2',
    });
    expect(answer.headers).not.toHaveProperty('etag');
  });
});

describe('PUT with Prefer: return=representation', () => {
  const PREFER = { Prefer: 'return=representation' };

  it('is 201 with the envelope where it created, 200 where it did not', async () => {
    const target = '/v1/kv/prefers/k';
    const created = await server.client.put(target, 'one', { ...PREFER, 'Content-Type': 'text/plain' });
    expect(created.status).toBe(201);
    expect(created.headers).toMatchObject({
      'content-type': 'application/vnd.quorate.entry+json',
      'preference-applied': 'return=representation',
    });
    const entry = JSON.parse(created.text) as EntryBody;
    expect(entry).toMatchObject({
      bucket: 'prefers',
      key: 'k',
      etag: created.headers.etag,
      siblings: [{ text: 'one' }],
    });
    const second = await server.client.put(target, 'two', PREFER);
    expect(second.status).toBe(200);
    const seen = JSON.parse(second.text) as EntryBody;
    expect(seen.siblings).toHaveLength(2);
    // The envelope shows all siblings, so its context may cover them all; the header's covers only what this client knows.
    expect(seen.context).not.toBe(second.headers['quorate-context']);
    const resolved = await server.client.put(target, 'both', { 'Quorate-Context': seen.context });
    expect(resolved.headers['quorate-siblings']).toBe('1');
  });

  it.each([
    ['return=representation', 201],
    ['respond-async, return=representation', 201],
    ['return="representation"', 201],
    ['Return=Representation; foo=bar', 201],
  ])('may be written %s', async (prefer, status) => {
    const answer = await server.client.put(`/v1/kv/prefers/${encodeURIComponent(prefer)}`, 'v', {
      Prefer: prefer,
    });
    expect(answer.status).toBe(status);
    expect(answer.text).toContain('"siblings":[');
  });

  it.each(['return=minimal', 'wait=5', ''])('is not meant by %j', async (prefer) => {
    const answer = await server.client.put(`/v1/kv/prefers/not-${encodeURIComponent(prefer)}`, 'v', {
      Prefer: prefer,
    });
    expect([answer.status, answer.text]).toEqual([201, '']);
  });
});

describe('DELETE', () => {
  it('without a context deletes what was read', async () => {
    const target = '/v1/kv/deletes/blind';
    await server.client.put(target, 'one');
    await server.client.put(target, 'two');
    const deleted = await server.client.delete(target);
    expect([deleted.status, deleted.text]).toEqual([204, '']);
    expect(deleted.headers).toMatchObject({
      'quorate-siblings': '0',
      'quorate-quorum': 'n=3, w=2, acks=2, sloppy=?0',
      'quorate-context': expect.stringMatching(/^[\w-]+$/),
    });
    expect((await server.client.get(target)).status).toBe(404);
  });

  it('without a context is 404 where nothing live was there', async () => {
    const never = await server.client.delete('/v1/kv/deletes/never');
    expect([never.status, problemIn(never).code]).toEqual([404, 'not-found']);
    expect(never.headers).not.toHaveProperty('quorate-context');
    const target = '/v1/kv/deletes/twice';
    await server.client.put(target);
    await server.client.delete(target);
    const twice = await server.client.delete(target);
    expect([twice.status, problemIn(twice).outcome]).toEqual([404, 'not-applied']);
    expect(twice.headers['quorate-context']).toBe(
      (await server.client.get(target)).headers['quorate-context'],
    );
    expect(twice.headers['quorate-quorum']).toBe('n=3, r=2, acks=2, sloppy=?0');
  });

  it('with a context deletes exactly what that covers', async () => {
    const target = '/v1/kv/deletes/covered';
    const first = await server.client.put(target, 'one');
    await server.client.put(target, 'two');
    const deleted = await server.client.delete(target, contextOf(first));
    expect(deleted.status).toBe(204);
    expect(deleted.headers['quorate-siblings']).toBe('1');
    expect((await server.client.get(target)).text).toBe('two');
  });

  it('with a context is 204 even where the coordinator holds nothing', async () => {
    const target = '/v1/kv/deletes/unknown-here';
    const context = contextOf(await server.client.put(target));
    const other = await startTestServer();
    const answer = await other.client.delete(target, context);
    await other.close();
    expect(answer.status).toBe(204);
  });

  it('pays no heed to a body', async () => {
    const target = '/v1/kv/deletes/with-body';
    await server.client.put(target);
    const answer = await server.client.send(target, {
      method: 'DELETE',
      headers: { 'Content-Length': '7' },
      body: 'why not',
    });
    expect(answer.status).toBe(204);
    expect((await server.client.get(target)).status).toBe(404);
  });
});

describe('the bound on siblings', () => {
  it('refuses a blind PUT with 409, and takes the one that resolves', async () => {
    const target = '/v1/kv/bounds/k';
    for (const value of ['one', 'two', 'three']) await server.client.put(target, value);
    const refused = await server.client.put(target, 'four');
    expect([refused.status, refused.headers['quorate-siblings']]).toEqual([409, undefined]);
    expect(problemIn(refused)).toMatchObject({ code: 'sibling-limit', outcome: 'not-applied' });
    const resolved = await server.client.put(target, 'all', contextOf(await server.client.get(target)));
    expect([resolved.status, resolved.headers['quorate-siblings']]).toEqual([204, '1']);
  });
});
