/** The options of `npm run bench`. */
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { positiveInteger } from '../src/cli/option-values.ts';
import type { Measuring } from './capacity/grid-run.ts';
import { DEFAULT_MANY_KEYS, QUICK_MANY_KEYS } from './many-keys/many-keys.ts';
import { NAMES, PEERS, type Peer } from './sections.ts';
import { PROJECT_DIRECTORY } from './system/project-directory.ts';

/** What to measure and how. */
export interface BenchOptions {
  readonly isQuick: boolean;
  readonly isList: boolean;
  readonly measuring: Measuring;
  readonly connections: number;
  /** Keys that are loaded first, for the reads. */
  readonly storedKeys: number;
  /** Keys on each node of the section `many-keys`. */
  readonly manyKeys: number;
  readonly fsync: boolean;
  readonly profile: boolean;
  /** Names of sections and of scenarios; undefined: the default ones. */
  readonly only: readonly string[] | undefined;
  readonly isMatrix: boolean;
  readonly peer: Peer | undefined;
  readonly seed: number;
  /** The built command line. */
  readonly program: string;
  /** Where data (temporary), results and profiles go. */
  readonly outputDirectory: string;
}

interface ParsedOptions {
  readonly quick?: boolean;
  readonly list?: boolean;
  readonly seconds?: number;
  readonly repeats?: number;
  readonly connections: number;
  readonly keys?: number;
  readonly fsync: boolean;
  readonly profile?: boolean;
  readonly only?: readonly string[];
  readonly matrix?: boolean;
  readonly peer?: Peer;
  readonly seed: number;
  readonly program: string;
  readonly output: string;
}

const EXAMPLES = `
Examples:
  npm run bench                                     every default section
  npm run bench -- --quick                          all of them short: a smoke test, no figures to quote
  npm run bench -- --only put-w2 --profile          where the time of a write goes
  npm run bench -- --only capacity --peer etcd      beside etcd, in the same run
  npm run bench -- --only ycsb,quorums              two groups of scenarios; --matrix for all of them`;

/** Reads the arguments after the program's name; prints help or a usage error and exits if there is no run to make. */
export function readOptions(userArguments: readonly string[]): BenchOptions {
  const parsed = createCommand()
    .parse([...userArguments], { from: 'user' })
    .opts<ParsedOptions>();
  const isQuick = parsed.quick === true;
  return {
    isQuick,
    isList: parsed.list === true,
    measuring: {
      repeats: parsed.repeats ?? (isQuick ? 1 : 5),
      firstWarmUpMs: isQuick ? 500 : 3_000,
      warmUpMs: isQuick ? 200 : 700,
      measureMs: (parsed.seconds ?? (isQuick ? 0.7 : 3)) * 1000,
    },
    connections: parsed.connections,
    storedKeys: isQuick ? 2_000 : 20_000,
    manyKeys: parsed.keys ?? (isQuick ? QUICK_MANY_KEYS : DEFAULT_MANY_KEYS),
    fsync: parsed.fsync,
    profile: parsed.profile === true,
    only: parsed.only,
    isMatrix: parsed.matrix === true,
    peer: parsed.peer,
    seed: parsed.seed,
    program: resolve(parsed.program),
    outputDirectory: resolve(parsed.output),
  };
}

function createCommand(): Command {
  return new Command('npm run bench --')
    .description(
      'Measures the store on this machine; leaves a page and its numbers in .bench, and prints the tables.',
    )
    .option('--quick', 'end within two minutes: short, and each thing once')
    .option('--list', 'name all sections and scenarios, and end')
    .option('--only <names>', 'these sections and scenarios (see --list)', knownNames)
    .option('--matrix', 'the groups of scenarios instead of the default sections')
    .option('--peer <name>', `beside another store that is installed: ${PEERS.join(', ')}`, knownPeer)
    .option('--seconds <count>', 'seconds measured per scenario and repeat (default: 3)', positiveInteger)
    .option('--repeats <count>', 'interleaved repeats (default: 5)', positiveInteger)
    .option('--connections <count>', 'connections of the load generator', positiveInteger, 64)
    .option(
      '--keys <count>',
      'keys on each node of the section many-keys (default: 10000000)',
      positiveInteger,
    )
    .option('--no-fsync', 'acknowledge before the disk has it')
    .option('--seed <number>', 'of all that is drawn at random', positiveInteger, 1)
    .option('--profile', 'write a CPU profile of each node (which slows them)')
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

function knownNames(text: string): readonly string[] {
  const names = text.split(',');
  const unknown = names.filter((name) => !NAMES.includes(name));
  if (unknown.length > 0) throw new InvalidArgumentError(`There is no ${unknown.join(', ')}. See --list.`);
  return names;
}

function knownPeer(text: string): Peer {
  const peer = PEERS.find((name) => name === text);
  if (peer === undefined) throw new InvalidArgumentError(`It must be one of: ${PEERS.join(', ')}.`);
  return peer;
}
