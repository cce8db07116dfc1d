/** SIGTERM: a node finishes what it began, refuses what is new, and ends cleanly; nobody is told anything untrue. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { problemIn } from '../server/http/http-client.ts';
import { PlacedKeys } from './placed-keys.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';

/** Longer than a drain may take: it is not a deadline of an operation that a node waits for before it ends. */
const PATIENT = { 'Quorate-Timeout-Ms': '30000' };

let cluster: ProcessCluster;
let keys: PlacedKeys;
beforeAll(async () => {
  cluster = await startProcessCluster();
  keys = await PlacedKeys.of(cluster);
});
afterAll(() => cluster?.close());

it('a draining node answers what it began and refuses what is new', async () => {
  const { target, homes } = keys.draw('b');
  const [coordinator, , slow] = homes as [string, string, string];
  const client = cluster.client(coordinator);
  cluster.stop(slow);
  const running = client.put(target, 'begun', { 'Quorate-W': '3', ...PATIENT });
  await cluster.eventually('the write has begun', async () => {
    const { text } = await client.get('/metrics');
    expect(text).toMatch(/^quorate_http_requests_in_flight\{.*\} 1$/m);
  });
  const ending = cluster.terminate(coordinator);
  await cluster.eventually('it drains', async () => {
    expect((await client.get('/readyz')).status).toBe(503);
  });
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const refused = await client.send(target, { method });
    expect(refused.status).toBe(503);
    expect(problemIn(refused)).toMatchObject({ code: 'draining', outcome: 'not-applied' });
    expect(refused.headers.connection).toBe('close');
    expect(refused.headers['retry-after']).toBeDefined();
  }
  expect((await client.get('/livez')).status).toBe(200);
  cluster.cont(slow);
  const answer = await running;
  expect(answer.status).toBe(201);
  expect(answer.headers['quorate-quorum']).toMatch(/^n=3, w=3, acks=3/);
  expect(await ending).toEqual({ exitCode: 0, signal: null });
  expect(cluster.logs(coordinator)).toContain('"code":"stopped"');
  await cluster.restart(coordinator);
  expect((await client.get(target, { 'Quorate-R': '1', ...PATIENT })).text).toBe('begun');
});

it('draining under load loses no acknowledged write', async () => {
  const acknowledged = new Map<string, string>();
  const writers = Array.from({ length: 3 }, async () => {
    for (;;) {
      const { target, key } = keys.draw('drained');
      const answer = await cluster
        .client('n2')
        .put(target, key, PATIENT)
        .catch(() => undefined);
      if (answer === undefined) return;
      if (answer.status === 201) acknowledged.set(target, key);
      else expect(problemIn(answer)).toMatchObject({ code: 'draining', outcome: 'not-applied' });
    }
  });
  await cluster.eventually('writes go on', async () => expect(acknowledged.size).toBeGreaterThan(50));
  expect(await cluster.terminate('n2')).toEqual({ exitCode: 0, signal: null });
  await Promise.all(writers);
  await cluster.restart('n2');
  for (const node of ['n1', 'n2']) {
    for (const [target, value] of acknowledged)
      expect((await cluster.client(node).get(target, PATIENT)).text).toBe(value);
  }
});
