import type { Command } from 'commander';
import type { InspectBody, RingBody } from '../../api/bodies.ts';
import { PATHS } from '../../api/paths.ts';
import { inspectPathOfEntry, type EntryName } from '../entry-name.ts';
import { usageFailure } from '../failure.ts';
import { askFirst } from '../node-query.ts';
import type { CommandContext } from '../command-context.ts';
import {
  addConnectionOptions,
  withConnection,
  type Connection,
  type ConnectionOptions,
} from '../connection.ts';
import { printJson, printLine, type Terminal } from '../terminal.ts';
import { printTable } from '../table.ts';

interface RingOptions extends ConnectionOptions {
  readonly json?: boolean;
}

/** `quorate ring [BUCKET KEY]`: who owns how much, or where one key lives. */
export function addRingCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('ring')
    .summary('show the partitions')
    .description(
      'Shows how many partitions each node owns, or, with a bucket and a key, where that key lives.',
    )
    .argument('[bucket]')
    .argument('[key]');
  addConnectionOptions(command)
    .option('--json', 'print as JSON')
    .action(async (bucket: string | undefined, key: string | undefined, options: RingOptions) => {
      const { terminal } = context;
      const json = options.json === true;
      await withConnection(terminal, options, async (connection) => {
        if (bucket === undefined) await runRing(terminal, connection, json);
        else if (key === undefined) throw usageFailure('ring needs a KEY after the BUCKET.');
        else await runRingOfKey(terminal, connection, { bucket, key }, json);
      });
    });
}

/** Which node is home to how many partitions. */
async function runRing(terminal: Terminal, connection: Connection, json: boolean): Promise<void> {
  const { document: ring } = await askFirst<RingBody>({
    ...connection,
    path: PATHS.ring,
    fields: ['nodes', 'defaults', 'preferenceLists'],
  });
  const nodes = ownership(ring);
  if (json) {
    const { cluster, epoch, partitions, defaults } = ring;
    printJson(terminal, { cluster, epoch, partitions, defaults, nodes });
    return;
  }
  printLine(
    terminal,
    `Cluster ${ring.cluster}: ${ring.partitions} partitions, ${ring.nodes.length} nodes, n=${ring.defaults.n}, epoch ${ring.epoch}.\n`,
  );
  printTable(terminal, {
    head: ['node', 'zone', 'url', 'first of', `home of (n=${ring.defaults.n})`, 'share of keys'],
    rows: nodes.map((node) => [
      node.id,
      node.zone,
      node.url,
      node.primaryPartitions,
      node.homePartitions,
      `${((100 * node.homePartitions) / ring.partitions).toFixed(1)} %`,
    ]),
  });
}

/** Where one key lives. */
async function runRingOfKey(
  terminal: Terminal,
  connection: Connection,
  entry: EntryName,
  json: boolean,
): Promise<void> {
  const { document } = await askFirst<InspectBody>({
    ...connection,
    path: inspectPathOfEntry(entry),
    fields: ['partition', 'preferenceList'],
  });
  const { bucket, key, partition, n, preferenceList } = document;
  if (json) {
    printJson(terminal, { bucket, key, partition, n, preferenceList });
    return;
  }
  printLine(terminal, `Partition ${partition}.\n`);
  printTable(terminal, {
    head: ['place', 'node', 'role'],
    rows: preferenceList.map((node, place) => [place + 1, node, place < n ? 'home replica' : 'fallback']),
  });
}

interface NodeOwnership {
  readonly id: string;
  readonly zone: string;
  readonly url: string;
  /** Partitions whose preference list it begins. */
  readonly primaryPartitions: number;
  /** Partitions whose home replicas it belongs to at the default N. */
  readonly homePartitions: number;
}

function ownership(ring: RingBody): readonly NodeOwnership[] {
  return ring.nodes.map(({ id, zone, url }, index) => ({
    id,
    zone,
    url,
    primaryPartitions: ring.preferenceLists.filter((list) => list[0] === index).length,
    homePartitions: ring.preferenceLists.filter((list) => list.slice(0, ring.defaults.n).includes(index))
      .length,
  }));
}
