import type { Command } from 'commander';
import type { ClusterBody, MemberBody, ReadyBody } from '../../api/bodies.ts';
import { PATHS } from '../../api/paths.ts';
import { askFirst, askNode } from '../node-query.ts';
import type { CommandContext } from '../command-context.ts';
import {
  addConnectionOptions,
  withConnection,
  type Connection,
  type ConnectionOptions,
} from '../connection.ts';
import { printable, printJson, printLine, type Terminal } from '../terminal.ts';
import { printTable } from '../table.ts';

/** What one node said of itself and the others, or why it said nothing. */
interface NodeReport {
  readonly id: string;
  readonly url: string;
  readonly zone: string;
  readonly answer: ClusterBody | undefined;
  /** By the node's own clock, as the times in its answer are. */
  readonly answeredAtMs: number;
  readonly ready: ReadyBody | undefined;
  readonly error: string | undefined;
}

const CLUSTER_FIELDS = ['members', 'epoch', 'version'];

interface StatusOptions extends ConnectionOptions {
  readonly json?: boolean;
}

/** `quorate status`: every member as it sees itself and as the others see it. */
export function addStatusCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('status')
    .summary('show the nodes')
    .description('Shows every node: whether it is ready, who sees whom down, and what it keeps for others.');
  addConnectionOptions(command)
    .option('--json', 'print as JSON')
    .action(async (options: StatusOptions) => {
      await withConnection(context.terminal, options, (connection) =>
        runStatus(context.terminal, connection, options.json === true),
      );
    });
}

async function runStatus(terminal: Terminal, connection: Connection, json: boolean): Promise<void> {
  const first = await askFirst<ClusterBody>({
    ...connection,
    path: PATHS.cluster,
    fields: CLUSTER_FIELDS,
  });
  const reports = await Promise.all(first.document.members.map((member) => report(connection, member)));
  const warnings = warningsOf(reports);
  if (json) {
    printJson(terminal, { cluster: first.document.cluster, nodes: reports.map(nodeDocument), warnings });
    return;
  }
  const answering = reports.filter(({ answer }) => answer !== undefined).length;
  printLine(
    terminal,
    `Cluster ${first.document.cluster}: ${answering} of ${reports.length} nodes answer, epoch ${first.document.epoch}.\n`,
  );
  printTable(terminal, {
    head: [
      'node',
      'zone',
      'url',
      'state',
      'version',
      'sees down',
      'seen down by',
      'hints kept for',
      'repairs',
      'conflicts',
    ],
    rows: reports.map((node) => [
      node.id,
      node.zone,
      node.url,
      stateOf(node),
      node.answer?.version ?? '-',
      downSince(node).join(' ') || '-',
      observersOfDown(node.id, reports).join(' ') || '-',
      hintsKept(node).join(' ') || '-',
      figure(node.answer?.activity?.repairs),
      figure(node.answer?.activity?.conflicts),
    ]),
  });
  for (const reason of reasonsOfDown(reports)) printLine(terminal, `\n${printable(reason)}`);
  for (const { id, answer } of reports) {
    const { partitions = 0, waitingFor = [] } = answer?.recovery ?? {};
    if (partitions === 0) continue;
    printLine(
      terminal,
      `\n${id} is recovering: it lost what it had stored, and gets it back from the others. ${partitions} partitions are open, and it waits for ${waitingFor.join(' ')}.`,
    );
  }
  for (const warning of warnings) printLine(terminal, `\nWarning: ${warning}`);
}

async function report(
  connection: Connection,
  member: { readonly id: string; readonly url: string; readonly zone: string },
): Promise<NodeReport> {
  const { id, zone } = member;
  const url = member.url.replace(/\/+$/, '');
  const question = { transport: connection.transport, timeoutMs: connection.timeoutMs, nodeUrl: url };
  try {
    const [answer, ready] = await Promise.all([
      askNode<ClusterBody>({ ...question, path: PATHS.cluster, fields: CLUSTER_FIELDS }),
      askNode<ReadyBody>({ ...question, path: PATHS.readyz, fields: ['ready'] }),
    ]);
    const { document, answeredAtMs } = answer;
    return { id, url, zone, answer: document, answeredAtMs, ready: ready.document, error: undefined };
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown.message : String(thrown);
    return { id, url, zone, answer: undefined, answeredAtMs: 0, ready: undefined, error };
  }
}

function stateOf(node: NodeReport): string {
  if (node.error !== undefined) return `no answer: ${node.error}`;
  if (node.ready?.ready === true) return 'ready';
  return `not ready: ${node.ready?.reasons.join(', ') ?? 'it does not say why'}`;
}

/** A node of another version may not tell. */
function figure(count: number | undefined): string {
  return count === undefined ? '-' : String(count);
}

/** The members that the node sees down. */
function downSeenBy(node: NodeReport): readonly MemberBody[] {
  return node.answer?.members.filter(({ state }) => state === 'down') ?? [];
}

/** Who is down as the node sees it, and since when. */
function downSince(node: NodeReport): readonly string[] {
  return downSeenBy(node).map(({ id, since }) => {
    const ageSeconds = Math.round((node.answeredAtMs - Date.parse(since)) / 1_000);
    // The header Date leaves parts of a second out, so what has just begun may seem to be still to come.
    return Number.isNaN(ageSeconds) ? id : `${id} (${Math.max(0, ageSeconds)} s)`;
  });
}

/** Ids of the nodes that see this one down. */
function observersOfDown(id: string, reports: readonly NodeReport[]): readonly string[] {
  return reports
    .filter((observer) => downSeenBy(observer).some((member) => member.id === id))
    .map((observer) => observer.id);
}

/** Why nodes are down, one sentence for each reason and all who name it. */
function reasonsOfDown(reports: readonly NodeReport[]): readonly string[] {
  const observers = new Map<string, string[]>();
  for (const observer of reports) {
    for (const { id, reason } of downSeenBy(observer)) {
      if (reason === undefined) continue;
      const why = `${id} is down: ${reason}`;
      observers.set(why, [...(observers.get(why) ?? []), observer.id]);
    }
  }
  return [...observers].map(([why, ids]) => `${why} (seen by ${ids.join(' ')}).`);
}

/** For whom the node keeps records, how many, and since when. */
function hintsKept(node: NodeReport): readonly string[] {
  return (node.answer?.members ?? []).flatMap(({ id, hints }) =>
    hints === undefined ? [] : [`${id}:${hints.pending} (${hints.oldestAgeSeconds} s)`],
  );
}

function warningsOf(reports: readonly NodeReport[]): readonly string[] {
  const answers = reports.flatMap(({ answer }) => (answer === undefined ? [] : [answer]));
  const warnings: string[] = [];
  const byEpoch = groups(answers, (answer) => answer.epoch);
  if (byEpoch.length > 1) {
    warnings.push(
      `the nodes run with different configurations (${byEpoch.join('; ')}) and refuse each other. Give all of them the same cluster.config.json.`,
    );
  }
  const byVersion = groups(answers, (answer) => answer.version);
  if (byVersion.length > 1) warnings.push(`the nodes run different versions (${byVersion.join('; ')}).`);
  const strangers = reports.filter(({ id, answer }) => answer !== undefined && answer.node !== id);
  for (const { id, url, answer } of strangers) {
    warnings.push(`${url} should be ${id}, but answers as ${answer?.node ?? 'nobody'}. Check the addresses.`);
  }
  return warnings;
}

/** `value: n1 n2` for each distinct value. */
function groups(
  answers: readonly ClusterBody[],
  valueOf: (answer: ClusterBody) => string,
): readonly string[] {
  const nodes = new Map<string, string[]>();
  for (const answer of answers) {
    const value = valueOf(answer);
    nodes.set(value, [...(nodes.get(value) ?? []), answer.node]);
  }
  return [...nodes].map(([value, ids]) => `${value}: ${ids.join(' ')}`);
}

function nodeDocument(node: NodeReport): Readonly<Record<string, unknown>> {
  const { id, url, zone, answer, ready, error } = node;
  return {
    id,
    url,
    zone,
    reachable: answer !== undefined,
    error,
    ready: ready?.ready ?? false,
    reasons: ready?.reasons,
    version: answer?.version,
    epoch: answer?.epoch,
    recovery: answer?.recovery,
    activity: answer?.activity,
    members: answer?.members,
  };
}
