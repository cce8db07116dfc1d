/**
 * The error table of the contract, row by row: status, code, outcome, and RFC 9457 problem details with all their members.
 * An unknown outcome is never shown as a failure, nor a failure as unknown.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PROBLEMS } from '../../../src/api/errors.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import { type Failure, FAILURE_CODES } from '../../../src/core/outcome.ts';
import { type Answer, problemIn, readUntil } from './http-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const TARGET = '/v1/kv/failures/k';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ limits: { maxOperationsInFlight: 2, reserveBytes: 1_000 } });
});
afterAll(() => server.close());
afterEach(() => {
  for (const method of Object.keys(server.node.script)) delete server.node.script[method as 'get'];
});

/** Lets every operation of the storage engine end in this failure. */
function failWith(failure: Omit<Failure, 'type'>): void {
  const outcome: Failure = { type: 'failed', ...failure };
  server.node.script.get = server.node.script.put = server.node.script.delete = async () => outcome;
}

function expectProblem(answer: Answer, members: object): void {
  const problem = problemIn(answer);
  expect(problem).toMatchObject(members);
  expect(problem).toMatchObject({
    type: `urn:quorate:problem:${problem.code}`,
    title: PROBLEMS[problem.code].title,
    status: answer.status,
    detail: expect.stringMatching(/.+/),
    requestId: answer.headers['quorate-request-id'],
  });
  expect(answer.headers).toMatchObject({
    'cache-control': 'no-store',
    'quorate-coordinator': expect.any(String),
  });
}

const REPLICAS = [
  { node: 'n1' as NodeId, result: 'ok' as const, ms: 1.5 },
  { node: 'n2' as NodeId, result: 'no-answer' as const, ms: 5000 },
  { node: 'n3' as NodeId, result: 'unreachable' as const, ms: 0.1 },
];

describe('a failure of the storage engine', () => {
  const TABLE = {
    'bad-context': 400,
    'quorum-unavailable': 503,
    'quorum-timeout': 504,
    'session-too-new': 503,
    'sibling-limit': 409,
    'cas-contention': 409,
    'write-id-reused': 422,
    'write-id-expired': 504,
    'too-large': 413,
    'no-space': 507,
    overloaded: 503,
    draining: 503,
    internal: 500,
  } as const satisfies Record<Failure['code'], number>;

  it.each(FAILURE_CODES)('%s has its status, and the outcome that the engine gives', async (code) => {
    for (const certainty of ['not-applied', 'unknown'] as const) {
      failWith({ code, certainty, detail: `Such is ${code}.` });
      for (const method of ['PUT', 'DELETE']) {
        const answer = await server.client.send(TARGET, { method });
        expect(answer.status).toBe(TABLE[code]);
        expectProblem(answer, { code, outcome: certainty, detail: `Such is ${code}.` });
      }
      const read = await server.client.get(TARGET);
      expect(read.status).toBe(TABLE[code]);
      expectProblem(read, { code, outcome: 'not-applied' });
    }
  });

  it('of a quorum tells what was asked and who answered how', async () => {
    failWith({
      code: 'quorum-timeout',
      certainty: 'unknown',
      detail: 'One of two replicas stored it in time.',
      required: 2,
      received: 1,
      replicas: REPLICAS,
    });
    const facts = { required: 2, received: 1, replicas: REPLICAS };
    const put = await server.client.put(TARGET);
    expect(put.status).toBe(504);
    expectProblem(put, { ...facts, outcome: 'unknown', hint: expect.stringContaining('Quorate-Write-Id') });
    const get = await server.client.get(TARGET);
    expect(get.status).toBe(504);
    expectProblem(get, { ...facts, outcome: 'not-applied', retryAfterMs: 1000 });
    expect(get.headers['retry-after']).toBe('1');
  });

  it('that may pass says when to try again', async () => {
    failWith({
      code: 'quorum-unavailable',
      certainty: 'not-applied',
      detail: 'x',
      required: 2,
      received: 1,
      replicas: REPLICAS,
    });
    const answer = await server.client.put(TARGET);
    expect(answer.status).toBe(503);
    expectProblem(answer, { outcome: 'not-applied', retryAfterMs: 1000, replicas: REPLICAS });
    expect(answer.headers['retry-after']).toBe('1');
  });

  it('is 503 for a HEAD too, without a body: never 404', async () => {
    failWith({ code: 'quorum-unavailable', certainty: 'not-applied', detail: 'x' });
    const answer = await server.client.head(TARGET);
    expect([answer.status, answer.text]).toEqual([503, '']);
  });
});

describe('a bug', () => {
  it.each([
    ['PUT', 'unknown'],
    ['DELETE', 'unknown'],
    ['GET', 'not-applied'],
  ])('in a %s is 500 with outcome %s, is logged, and tells no secrets', async (method, outcome) => {
    const bug = async (): Promise<never> => {
      throw new Error('secret of the inside');
    };
    server.node.script.get = server.node.script.put = server.node.script.delete = bug;
    const answer = await server.client.send(TARGET, { method });
    expect(answer.status).toBe(500);
    expectProblem(answer, { code: 'internal', outcome });
    expect(answer.text).not.toContain('secret');
    const requestId = answer.headers['quorate-request-id'] as string;
    const line = server.logged.find((text) => text.includes(`"${requestId}"`)) ?? '';
    expect(JSON.parse(line)).toMatchObject({
      level: 50,
      code: 'internal-error',
      err: { message: 'secret of the inside' },
    });
  });

  it('leaves nothing in flight', async () => {
    server.node.script.get = () => {
      throw new Error('not even a promise');
    };
    expect((await server.client.get(TARGET)).status).toBe(500);
    expect(server.admission.inFlight).toBe(0);
  });
});

describe('a node at its limit', () => {
  it('sheds operations with 503 before any work, and goes on afterwards', async () => {
    const waiting: (() => void)[] = [];
    server.node.script.get = (request) =>
      new Promise((resolve) => {
        waiting.push(() => {
          delete server.node.script.get;
          resolve(server.node.get(request));
        });
      });
    const running = [server.client.get(TARGET), server.client.get(TARGET)];
    while (waiting.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const shed = await server.client.send(TARGET, { method });
      expect(shed.status).toBe(503);
      expectProblem(shed, { code: 'overloaded', outcome: 'not-applied', retryAfterMs: 1000 });
      expect(shed.headers['retry-after']).toBe('1');
    }
    // What operators need answers nevertheless.
    for (const path of ['/livez', '/readyz', '/metrics', '/v1/cluster', '/v1/ring']) {
      expect((await server.client.get(path)).status).toBe(200);
    }
    for (const finish of waiting) finish();
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual([404, 404]);
    expect((await server.client.put(TARGET)).status).toBe(201);
  });
});

describe('a disk below its reserve', () => {
  it('refuses writes with 507 before their body, and takes reads', async () => {
    await server.setFreeBytes(999);
    const puts = server.node.puts.length;
    const socket = await server.client.connect();
    socket.write(`PUT ${TARGET} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`);
    expect(await readUntil(socket, '}')).toMatch(/^HTTP\/1\.1 507 /);
    for (const method of ['PUT', 'DELETE']) {
      const answer = await server.client.send(TARGET, { method });
      expect(answer.status).toBe(507);
      expectProblem(answer, {
        code: 'no-space',
        outcome: 'not-applied',
        freeBytes: 999,
        reserveBytes: 1000,
        retryAfterMs: 30_000,
      });
    }
    expect(server.node.puts).toHaveLength(puts);
    expect((await server.client.get(TARGET)).status).toBe(200);
    const ready = await server.client.get('/readyz');
    expect([ready.status, JSON.parse(ready.text)]).toMatchObject([503, { ready: false }]);
    await server.setFreeBytes(1_000);
    expect((await server.client.put(TARGET)).status).toBe(204);
    expect((await server.client.get('/readyz')).status).toBe(200);
  });
});
