import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HuntedSeed } from './hunt.ts';
import type { Mutant } from './mutant.ts';
import { MUTANTS } from './mutants.ts';
import { planted, plantTree } from './planted-tree.ts';
import { judge, trial } from './trial.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

function mutantOf(id: string, changes: Partial<Mutant> = {}): Mutant {
  const mutant = MUTANTS.find((candidate) => candidate.id === id);
  if (mutant === undefined) throw new Error(`There is no mutant ${id}`);
  return { ...mutant, ...changes };
}

let parent: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'quorate-planted-'));
});

afterEach(async () => {
  await rm(parent, { recursive: true });
});

describe.each(MUTANTS)('the mutant $id', ({ id, edits }) => {
  it('has a name of its own, and fits into the sources', async () => {
    expect(MUTANTS.filter((other) => other.id === id)).toHaveLength(1);
    const texts = new Map<string, string>();
    for (const { file, ...change } of edits) {
      const text = texts.get(file) ?? (await readFile(join(ROOT, file), 'utf8'));
      texts.set(file, planted(file, text, change));
    }
    for (const [fileName, text] of texts) {
      expect(text).not.toBe(await readFile(join(ROOT, fileName), 'utf8'));
      const { diagnostics } = ts.transpileModule(text, { fileName, reportDiagnostics: true });
      expect(diagnostics).toEqual([]);
    }
  });
});

describe('an edit', () => {
  it('replaces the one place that it names', () => {
    expect(planted('file', 'a b c', { find: 'b', replace: '$&' })).toBe('a $& c');
  });

  it.each([
    ['is not there', 'a c'],
    ['is there twice', 'b b'],
  ])('is refused if that %s', (_, text) => {
    expect(() => planted('file', text, { find: 'b', replace: 'x' })).toThrow('file holds');
  });

  it('that does not fit leaves no tree behind', async () => {
    const edits = [{ file: 'package.json', find: 'not in there', replace: '' }];
    await expect(plantTree(ROOT, edits, parent)).rejects.toThrow('package.json holds 0 times');
    expect(await readdir(parent)).toEqual([]);
  });
});

describe('the verdict', () => {
  const mutant = { id: 'mutant', invariant: 'lost', maxSeeds: 3 };
  const harmless = { id: 'harmless', invariant: undefined, maxSeeds: 3 };
  const green = (seed: number): HuntedSeed => ({ seed, events: 1 });
  const red = (seed: number, invariant: string): HuntedSeed => ({
    seed,
    events: 1,
    invariant,
    detail: 'detail',
  });
  const judged = (which: typeof mutant | typeof harmless, ...seeds: readonly HuntedSeed[]): unknown =>
    judge(which, { seeds, trouble: undefined });

  it('is good if the named invariant failed; others are told', () => {
    const verdict = judged(mutant, red(1, 'leak'), green(2), red(3, 'lost'));
    expect(verdict).toMatchObject({ passed: true, seeds: 3, says: 'caught at seed 3', detail: 'detail' });
    expect(verdict).toHaveProperty('others', new Map([['leak', 1]]));
  });

  it.each([
    ['nothing failed', [green(1), green(2), green(3)]],
    ['only others failed', [red(1, 'leak'), red(2, 'leak'), green(3)]],
  ])('is bad if %s', (_, seeds) => {
    expect(judged(mutant, ...seeds)).toMatchObject({ passed: false, says: 'was not caught' });
  });

  it('of a harmless change is good if all its seeds were green', () => {
    expect(judged(harmless, green(1), green(2), green(3))).toMatchObject({
      passed: true,
      says: 'stayed green',
    });
    expect(judged(harmless, green(1))).toMatchObject({ passed: false });
    expect(judged(harmless, green(1), red(2, 'leak'), green(3))).toMatchObject({
      passed: false,
      says: 'seed 2 is not green',
    });
  });

  it('is bad if the process ended otherwise, unless the bug had been caught by then', () => {
    const trouble = 'its process ended with 1';
    expect(judge(mutant, { seeds: [green(1)], trouble })).toMatchObject({ passed: false, says: trouble });
    expect(judge(mutant, { seeds: [red(1, 'lost')], trouble })).toMatchObject({ passed: true });
  });
});

describe('a trial', () => {
  it('catches the canary, and leaves nothing behind', async () => {
    expect(await trial(ROOT, mutantOf('canary'), 1, parent)).toMatchObject({ passed: true, seeds: 1 });
    expect(await readdir(parent)).toEqual([]);
  });

  it('lets a change that changes nothing through', async () => {
    const mutant = mutantOf('no-op', { operations: 50, maxSeeds: 2 });
    expect(await trial(ROOT, mutant, 1, parent)).toMatchObject({
      passed: true,
      seeds: 2,
      says: 'stayed green',
    });
  });

  it('notices that the planted tree does not run', async () => {
    const edits = [
      { file: 'test/sim/mutants/hunt.ts', find: 'await hunt();', replace: "throw new Error('broken');" },
    ];
    const verdict = await trial(ROOT, mutantOf('no-op', { edits }), 1, parent);
    expect(verdict).toMatchObject({ passed: false, seeds: 0, says: expect.stringContaining('broken') });
  });
});
