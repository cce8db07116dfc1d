/** What `quorate cluster` prints: the nodes' log lines, what happens to nodes, and the banner. */
import { EXIT } from '../exit-codes.ts';
import { isColoured, type Terminal } from '../terminal.ts';
import { formatLogLine } from './log-line.ts';
import type { ClusterEvents } from './local-cluster.ts';
import type { ProcessEnd } from './node-process.ts';

/** A node as the output names it. */
export interface ClusterOutputNode {
  readonly id: string;
  /** Base URL of its HTTP API. */
  readonly url: string;
}

/** What the output needs to know. */
export interface ClusterOutputOptions {
  readonly terminal: Terminal;
  readonly nodes: readonly ClusterOutputNode[];
  /** The command that starts one node, to be pasted. */
  readonly serveCommand: (nodeId: string) => string;
  readonly configurationFile: string;
  readonly dataDirectory: string;
  /** JSON lines on stdout instead of text. */
  readonly json: boolean;
}

/** The output for people (log on stderr, banner on stdout) or, with `json`, one JSON object on each line of stdout. */
export function clusterOutput(options: ClusterOutputOptions): ClusterEvents {
  return options.json ? jsonOutput(options) : textOutput(options);
}

function textOutput(options: ClusterOutputOptions): ClusterEvents {
  const { terminal, nodes } = options;
  const coloured = isColoured(terminal.stderr, terminal);
  const width = Math.max(...nodes.map(({ id }) => id.length));
  const say = (text: string) => terminal.stderr.write(`${text}\n`);
  return {
    line: (nodeId, line) => {
      const index = nodes.findIndex(({ id }) => id === nodeId);
      say(formatLogLine(line, { coloured, node: { id: nodeId, index, width } }));
    },
    ended: (nodeId, end, facts) => {
      say(`\n${nodeId} ${endText(end)}. ${whatNow(nodeId, facts, options)}\n`);
    },
    slow: (waiting) => {
      for (const { nodeId, reasons } of waiting) say(`Still waiting for ${nodeId}: ${reasons.join(', ')}.`);
    },
    ready: (readyIds) => terminal.stdout.write(banner(options, readyIds)),
    stopping: () => say('\nStopping: the nodes finish what they have begun. Ctrl-C again kills them.'),
    killing: (nodeIds) => say(`Killing ${nodeIds.join(', ')}. What was acknowledged is on disk.`),
  };
}

function endText(end: ProcessEnd): string {
  if (end.signal !== null) return `was killed (${end.signal})`;
  if (end.exitCode === EXIT.ok) return 'has stopped';
  const why = end.exitCode === EXIT.configuration ? ': its configuration was refused' : '';
  return `has stopped with exit code ${end.exitCode ?? 'unknown'}${why}`;
}

function whatNow(
  nodeId: string,
  facts: { readonly running: number; readonly restarting: boolean },
  options: ClusterOutputOptions,
): string {
  if (facts.restarting) return 'It is started again in a second.';
  const start = `Start it again in another terminal:\n  ${options.serveCommand(nodeId)}`;
  if (facts.running === 0) return 'No node is left.';
  const others = facts.running === 1 ? 'One other goes' : `The other ${facts.running} go`;
  return `${others} on. ${start}`;
}

function banner(options: ClusterOutputOptions, readyIds: readonly string[]): string {
  const ready = options.nodes.filter(({ id }) => readyIds.includes(id));
  const count =
    ready.length === options.nodes.length ? `${ready.length}` : `${ready.length} of ${options.nodes.length}`;
  const [first, second = first] = ready;
  const urls = ready.map(({ id, url }) => `  ${id}  ${url}`);
  return [
    '',
    `Quorate is running: ${count} nodes.`,
    ...urls,
    '',
    'Put a value through one node, get it through another:',
    `  curl -X PUT ${first?.url ?? ''}/v1/kv/notes/hello -H 'content-type: text/plain' -d 'Hello, ring'`,
    `  curl ${second?.url ?? ''}/v1/kv/notes/hello`,
    '',
    `Configuration: ${options.configurationFile}. Data: ${options.dataDirectory}.`,
    'Ctrl-C stops all nodes; the data stays.',
    '',
    '',
  ].join('\n');
}

function jsonOutput(options: ClusterOutputOptions): ClusterEvents {
  const emit = (event: Readonly<Record<string, unknown>>) =>
    options.terminal.stdout.write(`${JSON.stringify(event)}\n`);
  return {
    line: (node, line) => emit({ event: 'log', node, ...logFields(line) }),
    ended: (node, end, facts) =>
      emit({ event: 'ended', node, ...end, ...facts, startAgain: options.serveCommand(node) }),
    slow: (waiting) => emit({ event: 'slow', waiting }),
    ready: (readyIds) =>
      emit({ event: 'ready', nodes: options.nodes.filter(({ id }) => readyIds.includes(id)) }),
    stopping: () => emit({ event: 'stopping' }),
    killing: (nodes) => emit({ event: 'killing', nodes }),
  };
}

/** The line as the JSON it is, or as text. */
function logFields(line: string): { readonly log: unknown } | { readonly text: string } {
  try {
    const log: unknown = JSON.parse(line);
    if (typeof log === 'object' && log !== null) return { log };
  } catch {
    // Not every line that a process prints is a log line.
  }
  return { text: line };
}
