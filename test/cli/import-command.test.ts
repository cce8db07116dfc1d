import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ImportSummary } from '../../src/cli/import/import-tally.ts';
import {
  closedUrl,
  problemAnswer,
  startFakeNode,
  type FakeAnswer,
  type FakeNode,
  type ReceivedRequest,
} from './fake-node.ts';
import { runCommand, type FakeTerminalOptions } from './fake-terminal.ts';

const nodes: FakeNode[] = [];
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quorate-import-'));
});

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((started) => started.close()));
  await rm(directory, { recursive: true });
});

const written: FakeAnswer = { status: 201, headers: { 'quorate-context': 'T', 'quorate-siblings': '1' } };

/** A node that has no ring, and answers writes as told. */
async function node(
  answer: (request: ReceivedRequest) => FakeAnswer | undefined | Promise<FakeAnswer | undefined> = () =>
    written,
): Promise<FakeNode> {
  const started = await startFakeNode((request) =>
    request.path === '/v1/ring' ? problemAnswer(501, { code: 'not-implemented' }) : answer(request),
  );
  nodes.push(started);
  return started;
}

const puts = (...of: readonly FakeNode[]) =>
  of.flatMap(({ requests }) => requests.filter(({ method }) => method === 'PUT'));

async function importFile(
  content: string | Buffer,
  urls: readonly string[],
  words: readonly string[] = [],
  options: FakeTerminalOptions = {},
) {
  await writeFile(join(directory, 'data.ndjson'), content);
  const named = urls.flatMap((url) => ['--node', url]);
  return runCommand(['import', 'cities', 'data.ndjson', '--key', 'name', ...named, ...words], {
    workingDirectory: directory,
    ...options,
  });
}

const lineOf = (index: number): string => `{"name":"city ${index}","n":${index}}`;
const linesUpTo = (count: number): string =>
  Array.from({ length: count }, (_, index) => `${lineOf(index)}\n`).join('');
const summaryOf = (stdout: string) => JSON.parse(stdout) as ImportSummary;

describe('import', () => {
  it('writes each line as it stands under its key, through all nodes named', async () => {
    const [one, two] = [await node(), await node()];
    const content = `\uFEFF${lineOf(0)}\r\n\r\n ${lineOf(1)} \n${lineOf(2)}`;
    const result = await importFile(
      content,
      [one.url, two.url],
      ['-w', '3', '--consistency', 'all', '--json'],
    );
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    const sent = puts(one, two);
    expect(new Map(sent.map(({ path, body }) => [path, body.toString()]))).toEqual(
      new Map([
        ['/v1/kv/cities/city%200', lineOf(0)],
        ['/v1/kv/cities/city%201', ` ${lineOf(1)} `],
        ['/v1/kv/cities/city%202', lineOf(2)],
      ]),
    );
    expect(sent).toHaveLength(3);
    for (const { headers } of sent) {
      expect(headers).toMatchObject({
        'content-type': 'application/json',
        'quorate-w': '3',
        'quorate-consistency': 'all',
        'quorate-write-id': expect.stringMatching(/^import-[0-9a-f]{40}$/) as string,
      });
      // The id may have been sent by an earlier run.
      expect(headers).not.toHaveProperty('quorate-attempt');
      expect(headers).not.toHaveProperty('quorate-context');
    }
    expect(one.requests.length > 0 && two.requests.length > 0).toBe(true);
    expect(summaryOf(result.stdout)).toMatchObject({
      records: 3,
      written: 3,
      failed: 0,
      malformed: 0,
      bytes: lineOf(0).length * 3 + 2,
    });
  });

  it('run again is the same writes, also of a file that grew', async () => {
    const { url, requests } = await node();
    await importFile(linesUpTo(5), [url]);
    const ids = () =>
      requests.filter(({ method }) => method === 'PUT').map((put) => put.headers['quorate-write-id']);
    const first = new Set(ids());
    await importFile(`${lineOf(99)}\n${linesUpTo(5)}`, [url]);
    expect(first.size).toBe(5);
    expect(new Set(ids()).size).toBe(6);
    expect(ids()).toHaveLength(11);
  });

  it('goes on through the others when a node dies, and sends what was lost under the same id', async () => {
    let count = 0;
    const dying = await node(() => {
      count += 1;
      return count > 20 ? undefined : written;
    });
    const healthy = await node();
    const result = await importFile(linesUpTo(200), [dying.url, healthy.url], ['--json']);
    expect(result.exitCode).toBe(0);
    expect(summaryOf(result.stdout)).toMatchObject({ written: 200, failed: 0, unknown: 0 });
    const idOf = new Map<string, Set<unknown>>();
    for (const { path, headers } of puts(dying, healthy)) {
      idOf.set(path, (idOf.get(path) ?? new Set()).add(headers['quorate-write-id']));
    }
    expect(idOf.size).toBe(200);
    expect([...idOf.values()].every((ids) => ids.size === 1)).toBe(true);
  });

  it('reads stdin', async () => {
    const { url, requests } = await node();
    const result = await runCommand(['import', 'cities', '-', '--key', 'n', '--node', url], {
      stdin: linesUpTo(3),
    });
    expect(result.exitCode).toBe(0);
    expect(
      requests
        .filter(({ method }) => method === 'PUT')
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual(['/v1/kv/cities/0', '/v1/kv/cities/1', '/v1/kv/cities/2']);
  });

  it('of an empty file is done at once', async () => {
    const { url, requests } = await node();
    const result = await importFile('', [url], ['--json']);
    expect(result.exitCode).toBe(0);
    expect(summaryOf(result.stdout)).toMatchObject({
      records: 0,
      recordsPerSecond: 0,
      latencyMs: { p99: 0 },
    });
    expect(puts({ requests } as FakeNode)).toHaveLength(0);
  });

  it('tells which lines failed and why, and how to go on', async () => {
    const { url } = await node(({ path }) =>
      path.endsWith('1') ? problemAnswer(413, { code: 'too-large', detail: 'at most 1 MiB' }) : written,
    );
    const content = `${linesUpTo(2)}rubbish\n{"name":"a/../b"}\n`;
    const result = await importFile(content, [url]);
    expect(result.exitCode).toBe(1);
    expect(result.stdout).toMatch(/^written +1$/m);
    expect(result.stdout).toMatch(/^malformed lines +1$/m);
    expect(result.stderr).toMatch(/^line 2 \(key city 1\): too-large: .*at most 1 MiB/m);
    expect(result.stderr).toMatch(/^line 3: malformed: not JSON/m);
    expect(result.stderr).toMatch(/^line 4 \(key a\/\.\.\/b\): invalid-key: /m);
    expect(result.stderr).toContain('Run the same command again');
  });

  it('says when keys hold several values now', async () => {
    const { url } = await node(() => ({
      status: 204,
      headers: { 'quorate-context': 'T', 'quorate-siblings': '2' },
    }));
    const result = await importFile('{"name":"a","n":1}\n{"name":"a","n":2}\n', [url]);
    expect(result.exitCode).toBe(0);
    expect(result.stdout).toMatch(/^keys with several values now +2$/m);
    expect(result.stderr).toContain('several lines have');
  });

  it('exits 7 if a write may have happened, and 6 if no node is there', async () => {
    const { url } = await node(() => problemAnswer(504, { code: 'quorum-timeout', outcome: 'unknown' }));
    const words = ['--timeout', '40', '--json'];
    const unknown = await importFile(linesUpTo(2), [url], words);
    expect(unknown.exitCode).toBe(7);
    expect(summaryOf(unknown.stdout)).toMatchObject({ unknown: 2, failed: 0 });
    const absent = await importFile(linesUpTo(2), [await closedUrl()], words);
    expect(absent.exitCode).toBe(6);
    expect(summaryOf(absent.stdout)).toMatchObject({ unknown: 0, failed: 2 });
  });

  it.each([
    ['a missing file', ['import', 'b', 'missing.ndjson', '--key', 'k'], 'missing.ndjson'],
    ['a directory', ['import', 'b', '.', '--key', 'k'], 'directory'],
    ['no key field', ['import', 'b', 'data.ndjson'], '--key'],
    ['a bad bucket', ['import', 'a/b', 'data.ndjson', '--key', 'k'], 'a/b'],
    ['no concurrency', ['import', 'b', 'data.ndjson', '--key', 'k', '--concurrency', '0'], '--concurrency'],
    ['too much concurrency', ['import', 'b', 'data.ndjson', '--key', 'k', '--concurrency', '9999'], '1024'],
    ['an unknown preset', ['import', 'b', 'data.ndjson', '--key', 'k', '--consistency', 'quorm'], 'quorm'],
    ['one JSON array', ['import', 'b', 'array.json', '--key', 'k'], "jq -c '.[]'"],
  ])('refuses %s', async (_name, words, named) => {
    const { url, requests } = await node();
    await appendFile(join(directory, 'data.ndjson'), '{"k":"a"}\n');
    await appendFile(join(directory, 'array.json'), '[{"k":"a"}]');
    const result = await runCommand([...words, '--node', url], { workingDirectory: directory });
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(result.stderr).toContain(named);
    expect(requests).toHaveLength(0);
  });
});

describe('an interrupt', () => {
  it('ends a wait for more lines, finishes what was begun, and says how far it came', async () => {
    const stdin = new PassThrough();
    stdin.write(linesUpTo(3));
    let interrupt: ((signal: string) => void) | undefined;
    let answered = 0;
    const { url } = await node(async () => {
      // The last of three answers comes after the interrupt.
      if (answered === 2) {
        interrupt?.('SIGINT');
        await new Promise((resolve) => setImmediate(resolve));
      }
      answered += 1;
      return written;
    });
    const words = ['import', 'cities', '-', '--key', 'name', '--concurrency', '1', '--json', '--node', url];
    const result = await runCommand(words, {
      stdinStream: stdin,
      onStopSignal: (send) => {
        interrupt = send;
      },
    });
    expect(result.exitCode).toBe(130);
    expect(summaryOf(result.stdout)).toMatchObject({ written: 3, stopped: 'interrupted before line 4' });
    expect(stdin.destroyed).toBe(true);
  });
});

describe('progress', () => {
  it('is a bar on a terminal, and ends complete', async () => {
    const { url } = await node();
    const result = await importFile(linesUpTo(10), [url], [], { isTTY: true });
    expect(result.exitCode).toBe(0);
    expect(result.stderr).toContain('100%');
    expect(result.stderr).toContain('10 written');
    expect(result.stdout).not.toContain('100%');
  });

  it('leaves no trace elsewhere', async () => {
    const { url } = await node();
    expect((await importFile(linesUpTo(10), [url])).stderr).toBe('');
  });
});
