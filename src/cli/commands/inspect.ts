import type { Command } from 'commander';
import type { InspectBody, InspectedReplica } from '../../api/bodies.ts';
import { inspectPathOfEntry, type EntryName } from '../entry-name.ts';
import { askFirst } from '../node-query.ts';
import type { CommandContext } from '../command-context.ts';
import {
  addConnectionOptions,
  withConnection,
  type Connection,
  type ConnectionOptions,
} from '../connection.ts';
import { printJson, printLine, printable, type Terminal } from '../terminal.ts';
import { printTable } from '../table.ts';

interface InspectOptions extends ConnectionOptions {
  readonly json?: boolean;
}

/** `quorate inspect BUCKET KEY`: what each replica holds of one key, and whether they agree. */
export function addInspectCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('inspect')
    .summary('show what each replica holds of a key')
    .description('Shows what each replica holds of one key, and whether the home replicas agree.')
    .argument('<bucket>')
    .argument('<key>');
  addConnectionOptions(command)
    .option('--json', 'print as JSON')
    .action(async (bucket: string, key: string, options: InspectOptions) => {
      await withConnection(context.terminal, options, (connection) =>
        runInspect(context.terminal, connection, { bucket, key }, options.json === true),
      );
    });
}

async function runInspect(
  terminal: Terminal,
  connection: Connection,
  entry: EntryName,
  json: boolean,
): Promise<void> {
  const { document } = await askFirst<InspectBody>({
    ...connection,
    path: inspectPathOfEntry(entry),
    fields: ['preferenceList', 'replicas'],
  });
  if (json) {
    printJson(terminal, document);
    return;
  }
  const home = document.preferenceList.slice(0, document.n);
  printLine(
    terminal,
    `${document.bucket}/${printable(document.key)}: partition ${document.partition}, home replicas ${home.join(' ')}.\n`,
  );
  printTable(terminal, {
    head: ['node', 'role', 'result', 'digest', 'sibling', 'written at', 'type', 'bytes'],
    rows: document.replicas.flatMap((replica) => replicaRows(replica, home.includes(replica.node))),
  });
  const voters = document.replicas.flatMap(voterRows);
  if (voters.length > 0) {
    printLine(terminal, '\nConditional writes:\n');
    printTable(terminal, {
      head: ['node', 'votes', 'promised', 'accepted', 'chosen', 'round'],
      rows: voters,
    });
  }
  for (const { node, vote } of document.replicas) {
    if (vote?.reason !== undefined)
      printLine(terminal, `\n${node} does not vote: ${printable(vote.reason)}.`);
  }
  printLine(terminal, `\n${verdict(document, home)}`);
}

/** What a home replica keeps as a voter; of a key that no conditional request has ever reached, that it votes or not. */
function voterRows({ node, vote }: InspectedReplica): readonly string[][] {
  if (vote === undefined) return [];
  const { votes, promised, accepted, chosen, unfinished } = vote;
  const ballots = [promised, accepted, chosen].map((ballot) =>
    ballot === undefined ? '-' : `${ballot.time} ${ballot.counter} ${ballot.node}`,
  );
  const round = accepted === undefined ? '-' : unfinished ? 'unfinished' : 'finished';
  return [[node, votes ? 'yes' : 'no', ...ballots, round]];
}

/** A row for each sibling; the replica's own columns stand in the first one only. */
function replicaRows(replica: InspectedReplica, isHome: boolean): readonly string[][] {
  const own = [replica.node, isHome ? 'home' : 'fallback', replica.result, replica.digest ?? '-'];
  const siblings = replica.siblings ?? [];
  if (siblings.length === 0) return [[...own, '-', '-', '-', '-']];
  return siblings.map((sibling, index) => [
    ...(index === 0 ? own : ['', '', '', '']),
    sibling.id,
    sibling.writtenAt,
    'deleted' in sibling ? '(deleted)' : sibling.contentType,
    'deleted' in sibling ? '-' : String(sibling.bytes),
  ]);
}

function verdict(document: InspectBody, home: readonly string[]): string {
  if (document.agree) return 'All home replicas hold the same.';
  const silent = document.replicas.filter(
    ({ node, result }) => home.includes(node) && (result === 'unreachable' || result === 'unreadable'),
  );
  const told = silent.map(({ node, result }) => `${node} is ${result}`).join(', ');
  if (silent.length > 0) return `Not all home replicas can be compared: ${told}.`;
  return 'The home replicas differ. A read at quorum answers with the newest and repairs the others: `quorate get` this key.';
}
