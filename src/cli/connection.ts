/**
 * Which nodes a command talks to, and through what.
 *
 * Nodes that are named are asked in the order given, the next one only if one cannot be reached. So `--node` decides who
 * coordinates a request, which is what people who compare nodes want.
 */
import type { Command } from 'commander';
import { baseUrlOf } from '../client/base-url.ts';
import type { Transport } from '../client/transport.ts';
import { usageFailure } from './failure.ts';
import { configuredNodeUrls } from './configured-nodes.ts';
import { repeated, timeoutMs } from './option-values.ts';
import { pooledTransport } from './pooled-transport.ts';
import type { Terminal } from './terminal.ts';

/** The server's own default deadline, milliseconds. */
const DEFAULT_TIMEOUT_MS = 5_000;
/** Where a node is looked for when nothing names one: the first of the project's own configuration. */
const DEFAULT_NODE_URL = 'http://127.0.0.1:7001';

/** As commander reads them. */
export interface ConnectionOptions {
  readonly node?: readonly string[];
  readonly timeout?: number;
}

/** Nodes, transport and deadline of a command. */
export interface Connection {
  readonly transport: Transport;
  /** Base URLs without a slash at the end; never empty. */
  readonly nodeUrls: readonly string[];
  /** Deadline of the whole operation, milliseconds. */
  readonly timeoutMs: number;
}

/** Adds `--node` and `--timeout`. */
export function addConnectionOptions(command: Command): Command {
  return command
    .option(
      '--node <url>',
      'a node to ask, repeatable (default: QUORATE_NODES, else cluster.config.json here)',
      repeated,
    )
    .option('--timeout <ms>', 'deadline of the whole operation (default: 5000)', timeoutMs);
}

/** Runs `use` with a connection, which is closed afterwards. */
export async function withConnection<T>(
  terminal: Terminal,
  options: ConnectionOptions,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const nodeUrls = await nodeUrlsOf(terminal, options.node);
  const token = tokenOf(terminal);
  const pool = pooledTransport();
  try {
    return await use({
      transport: token === undefined ? pool.transport : withToken(pool.transport, token),
      nodeUrls,
      timeoutMs: options.timeout ?? DEFAULT_TIMEOUT_MS,
    });
  } finally {
    await pool.close();
  }
}

/** A token comes from the environment, never from an argument: arguments are shown to every user of the machine. */
function tokenOf(terminal: Terminal): string | undefined {
  const token = terminal.environment['QUORATE_TOKEN'];
  if (token === undefined || token === '') return undefined;
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw usageFailure('QUORATE_TOKEN is not visible ASCII without spaces.', 'Was it read with its line end?');
}

function withToken(transport: Transport, token: string): Transport {
  return async (request) =>
    transport({ ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } });
}

/** The options first, then QUORATE_NODES, then the configuration file here, then the default node. */
async function nodeUrlsOf(
  terminal: Terminal,
  named: readonly string[] | undefined,
): Promise<readonly string[]> {
  if (named !== undefined && named.length > 0) return named.map((text) => nodeUrl(text, '--node'));
  const fromEnvironment = (terminal.environment['QUORATE_NODES'] ?? '')
    .split(',')
    .filter((part) => part.trim() !== '');
  if (fromEnvironment.length > 0) return fromEnvironment.map((text) => nodeUrl(text.trim(), 'QUORATE_NODES'));
  return (await configuredNodeUrls(terminal)) ?? [DEFAULT_NODE_URL];
}

/** `host:port` is taken for `http://host:port`. */
function nodeUrl(text: string, source: string): string {
  const url = baseUrlOf(text);
  if (url !== undefined) return url;
  throw usageFailure(
    `${source}: "${text}" is not the address of a node.`,
    'Give it as http://host:port, for instance http://127.0.0.1:7001.',
  );
}
