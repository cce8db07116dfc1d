/** What became of a write whose outcome is unknown, asked over HTTP. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemIn } from './http-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const CREATE = { 'If-None-Match': '*' };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

async function outcomeOf(key: string, writeId: string): Promise<Record<string, unknown>> {
  const answer = await server.client.get(`/v1/outcome/b/${key}?writeId=${encodeURIComponent(writeId)}`);
  expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
  const body = JSON.parse(answer.text) as Record<string, unknown>;
  expect(body).toMatchObject({ bucket: 'b', key, writeId });
  return body;
}

describe('the outcome of a write', () => {
  it('is that it was applied, with its ETag, and later that it was superseded', async () => {
    const headers = { ...CREATE, 'Quorate-Write-Id': 'w/1&x=y', 'Quorate-Attempt': '1' };
    const { headers: created } = await server.client.put('/v1/kv/b/told', 'one', headers);
    expect(await outcomeOf('told', 'w/1&x=y')).toMatchObject({ state: 'applied', etag: created['etag'] });
    await server.client.put('/v1/kv/b/told', 'two', { 'If-Match': created['etag'] as string });
    expect(await outcomeOf('told', 'w/1&x=y')).toMatchObject({ state: 'superseded', etag: created['etag'] });
  });

  it('is that it will never be applied, which then is true', async () => {
    expect(await outcomeOf('never', 'w1')).not.toHaveProperty('etag');
    expect(await outcomeOf('never', 'w1')).toMatchObject({ state: 'never-applied' });
    const late = await server.client.put('/v1/kv/b/never', 'late', { ...CREATE, 'Quorate-Write-Id': 'w1' });
    expect([late.status, problemIn(late).code]).toEqual([412, 'precondition-failed']);
    const plain = await server.client.put('/v1/kv/b/never', 'late', { 'Quorate-Write-Id': 'w1' });
    expect([plain.status, problemIn(plain).code]).toEqual([422, 'write-id-reused']);
    expect((await server.client.get('/v1/kv/b/never')).status).toBe(404);
    const other = await server.client.put('/v1/kv/b/never', 'now', { ...CREATE, 'Quorate-Write-Id': 'w2' });
    expect(other.status).toBe(201);
  });

  it('is asked with a write id, and nothing else', async () => {
    for (const query of ['', '?writeId=', `?writeId=${'x'.repeat(65)}`, '?writeId=a%20b', '?writeid=a']) {
      const refused = await server.client.get(`/v1/outcome/b/k${query}`);
      expect([query, refused.status, problemIn(refused).code]).toEqual([query, 400, 'bad-request']);
    }
  });

  it('is not told by a cluster that cannot', async () => {
    server.node.script.conditional = async () => ({
      ...{ type: 'failed', code: 'quorum-timeout', certainty: 'not-applied' },
      detail: 'No majority.',
    });
    const answer = await server.client.get('/v1/outcome/b/k?writeId=w1');
    delete server.node.script.conditional;
    expect([answer.status, problemIn(answer).code]).toEqual([504, 'quorum-timeout']);
  });
});
