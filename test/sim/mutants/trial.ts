/** One mutant's trial: its tree is planted, seeds run in it in a process of their own, and the outcome is judged. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { HuntedSeed } from './hunt.ts';
import type { Mutant } from './mutant.ts';
import { plantTree } from './planted-tree.ts';

/** Wall-clock milliseconds for all seeds of one mutant: a planted bug may make a process hang. */
const MAX_TRIAL_MS = 600_000;

export interface Verdict {
  readonly id: string;
  readonly passed: boolean;
  readonly says: string;
  /** Seeds that were run: those to the detection, if it was caught. */
  readonly seeds: number;
  readonly ms: number;
  /** Other invariants that failed first in some seeds, with their number. */
  readonly others: ReadonlyMap<string, number>;
  /** The violation that decided. */
  readonly detail: string | undefined;
}

interface Hunt {
  readonly seeds: readonly HuntedSeed[];
  /** Undefined if it ended in time and by itself. */
  readonly trouble: string | undefined;
}

/** Never rejects for what the mutant does, only if it cannot be planted (see plantTree) or started. */
export async function trial(
  root: string,
  mutant: Mutant,
  firstSeed: number,
  parent?: string,
): Promise<Verdict> {
  const startMs = performance.now();
  const tree = await plantTree(root, mutant.edits, parent);
  try {
    const hunt = await runHunt(tree.directory, mutant, firstSeed);
    return { ...judge(mutant, hunt), ms: performance.now() - startMs };
  } finally {
    await tree.remove();
  }
}

/** What a hunt says about its mutant. */
export function judge(
  { id, invariant, maxSeeds }: Pick<Mutant, 'id' | 'invariant' | 'maxSeeds'>,
  { seeds, trouble }: Hunt,
): Omit<Verdict, 'ms'> {
  const violations = seeds.filter((seed) => seed.invariant !== undefined);
  const caught = violations.find((seed) => seed.invariant === invariant);
  const others = new Map<string, number>();
  for (const { invariant: name = '' } of violations.filter((seed) => seed !== caught)) {
    others.set(name, (others.get(name) ?? 0) + 1);
  }
  const verdict = { id, seeds: seeds.length, others, detail: caught?.detail };
  if (caught !== undefined) return { ...verdict, passed: true, says: `caught at seed ${caught.seed}` };
  if (trouble !== undefined) return { ...verdict, passed: false, says: trouble };
  const [first] = violations;
  if (first !== undefined && invariant === undefined)
    return { ...verdict, passed: false, says: `seed ${first.seed} is not green`, detail: first.detail };
  if (invariant === undefined) return { ...verdict, passed: seeds.length === maxSeeds, says: 'stayed green' };
  return { ...verdict, passed: false, says: 'was not caught' };
}

function runHunt(directory: string, mutant: Mutant, firstSeed: number): Promise<Hunt> {
  const { profile, operations, maxSeeds, invariant = '', only = '', scenario = '' } = mutant;
  const numbers = [`${firstSeed}`, `${maxSeeds}`, profile, `${operations}`];
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join('test', 'sim', 'mutants', 'hunt.ts'), ...numbers, invariant, only, scenario],
    { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const seeds: HuntedSeed[] = [];
  createInterface(child.stdout).on('line', (line) => seeds.push(JSON.parse(line) as HuntedSeed));
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const end = (): boolean => child.kill('SIGKILL');
  process.once('exit', end);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    end();
  }, MAX_TRIAL_MS);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      process.off('exit', end);
      const ended =
        code === 0 ? undefined : `its process ended with ${code ?? signal}: ${errors.slice(0, 1_000)}`;
      resolve({ seeds, trouble: isLate ? `took longer than ${MAX_TRIAL_MS} ms` : ended });
    });
  });
}
