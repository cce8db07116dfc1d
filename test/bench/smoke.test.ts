/**
 * The bench as its users start it, on a real cluster, for a few seconds. Nothing is said of times: that it runs, that its
 * figures are whole, and that what it leaves can be read again.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BenchDocument } from '../../bench/report/document.ts';
import { EXPERIMENTS } from '../../bench/experiments/index.ts';
import { ROOT } from '../house/project.ts';

const run = promisify(execFile);

/** Starts one of the bench's programs; rejects if its exit code is not 0. */
function bench(program: string, ...words: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return run(process.execPath, ['--import', 'tsx', join(ROOT, 'bench', program), ...words], {
    cwd: ROOT,
    maxBuffer: 16 * 1_048_576,
  });
}

describe('the bench', () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'quorate-bench-'));
  });

  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('names its sections and scenarios', async () => {
    const { stdout } = await bench('main.ts', '--list');
    const names = ['capacity', 'latency', 'ycsb', 'peer-etcd', 'put-w2', ...EXPERIMENTS.map(({ id }) => id)];
    for (const name of names) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
  });

  it('refuses what it does not know, and says where names are', async () => {
    await expect(bench('main.ts', '--only', 'put-w2,nothing')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is no nothing. See --list.'),
    });
  });

  it('measures, and leaves a document, its page and nothing else', async () => {
    const { stdout, stderr } = await bench(
      'main.ts',
      ...['--quick', '--only', 'put-w2,get-r2', '--output', directory],
    );
    expect(stderr).toContain('1/1      PUT W=2, one node');
    const left = await readdir(directory);
    expect(left.map((name) => name.replace(/^.*\./, '')).toSorted()).toEqual(['html', 'json']);
    const file = join(directory, left.find((name) => name.endsWith('.json')) ?? '');
    const document = JSON.parse(await readFile(file, 'utf8')) as BenchDocument;
    const [section] = document.sections;
    expect(section?.verdict).toMatchObject({ isSound: true });
    expect(section?.metrics.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['put-w2 rate', 'get-r2 share', 'put-w2 p99']),
    );
    for (const { samples } of section?.metrics ?? []) expect(samples.every((value) => value >= 0)).toBe(true);
    const counted = section?.tables.find(({ title }) => title.startsWith('Work of all nodes'));
    expect(counted?.head).toContain('messages between nodes');
    for (const { title } of section?.tables ?? []) expect(stdout).toContain(title);

    const compared = await bench('compare.ts', file, file);
    expect(compared.stdout).toContain('put-w2 rate');
    await expect(bench('compare.ts', file, join(directory, 'nothing.json'))).rejects.toMatchObject({
      code: 1,
    });
  });
});
