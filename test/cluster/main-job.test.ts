/**
 * The main job, on real input: five nodes, an import of real records by the command line through all of them, one node killed
 * and started again in the middle. Every record is acknowledged, and reads back as it was through every node.
 *
 * Each run takes a slice of the data. All of it, with figures at the end:
 *
 *   QUORATE_CITIES=all npx vitest run --config test/vitest.config.ts test/cluster/main-job.test.ts
 */
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImportSummary } from '../../src/cli/import/import-tally.ts';
import { type Bucket, connect, text } from '../../src/client/index.ts';
import { type CityRecord, cityRecords, KEY_FIELD } from './cities.ts';
import { CommandProcess } from './command-process.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';
import { memoryOf, whyNoProcessMemory } from './process-memory.ts';
import { readBack } from './read-back.ts';

const ALL = process.env['QUORATE_CITIES'] === 'all';
const TIME_LIMIT_MS = ALL ? 3_600_000 : 180_000;
const BUCKET = 'cities';

let cluster: ProcessCluster;
let records: readonly CityRecord[];
const etags = new Map<string, string>();
const commands: CommandProcess[] = [];
beforeAll(async () => {
  records = await cityRecords(ALL ? 'all' : 3_000);
  cluster = await startProcessCluster({ nodes: 5, config: { defaults: { n: 3, r: 2, w: 2 } } });
  await writeFile(join(cluster.directory, 'cities.ndjson'), records.map(({ line }) => `${line}\n`).join(''));
});
afterAll(async () => {
  await Promise.all(commands.map((command) => command.kill9()));
  await cluster?.close();
});

/** `quorate import` of the whole file, told all nodes. */
function startImport(): CommandProcess {
  const file = join(cluster.directory, 'cities.ndjson');
  const words = ['import', BUCKET, file, '--key', KEY_FIELD, '-n', '3', '-w', '2', '--json'];
  const nodes = cluster.nodes.map((node) => cluster.url(node)).join(',');
  const command = new CommandProcess(words, { QUORATE_NODES: nodes });
  commands.push(command);
  return command;
}

async function summaryOf(command: CommandProcess): Promise<ImportSummary> {
  const { exitCode, stdout, stderr } = await command.ended;
  expect(exitCode, `${stdout}\n${stderr}`).toBe(0);
  return JSON.parse(stdout) as ImportSummary;
}

function expectAllWritten(summary: ImportSummary): void {
  const written = records.length;
  const expected = { records: written, written, failed: 0, unknown: 0, malformed: 0, withSiblings: 0 };
  expect(summary).toMatchObject(expected);
}

function targetOf({ key }: CityRecord): string {
  return `/v1/kv/${BUCKET}/${encodeURIComponent(key)}`;
}

/** Waits until the import has come to a record; fails if it ends before. */
async function untilWritten(record: CityRecord, command: CommandProcess): Promise<void> {
  while ((await cluster.client('n1').get(targetOf(record))).status !== 200) {
    expect(command.isRunning).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Through one node, at R=2: each record has exactly the bytes of its line, and is the only value of its key. */
async function expectAllThere(node: string): Promise<void> {
  await readBack(cluster, node, records, { targetOf, r: 2 }, (record, { status, headers, text }) => {
    const shown = [status, headers['content-type'], headers['quorate-siblings'], text];
    // Compared before it is asserted: an assertion for each of a million records takes longer than to read them.
    if (shown.join() === [200, 'application/json', '1', record.line].join()) {
      if (!etags.has(record.key)) etags.set(record.key, headers.etag ?? '');
      return;
    }
    expect(shown, `${record.key} through ${node}`).toEqual([200, 'application/json', '1', record.line]);
  });
}

describe('the main job', { timeout: TIME_LIMIT_MS }, () => {
  it('imports through all nodes while one is killed and started again: every record is acknowledged', async () => {
    const command = startImport();
    await untilWritten(records[Math.floor(records.length / 5)] as CityRecord, command);
    await cluster.kill9('n3');
    expect(command.isRunning).toBe(true);
    if (ALL) await untilWritten(records[Math.floor(records.length / 2)] as CityRecord, command);
    await cluster.restart('n3');
    const summary = await summaryOf(command);
    expectAllWritten(summary);
    await report('import with one node killed', summary);
  });

  it('reads every record back identical at R=2 through every node', async () => {
    const startMs = performance.now();
    for (const node of cluster.nodes) await expectAllThere(node);
    expect(etags.size).toBe(records.length);
    if (!ALL) return;
    const seconds = (performance.now() - startMs) / 1_000;
    const reads = records.length * cluster.nodes.length;
    process.stdout.write(
      `read back: ${reads} reads, ${seconds.toFixed(0)} s, ${(reads / seconds).toFixed(0)} reads/s\n`,
    );
  });

  it('imports again without a sibling, and without a change', async () => {
    const summary = await summaryOf(startImport());
    expectAllWritten(summary);
    await readBack(cluster, 'n2', records, { targetOf, r: 2 }, (record, { headers }) => {
      if (headers.etag !== etags.get(record.key)) expect(headers.etag).toBe(etags.get(record.key));
    });
    await report('import again', summary);
  });

  it('shows two siblings of two clients that wrote from one context, and one value when a third has resolved them', async () => {
    const { key } = records[0] as CityRecord;
    const [one, two, third] = ['n1', 'n4', 'n5'].map(bucketThrough) as [Text, Text, Text];
    const seen = await one.get(key);
    await Promise.all([
      one.put(key, 'written by one', { context: seen }),
      two.put(key, 'written by two', { context: seen }),
    ]);
    const conflict = await third.get(key);
    if (conflict.type !== 'conflict') throw new Error(`no siblings but ${JSON.stringify(conflict)}`);
    const values = conflict.siblings.map(({ value }) => value);
    expect(values.toSorted()).toEqual(['written by one', 'written by two']);
    await third.put(key, values.toSorted().join(' and '), { context: conflict });
    for (const node of cluster.nodes) {
      expect(await bucketThrough(node).get(key)).toMatchObject({
        type: 'found',
        value: 'written by one and written by two',
      });
    }
  });
});

type Text = Bucket<string>;

/** A client of its own that knows one node only. */
function bucketThrough(node: string): Text {
  const client = connect({ nodes: [cluster.url(node)], routing: 'round-robin', r: 2, w: 2 });
  return client.bucket(BUCKET, { codec: text });
}

async function report(what: string, summary: ImportSummary): Promise<void> {
  if (!ALL) return;
  const { written, seconds, recordsPerSecond, bytes, latencyMs } = summary;
  const lines = [
    `${what}: ${written} records of ${bytes} bytes in ${seconds.toFixed(1)} s: ${recordsPerSecond} records/s`,
    `  p50 ${latencyMs.p50.toFixed(2)} ms, p99 ${latencyMs.p99.toFixed(2)} ms, max ${latencyMs.max.toFixed(0)} ms`,
  ];
  for (const node of cluster.nodes)
    lines.push(`  ${node}: ${await memoryText(node)}, ${await sizeText(node)}`);
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function memoryText(node: string): Promise<string> {
  if (whyNoProcessMemory() !== undefined) return 'memory not known';
  const { residentBytes, peakBytes } = await memoryOf(cluster.pid(node));
  return `${(residentBytes / 1e6).toFixed(0)} MB resident, ${(peakBytes / 1e6).toFixed(0)} MB at the peak`;
}

async function sizeText(node: string): Promise<string> {
  const directory = join(cluster.dataDirectory, node);
  const files = await readdir(directory);
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(directory, file))).size));
  return `${(sizes.reduce((sum, size) => sum + size, 0) / 1e6).toFixed(1)} MB on disk`;
}
