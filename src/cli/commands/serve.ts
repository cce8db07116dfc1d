import type { Command } from 'commander';
import { closestName } from '../../server/did-you-mean.ts';
import type { RunningServer } from '../../server/start.ts';
import { formatLogLine } from '../cluster/log-line.ts';
import type { CommandContext } from '../command-context.ts';
import {
  addConfigurationOptions,
  type ConfigurationOptions,
  loadServerConfiguration,
  type ServerConfiguration,
} from '../configuration.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandFailure } from '../failure.ts';
import { repeated } from '../option-values.ts';
import { listenForStop } from '../stop-request.ts';
import { isColoured, type Terminal } from '../terminal.ts';

/** Milliseconds after which a drain that does not end is given up: a little less than a local cluster waits. */
const STOP_LIMIT_MS = 14_000;

interface ServeOptions extends ConfigurationOptions {
  readonly node: string;
  readonly exitWithParent?: boolean;
  readonly voteAfterLoss?: boolean;
  readonly voteWithout?: readonly string[];
}

/** `quorate serve --node ID`: one node, until a signal. */
export function addServeCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('serve')
    .summary('start one node')
    .description(
      'Starts one node of the configuration. SIGTERM or Ctrl-C let it finish what it has begun; a second one ends it at once.',
    )
    .requiredOption('--node <id>', 'its id in the configuration');
  addConfigurationOptions(command)
    .option(
      '--vote-without <id>',
      'vote on conditional writes though this node is away, which may know that the data directory is older than it was; repeat it',
      repeated,
    )
    .option(
      '--vote-after-loss',
      'vote on conditional writes whatever the data directory has lost: acknowledged ones may be undone',
    )
    .option('--exit-with-parent', 'stop when the process that started it, with an IPC channel, has ended')
    .action(async (options: ServeOptions) => {
      const stop = listenForStop(context, options.exitWithParent === true);
      try {
        const configuration = await loadServerConfiguration(context.terminal, options);
        const server = await start(context.terminal, configuration, options);
        await stop.requested;
        setTimeout(() => process.exit(EXIT.failed), STOP_LIMIT_MS).unref();
        await server.stop();
      } finally {
        stop.ignore();
      }
    });
}

/** The server is loaded only now: no other command needs its memory. */
async function start(
  terminal: Terminal,
  { file, config, settings }: ServerConfiguration,
  { node: nodeId, voteAfterLoss = false, voteWithout = [] }: ServeOptions,
): Promise<RunningServer> {
  const ids = config.nodes.map(({ id }) => id);
  assertConfigured('node', nodeId, ids, file);
  for (const id of voteWithout) assertConfigured('vote-without', id, ids, file);
  const { startServer } = await import('../../server/start.ts');
  const { StartFailure } = await import('../../server/start-failure.ts');
  try {
    return await startServer({
      nodeId,
      config,
      settings,
      votesAfterLoss: voteAfterLoss,
      votesWithout: voteWithout,
      // The failure was logged. Whatever still runs must not answer anybody, nor hold up the end.
      onFatal: () => process.exit(EXIT.failed),
      ...(terminal.stdout.isTTY === true ? { logDestination: readableLog(terminal) } : {}),
    });
  } catch (thrown) {
    if (!(thrown instanceof StartFailure)) throw thrown;
    throw new CommandFailure(`node ${nodeId} cannot start. ${thrown.message}`, {
      exitCode: thrown.kind === 'configuration' ? EXIT.configuration : EXIT.failed,
      code: thrown.code,
      facts: { node: nodeId },
      cause: thrown,
    });
  }
}

function assertConfigured(
  option: 'node' | 'vote-without',
  nodeId: string,
  ids: readonly string[],
  file: string,
): void {
  if (ids.includes(nodeId)) return;
  const closest = closestName(nodeId, ids);
  throw new CommandFailure(`the configuration ${file} has no node "${nodeId}". It has ${ids.join(', ')}.`, {
    exitCode: EXIT.configuration,
    code: 'unknown-node',
    hint:
      closest === undefined
        ? `Name one of them with --${option} ID.`
        : `Did you mean \`serve --${option} ${closest}\`?`,
    facts: { file, nodes: ids },
  });
}

/** On a terminal log lines are for people; anywhere else they are the JSON that collectors read. */
function readableLog(terminal: Terminal): { write(line: string): void } {
  const style = { coloured: isColoured(terminal.stdout, terminal), node: undefined };
  return { write: (line) => void terminal.stdout.write(`${formatLogLine(line.trimEnd(), style)}\n`) };
}
