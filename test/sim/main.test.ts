/** The command as people use it. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawPlan } from './plan/draw-plan.ts';
import { readPlan, writePlan } from './plan/plan-file.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quorate-sim-'));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function sim(...userArguments: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/sim/main.ts', ...userArguments], {
    cwd: ROOT,
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...output }));
  });
}

describe('npm run sim', () => {
  it('runs seeds, some of them twice, and says how much that was', async () => {
    const { code, stdout } = await sim('--seed', '1', '--seeds', '2', '--operations', '40', '--jobs', '2');
    expect(stdout).toMatch(
      /^seeds from 1, 2 seeds, 40 operations each\n2 runs, 0\.\d+ virtual hours, 80 operations, /,
    );
    expect(stdout).toMatch(/\nsometimes: .*write-ok [1-9]/);
    expect(stdout).toContain('\n0 of 2 runs failed');
    expect(code).toBe(0);
  });

  it('prints the base of seeds that were never run', async () => {
    const { code, stdout } = await sim('--seeds', '1', '--operations', '5', '--twice-every', '0');
    expect(stdout).toMatch(/^seeds from \d+, 1 seeds, 5 operations each\n/);
    expect(code).toBe(0);
  });

  it('runs a plan from a file', async () => {
    const file = join(directory, 'plan.json');
    await writePlan(file, {
      plan: drawPlan(4, { profile: 'mixed', operations: 30 }),
      invariant: 'convergence',
    });
    const { code, stdout } = await sim('--plan', file, '--jobs', '1');
    expect(stdout).toMatch(/^1 runs, .* 30 operations, /);
    expect(code).toBe(0);
  });

  it('describes a failing plan, makes it smaller, and leaves the smaller one to be run again', async () => {
    const file = join(directory, 'failing.json');
    const plan = drawPlan(4, { profile: 'quorum', operations: 30 });
    // Nothing can be written through a node that does not exist: whoever takes the request ends in an exception.
    const [first, ...others] = plan.operations;
    if (first === undefined) throw new Error('the plan holds no operation');
    const broken = { ...plan, operations: [{ ...first, nodes: [99] }, ...others] };
    await writePlan(file, { plan: broken, invariant: undefined });
    const { code, stdout } = await sim('--plan', file, '--jobs', '1', '--output', directory);
    const lines = stdout.split('\n');
    expect(lines.slice(1, 3)).toEqual([
      `npm run sim -- --plan ${file}`,
      expect.stringContaining(`${file}: no-exception, after `),
    ]);
    expect(stdout).toMatch(/1 operations and 0 faults are left after \d+ runs; none of them can be left out/);
    expect(code).toBe(2);
    expect(await readdir(directory)).toContain('failing-smaller.json');
    const smaller = await readPlan(join(directory, 'failing-smaller.json'));
    expect(smaller.invariant).toBe('no-exception');
    expect(smaller.plan.operations.map(({ id }) => id)).toEqual([first.id]);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ seed: 4 });
  });

  it('runs a scenario by its name, and lists the names when there is no such', async () => {
    const known = await sim('--scenario', 'rollback');
    expect(known.stdout).toMatch(/^ok +rollback: .*\n1 of 1 scenarios hold\n$/);
    expect(known.code).toBe(0);
    const unknown = await sim('--scenario', 'nothing');
    expect(unknown.stdout).toContain('There are: all, ');
    expect(unknown.code).toBe(64);
  });

  it.each([
    [['--seed', 'x'], "option '--seed <number>' argument 'x' is invalid"],
    [['--profile', 'none'], 'Allowed choices are quorum, mixed'],
    [['--plan', 'file', '--seeds', '3'], 'cannot be used with'],
  ])('takes %j for a mistake', async (userArguments, says) => {
    const { code, stderr } = await sim(...userArguments);
    expect(stderr).toContain(says);
    expect(code).toBe(64);
  });

  it('says what is wrong with a file that holds no plan', async () => {
    const file = join(directory, 'other.json');
    await writeFile(file, '{"format":"something"}');
    const { code, stderr } = await sim('--plan', file);
    expect(stderr).toContain('does not hold a "quorate simulation plan 1"');
    expect(code).toBe(64);
  });
});
