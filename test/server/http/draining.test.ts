/** A node that shuts down: refuses what is new, finishes what it began, and goes on telling its state. */
import { describe, expect, it } from 'vitest';
import { problemIn } from './http-client.ts';
import { startTestServer } from './test-server.ts';

const TARGET = '/v1/kv/draining/k';

describe('a draining node', () => {
  it('refuses every operation with 503 and closes connections, but tells its state', async () => {
    const draining = await startTestServer();
    draining.admission.drain();
    for (const [method, path] of [
      ['GET', TARGET],
      ['HEAD', TARGET],
      ['PUT', TARGET],
      ['DELETE', TARGET],
      ['GET', '/v1/inspect/draining/k'],
    ] as const) {
      const answer = await draining.client.send(path, { method });
      expect(answer.status).toBe(503);
      expect(answer.headers.connection).toBe('close');
      if (method === 'HEAD') continue;
      expect(problemIn(answer)).toMatchObject({
        code: 'draining',
        outcome: 'not-applied',
        retryAfterMs: 1000,
      });
    }
    expect(draining.node.requestCount).toBe(0);
    expect(draining.logged).toEqual([]);
    expect((await draining.client.get('/livez')).status).toBe(200);
    const ready = await draining.client.get('/readyz');
    expect([ready.status, JSON.parse(ready.text)]).toEqual([
      503,
      { ready: false, reasons: ['The node is draining.'] },
    ]);
    expect((await draining.client.get('/v1/cluster')).status).toBe(200);
    await draining.close();
  });

  it('does not deny an earlier attempt of a write that it refuses', async () => {
    const draining = await startTestServer();
    draining.admission.drain();
    const outcomeOf = async (headers: Record<string, string>): Promise<unknown> =>
      problemIn(await draining.client.send(TARGET, { method: 'PUT', headers }))['outcome'];
    const writeId = { 'Quorate-Write-Id': 'id-1' };
    expect(await outcomeOf(writeId)).toBe('unknown');
    expect(await outcomeOf({ ...writeId, 'Quorate-Attempt': '2' })).toBe('unknown');
    expect(await outcomeOf({ ...writeId, 'Quorate-Attempt': '1' })).toBe('not-applied');
    const { hint } = problemIn(await draining.client.send(TARGET, { method: 'DELETE', headers: writeId }));
    expect(hint).toMatch(/earlier one .* may have been applied/);
    await draining.close();
  });

  it('finishes what it began', async () => {
    const draining = await startTestServer();
    let finish = (): void => {};
    draining.node.script.put = async (request) => {
      delete draining.node.script.put;
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return draining.node.put(request);
    };
    const running = draining.client.put(TARGET);
    while (draining.admission.inFlight === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    draining.admission.drain();
    const idle = draining.admission.idle(10_000);
    finish();
    expect((await running).status).toBe(201);
    await idle;
    expect(draining.admission.inFlight).toBe(0);
    await draining.close();
  });
});
