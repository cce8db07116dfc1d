/** The two names that a client gives to what it knows and does: the causal context, and the write id. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { problemIn } from './http-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const TARGET = '/v1/kv/contexts/k';

let server: TestServer;
let token: string;
beforeAll(async () => {
  server = await startTestServer();
  token = (await server.client.put(TARGET, 'v')).headers['quorate-context'] as string;
});
afterAll(() => server.close());
beforeEach(() => {
  server.node.reads.length = 0;
  server.node.puts.length = 0;
  server.node.deletes.length = 0;
});

/** Every method that takes a context has to refuse this one, and nothing may happen. */
async function expectBadContext(target: string, sent: string): Promise<string> {
  let detail = '';
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const answer = await server.client.send(target, { method, headers: { 'Quorate-Context': sent } });
    expect(answer.status, method).toBe(400);
    const problem = problemIn(answer);
    expect(problem).toMatchObject({ code: 'bad-context', outcome: 'not-applied' });
    detail = problem.detail ?? '';
  }
  expect(server.node.requestCount).toBe(0);
  return detail;
}

describe('Quorate-Context', () => {
  it('reaches the storage engine as what the client has seen', async () => {
    await server.client.put(TARGET, 'w', { 'Quorate-Context': token });
    expect(server.node.puts[0]?.context?.vector.size).toBe(1);
    await server.client.delete(TARGET, { 'Quorate-Context': token });
    expect(server.node.deletes[0]?.context?.vector.size).toBe(1);
    expect((await server.client.get(TARGET, { 'Quorate-Context': token })).status).toBeOneOf([200, 404]);
  });

  it('that is left out means a blind write', async () => {
    await server.client.put('/v1/kv/contexts/blind', 'w');
    expect(server.node.puts[0]?.context).toBeUndefined();
  });

  it.each([
    '',
    'garbage',
    'AAAA',
    '!!!',
    'undefined',
    'null',
    '{}',
    'a=b',
    'x'.repeat(1000),
    'AQ',
    ' AA',
    '__proto__',
  ])('may not be %j', async (sent) => {
    await expectBadContext(TARGET, sent);
  });

  it('may not be cut short, by however much', async () => {
    for (let length = 0; length < token.length; length += 1)
      await expectBadContext(TARGET, token.slice(0, length));
  });

  it('may not be changed, wherever', async () => {
    for (let index = 0; index < token.length; index += 1) {
      const other = token[index] === 'A' ? 'B' : 'A';
      await expectBadContext(TARGET, token.slice(0, index) + other + token.slice(index + 1));
    }
  });

  it('may not be longer than it was', async () => {
    await expectBadContext(TARGET, `${token}A`);
    await expectBadContext(TARGET, `${token}, ${token}`);
  });

  it('may not be of another key, nor of the same key of another bucket', async () => {
    expect(await expectBadContext('/v1/kv/contexts/other', token)).toContain('another key');
    expect(await expectBadContext('/v1/kv/others/k', token)).toContain('another key');
  });
});

describe('Quorate-Write-Id', () => {
  it('reaches the storage engine, with and without the promise of a first attempt', async () => {
    await server.client.put('/v1/kv/ids/a', 'v', { 'Quorate-Write-Id': 'w-1', 'Quorate-Attempt': '1' });
    expect(server.node.puts[0]?.identity).toEqual({ id: 'w-1', firstAttempt: true });
    await server.client.put('/v1/kv/ids/a', 'v', { 'Quorate-Write-Id': 'w-1' });
    expect(server.node.puts[1]?.identity).toEqual({ id: 'w-1', firstAttempt: false });
    await server.client.put('/v1/kv/ids/a', 'v', { 'Quorate-Write-Id': 'w-1', 'Quorate-Attempt': '2' });
    expect(server.node.puts[2]?.identity).toEqual({ id: 'w-1', firstAttempt: false });
    await server.client.delete('/v1/kv/ids/a', { 'Quorate-Write-Id': 'w-2' });
    expect(server.node.deletes[0]?.identity).toEqual({ id: 'w-2', firstAttempt: false });
    await server.client.put('/v1/kv/ids/b', 'v');
    expect(server.node.puts[3]?.identity).toBeUndefined();
  });

  it('may have 64 characters', async () => {
    const id = 'w'.repeat(64);
    expect((await server.client.put('/v1/kv/ids/long', 'v', { 'Quorate-Write-Id': id })).status).toBe(201);
    expect(server.node.puts[0]?.identity?.id).toBe(id);
  });

  it.each(['', 'w'.repeat(65), 'a b', 'caf\u00e9', 'a\tb'])('may not be %j', async (id) => {
    for (const method of ['PUT', 'DELETE']) {
      const answer = await server.client.send('/v1/kv/ids/bad', {
        method,
        headers: { 'Quorate-Write-Id': id },
      });
      expect([answer.status, problemIn(answer).code]).toEqual([400, 'bad-request']);
    }
    expect(server.node.requestCount).toBe(0);
  });

  it.each(['0', '-1', 'first', '', '1.0'])('may not have the attempt %j', async (attempt) => {
    const headers = { 'Quorate-Write-Id': 'w', 'Quorate-Attempt': attempt };
    const answer = await server.client.put('/v1/kv/ids/bad', 'v', headers);
    expect([answer.status, problemIn(answer).code]).toEqual([400, 'bad-request']);
    expect(server.node.requestCount).toBe(0);
  });

  it('makes a retry the same write, and other bytes a mistake', async () => {
    const target = '/v1/kv/ids/retried';
    const id = { 'Quorate-Write-Id': 'retry' };
    const first = await server.client.put(target, 'v', id);
    const again = await server.client.put(target, 'v', id);
    expect(again.headers['quorate-context']).toBe(first.headers['quorate-context']);
    expect(again.headers['quorate-siblings']).toBe('1');
    const other = await server.client.put(target, 'w', id);
    expect(other.status).toBe(422);
    expect(problemIn(other)).toMatchObject({ code: 'write-id-reused', outcome: 'not-applied' });
  });

  it('is shown with its sibling in the envelope', async () => {
    await server.client.put('/v1/kv/ids/shown', 'v', { 'Quorate-Write-Id': 'shown-1' });
    const entry = await server.client.get('/v1/kv/ids/shown', {
      Accept: 'application/vnd.quorate.entry+json',
    });
    expect(JSON.parse(entry.text)).toMatchObject({ siblings: [{ writeId: 'shown-1' }] });
  });
});
