import { afterEach, describe, expect, it } from 'vitest';
import {
  absentAnswer,
  closedUrl,
  foundAnswer,
  problemAnswer,
  startFakeNode,
  type FakeAnswer,
  type FakeNode,
} from './fake-node.ts';
import { runCommand } from './fake-terminal.ts';

const nodes: FakeNode[] = [];

async function node(...handler: Parameters<typeof startFakeNode>): Promise<FakeNode> {
  const started = await startFakeNode(...handler);
  nodes.push(started);
  return started;
}

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((started) => started.close()));
});

const written: FakeAnswer = { status: 204, headers: { 'quorate-context': 'T', 'quorate-siblings': '1' } };

describe('what answers, but is no node', () => {
  it.each<[string, FakeAnswer]>([
    ['a page', { status: 200, headers: { 'content-type': 'text/html' }, body: '<h1>It works!</h1>' }],
    ['a redirect', { status: 302, headers: { location: 'http://elsewhere/' }, body: 'Moved' }],
    ['a 404', { status: 404, headers: { 'content-type': 'text/html' }, body: 'Not found' }],
    ['siblings without an envelope', { status: 300, body: '<choices>' }],
  ])('%s is neither a value nor an absence', async (_name, answer) => {
    const { url } = await node(() => answer);
    const result = await runCommand(['get', 'b', 'k', '--node', url]);
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    expect(result.stderr).toContain('Is this the address of a node');
  });

  it('leaves the outcome of a write unknown: a proxy may have passed it on', async () => {
    const { url } = await node(() => ({ status: 204 }));
    for (const words of [
      ['put', 'b', 'k', 'v'],
      ['delete', 'b', 'k', '--context', 'T'],
    ]) {
      expect(await runCommand([...words, '--node', url])).toMatchObject({ exitCode: 7, stdout: '' });
    }
  });

  it('is told from a key that holds nothing, if the path of the node is wrong', async () => {
    const { url } = await node(() =>
      problemAnswer(404, { code: 'not-found', detail: 'There is nothing at /x' }),
    );
    const result = await runCommand(['get', 'b', 'k', '--node', `${url}/v1`]);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain('There is nothing at /x.\nDoes the base URL');
  });

  it('is no entry for --json', async () => {
    const { url } = await node(() => foundAnswer('{}'));
    const result = await runCommand(['get', 'b', 'k', '--json', '--node', url]);
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    expect(JSON.parse(result.stderr)).toMatchObject({ error: { code: 'bad-response', exitCode: 1 } });
  });
});

describe('from node to node', () => {
  it('a node that says nothing costs a part of the time, not all of it', async () => {
    const silent = await node(async () => new Promise(() => {}));
    const { url, requests } = await node(() => foundAnswer('v'));
    const words = ['get', 'b', 'k', '--timeout', '2000', '--node', silent.url, '--node', url];
    expect(await runCommand(words)).toMatchObject({ exitCode: 0, stdout: 'v' });
    expect(Number(silent.requests[0]?.headers['quorate-timeout-ms'])).toBeLessThanOrEqual(1_000);
    expect(Number(requests[0]?.headers['quorate-timeout-ms'])).toBeLessThanOrEqual(1_000);
  });

  it('the deadline ends the command, whatever the nodes do', async () => {
    const silent = await node(async () => new Promise(() => {}));
    const read = await runCommand(['get', 'b', 'k', '--timeout', '50', '--node', silent.url]);
    expect(read).toMatchObject({ exitCode: 6, stdout: '' });
    expect(read.stderr).toMatch(/No answer within 50 ms.*\n.*--timeout/);
    const write = await runCommand(['put', 'b', 'k', 'v', '--timeout', '50', '--node', silent.url]);
    expect(write.exitCode).toBe(7);
    expect(write.stderr).toContain('--write-id');
  });

  it('a node is never told more time than it takes', async () => {
    const { url, requests } = await node(() => foundAnswer('v'));
    await runCommand(['get', 'b', 'k', '--timeout', '600000', '--node', url]);
    expect(requests[0]?.headers['quorate-timeout-ms']).toBe('60000');
  });

  it('a first attempt is promised once, even if the first node certainly did nothing', async () => {
    const gone = await closedUrl();
    const draining = await node(() => problemAnswer(503, { code: 'draining' }));
    const { url, requests } = await node(() => written);
    const words = ['put', 'b', 'k', 'v', '--node', gone, '--node', draining.url, '--node', url];
    expect(await runCommand(words)).toMatchObject({ exitCode: 0 });
    expect([...draining.requests, ...requests].map((sent) => sent.headers['quorate-attempt'])).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('draining nodes alone leave nothing written', async () => {
    const draining = await node(() => problemAnswer(503, { code: 'draining', detail: 'shutting down' }));
    const result = await runCommand(['put', 'b', 'k', 'v', '--node', draining.url]);
    expect(result).toMatchObject({ exitCode: 6, stdout: '' });
    expect(result.stderr).toContain('shutting down');
  });

  it('only a deletion with a context promises a first attempt', async () => {
    const { url, requests } = await node(() => written);
    await runCommand(['delete', 'b', 'k', '--node', url]);
    await runCommand(['delete', 'b', 'k', '--context', 'T', '--node', url]);
    expect(requests.map((sent) => sent.headers['quorate-attempt'])).toEqual([undefined, '1']);
  });

  it('nothing to delete does not settle a deletion whose first answer was lost', async () => {
    const cut = await node(() => undefined);
    const { url } = await node(() => absentAnswer());
    const result = await runCommand(['delete', 'b', 'k', '--node', cut.url, '--node', url]);
    expect(result.exitCode).toBe(7);
  });
});

describe('what is printed', () => {
  const hostile = 'a\u001b[2J\u0007b';

  it('of a key or of what a node says does not act on the terminal', async () => {
    const siblings = ['1', '2'].map((id) => ({
      id: `${id}\u001b[0m`,
      contentType: 'text/\u0007',
      text: 'x',
    }));
    const envelope = { bucket: 'b', key: hostile, context: 'T', etag: '"e"', siblings };
    const { url } = await node(({ path }) =>
      path.endsWith('/k')
        ? problemAnswer(400, { code: 'bad-request', detail: hostile, hint: hostile })
        : { status: 300, body: JSON.stringify(envelope) },
    );
    for (const key of ['k', hostile]) {
      const result = await runCommand(['get', '--node', url, '--', 'b', key], { isTTY: true });
      // Colours of the table's own head are the only escapes.
      // oxlint-disable-next-line no-control-regex
      const text = result.stderr.replaceAll(/\u001b\[\d+m/g, '');
      // oxlint-disable-next-line no-control-regex
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
      expect(text).toContain('u{1b}');
    }
  });

  it('as JSON says all there is to know of a write', async () => {
    const { url } = await node(() => ({
      status: 201,
      headers: {
        'quorate-context': 'T2',
        'quorate-siblings': '1',
        'quorate-quorum': 'n=3, w=2, acks=2, sloppy=?0',
        'quorate-coordinator': 'n1',
        'quorate-request-id': 'r1',
        etag: '"e"',
      },
    }));
    const { stdout } = await runCommand(['put', 'b', 'k', 'v', '--write-id', 'w1', '--json', '--node', url]);
    expect(JSON.parse(stdout)).toEqual({
      result: 'created',
      context: 'T2',
      etag: '"e"',
      siblings: 1,
      quorum: 'n=3, w=2, acks=2, sloppy=?0',
      coordinator: 'n1',
      requestId: 'r1',
      writeId: 'w1',
      node: url,
    });
  });

  it('as JSON says all there is to know of a failure', async () => {
    const gone = await closedUrl();
    const { url } = await node(() =>
      problemAnswer(504, { code: 'quorum-timeout', outcome: 'unknown', detail: 'one of two' }),
    );
    const words = ['put', 'b', 'k', 'v', '--json', '--node', gone, '--node', url];
    const result = await runCommand(words);
    expect(result).toMatchObject({ exitCode: 7, stdout: '' });
    expect(JSON.parse(result.stderr)).toMatchObject({
      error: {
        code: 'quorum-timeout',
        message: 'one of two.',
        exitCode: 7,
        outcome: 'unknown',
        status: 504,
        attempts: [
          { node: gone, code: 'unreachable' },
          { node: url, code: 'quorum-timeout', status: 504 },
        ],
        problem: { code: 'quorum-timeout' },
      },
    });
  });
});
