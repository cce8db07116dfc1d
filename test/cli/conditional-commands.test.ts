/** What the command line says of conditional writes that lose, or end in doubt. */
import { afterEach, describe, expect, it } from 'vitest';
import { type FakeAnswer, type FakeNode, problemAnswer, startFakeNode } from './fake-node.ts';
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

const LIVE = { id: '1', contentType: 'text/plain', text: 'v', writtenAt: '2024-01-01T00:00:00.000Z' };

function lostAnswer(siblings: readonly object[]): FakeAnswer {
  const entry = { bucket: 'b', key: 'k', context: 'T', etag: '"e9"', siblings };
  const problem = { code: 'precondition-failed', detail: 'The key has another ETag by now.', entry };
  return problemAnswer(412, problem);
}

const outcomeAnswer = (body: object): FakeAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

describe('a conditional write', () => {
  it('that loses exits 4, and says how to go on from what is there', async () => {
    const { url, requests } = await node(() => lostAnswer([LIVE]));
    const lost = await runCommand(['cas', 'b', 'k', 'v', '--if-match', 'e1', '--node', url]);
    expect(lost).toMatchObject({ exitCode: 4, stdout: '' });
    expect(lost.stderr).toContain('The key has another ETag by now.');
    expect(lost.stderr).toContain('--if-match e9\n');
    expect(requests[0]?.headers).toMatchObject({ prefer: 'return=representation' });
  });

  it('that loses exits 4, and says so where the key was deleted', async () => {
    const { url } = await node(() => lostAnswer([{ id: '1', deleted: true }]));
    const lost = await runCommand(['delete', 'b', 'k', '--if-match', 'e1', '--node', url]);
    expect(lost.exitCode).toBe(4);
    expect(lost.stderr).toContain('--if-absent');
  });

  it('that wins tells its ETag, and no type of what it answers', async () => {
    const headers = {
      'quorate-context': 'T',
      etag: '"e1"',
      'content-type': 'application/vnd.quorate.entry+json',
    };
    const { url } = await node(() => ({ status: 201, headers, body: '{}' }));
    const won = await runCommand(['cas', 'b', 'k', 'v', '--if-absent', '-v', '--node', url]);
    expect(won).toMatchObject({ exitCode: 0, stdout: 'created\ncontext: T\n' });
    expect(won.stderr).toContain('etag: "e1"');
    expect(won.stderr).not.toContain('contentType');
  });

  it('that loses is told whole with --json', async () => {
    const { url } = await node(() => lostAnswer([LIVE]));
    const lost = await runCommand(['put', 'b', 'k', 'v', '--if-absent', '--json', '--node', url]);
    expect(JSON.parse(lost.stderr)).toMatchObject({
      error: { code: 'precondition-failed', exitCode: 4, problem: { entry: { siblings: [LIVE] } } },
    });
  });

  it('that loses on its second attempt, after the first got no answer, has lost all the same', async () => {
    const silent = await node(() => undefined);
    const { url, requests } = await node(() => lostAnswer([LIVE]));
    const lost = await runCommand(['cas', 'b', 'k', 'v', '--if-absent', '--node', silent.url, '--node', url]);
    expect(lost.exitCode).toBe(4);
    expect(requests[0]?.headers['quorate-write-id']).toBe(silent.requests[0]?.headers['quorate-write-id']);
    expect(requests[0]?.headers).not.toHaveProperty('quorate-attempt');
  });

  it('that ends in doubt exits 7, and says how to settle that', async () => {
    const silent = await node(() => undefined);
    const lost = await runCommand(['cas', 'b', 'k', 'v', '--if-absent', '--node', silent.url]);
    expect(lost.exitCode).toBe(7);
    const id = String(silent.requests[0]?.headers['quorate-write-id']);
    expect(lost.stderr).toContain(`quorate outcome BUCKET KEY ${id}`);
  });
});

describe('outcome', () => {
  it.each([
    ['applied', 0],
    ['superseded', 0],
    ['never-applied', 3],
    ['too-old', 7],
    ['of-another-version', 7],
  ] as const)('of a write that is %s exits %i', async (state, exitCode) => {
    const body = { bucket: 'b', key: 'a/b', writeId: 'w1', state };
    const { url, requests } = await node(() => outcomeAnswer(body));
    const told = await runCommand(['outcome', 'b', 'a/b', 'w1', '--timeout', '700', '--node', url]);
    expect(told).toMatchObject({ exitCode, stderr: '' });
    expect(told.stdout).toMatch(new RegExp(`^${state}: [a-z, ]+\\n$`));
    expect(requests[0]?.path).toBe('/v1/outcome/b/a%2Fb?writeId=w1');
    expect(requests[0]?.headers['quorate-timeout-ms']).toBe('700');
  });

  it('tells the ETag, and all as JSON', async () => {
    const body = { bucket: 'b', key: 'k', writeId: 'w1', state: 'applied', etag: '"e1"' };
    const { url } = await node(() => outcomeAnswer(body));
    expect((await runCommand(['outcome', 'b', 'k', 'w1', '--node', url])).stdout).toContain('etag: "e1"\n');
    const json = await runCommand(['outcome', 'b', 'k', 'w1', '--json', '--node', url]);
    expect(JSON.parse(json.stdout)).toEqual(body);
  });

  it('needs an id that a write can have, and a node that answers', async () => {
    expect((await runCommand(['outcome', 'b', 'k', 'no good'])).exitCode).toBe(2);
    expect((await runCommand(['outcome', 'b', 'k'])).exitCode).toBe(2);
    const { url } = await node(() => problemAnswer(503, { code: 'quorum-unavailable' }));
    expect((await runCommand(['outcome', 'b', 'k', 'w1', '--node', url])).exitCode).toBe(6);
  });
});
