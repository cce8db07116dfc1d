/**
 * The configuration as commands use it. Reading it is the server's work, and is loaded only where it is needed: most
 * commands talk to a node that they were told the address of.
 */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ConfigurationProblem, ConfigurationResult } from '../server/config-file.ts';
import { hostAndPort } from '../server/host-and-port.ts';
import { EXIT } from './exit-codes.ts';
import { CommandFailure } from './failure.ts';
import { printable, type Terminal } from './terminal.ts';

/** Read from the working directory where no other file is named. */
export const DEFAULT_CONFIGURATION_FILE = 'cluster.config.json';

/** As commander reads them. */
export interface ConfigurationOptions {
  readonly config?: string;
  readonly data?: string;
}

/** One node, as far as commands need it. */
export interface ConfiguredNode {
  readonly id: string;
  /** Base URL of its HTTP API. */
  readonly url: string;
  /** Address that it listens on. */
  readonly bind: string;
  readonly httpPort: number;
  readonly peerPort: number;
}

/** A valid configuration, as far as commands need it. */
export interface Configuration {
  /** Absolute. */
  readonly file: string;
  /** Absolute; each node has a directory of its own in it. */
  readonly dataDirectory: string;
  readonly nodes: readonly ConfiguredNode[];
}

/** A valid configuration, as a node needs it. */
export type ServerConfiguration = Extract<ConfigurationResult, { readonly type: 'valid' }> & {
  /** Absolute. */
  readonly file: string;
};

/** The least that a file holds, for who has none yet. */
const SMALLEST_FILE =
  '{ "cluster": "local", "nodes": [ { "id": "n1", "host": "127.0.0.1", "httpPort": 7001, "peerPort": 7101 } ] }';

/** Adds `--config` and `--data`. */
export function addConfigurationOptions(command: Command): Command {
  return command
    .option('--config <file>', `configuration file (default: ${DEFAULT_CONFIGURATION_FILE})`)
    .option('--data <dir>', 'directory of the data, instead of the one that is configured');
}

/** Throws a CommandFailure, exit code 78, with all that is wrong with the configuration. */
export async function loadConfiguration(
  terminal: Terminal,
  options: ConfigurationOptions,
): Promise<Configuration> {
  const { file, config, settings } = await loadServerConfiguration(terminal, options);
  return {
    file,
    dataDirectory: settings.dataDir,
    nodes: config.nodes.map(({ id, host, bind, httpPort, peerPort }) => ({
      id,
      url: `http://${hostAndPort(host, httpPort)}`,
      bind,
      httpPort,
      peerPort,
    })),
  };
}

/** The same with all there is to know. Paths of options start in the working directory. */
export async function loadServerConfiguration(
  terminal: Terminal,
  options: ConfigurationOptions,
): Promise<ServerConfiguration> {
  const { workingDirectory, environment } = terminal;
  const file = resolve(workingDirectory, options.config ?? DEFAULT_CONFIGURATION_FILE);
  const { readConfiguration } = await import('../server/config-file.ts');
  const data = options.data === undefined ? {} : { dataDirectory: resolve(workingDirectory, options.data) };
  const result = await readConfiguration({ file, environment, ...data });
  if (result.type === 'valid') return { ...result, file };
  throw invalidConfiguration(file, result);
}

function invalidConfiguration(
  file: string,
  { problems, isMissing }: Extract<ConfigurationResult, { readonly type: 'invalid' }>,
): CommandFailure {
  const count = problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`;
  const lines = problems.map((problem) => `\n  ${printable(problemText(problem))}`);
  const message = isMissing
    ? `there is no configuration file ${file}.`
    : `the configuration ${file} has ${count}.${lines.join('')}`;
  return new CommandFailure(message, {
    exitCode: EXIT.configuration,
    code: 'invalid-configuration',
    hint: isMissing
      ? `Name one with --config FILE, or write one. The least that it holds:\n  ${SMALLEST_FILE}`
      : 'Correct it in the file or the environment; `quorate config check` looks at it again.',
    facts: { file, problems },
  });
}

/** `nodes[1].httpPort (by QUORATE_NODES_N2_HTTP_PORT): It must be …` */
function problemText({ path, variable, message }: ConfigurationProblem): string {
  if (variable === undefined) return path === '' ? message : `${path}: ${message}`;
  return path === '' ? `${variable}: ${message}` : `${variable} (${path}): ${message}`;
}
