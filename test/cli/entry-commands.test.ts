import { afterEach, describe, expect, it } from 'vitest';
import {
  absentAnswer,
  closedUrl,
  foundAnswer,
  problemAnswer,
  startFakeNode,
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

const SIBLINGS = {
  bucket: 'notes',
  key: "it's",
  context: 'TOKEN',
  etag: '"e"',
  siblings: [
    { id: 'a-1', contentType: 'text/plain', text: 'one\u001b[2J', writtenAt: '2024-01-01T00:00:00.000Z' },
    { id: 'b-1', contentType: 'application/json', json: { two: 2 }, writtenAt: '2024-01-02T00:00:00.000Z' },
    { id: 'c-1', deleted: true },
  ],
};

describe('get', () => {
  it('prints exactly the bytes of the value', async () => {
    const body = Buffer.from([0, 1, 2, 104, 105]);
    const { url, requests } = await node(() => foundAnswer(body));
    const result = await runCommand(['get', 'notes', 'a/b c', '-r', '3', '-n', '4', '--node', url]);
    expect(result).toEqual({ exitCode: 0, stdout: body.toString(), stderr: '' });
    expect(requests[0]?.path).toBe('/v1/kv/notes/a%2Fb%20c');
    expect(requests[0]?.headers).toMatchObject({ 'quorate-r': '3', 'quorate-n': '4' });
  });

  it('does not let a value act on a terminal', async () => {
    const { url } = await node(() => foundAnswer('a\u001b[2Jb\tc'));
    const result = await runCommand(['get', 'notes', 'k', '--node', url], { isTTY: true });
    expect(result.stdout).toBe('a\\u{1b}[2Jb\tc\n');
  });

  it('tells facts with -v on stderr', async () => {
    const headers = { etag: '"x"', 'quorate-quorum': 'n=3, r=2, acks=2, sloppy=?0' };
    const { url } = await node(() => foundAnswer('v', headers));
    const result = await runCommand(['get', 'notes', 'k', '-v', '--node', url]);
    expect(result.stdout).toBe('v');
    expect(result.stderr).toContain('context: T\n');
    expect(result.stderr).toContain('quorum: n=3, r=2, acks=2, sloppy=?0\n');
  });

  it('lists siblings on stderr with the commands that go on, exit code 5', async () => {
    const { url } = await node(() => ({ status: 300, body: JSON.stringify(SIBLINGS) }));
    const result = await runCommand(['get', 'notes', "it's", '--node', url]);
    expect(result.exitCode).toBe(5);
    expect(result.stdout).toBe('');
    expect(result.stderr).toContain('holds 2 values');
    expect(result.stderr).toContain('a-1');
    expect(result.stderr).toContain('{"two":2}');
    expect(result.stderr).not.toContain('\u001b');
    expect(result.stderr).toContain(String.raw`quorate put --context TOKEN notes 'it'\''s' VALUE`);
    expect(result.stderr).toContain(String.raw`get --sibling a-1 notes 'it'\''s'`);
  });

  it('lists siblings of a key that looks like an option with commands that work', async () => {
    const siblings = SIBLINGS.siblings.map((sibling) => ({ ...sibling, id: `-${sibling.id}` }));
    const { url, requests } = await node(({ path }) =>
      path.includes('?')
        ? foundAnswer('one')
        : { status: 300, body: JSON.stringify({ ...SIBLINGS, siblings }) },
    );
    const listed = await runCommand(['get', '--node', url, '--', 'notes', '-r']);
    expect(listed.stderr).toContain('quorate get --sibling -a-1 -- notes -r\n');
    const one = await runCommand(['get', '--node', url, '--sibling', '-a-1', '--', 'notes', '-r']);
    expect(one).toMatchObject({ exitCode: 0, stdout: 'one' });
    expect(requests[1]?.path).toBe('/v1/kv/notes/-r?sibling=-a-1');
  });

  it('prints the envelope with --json, siblings included, exit code 5', async () => {
    const { url, requests } = await node(() => foundAnswer(JSON.stringify(SIBLINGS)));
    const result = await runCommand(['get', 'notes', 'k', '--json', '--node', url]);
    expect(requests[0]?.headers.accept).toBe('application/vnd.quorate.entry+json');
    expect(JSON.parse(result.stdout)).toMatchObject({ ...SIBLINGS, node: url });
    expect(result.exitCode).toBe(5);
  });

  it('asks for one sibling by its id', async () => {
    const { url, requests } = await node(() => foundAnswer('one'));
    const result = await runCommand(['get', 'notes', 'k', '--sibling', 'a+1', '--node', url]);
    expect(requests[0]?.path).toBe('/v1/kv/notes/k?sibling=a%2B1');
    expect(result.stdout).toBe('one');
  });

  it('exits 3 when nothing is there, and tells the context of a deletion', async () => {
    const { url } = await node(() => absentAnswer({ 'quorate-context': 'T' }));
    const result = await runCommand(['get', 'notes', 'k', '--node', url]);
    expect(result).toMatchObject({ exitCode: 3, stdout: '' });
    expect(result.stderr).toBe('quorate: notes/k was deleted.\nTo write it anew as seen: --context T\n');
  });

  it('goes on to the next node only when one cannot be reached', async () => {
    const gone = await closedUrl();
    const { url } = await node(() => foundAnswer('v'));
    expect(await runCommand(['get', 'b', 'k', '--node', gone, '--node', url])).toMatchObject({
      exitCode: 0,
      stdout: 'v',
    });
    const short = await node(() => problemAnswer(503, { code: 'quorum-unavailable', detail: 'one of two' }));
    const result = await runCommand(['get', 'b', 'k', '--node', short.url, '--node', url]);
    expect(result).toMatchObject({ exitCode: 6, stdout: '' });
    expect(result.stderr).toContain('one of two');
  });

  it('exits 6 when no node is reachable, and says what to do', async () => {
    const gone = await closedUrl();
    const result = await runCommand(['get', 'b', 'k'], { environment: { QUORATE_NODES: gone } });
    expect(result.exitCode).toBe(6);
    expect(result.stderr).toContain(gone);
    expect(result.stderr).toContain('quorate cluster');
    expect(result.stderr).not.toContain('    at ');
  });
});

describe('put', () => {
  const created = {
    status: 201,
    headers: {
      'quorate-context': 'T2',
      'quorate-siblings': '1',
      'quorate-quorum': 'n=3, w=2, acks=2, sloppy=?0',
    },
  };

  it('stores an argument as text and prints the new context', async () => {
    const { url, requests } = await node(() => created);
    const result = await runCommand(['put', 'b', 'k', 'hé', '--context', 'T1', '-w', '3', '--node', url]);
    expect(result).toEqual({
      exitCode: 0,
      stdout: 'created (n=3, w=2, acks=2, sloppy=?0)\ncontext: T2\n',
      stderr: '',
    });
    expect(requests[0]?.body.toString()).toBe('hé');
    expect(requests[0]?.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'quorate-context': 'T1',
      'quorate-w': '3',
      'quorate-attempt': '1',
    });
    expect(requests[0]?.headers['quorate-write-id']).toMatch(/^[\w-]{36}$/);
  });

  it('reads stdin when there is no argument, as bytes', async () => {
    const { url, requests } = await node(() => created);
    const stdin = Buffer.from([0, 255, 10]);
    await runCommand(['put', 'b', 'k', '--node', url], { stdin });
    expect(requests[0]?.body).toEqual(stdin);
    expect(requests[0]?.headers['content-type']).toBe('application/octet-stream');
  });

  it('checks and types a JSON value', async () => {
    const { url, requests } = await node(() => created);
    await runCommand(['put', 'b', 'k', '{"a":1}', '--json-value', '--node', url]);
    expect(requests[0]?.headers['content-type']).toBe('application/json');
    const bad = await runCommand(['put', 'b', 'k', '{a:1}', '--json-value', '--node', url]);
    expect(bad.exitCode).toBe(2);
    expect(bad.stderr).toContain('not JSON');
    expect(requests).toHaveLength(1);
  });

  it('does not promise a first attempt for a write id that it was given', async () => {
    const { url, requests } = await node(() => created);
    await runCommand(['put', 'b', 'k', 'v', '--write-id', 'w1', '--node', url]);
    expect(requests[0]?.headers['quorate-write-id']).toBe('w1');
    expect(requests[0]?.headers).not.toHaveProperty('quorate-attempt');
  });

  it('does not say that a write under an id it was given was not applied: it may have been sent before', async () => {
    const url = await closedUrl();
    const result = await runCommand(['put', 'b', 'k', 'v', '--write-id', 'w1', '--node', url]);
    expect(result.exitCode).toBe(7);
  });

  it('asks the next node with the same write id when an answer was lost, and promises nothing then', async () => {
    const cut = await node(() => undefined);
    const { url, requests } = await node(() => ({ ...created, status: 204 }));
    const result = await runCommand(['put', 'b', 'k', 'v', '--node', cut.url, '--node', url]);
    expect(result.exitCode).toBe(0);
    expect(requests[0]?.headers['quorate-write-id']).toBe(cut.requests[0]?.headers['quorate-write-id']);
    expect(requests[0]?.headers).not.toHaveProperty('quorate-attempt');
  });

  it('reports a lost answer as unknown with the write id, exit code 7', async () => {
    const { url, requests } = await node(() => undefined);
    const result = await runCommand(['put', 'b', 'k', 'v', '--node', url, '--json']);
    expect(result.exitCode).toBe(7);
    const { error } = JSON.parse(result.stderr) as { error: Record<string, unknown> };
    expect(error).toMatchObject({ exitCode: 7, outcome: 'unknown' });
    expect(error['writeId']).toBe(requests[0]?.headers['quorate-write-id']);
    expect(error['hint']).toContain(`--write-id ${String(error['writeId'])}`);
  });

  it('stays unknown when a later node refuses what an earlier one may have done', async () => {
    const cut = await node(() => undefined);
    const { url } = await node(() => problemAnswer(503, { code: 'quorum-unavailable' }));
    const result = await runCommand(['put', 'b', 'k', 'v', '--node', cut.url, '--node', url]);
    expect(result.exitCode).toBe(7);
  });

  it.each([
    [409, 'sibling-limit', 'not-applied', 1],
    [412, 'precondition-failed', 'not-applied', 4],
    [400, 'bad-quorum', 'not-applied', 2],
    [503, 'quorum-unavailable', 'not-applied', 6],
    [503, 'overloaded', 'not-applied', 6],
    [504, 'quorum-timeout', 'unknown', 7],
    [500, 'internal', 'unknown', 7],
    [501, 'not-implemented', 'not-applied', 1],
  ])('exit code for %i %s %s is %i', async (status, code, outcome, exitCode) => {
    const { url } = await node(() => problemAnswer(status, { code, outcome, detail: 'what', hint: 'next' }));
    const result = await runCommand(['put', 'b', 'k', 'v', '--node', url]);
    expect(result).toMatchObject({ exitCode, stdout: '' });
    expect(result.stderr).toMatch(
      exitCode === 7 ? /^quorate: what\.\nnext .* --write-id [\w-]{36}: .*\n$/ : /^quorate: what\.\nnext\n$/,
    );
  });

  it('does not advise to repeat a write whose id is forgotten', async () => {
    const { url } = await node(() =>
      problemAnswer(504, { code: 'write-id-expired', outcome: 'unknown', detail: 'what', hint: 'next' }),
    );
    const result = await runCommand(['put', 'b', 'k', 'v', '--write-id', 'w1', '--node', url]);
    expect(result).toMatchObject({ exitCode: 7, stderr: 'quorate: what.\nnext\n' });
  });

  it('says that the key has siblings now', async () => {
    const { url } = await node(() => ({
      status: 204,
      headers: { 'quorate-context': 'T', 'quorate-siblings': '2' },
    }));
    const result = await runCommand(['put', 'b', 'k', 'v', '--node', url]);
    expect(result.exitCode).toBe(0);
    expect(result.stderr).toContain('holds 2 values');
  });
});

describe('cas and delete', () => {
  it('cas needs a condition and passes it on', async () => {
    const { url, requests } = await node(() =>
      problemAnswer(501, { code: 'not-implemented', detail: 'Conditional writes are not built yet' }),
    );
    expect(await runCommand(['cas', 'b', 'k', 'v', '--node', url])).toMatchObject({ exitCode: 2 });
    expect(requests).toHaveLength(0);
    const result = await runCommand(['cas', 'b', 'k', 'v', '--if-match', 'abc', '--node', url]);
    expect(requests[0]?.headers['if-match']).toBe('"abc"');
    expect(result).toMatchObject({ exitCode: 1, stderr: 'quorate: Conditional writes are not built yet.\n' });
    await runCommand(['cas', 'b', 'k', 'v', '--if-none-match', '--node', url]);
    await runCommand(['cas', 'b', 'k', 'v', '--if-absent', '--node', url]);
    expect(requests.slice(1).map(({ headers }) => headers['if-none-match'])).toEqual(['*', '*']);
    await runCommand(['put', 'b', 'k', 'v', '--if-absent', '--node', url]);
    await runCommand(['delete', 'b', 'k', '--if-match', '"abc"', '--node', url]);
    expect(requests[3]?.headers['if-none-match']).toBe('*');
    expect(requests[4]?.headers).toMatchObject({ 'if-match': '"abc"', 'quorate-attempt': '1' });
  });

  it('delete prints what was done, and exits 3 where nothing was', async () => {
    const { url, requests } = await node((request) =>
      request.path.endsWith('/gone')
        ? absentAnswer()
        : { status: 204, headers: { 'quorate-context': 'T3', 'quorate-siblings': '1' } },
    );
    const result = await runCommand(['delete', 'b', 'k', '--context', 'T', '--node', url]);
    expect(result).toMatchObject({ exitCode: 0, stdout: 'deleted\ncontext: T3\n' });
    expect(result.stderr).toContain('had not seen remain: 1');
    expect(requests[0]).toMatchObject({ method: 'DELETE', headers: { 'quorate-context': 'T' } });
    expect(await runCommand(['delete', 'b', 'gone', '--node', url])).toMatchObject({ exitCode: 3 });
  });
});
