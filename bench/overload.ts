/**
 * `npm run bench:overload`: what a cluster does with more than it can bear. First its capacity, closed loop; then an open loop
 * at shares and multiples of it. Well answered requests per second of the nodes' CPU time say whether the nodes spend their
 * time on answers or on requests that come to nothing; no hardware changes that ratio.
 *
 * Exit codes: 0 well answered requests per CPU second stay above 80 % of their peak at three times the capacity, 1 they do not.
 */
import { HEADERS } from '../src/api/headers.ts';
import type { BenchCluster } from './system/cluster.ts';
import { startLoadGenerator } from './load/closed-loop.ts';
import { type PacedJob, type PacedResult, startPacedGenerator } from './load/open-loop.ts';
import { formatTable } from './report/text-table.ts';
import { type Stops, withCluster } from './system/temporary-cluster.ts';
import type { Workload } from './load/workload.ts';

const NODE_COUNT = 3;
const CONNECTIONS = 64;
const MAX_CONNECTIONS = 3_000;
const FACTORS = [0.5, 1, 2, 3];
const WARM_UP_MS = 3_000;
const MEASURE_MS = 10_000;
/** Share of the peak that has to be left at the highest factor. */
const GOAL = 0.8;

const WORKLOAD: Workload = {
  method: 'PUT',
  keys: 'fresh',
  headers: { [HEADERS.w]: '2', [HEADERS.timeoutMs]: '1000' },
  expectedStatus: 201,
};

interface Row {
  readonly name: string;
  readonly offeredPerSecond: number;
  readonly goodPerSecond: number;
  readonly goodPerCpuSecond: number;
  readonly cells: readonly string[];
}

function main(): Promise<number> {
  return withCluster({ nodeCount: NODE_COUNT, copies: NODE_COUNT }, async (cluster, stops) => {
    const capacity = await measureCapacity(cluster, stops);
    process.stderr.write(`capacity: ${Math.round(capacity.goodPerSecond)} requests/s\n`);
    const rows = [capacity, ...(await measureFactors(cluster, capacity.goodPerSecond, stops))];
    cluster.assertRunning();
    const peak = Math.max(...rows.map(({ goodPerCpuSecond }) => goodPerCpuSecond));
    const last = (rows.at(-1)?.goodPerCpuSecond ?? 0) / peak;
    process.stdout.write(
      `${reportOf(rows, peak)}\n\nAt ${FACTORS.at(-1)} times the capacity: ${share(last)} of the peak.\n`,
    );
    return last >= GOAL ? 0 : 1;
  });
}

async function measureCapacity(cluster: BenchCluster, stops: Stops): Promise<Row> {
  const generator = startLoadGenerator();
  stops.push(() => generator.stop());
  const { requests, seconds, cpuMicroseconds, latency } = await generator.run({
    urls: cluster.nodes.map(({ url }) => url),
    connections: CONNECTIONS,
    workload: WORKLOAD,
    keys: { freshPrefix: 'capacity', storedKeys: 0 },
    length: { type: 'window', warmUpMs: WARM_UP_MS, measureMs: MEASURE_MS },
    watch: watched(cluster),
  });
  const goodPerCpuSecond = requests / nodeSeconds(cluster, cpuMicroseconds);
  const goodPerSecond = requests / seconds;
  const cells = ['', '', '', milliseconds(latency.p50Us), milliseconds(latency.p99Us), '', ''];
  return { name: 'closed loop', offeredPerSecond: goodPerSecond, goodPerSecond, goodPerCpuSecond, cells };
}

async function measureFactors(
  cluster: BenchCluster,
  capacity: number,
  stops: Stops,
): Promise<readonly Row[]> {
  const generator = startPacedGenerator();
  stops.push(() => generator.stop());
  const rows: Row[] = [];
  for (const factor of FACTORS) {
    const job: PacedJob = {
      urls: cluster.nodes.map(({ url }) => url),
      requestsPerSecond: factor * capacity,
      warmUpMs: WARM_UP_MS,
      measureMs: MEASURE_MS,
      maxConnections: MAX_CONNECTIONS,
      workload: WORKLOAD,
      keys: { freshPrefix: `factor-${factor}`, storedKeys: 0 },
      watch: watched(cluster),
    };
    const row = rowOf(factor, cluster, await generator.run(job));
    process.stderr.write(`${row.name}: ${Math.round(row.goodPerSecond)} well answered per second\n`);
    rows.push(row);
  }
  return rows;
}

function rowOf(factor: number, cluster: BenchCluster, result: PacedResult): Row {
  const { statuses, seconds, offered, errors, unsent, cpuMicroseconds, p50Us, p99Us, peakBytes, latestMs } =
    result;
  const good = statuses[WORKLOAD.expectedStatus] ?? 0;
  const rate = (count: number): string => String(Math.round(count / seconds));
  return {
    name: `open loop, ${factor} times`,
    offeredPerSecond: offered / seconds,
    goodPerSecond: good / seconds,
    goodPerCpuSecond: good / nodeSeconds(cluster, cpuMicroseconds),
    cells: [
      rate(statuses[503] ?? 0),
      rate(statuses[504] ?? 0),
      rate(errors + unsent),
      milliseconds(p50Us),
      milliseconds(p99Us),
      `${Math.round(peakBytes / 1e6)} MB`,
      `${Math.round(latestMs)}`,
    ],
  };
}

function watched(cluster: BenchCluster): Readonly<Record<string, number>> {
  return Object.fromEntries(cluster.nodes.map(({ id, pid }) => [id, pid]));
}

function nodeSeconds(cluster: BenchCluster, cpuMicroseconds: Readonly<Record<string, number>>): number {
  return cluster.nodes.reduce((sum, { id }) => sum + (cpuMicroseconds[id] ?? 0), 0) / 1e6;
}

function reportOf(rows: readonly Row[], peak: number): string {
  const head = [
    '',
    'offered/s',
    'good/s',
    '503/s',
    '504/s',
    'lost/s',
    'p50 ms',
    'p99 ms',
    'memory',
    'late ms',
  ];
  return formatTable(
    [...head, 'good per CPU s', 'of peak'],
    rows.map(({ name, offeredPerSecond, goodPerSecond, goodPerCpuSecond, cells }) => [
      name,
      String(Math.round(offeredPerSecond)),
      String(Math.round(goodPerSecond)),
      ...cells,
      String(Math.round(goodPerCpuSecond)),
      share(goodPerCpuSecond / peak),
    ]),
  );
}

function milliseconds(microseconds: number): string {
  return (microseconds / 1000).toFixed(1);
}

function share(ratio: number): string {
  return `${Math.round(ratio * 100)} %`;
}

process.exitCode = await main();
