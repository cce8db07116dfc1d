/** The options of `npm run bench`. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { positiveInteger } from '../src/cli/option-values.ts';
import { SCENARIOS } from './capacity/scenarios.ts';

/** The checkout that this file lies in. */
export const PROJECT_DIRECTORY = fileURLToPath(new URL('..', import.meta.url));

/** What to measure and how. */
export interface BenchOptions {
  readonly repeats: number;
  /** Each scenario runs once for so long before the first repeat, unmeasured: a node that has just started runs slow code. */
  readonly firstWarmUpMs: number;
  /** Before each measurement, under its own load. */
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly connections: number;
  /** Keys that are loaded first, for the reads. */
  readonly storedKeys: number;
  readonly fsync: boolean;
  readonly profile: boolean;
  /** Names of scenarios; undefined: all. */
  readonly only: readonly string[] | undefined;
  /** The built command line. */
  readonly program: string;
  /** Where data (temporary), results and profiles go. */
  readonly outputDirectory: string;
}

interface ParsedOptions {
  readonly quick?: boolean;
  readonly seconds?: number;
  readonly repeats?: number;
  readonly connections: number;
  readonly fsync: boolean;
  readonly profile?: boolean;
  readonly only?: readonly string[];
  readonly program: string;
  readonly output: string;
}

const EXAMPLES = `
Examples:
  npm run bench                                     3 repeats of everything, about 3 minutes
  npm run bench -- --quick                          one short repeat: a smoke test, no figures to quote
  npm run bench -- --only put-w2 --profile          where the time of a write goes`;

/** Reads the arguments after the program's name; prints help or a usage error and exits if there is no run to make. */
export function readOptions(userArguments: readonly string[]): BenchOptions {
  const parsed = createCommand()
    .parse([...userArguments], { from: 'user' })
    .opts<ParsedOptions>();
  const quick = parsed.quick === true;
  return {
    repeats: parsed.repeats ?? (quick ? 1 : 3),
    firstWarmUpMs: quick ? 1_000 : 3_000,
    warmUpMs: quick ? 500 : 1_000,
    measureMs: (parsed.seconds ?? (quick ? 2 : 5)) * 1000,
    connections: parsed.connections,
    storedKeys: quick ? 5_000 : 20_000,
    fsync: parsed.fsync,
    profile: parsed.profile === true,
    only: parsed.only,
    program: resolve(parsed.program),
    outputDirectory: resolve(parsed.output),
  };
}

function createCommand(): Command {
  return new Command('npm run bench --')
    .description('Measures a cluster of three nodes against a bare HTTP server, in one run on one machine.')
    .option('--quick', 'end within a minute: one repeat of 2 s per scenario')
    .option('--seconds <count>', 'seconds measured per scenario and repeat (default: 5)', positiveInteger)
    .option('--repeats <count>', 'interleaved repeats (default: 3)', positiveInteger)
    .option('--connections <count>', 'connections of the load generator', positiveInteger, 64)
    .option('--no-fsync', 'acknowledge before the disk has it')
    .option('--profile', 'write a CPU profile of each node (which slows them)')
    .option('--only <names>', `scenarios beside the yardstick: ${SCENARIO_NAMES.join(', ')}`, scenarioNames)
    .option(
      '--program <file>',
      'the built command line to measure',
      resolve(PROJECT_DIRECTORY, 'dist/cli/main.js'),
    )
    .option(
      '--output <directory>',
      'for results, profiles and temporary data',
      resolve(PROJECT_DIRECTORY, '.bench'),
    )
    .addHelpText('after', EXAMPLES);
}

const SCENARIO_NAMES = SCENARIOS.filter(({ target }) => target !== 'yardstick').map(({ name }) => name);

function scenarioNames(text: string): readonly string[] {
  const names = text.split(',');
  const unknown = names.filter((name) => !SCENARIO_NAMES.includes(name));
  if (unknown.length > 0) throw new InvalidArgumentError(`There is no ${unknown.join(', ')}.`);
  return names;
}
