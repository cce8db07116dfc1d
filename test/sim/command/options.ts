/** The options of `npm run sim`. */
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { positiveInteger } from '../../../src/cli/option-values.ts';
import { type Profile, PROFILES } from '../plan/draw-plan.ts';
import { EXIT_CODES } from './failure-kind.ts';

/** Seeds are drawn from the lower half of 32 bits, so that a base and what follows it stay whole numbers of 32 bits. */
const MAX_SEED = 2 ** 31 - 1;
const DEFAULT_SEEDS = 200;

export interface SimOptions {
  readonly firstSeed: number;
  /** Undefined: until the time is over. */
  readonly seeds: number | undefined;
  /** Undefined: by turns. */
  readonly profile: Profile | undefined;
  readonly operations: number;
  readonly minutes: number | undefined;
  readonly jobs: number;
  /** Wall-clock milliseconds that one run may take. */
  readonly limitMs: number;
  /** One in so many runs is made twice; 0: none. */
  readonly twiceEvery: number;
  /** 0: a failing run is not made smaller. */
  readonly shrinkRuns: number;
  readonly shrinkMs: number;
  /** Rows of the table of a failing run. */
  readonly rows: number;
  /** Where shrunk plans go. */
  readonly outputDirectory: string;
  /** Name of a regression scenario, or `all`; no seeds are run then. */
  readonly scenario: string | undefined;
  /** A plan to run instead of seeds. */
  readonly planFile: string | undefined;
}

interface ParsedOptions {
  readonly seed?: number;
  readonly seeds?: number;
  readonly profile?: Profile;
  readonly operations: number;
  readonly minutes?: number;
  readonly jobs: number;
  readonly limit: number;
  readonly twiceEvery: number;
  readonly shrinkRuns: number;
  readonly shrinkMinutes: number;
  readonly rows: number;
  readonly output: string;
  readonly scenario?: string;
  readonly plan?: string;
}

const EXAMPLES = `
Examples:
  npm run sim                                       200 seeds that were never run before
  npm run sim -- --seed 1234                        one seed again
  npm run sim -- --seed 1 --seeds 2000 --jobs 4     seeds 1 to 2000 in four processes
  npm run sim -- --minutes 60                       as many seeds as an hour allows
  npm run sim -- --scenario all                     the regression scenarios
  npm run sim -- --plan .sim/seed-1234-mixed.json   a run that was made smaller

Exit codes: 0 nothing was violated, 1 a wrong result, 2 a crash, 3 no progress, 64 usage, 130 interrupted.`;

/** Reads the arguments after the program's name. Prints help, or a usage error, and exits if there is no run to make. */
export function readOptions(userArguments: readonly string[]): SimOptions {
  const parsed = createCommand()
    .parse([...userArguments], { from: 'user' })
    .opts<ParsedOptions>();
  const isOneSeed = parsed.seed !== undefined && parsed.minutes === undefined;
  return {
    firstSeed: parsed.seed ?? randomInt(MAX_SEED),
    seeds: parsed.seeds ?? (isOneSeed ? 1 : parsed.minutes === undefined ? DEFAULT_SEEDS : undefined),
    profile: parsed.profile,
    operations: parsed.operations,
    minutes: parsed.minutes,
    jobs: parsed.jobs,
    limitMs: parsed.limit * 1_000,
    twiceEvery: parsed.twiceEvery,
    shrinkRuns: parsed.shrinkRuns,
    shrinkMs: parsed.shrinkMinutes * 60_000,
    rows: parsed.rows,
    outputDirectory: resolve(parsed.output),
    scenario: parsed.scenario,
    planFile: parsed.plan,
  };
}

function createCommand(): Command {
  return new Command('npm run sim --')
    .description(
      'Runs whole clusters in simulated time, each a function of its seed, while networks, disks, clocks and processes fail.',
    )
    .option('--seed <number>', 'the first seed (default: one that was never run)', seedNumber)
    .option('--seeds <count>', `how many (default: ${DEFAULT_SEEDS}; with --seed: 1)`, positiveInteger)
    .addOption(
      new Option(
        '--profile <name>',
        'R = W = 2 of N = 3, all three mixed, or conditional writes (default: by turns)',
      ).choices([...PROFILES]),
    )
    .option('--operations <count>', 'client operations of a run', positiveInteger, 1_500)
    .option('--minutes <count>', 'begin no more runs after that', minutes)
    .option('--jobs <count>', 'processes side by side', positiveInteger, availableParallelism())
    .option(
      '--limit <seconds>',
      'wall clock for one run; one that takes longer has failed',
      positiveInteger,
      60,
    )
    .option('--twice-every <count>', 'make one in so many runs twice; 0: none', wholeNumber, 20)
    .option('--shrink-runs <count>', 'runs to make a failing one smaller; 0: none', wholeNumber, 500)
    .option('--shrink-minutes <count>', 'and at most so much time', minutes, 5)
    .option('--rows <count>', 'rows of the table of a failing run', positiveInteger, 60)
    .option('--output <directory>', 'for plans that were made smaller', '.sim')
    .addOption(
      new Option('--scenario <name>', 'a regression scenario, or all').conflicts(['seed', 'seeds', 'plan']),
    )
    .addOption(new Option('--plan <file>', 'run this plan').conflicts(['seed', 'seeds']))
    .addHelpText('after', EXAMPLES)
    .exitOverride((error) => {
      process.exit(error.exitCode === 0 ? 0 : EXIT_CODES.usage);
    });
}

function seedNumber(text: string): number {
  return inRange(text, MAX_SEED);
}

function wholeNumber(text: string): number {
  return inRange(text, Number.MAX_SAFE_INTEGER);
}

function inRange(text: string, highest: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= highest) return value;
  throw new InvalidArgumentError(`It must be a whole number from 0 to ${highest}.`);
}

function minutes(text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}
