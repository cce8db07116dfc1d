/**
 * Runs the random model by the million, one process for each job:
 *
 *   npm run model:paxos -- --histories N --seed FIRST --jobs J [--show SEED]
 *   npm run model:paxos -- --exhaustive DEPTH
 *
 * `--exhaustive` goes through every order of so many deliveries instead (exhaustive.ts). Ends with 1 if a history was not linearizable, and with 2 if one did not end; names its seed. `--show` prints one history.
 */
import { fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import { EXHAUSTIVE_PLANS, explore } from './exhaustive.ts';
import { PRODUCTION_RULES } from './model-rules.ts';
import { runHistory } from './random-history.ts';

const SEEDS_SHOWN = 10;

interface Tally {
  readonly broken: readonly number[];
  readonly stuck: readonly number[];
  readonly cpuMs: number;
}

function run(first: number, histories: number): Tally {
  const broken: number[] = [];
  const stuck: number[] = [];
  for (let seed = first; seed < first + histories; seed += 1) {
    const result = runHistory({ seed, rules: PRODUCTION_RULES });
    if (!result.isLinearizable) broken.push(seed);
    else if (result.stuck) stuck.push(seed);
  }
  const { user, system } = process.cpuUsage();
  return { broken, stuck, cpuMs: (user + system) / 1_000 };
}

function runInProcess(first: number, histories: number): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const child = fork(import.meta.filename, [
      '--part',
      '--seed',
      String(first),
      '--histories',
      String(histories),
    ]);
    child.once('message', (tally) => resolve(tally as Tally));
    child.once('exit', (code) => reject(new Error(`a process of the model ended with ${code}`)));
  });
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      histories: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      jobs: { type: 'string', default: '1' },
      show: { type: 'string' },
      exhaustive: { type: 'string' },
      part: { type: 'boolean', default: false },
    },
  });
  const [histories, first, jobs] = [Number(values.histories), Number(values.seed), Number(values.jobs)];
  if (values.show !== undefined) {
    const result = runHistory({ seed: Number(values.show), rules: PRODUCTION_RULES, onEvent: print });
    print(result.isLinearizable ? 'linearizable' : 'NOT linearizable');
    return result.isLinearizable ? 0 : 1;
  }
  if (values.exhaustive !== undefined) return exploreAll(Number(values.exhaustive));
  if (values.part) {
    process.send?.(run(first, histories));
    return 0;
  }
  const startMs = performance.now();
  const share = Math.ceil(histories / jobs);
  const tallies = await Promise.all(
    Array.from({ length: jobs }, (_, job) => runInProcess(first + job * share, share)),
  );
  return report(tallies, share * jobs, performance.now() - startMs);
}

function exploreAll(depth: number): number {
  let status = 0;
  for (const [name, plan] of Object.entries(EXHAUSTIVE_PLANS)) {
    const { states, violation } = explore(PRODUCTION_RULES, { ...plan, depth });
    print(`${name}, ${depth} deliveries: ${states} states, ${violation ?? 'none of them wrong'}`);
    if (violation !== undefined) status = 1;
  }
  return status;
}

function report(tallies: readonly Tally[], histories: number, ms: number): number {
  const broken = tallies.flatMap((tally) => tally.broken);
  const stuck = tallies.flatMap((tally) => tally.stuck);
  const cpuMs = tallies.reduce((sum, tally) => sum + tally.cpuMs, 0);
  const perSecond = Math.round((histories / ms) * 1_000);
  const perCpuSecond = Math.round((histories / cpuMs) * 1_000);
  print(`${histories} histories, ${broken.length} not linearizable, ${stuck.length} without an end`);
  print(`${perSecond} a second, ${perCpuSecond} for each second of processor time`);
  for (const seed of [...broken, ...stuck].slice(0, SEEDS_SHOWN))
    print(`npm run model:paxos -- --show ${seed}`);
  if (broken.length > 0) return 1;
  return stuck.length > 0 ? 2 : 0;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = await main();
