import { join } from 'node:path';
import type { Command } from 'commander';
import { hostAndPort } from '../../server/host-and-port.ts';
import type { CommandContext } from '../command-context.ts';
import {
  addConfigurationOptions,
  type ConfigurationOptions,
  loadServerConfiguration,
  type ServerConfiguration,
} from '../configuration.ts';
import { printJson, printLine, type Terminal } from '../terminal.ts';
import { printTable } from '../table.ts';

interface CheckOptions extends ConfigurationOptions {
  readonly json?: boolean;
}

const VARIABLES = `
Every setting has an environment variable: QUORATE_ and its path in capitals.
  storage.fsync           QUORATE_STORAGE_FSYNC=false
  limits.maxValueBytes    QUORATE_LIMITS_MAX_VALUE_BYTES=2097152
  cors.origins            QUORATE_CORS_ORIGINS=https://a.example,https://b.example
  auth.tokens             QUORATE_AUTH_TOKENS=write:SECRET,read:OTHER
  httpPort of node n1     QUORATE_NODES_N1_HTTP_PORT=8001
  n of bucket accounts    QUORATE_BUCKETS_ACCOUNTS_N=5
`;

/** `quorate config check`: what the configuration means, or all that is wrong with it. */
export function addConfigCommand(program: Command, context: CommandContext): void {
  const check = program
    .command('config')
    .summary('check the configuration')
    .description('Works with the configuration file.')
    .command('check')
    .summary('show what the configuration means, or every mistake in it')
    .description(
      'Reads the configuration as a node would, environment variables included, and shows what it means, or every mistake in it (exit code 78).',
    );
  addConfigurationOptions(check)
    .option('--json', 'print as JSON')
    .addHelpText('after', VARIABLES)
    .action(async (options: CheckOptions) => {
      const configuration = await loadServerConfiguration(context.terminal, options);
      if (options.json === true) printJson(context.terminal, summary(configuration));
      else printSummary(context.terminal, configuration);
    });
}

/** All of it, defaults filled in, but for the secrets. */
function summary({ file, config, settings, epoch, variables }: ServerConfiguration) {
  const { buckets, limits, ...shared } = config;
  const { dataDir, storage, reads, cors, auth, log } = settings;
  return {
    file,
    epoch,
    ...shared,
    dataDir,
    // Object.fromEntries makes own properties: a bucket may be called __proto__.
    buckets: Object.fromEntries(buckets),
    limits: valueLimits(limits),
    storage,
    reads,
    cors,
    auth: { tokens: auth.tokens.map(({ access }) => ({ access })) },
    peerSecret: settings.peerSecret === undefined ? 'none' : 'set',
    log,
    variables: Object.fromEntries(variables),
  };
}

/** Those of the section `limits`: the reserve of free space is one of `storage`. */
function valueLimits(limits: ServerConfiguration['config']['limits']): object {
  // The reserve of free space is told with the storage.
  const { reserveBytes: _, ...told } = limits;
  return told;
}

function printSummary(terminal: Terminal, configuration: ServerConfiguration): void {
  const { file, config, settings, epoch } = configuration;
  const { cluster, partitions, nodes, defaults, buckets } = config;
  const count = nodes.length === 1 ? '1 node' : `${nodes.length} nodes`;
  printLine(terminal, `${file} is valid.`);
  printLine(terminal, `Cluster ${cluster}: ${count}, ${partitions} partitions, epoch ${epoch}.\n`);
  printTable(terminal, {
    head: ['node', 'zone', 'url', 'peers', 'listens on', 'data'],
    rows: nodes.map(({ id, zone, host, bind, httpPort, peerPort }) => [
      id,
      zone,
      `http://${hostAndPort(host, httpPort)}`,
      hostAndPort(host, peerPort),
      bind,
      join(settings.dataDir, id),
    ]),
  });
  printLine(terminal, '');
  printTable(terminal, {
    head: ['bucket', 'n', 'r', 'w', 'mode'],
    rows: [
      ['(any other)', defaults.n, defaults.r, defaults.w, 'mixed'],
      ...[...buckets].map(([name, { n, r, w, mode }]) => [name, n, r, w, mode]),
    ],
  });
  printLine(terminal, '');
  printTable(terminal, { head: ['setting', 'value'], rows: settingRows(configuration) });
  printOverrides(terminal, configuration);
}

function settingRows({ config, settings }: ServerConfiguration): (readonly [string, string])[] {
  const { storage, reads, cors, auth, peerSecret, log } = settings;
  const section = (name: string, values: object): (readonly [string, string])[] =>
    Object.entries(values).map(([key, value]) => [`${name}.${key}`, String(value)]);
  return [
    ...section('limits', valueLimits(config.limits)),
    ...section('storage', storage),
    ...section('reads', reads),
    ['cors.origins', cors.origins.length === 0 ? 'none' : cors.origins.join(', ')],
    [
      'auth.tokens',
      auth.tokens.length === 0 ? 'none: everybody may read and write' : tokenCount(auth.tokens),
    ],
    ['peerSecret', peerSecret === undefined ? 'none' : 'set'],
    ['log.level', log.level],
  ];
}

function tokenCount(tokens: readonly { readonly access: string }[]): string {
  const writers = tokens.filter(({ access }) => access === 'write').length;
  return `${writers} to read and write, ${tokens.length - writers} to read`;
}

function printOverrides(terminal: Terminal, { variables }: ServerConfiguration): void {
  if (variables.size === 0) return;
  printLine(terminal, '');
  printTable(terminal, {
    head: ['set by the environment', 'variable'],
    rows: [...variables].map(([path, variable]) => [path, variable]),
  });
}
