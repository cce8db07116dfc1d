/** `npm run nemesis`: real nodes while everything breaks around them, as long and as often as one likes. */
import { randomInt } from 'node:crypto';
import { Command } from 'commander';
import { positiveInteger } from '../../../src/cli/option-values.ts';
import { type NemesisRunOptions, reportOf, runNemesis } from './nemesis-run.ts';

const MAX_SEED = 2 ** 31;
/** As a shell has it for Ctrl-C. */
const INTERRUPTED = 130;

interface Options {
  readonly seconds: number;
  readonly times: number;
  readonly seed?: number;
}

/** Gives the exit code. */
async function main(): Promise<number> {
  const { seconds, times, seed: first = randomInt(MAX_SEED) } = readOptions();
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => interruption.abort(new Error(`ended by ${signal}`)));
  let failed = 0;
  for (let time = 0; time < times; time += 1) {
    const seed = (first + time) % MAX_SEED;
    if (!(await isGood({ seed, seconds, signal: interruption.signal }))) failed += 1;
    if (interruption.signal.aborted) return INTERRUPTED;
  }
  process.stdout.write(`${times - failed} of ${times} runs were good\n`);
  return failed === 0 ? 0 : 1;
}

async function isGood(options: NemesisRunOptions): Promise<boolean> {
  const { seed, seconds } = options;
  try {
    const report = await runNemesis(options);
    process.stdout.write(`${reportOf(report)}\n`);
    return report.violations.length === 0;
  } catch (error) {
    process.stdout.write(`nemesis of ${seconds} s, seed ${seed}: failed\n`);
    console.error(error);
    return false;
  }
}

function readOptions(): Options {
  return new Command('npm run nemesis --')
    .description(
      'Runs five real nodes while processes, links and disks fail, and judges what their clients were told.',
    )
    .option('--seconds <count>', 'how long things break in each run', positiveInteger, 120)
    .option('--times <count>', 'runs, one after the other', positiveInteger, 1)
    .option(
      '--seed <number>',
      'of the first run; the next one has the next (default: a random one)',
      positiveInteger,
    )
    .parse()
    .opts<Options>();
}

// Not left to Node.js: after so many connections that were reset, its own tidying up at the end may never come to one.
process.exit(await main());
