import { isAbsolute, relative } from 'node:path';
import type { Command } from 'commander';
import type { ReadyBody } from '../../api/bodies.ts';
import { PATHS } from '../../api/paths.ts';
import { clusterOutput } from '../cluster/cluster-output.ts';
import { unavailableAddresses, type ListenAddress } from '../cluster/free-ports.ts';
import { startLocalCluster } from '../cluster/local-cluster.ts';
import type { CommandContext } from '../command-context.ts';
import {
  addConfigurationOptions,
  loadConfiguration,
  type Configuration,
  type ConfigurationOptions,
} from '../configuration.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandFailure } from '../failure.ts';
import { askNode } from '../node-query.ts';
import { pooledTransport } from '../pooled-transport.ts';
import { shellWord } from '../shell-word.ts';

interface ClusterOptions extends ConfigurationOptions {
  readonly restart?: boolean;
  readonly json?: boolean;
}

/** How long a readiness answer is waited for, milliseconds; it is asked for again anyway. */
const READY_TIMEOUT_MS = 1_000;

/** `quorate cluster`: all nodes of the configuration as processes of this machine. */
export function addClusterCommand(program: Command, context: CommandContext): void {
  addConfigurationOptions(
    program
      .command('cluster')
      .summary('start all nodes on this machine')
      .description('Starts every node of the configuration as a process of its own, and stops them with it.'),
  )
    .option('--restart', 'start a node again that ends by itself')
    .option('--json', 'print log lines and events as JSON lines on stdout')
    .action(async (options: ClusterOptions) => {
      const configuration = await loadConfiguration(context.terminal, options);
      await assertPortsFree(configuration);
      await runCluster(context, configuration, options);
    });
}

async function runCluster(
  context: CommandContext,
  configuration: Configuration,
  options: ClusterOptions,
): Promise<void> {
  const { terminal, launch } = context;
  const { environment, workingDirectory } = terminal;
  const pool = pooledTransport();
  const serveArguments = (nodeId: string) => serveArgumentsOf(nodeId, configuration, options);
  const urls = new Map(configuration.nodes.map(({ id, url }) => [id, url]));
  const cluster = startLocalCluster({
    nodeIds: configuration.nodes.map(({ id }) => id),
    launch,
    serveArguments,
    environment,
    workingDirectory,
    restart: options.restart === true,
    unreadiness: async (nodeId) => {
      try {
        const { document } = await askNode<ReadyBody>({
          transport: pool.transport,
          nodeUrl: urls.get(nodeId) ?? '',
          path: PATHS.readyz,
          fields: ['ready'],
          timeoutMs: READY_TIMEOUT_MS,
        });
        return document.ready ? undefined : document.reasons;
      } catch (thrown) {
        return [thrown instanceof Error ? thrown.message : String(thrown)];
      }
    },
    events: clusterOutput({
      terminal,
      nodes: configuration.nodes,
      serveCommand: (nodeId) =>
        `${context.invocation} serve ${serveCommandWords(nodeId, configuration, options, context)}`,
      configurationFile: shownPath(configuration.file, workingDirectory),
      dataDirectory: shownPath(configuration.dataDirectory, workingDirectory),
      json: options.json === true,
    }),
  });
  const ignoreSignals = context.onStopSignal(() => cluster.stop());
  try {
    context.finish(await cluster.ended);
  } finally {
    ignoreSignals();
    await pool.close();
  }
}

/** Absolute paths, for the child is to read the same file whatever it takes for its directory. */
function serveArgumentsOf(
  nodeId: string,
  configuration: Configuration,
  options: ClusterOptions,
): readonly string[] {
  const data = options.data === undefined ? [] : ['--data', configuration.dataDirectory];
  return ['--node', nodeId, '--config', configuration.file, ...data];
}

/** The same for people: without what is the default here. */
function serveCommandWords(
  nodeId: string,
  configuration: Configuration,
  options: ClusterOptions,
  context: CommandContext,
): string {
  const { workingDirectory } = context.terminal;
  const config =
    options.config === undefined ? [] : ['--config', shownPath(configuration.file, workingDirectory)];
  const data =
    options.data === undefined ? [] : ['--data', shownPath(configuration.dataDirectory, workingDirectory)];
  return ['--node', nodeId, ...config, ...data].map(shellWord).join(' ');
}

/** Relative where that is shorter to read. */
function shownPath(path: string, workingDirectory: string): string {
  const short = relative(workingDirectory, path);
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short;
}

async function assertPortsFree(configuration: Configuration): Promise<void> {
  const addresses = configuration.nodes.flatMap(
    ({ id, bind, httpPort, peerPort }): readonly ListenAddress[] => [
      { node: id, purpose: 'HTTP', host: bind, port: httpPort },
      { node: id, purpose: 'peer', host: bind, port: peerPort },
    ],
  );
  const problems = await unavailableAddresses(addresses);
  if (problems.length === 0) return;
  throw new CommandFailure(
    `the cluster cannot start.\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    {
      exitCode: EXIT.failed,
      code: 'address-unavailable',
      hint: `Is the cluster running already? Otherwise change the ports in ${configuration.file}.`,
      facts: { problems },
    },
  );
}
