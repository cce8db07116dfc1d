/**
 * `npm run bench:contention`: 64 clients increment one counter by compare-and-set, through all nodes, as fast as they can: how often
 * somebody wins, how long an attempt takes, whether everybody gets a turn, and whether the counter is right in the end.
 *
 * A client that loses goes on from what the 412 shows, at once; so nearly all attempts meet those of others. `--duel` adds the same
 * on a build whose proposers duel (system/duelling-build.ts).
 * Exit codes: 0 the counter is right, 1 it is not, or a request came to something else than an answer.
 */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { Command } from 'commander';
import { Pool } from 'undici';
import { HEADERS } from '../src/api/headers.ts';
import { entryPath } from '../src/api/paths.ts';
import { positiveInteger } from '../src/cli/option-values.ts';
import { PROJECT_DIRECTORY } from './system/project-directory.ts';
import type { BenchCluster } from './system/cluster.ts';
import { buildDuelling } from './system/duelling-build.ts';
import { formatTable } from './report/text-table.ts';
import { withCluster } from './system/temporary-cluster.ts';
import { CAS_BUCKET } from './load/workload.ts';

const NODE_COUNT = 3;
const CLIENTS = 64;
const WARM_UP_MS = 2_000;
interface Mode {
  readonly title: string;
  readonly bucket: string;
}

const MODES: readonly Mode[] = [
  { title: 'mode mixed', bucket: 'bench' },
  { title: 'mode cas', bucket: CAS_BUCKET },
];
const OUTPUT_DIRECTORY = join(PROJECT_DIRECTORY, '.bench');

/** What a client goes on from; without a tag the key is not there. */
interface Seen {
  readonly count: number;
  readonly etag: string | undefined;
}

interface Entry {
  readonly siblings: readonly { readonly text?: string }[];
}

interface Tally {
  readonly perClient: number[];
  readonly statuses: Map<number, number>;
  readonly latency: RecordableHistogram;
  /** Increments that were acknowledged, and those of which nobody knows, since the beginning. */
  acknowledged: number;
  unknown: number;
}

class Contention {
  readonly #pools: readonly Pool[];
  readonly #path: string;
  readonly #tally: Tally = {
    perClient: Array.from({ length: CLIENTS }, () => 0),
    statuses: new Map(),
    latency: createHistogram(),
    acknowledged: 0,
    unknown: 0,
  };
  #isMeasured = false;
  #isOver = false;

  constructor({ nodes }: BenchCluster, bucket: string) {
    const connections = Math.ceil(CLIENTS / nodes.length);
    this.#pools = nodes.map(({ url }) => new Pool(url, { connections }));
    this.#path = entryPath(bucket, `counter-${process.pid}`);
  }

  async run(measureMs: number): Promise<Tally & { readonly final: number }> {
    const clients = Promise.all(this.#tally.perClient.map((_, index) => this.#client(index)));
    await new Promise((done) => setTimeout(done, WARM_UP_MS));
    this.#isMeasured = true;
    await new Promise((done) => setTimeout(done, measureMs));
    this.#isMeasured = false;
    this.#isOver = true;
    await clients;
    const { count } = await this.#read(0);
    await Promise.all(this.#pools.map((pool) => pool.close()));
    return { ...this.#tally, final: count };
  }

  async #client(index: number): Promise<void> {
    let seen: Seen = { count: 0, etag: undefined };
    while (!this.#isOver) seen = await this.#increment(index, seen);
  }

  async #increment(index: number, { count, etag }: Seen): Promise<Seen> {
    const beganMs = performance.now();
    const condition = etag === undefined ? { 'if-none-match': '*' } : { 'if-match': etag };
    const { statusCode, headers, body } = await this.#poolOf(index).request({
      path: this.#path,
      method: 'PUT',
      headers: { 'content-type': 'text/plain', prefer: 'return=representation', ...condition },
      body: `${count + 1}`,
    });
    const answer = (await body.json()) as { readonly entry?: Entry; readonly outcome?: string };
    this.#count(index, statusCode, performance.now() - beganMs);
    const tag = typeof headers['etag'] === 'string' ? headers['etag'] : undefined;
    if (statusCode === 200 || statusCode === 201) return { count: count + 1, etag: tag };
    if (statusCode === 412 && answer.entry !== undefined) return { count: countIn(answer.entry), etag: tag };
    if (answer.outcome === 'unknown') this.#tally.unknown += 1;
    return this.#read(index);
  }

  async #read(index: number): Promise<Seen> {
    for (;;) {
      const { statusCode, headers, body } = await this.#poolOf(index).request({
        path: this.#path,
        method: 'GET',
        headers: { [HEADERS.consistency]: 'linearizable' },
      });
      const text = await body.text();
      if (statusCode === 200) return { count: Number(text), etag: String(headers['etag']) };
      if (statusCode === 404) return { count: 0, etag: undefined };
    }
  }

  #poolOf(index: number): Pool {
    const pool = this.#pools.at(index % this.#pools.length);
    if (pool === undefined) throw new Error('there are no nodes');
    return pool;
  }

  #count(index: number, status: number, ms: number): void {
    const { perClient, statuses, latency } = this.#tally;
    const isWon = status === 200 || status === 201;
    if (isWon) this.#tally.acknowledged += 1;
    if (!this.#isMeasured) return;
    if (isWon) perClient[index] = (perClient[index] ?? 0) + 1;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    latency.record(Math.max(1, Math.round(ms * 1_000)));
  }
}

function countIn({ siblings }: Entry): number {
  return Number(siblings[0]?.text);
}

interface Options {
  readonly seconds: number;
  readonly program: string;
  readonly duel?: boolean;
}

function readOptions(): Options {
  return new Command('npm run bench:contention --')
    .description('Clients increment one counter by compare-and-set, on a cluster of three nodes.')
    .option('--seconds <count>', 'seconds measured in each bucket mode', positiveInteger, 10)
    .option('--duel', 'measure proposers that duel, too')
    .option(
      '--program <file>',
      'the built command line',
      (file: string) => resolve(file),
      resolve('dist/cli/main.js'),
    )
    .parse()
    .opts<Options>();
}

async function main(options: Options): Promise<number> {
  const found = [await measure(options, options.program, MODES)];
  if (options.duel === true) found.push(await measureDuel(options));
  const head = ['', 'won/s', 'attempts/s', 'p50 ms', 'p99 ms', 'most/fewest wins of a client', 'answers'];
  const table = formatTable(
    head,
    found.flatMap(({ rows }) => rows),
  );
  const problems = found.flatMap((one) => one.problems);
  process.stdout.write(`${CLIENTS} clients, one counter, ${NODE_COUNT} nodes\n\n${table}\n`);
  process.stdout.write(problems.length === 0 ? 'The counters are right.\n' : `${problems.join('\n')}\n`);
  return problems.length === 0 ? 0 : 1;
}

async function measureDuel(options: Options): Promise<Measured> {
  await mkdir(OUTPUT_DIRECTORY, { recursive: true });
  const build = await buildDuelling(OUTPUT_DIRECTORY);
  try {
    const modes = MODES.map(({ title, bucket }) => ({ title: `${title}, duelling`, bucket }));
    return await measure(options, build.program, modes);
  } finally {
    await build.remove();
  }
}

interface Measured {
  readonly rows: readonly (readonly string[])[];
  readonly problems: readonly string[];
}

function measure({ seconds }: Options, program: string, modes: readonly Mode[]): Promise<Measured> {
  return withCluster({ nodeCount: NODE_COUNT, copies: NODE_COUNT, program }, async (cluster) => {
    const rows: string[][] = [];
    const problems: string[] = [];
    for (const { title, bucket } of modes) {
      const tally = await new Contention(cluster, bucket).run(seconds * 1_000);
      rows.push([title, ...cellsOf(tally, seconds)]);
      problems.push(...problemsOf(tally).map((problem) => `${title}: ${problem}`));
    }
    cluster.assertRunning();
    return { rows, problems };
  });
}

function cellsOf({ perClient, statuses, latency }: Tally, seconds: number): readonly string[] {
  const won = perClient.reduce((sum, count) => sum + count, 0);
  const fewest = Math.min(...perClient);
  return [
    (won / seconds).toFixed(0),
    (latency.count / seconds).toFixed(0),
    (latency.percentile(50) / 1_000).toFixed(1),
    (latency.percentile(99) / 1_000).toFixed(1),
    `${Math.max(...perClient)}/${fewest}`,
    [...statuses].map(([status, count]) => `${count} x ${status}`).join(', '),
  ];
}

/** What is acknowledged is in the counter, and nothing is that nobody wrote. */
function problemsOf({
  acknowledged,
  unknown,
  final,
  statuses,
}: Tally & { readonly final: number }): string[] {
  const isRight = final >= acknowledged && final <= acknowledged + unknown;
  const others = [...statuses.keys()].filter((status) => ![200, 201, 412, 409, 503, 504].includes(status));
  return [
    ...(isRight
      ? []
      : [`the counter is ${final}, but ${acknowledged} to ${acknowledged + unknown} were written`]),
    ...others.map((status) => `an answer with status ${status}`),
  ];
}

process.exitCode = await main(readOptions());
