/**
 * Proves that the simulator notices what it is there for: plants one bug at a time in a copy of the sources, and demands
 * that the named invariant fails within the mutant's budget of seeds. A mutant that nothing notices is a hole in the plans,
 * the faults or the checkers; one that needs more and more seeds is a simulator that has become weaker.
 *
 *   npm run sim:mutants -- [--jobs N] [--seed FIRST] [ID...]
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Mutant } from './mutant.ts';
import { MUTANTS } from './mutants.ts';
import { trial, type Verdict } from './trial.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    options: { jobs: { type: 'string', default: '2' }, seed: { type: 'string', default: '1' } },
    allowPositionals: true,
  });
  const wanted = chosen(positionals);
  const startMs = performance.now();
  const verdicts = await runAll(wanted, Number(values.jobs), Number(values.seed));
  const failed = verdicts.filter(({ passed }) => !passed).map(({ id }) => id);
  const seconds = Math.round((performance.now() - startMs) / 1_000);
  print(`${verdicts.length - failed.length} of ${verdicts.length} as they should be, in ${seconds} s`);
  if (failed.length > 0) print(`NOT as they should be: ${failed.join(', ')}`);
  return failed.length === 0;
}

function chosen(ids: readonly string[]): readonly Mutant[] {
  if (ids.length === 0) return MUTANTS;
  return ids.map((id) => {
    const mutant = MUTANTS.find((candidate) => candidate.id === id);
    if (mutant === undefined)
      throw new Error(`There is no mutant ${id}; there are ${MUTANTS.map((known) => known.id).join(', ')}`);
    return mutant;
  });
}

async function runAll(
  mutants: readonly Mutant[],
  jobs: number,
  firstSeed: number,
): Promise<readonly Verdict[]> {
  const waiting = [...mutants];
  const verdicts: Verdict[] = [];
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const verdict = await trial(ROOT, mutant, firstSeed);
      verdicts.push(verdict);
      report(mutant, verdict);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return verdicts;
}

function report({ id, bug, invariant }: Mutant, { passed, says, seeds, ms, others, detail }: Verdict): void {
  const expected = invariant ?? 'no invariant';
  const time = `${(ms / 1_000).toFixed(1)} s`;
  print(`${passed ? 'ok  ' : 'FAIL'} ${id}: ${says} (${expected}; ${seeds} seeds, ${time})`);
  print(`       ${bug}`);
  if (detail !== undefined) print(`       ${detail.slice(0, 300)}`);
  for (const [name, count] of others) print(`       warning: in ${count} of the seeds ${name} failed first`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

// An exit takes along what a trial has planted and started; the default action of a signal would not.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
process.exitCode = (await main()) ? 0 : 1;
