/** `quorate config check`, and how other commands tell what is wrong with the configuration. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../src/cli/configuration.ts';
import { fakeTerminal, runCommand } from './fake-terminal.ts';

const VALID = {
  cluster: 'shop',
  partitions: 16,
  nodes: [
    { id: 'n1', host: 'db-1', httpPort: 7001, peerPort: 7101, zone: 'a' },
    { id: 'n2', host: '::1', bind: '::', httpPort: 7002, peerPort: 7102, zone: 'b' },
  ],
  buckets: { accounts: { mode: 'cas', n: 1 } },
  auth: {
    tokens: [
      { token: 'secret-one', access: 'write' },
      { token: 'secret-two', access: 'read' },
    ],
  },
  peerSecret: 'secret-three',
};

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quorate-config-'));
  file = join(directory, 'cluster.config.json');
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

function write(content: object | string): Promise<void> {
  return writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
}

async function check(words: readonly string[] = [], environment: Readonly<Record<string, string>> = {}) {
  return runCommand(['config', 'check', ...words], { workingDirectory: directory, environment });
}

describe('config check', () => {
  it('shows what the file of the working directory means', async () => {
    await write(VALID);
    const { exitCode, stdout, stderr } = await check([], { QUORATE_STORAGE_FSYNC: 'false' });
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`${file} is valid.`);
    expect(stdout).toMatch(/^Cluster shop: 2 nodes, 16 partitions, epoch [0-9a-f]{16}\.$/m);
    expect(stdout).toMatch(
      new RegExp(`^n1 +a +http://db-1:7001 +db-1:7101 +db-1 +${directory}/data/n1$`, 'm'),
    );
    expect(stdout).toMatch(/^n2 +b +http:\/\/\[::1\]:7002 +\[::1\]:7102 +:: +/m);
    expect(stdout).toMatch(/^\(any other\) +2 +2 +2 +mixed$/m);
    expect(stdout).toMatch(/^accounts +1 +1 +1 +cas$/m);
    expect(stdout).toMatch(/^storage\.fsync +false$/m);
    expect(stdout).toMatch(/^auth\.tokens +1 to read and write, 1 to read$/m);
    expect(stdout).toMatch(/^peerSecret +set$/m);
    expect(stdout).toMatch(/^storage\.fsync +QUORATE_STORAGE_FSYNC$/m);
    expect(stdout).not.toContain('secret-');
  });

  it('shows it as JSON, without secrets', async () => {
    await write(VALID);
    const { exitCode, stdout } = await check(['--json', '--data', 'elsewhere'], { QUORATE_DEFAULTS_N: '1' });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      file,
      cluster: 'shop',
      dataDir: join(directory, 'elsewhere'),
      defaults: { n: 1, r: 1, w: 1 },
      buckets: { accounts: { n: 1, r: 1, w: 1, mode: 'cas' } },
      auth: { tokens: [{ access: 'write' }, { access: 'read' }] },
      peerSecret: 'set',
      variables: { 'defaults.n': 'QUORATE_DEFAULTS_N' },
    });
    expect(stdout).not.toContain('secret-');
  });

  it('takes another file', async () => {
    await write('broken');
    await writeFile(join(directory, 'other.json'), JSON.stringify(VALID));
    expect((await check(['--config', 'other.json'])).exitCode).toBe(0);
  });

  it('takes the file of the project', async () => {
    const project = fileURLToPath(new URL('../../cluster.config.json', import.meta.url));
    const { exitCode, stdout } = await check(['--config', project]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Cluster local: 5 nodes, 256 partitions');
  });

  it('shows every mistake at once and exits 78', async () => {
    await write({ ...VALID, partitions: 3, colour: 'red' });
    const { exitCode, stdout, stderr } = await check([], { QUORATE_LOG_LEVEL: 'loud' });
    expect([exitCode, stdout]).toEqual([78, '']);
    expect(stderr.split('\n')).toEqual([
      `quorate: the configuration ${file} has 3 mistakes.`,
      '  partitions: It must be a power of two from 8 to 65536, not 3.',
      expect.stringMatching(
        /^ {2}QUORATE_LOG_LEVEL \(log\.level\): It must be one of "fatal", .*, not "loud"\./,
      ),
      expect.stringMatching(/^ {2}colour: There is no such setting\./),
      expect.stringContaining('`quorate config check` looks at it again'),
      '',
    ]);
  });

  it('shows them as JSON', async () => {
    await write({ ...VALID, partitions: 3 });
    const { exitCode, stderr } = await check(['--json']);
    expect(exitCode).toBe(78);
    expect(JSON.parse(stderr)).toMatchObject({
      error: {
        code: 'invalid-configuration',
        exitCode: 78,
        file,
        problems: [{ path: 'partitions', message: expect.stringContaining('power of two') as string }],
      },
    });
  });

  it('says where the file is no JSON', async () => {
    await write('{ "cluster": "a",\n  "nodes": [,] }');
    const { exitCode, stderr } = await check();
    expect(exitCode).toBe(78);
    expect(stderr).toContain('This is not JSON. Line 2, column 13: a value should stand here, not ",".');
  });

  it('says that there is no file, and what the smallest one holds', async () => {
    const { exitCode, stderr } = await check();
    expect(exitCode).toBe(78);
    expect(stderr).toContain(`there is no configuration file ${file}.`);
    const example = stderr.trimEnd().split('\n').at(-1) ?? '';
    await write(example);
    expect((await check()).exitCode).toBe(0);
  });

  it('does not let the file act on the terminal', async () => {
    await write('{ "cluster": "\\u001b[2J\\u009b", "nodes": [], "\\u009b2J": 1 }');
    const { stderr } = await check();
    expect(stderr).not.toMatch(/[\u001b\u009b]/);
  });

  it('is a usage error without its second word', async () => {
    expect((await runCommand(['config'])).exitCode).toBe(2);
    expect((await runCommand(['config', 'chek'])).exitCode).toBe(2);
  });
});

describe('loadConfiguration', () => {
  it('gives commands the nodes, and paths that are absolute', async () => {
    await write(VALID);
    const { terminal } = fakeTerminal({ workingDirectory: directory });
    expect(await loadConfiguration(terminal, { data: 'd' })).toEqual({
      file,
      dataDirectory: join(directory, 'd'),
      nodes: [
        { id: 'n1', url: 'http://db-1:7001', bind: 'db-1', httpPort: 7001, peerPort: 7101 },
        { id: 'n2', url: 'http://[::1]:7002', bind: '::', httpPort: 7002, peerPort: 7102 },
      ],
    });
  });
});

describe('other commands', () => {
  it.each([['cluster'], ['serve', '--node', 'n1'], ['get', 'b', 'k']])(
    '%s exits 78 over a configuration with mistakes',
    async (...words) => {
      await write({ ...VALID, cluster: '' });
      const { exitCode, stderr } = await runCommand(words, { workingDirectory: directory });
      expect(exitCode).toBe(78);
      expect(stderr).toContain('cluster: It must be 1 to 64 characters');
    },
  );

  it('serve needs the id of a node', async () => {
    const { exitCode, stderr } = await runCommand(['serve'], { workingDirectory: directory });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--node');
  });
});
