import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closedUrl, foundAnswer, startFakeNode, type FakeAnswer, type FakeNode } from './fake-node.ts';
import { runCommand } from './fake-terminal.ts';

const nodes: FakeNode[] = [];
let directory: string;

async function node(...handler: Parameters<typeof startFakeNode>): Promise<FakeNode> {
  const started = await startFakeNode(...handler);
  nodes.push(started);
  return started;
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quorate-cli-'));
});

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((started) => started.close()));
  await rm(directory, { recursive: true });
});

const written: FakeAnswer = { status: 204, headers: { 'quorate-context': 'T', 'quorate-siblings': '1' } };

describe('arguments', () => {
  it.each([
    ['b', ''],
    ['b', '..'],
    ['b', 'a/./b'],
    ['b', 'x'.repeat(1_025)],
    ['b', '\uD800'],
    ['a/b', 'k'],
    ['', 'k'],
  ])('bucket %j with key %j is refused before anything is sent', async (bucket, key) => {
    const { url, requests } = await node(() => foundAnswer('v'));
    for (const command of ['get', 'put', 'delete', 'inspect', 'ring']) {
      const value = command === 'put' ? ['v'] : [];
      const result = await runCommand([command, '--node', url, '--', bucket, key, ...value]);
      expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    }
    expect(requests).toHaveLength(0);
  });

  it.each([
    [['--context', 'two words'], '--context'],
    [['--context', ''], '--context'],
    [['--write-id', 'x'.repeat(65)], '--write-id'],
    [['--if-match', 'é'], '--if-match'],
    [['--content-type', 'text/plain\n'], '--content-type'],
    [['--consistency', 'quorum '], '--consistency'],
    [['--timeout', '0'], '--timeout'],
    [['--timeout', '600001'], '--timeout'],
    [['-w', '1.5'], '-w'],
    [['-w', '0x2'], '-w'],
    [['--node', 'ftp://x'], 'ftp://x'],
    [['--node', 'http://user:pass@x'], 'user:pass@x'],
    [['--no-such-option'], '--no-such-option'],
  ])('%j is a usage error, and nothing is sent', async (options, named) => {
    const { url, requests } = await node(() => written);
    const result = await runCommand(['put', 'b', 'k', 'v', '--node', url, ...options]);
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(result.stderr).toContain(named);
    expect(requests).toHaveLength(0);
  });

  it('a misspelled command is answered with the right one', async () => {
    const result = await runCommand(['gett', 'b', 'k']);
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(result.stderr).toContain('Did you mean get?');
  });

  it('without a command there is help, and with --help it is no failure', async () => {
    expect((await runCommand([])).exitCode).toBe(2);
    const help = await runCommand(['get', '--help']);
    expect(help.exitCode).toBe(0);
    expect(help.stdout).toContain('--consistency');
  });

  it('what follows -- is a value, whatever it looks like', async () => {
    const { url, requests } = await node(() => written);
    expect(await runCommand(['put', '--node', url, '--', 'b', 'k', '--json'])).toMatchObject({ exitCode: 0 });
    expect(requests[0]?.body.toString()).toBe('--json');
  });
});

describe('the token', () => {
  it('comes from the environment and goes with each request', async () => {
    const { url, requests } = await node(() => foundAnswer('v'));
    await runCommand(['get', 'b', 'k', '--node', url], { environment: { QUORATE_TOKEN: 's3cret' } });
    expect(requests[0]?.headers.authorization).toBe('Bearer s3cret');
  });

  it('that no header can carry is a usage error, and is not repeated', async () => {
    const environment = { QUORATE_TOKEN: 's3cret\n' };
    const result = await runCommand(['get', 'b', 'k', '--node', await closedUrl()], { environment });
    expect(result.exitCode).toBe(2);
    expect(result.stderr).not.toContain('s3cret');
  });
});

describe('the value of a put', () => {
  it.each([
    ['an empty argument', ['']],
    ['an empty stdin', []],
    ['a dash for an empty stdin', ['-']],
  ])('may be empty: %s', async (_name, value) => {
    const { url, requests } = await node(() => written);
    expect(await runCommand(['put', '--node', url, '--', 'b', 'k', ...value])).toMatchObject({ exitCode: 0 });
    expect(requests[0]?.body).toHaveLength(0);
  });

  it('may come from a file', async () => {
    const { url, requests } = await node(() => written);
    await writeFile(join(directory, 'value.bin'), Buffer.from([0, 255]));
    const words = ['put', 'b', 'k', '--file', 'value.bin', '--content-type', 'image/x', '--node', url];
    await runCommand(words, { workingDirectory: directory });
    expect(requests[0]?.body).toEqual(Buffer.from([0, 255]));
    expect(requests[0]?.headers['content-type']).toBe('image/x');
  });

  it.each(['missing.bin', '.', '/dev/zero'])(
    'of the file %s is refused before anything is sent',
    async (file) => {
      const { url, requests } = await node(() => written);
      const result = await runCommand(['put', 'b', 'k', '--file', file, '--node', url], {
        workingDirectory: directory,
      });
      expect(result).toMatchObject({ exitCode: 2, stdout: '' });
      expect(result.stderr).toContain(file);
      expect(requests).toHaveLength(0);
    },
  );

  it('is asked for where stdin is a terminal', async () => {
    const result = await runCommand(['put', 'b', 'k', '--node', await closedUrl()], { stdinIsTTY: true });
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain('there is no value');
  });

  it('cannot be given twice', async () => {
    const result = await runCommand(['put', 'b', 'k', 'v', '--file', 'f', '--node', await closedUrl()]);
    expect(result.exitCode).toBe(2);
  });
});
