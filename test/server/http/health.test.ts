/** `/livez`, `/readyz` and `/metrics`: what operators and their machines rely on. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { NodeId } from '../../../src/core/ids.ts';
import { problemIn } from './http-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
afterEach(() => {
  for (const method of Object.keys(server.node.script)) delete server.node.script[method as 'get'];
});

describe('/livez', () => {
  it('is 200 while the storage answers, whatever the peers do', async () => {
    server.node.script.hasMajorities = () => false;
    server.node.script.notReady = () => ['The node is joining.'];
    const answer = await server.client.get('/livez');
    expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { live: true }]);
  });

  it('is 503 with the reason when the storage fails', async () => {
    server.node.script.probeStorage = async () => {
      throw new Error('the disk is gone');
    };
    const answer = await server.client.get('/livez');
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text)).toMatchObject({
      live: false,
      reasons: [expect.stringContaining('the disk is gone')],
    });
  });

  it('is 503 when the storage does not answer at all', async () => {
    server.node.script.probeStorage = () => new Promise(() => {});
    const answer = await server.client.get('/livez');
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([503, { live: false }]);
  });
});

describe('/readyz', () => {
  it('is 200 when the node serves, whatever the others do', async () => {
    server.node.script.hasMajorities = () => false;
    const answer = await server.client.get('/readyz');
    expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { ready: true, reasons: [] }]);
    expect((await server.client.get('/readyz?quorum=0')).status).toBe(200);
  });

  it('is 200 with a note while the node gets back what it lost', async () => {
    server.node.script.recovery = () => ({ partitions: 7, waitingFor: ['n2', 'n3'] as NodeId[] });
    const answer = await server.client.get('/readyz');
    const notes = ['The node is recovering 7 partitions that it lost, and waits for n2, n3.'];
    expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { ready: true, reasons: [], notes }]);
    expect(JSON.parse((await server.client.get('/v1/cluster')).text)).toMatchObject({
      recovery: { partitions: 7, waitingFor: ['n2', 'n3'] },
    });
  });

  it('is 503 with the reasons when it does not', async () => {
    server.node.script.notReady = () => ['The store is not open.'];
    const answer = await server.client.get('/readyz');
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      503,
      { ready: false, reasons: ['The store is not open.'] },
    ]);
  });

  it('asks for majorities with ?quorum=1', async () => {
    expect((await server.client.get('/readyz?quorum=1')).status).toBe(200);
    server.node.script.hasMajorities = () => false;
    const answer = await server.client.get('/readyz?quorum=1');
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text)).toMatchObject({
      ready: false,
      reasons: [expect.stringContaining('majority')],
    });
  });

  it.each(['?quorum=yes', '?quorum=', '?quorm=1'])('refuses %s', async (query) => {
    const answer = await server.client.get(`/readyz${query}`);
    expect([answer.status, problemIn(answer).code]).toEqual([400, 'bad-request']);
  });
});

describe('/metrics', () => {
  /** The value of one sample, by its name and some of its labels; 0 where nothing was counted yet. */
  async function sample(name: string, ...labels: readonly string[]): Promise<number> {
    const { text } = await server.client.get('/metrics');
    const line = text
      .split('\n')
      .find((each) => each.startsWith(name) && labels.every((label) => each.includes(label)));
    return Number(line?.slice(line.lastIndexOf(' ') + 1) ?? 0);
  }

  it('is Prometheus text, each line a comment or a sample of this node', async () => {
    const answer = await server.client.get('/metrics');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    const lines = answer.text.split('\n').filter((line) => line !== '');
    for (const line of lines) expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+\{.*node="n1".*\} \S+)$/);
    expect(lines.filter((line) => line.startsWith('# TYPE quorate_')).length).toBeGreaterThan(10);
  });

  it('has names and units by the conventions', async () => {
    const { text } = await server.client.get('/metrics');
    for (const [, name = '', type] of text.matchAll(/^# TYPE (quorate_\w+) (\w+)$/gm)) {
      if (type === 'counter') expect(name).toMatch(/_total$/);
      else expect(name).not.toMatch(/_total$/);
      expect(name).not.toMatch(/_(ms|milliseconds|kb|percent)(_|$)/);
    }
  });

  it('counts operations by method and class of status', async () => {
    const name = 'quorate_http_request_duration_seconds_count';
    const before = await sample(name, 'method="PUT"', 'code="2xx"');
    await server.client.put('/v1/kv/counted/k');
    expect(await sample(name, 'method="PUT"', 'code="2xx"')).toBe(before + 1);
    const notFound = await sample(name, 'method="GET"', 'code="4xx"');
    await server.client.get('/v1/kv/counted/none');
    await server.client.get('/livez');
    expect(await sample(name, 'method="GET"', 'code="4xx"')).toBe(notFound + 1);
  });

  it('counts problems by code, also where no request came to be', async () => {
    const name = 'quorate_http_problems_total';
    const before = await sample(name, 'code="bad-quorum"');
    await server.client.get('/v1/kv/b/k', { 'Quorate-R': '0' });
    expect(await sample(name, 'code="bad-quorum"')).toBe(before + 1);
    const malformed = await sample(name, 'code="bad-request"');
    await server.client.exchangeBytes('nonsense\r\n\r\n');
    expect(await sample(name, 'code="bad-request"')).toBe(malformed + 1);
  });

  it('shows the operations in flight', async () => {
    let finish = (): void => {};
    server.node.script.get = (request) =>
      new Promise((resolve) => {
        finish = () => {
          delete server.node.script.get;
          resolve(server.node.get(request));
        };
      });
    const running = server.client.get('/v1/kv/b/k');
    while (server.admission.inFlight === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await sample('quorate_http_requests_in_flight')).toBe(1);
    finish();
    await running;
    expect(await sample('quorate_http_requests_in_flight')).toBe(0);
  });
});
