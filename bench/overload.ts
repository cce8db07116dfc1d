/**
 * `npm run bench:overload`: what a cluster does with more than it can bear. A closed loop says how much it answers at most, as its
 * clients wait for it; an open loop at that rate, whose clients do not, how much of that is answered well, which is what it can bear;
 * then an open loop offers once, twice and three times that. All of it several times. Each round begins with another load, so that each
 * load has each place as often: a machine that others use is faster in one minute than in the next, the nodes hold more with each, and every minute
 * or so LevelDB compacts what was written for ten seconds and more, which takes up to a third of a node's CPU time: rounds in one
 * order are about as long, so it was always the same load that met it. Well answered requests per second of the nodes' CPU time
 * say whether the nodes spend their time on answers or on requests that come to nothing.
 *
 * Each load is judged by all that its rounds have answered and all the CPU time of them, and the peak is the best of these: the
 * best of one round would be the luckiest of ten figures that scatter by a third, and a median would leave out compactions. CPU time
 * is that of a machine of one speed: what it cost in a window, times what a piece of work costs in the mean of all windows, by what it
 * cost in this one (system/processor-speed.ts). What comes of CPU time as it was counted is told, too.
 *
 * Exit codes: 0 well answered requests per CPU second stay above 80 % of their peak at three times what can be borne, 1 they do not.
 */
import { HEADERS } from '../src/api/headers.ts';
import type { BenchCluster } from './system/cluster.ts';
import { startProcessorSpeed } from './system/processor-speed.ts';
import { type LoadGenerator, startLoadGenerator } from './load/closed-loop.ts';
import { type PacedGenerator, startPacedGenerator } from './load/open-loop.ts';
import { type Spread, spreadOf } from './report/statistics.ts';
import { formatTable } from './report/text-table.ts';
import { type Stops, withCluster } from './system/temporary-cluster.ts';
import type { Workload } from './load/workload.ts';

const NODE_COUNT = 3;
const CONNECTIONS = 64;
const MAX_CONNECTIONS = 3_000;
const CLOSED_LOOP = 'closed loop';
const AT_ITS_RATE = 'open loop at its rate';
const HIGHEST_FACTOR = 3;
/** The rest are multiples of what can be borne. */
const LOADS = [CLOSED_LOOP, AT_ITS_RATE, 1, 2, HIGHEST_FACTOR] as const;
type Load = (typeof LOADS)[number];
/** Twice as many as there are places. */
const ROUNDS = 10;
/** Before the first round: by then the nodes' code is compiled. */
const WARM_UP_MS = 10_000;
const SETTLE_MS = 5_000;
const MEASURE_MS = 6_000;
/** Share of the peak that has to be left at the highest factor. */
const GOAL = 0.8;

/** Of a request. What is answered later is answered for nobody, and does not count as well answered. */
const TIME_LIMIT_MS = 1_000;

const WORKLOAD: Workload = {
  method: 'PUT',
  keys: 'fresh',
  headers: { [HEADERS.w]: '2', [HEADERS.timeoutMs]: String(TIME_LIMIT_MS) },
  expectedStatus: 201,
};

interface Row {
  readonly name: string;
  readonly offeredPerSecond: number;
  readonly goodPerSecond: number;
  readonly good: number;
  /** Of all nodes. */
  readonly cpuSeconds: number;
  /** CPU time in microseconds that a piece of work took meanwhile. */
  readonly pieceUs: number;
  /** What is told of it besides. */
  readonly facts: Partial<Record<Fact, number>>;
}

type Window = Omit<Row, 'pieceUs'>;

interface Run {
  readonly cluster: BenchCluster;
  readonly round: number;
  readonly settleMs: number;
}

/** Columns, and how many digits each has after the point. */
const FACTS = {
  'too late/s': 0,
  '503/s': 0,
  '504/s': 0,
  'lost/s': 0,
  'p50 ms': 1,
  'p99 ms': 1,
  'memory MB': 0,
  'late ms': 0,
} as const;
type Fact = keyof typeof FACTS;

function main(): Promise<number> {
  return withCluster({ nodeCount: NODE_COUNT, copies: NODE_COUNT }, async (cluster, stops) => {
    const counted = await measureRounds(cluster, stops);
    cluster.assertRunning();
    const rounds = atOneSpeed(counted);
    const { peak, last } = judged(rounds);
    const asCounted = judged(counted);
    const single = ofRounds(rounds.map((round) => efficiencyOf([round.at(-1) as Row])));
    const shares = [last, single.min, single.max].map((value) => share(value / peak));
    process.stdout.write(
      `${reportOf(rounds, peak)}\n\nAt ${HIGHEST_FACTOR} times what can be borne: ${shares[0]} of the peak (single rounds: ${shares[1]} to ${shares[2]}; ` +
        `by CPU time as it was counted: ${share(asCounted.last / asCounted.peak)}).\n`,
    );
    return last / peak >= GOAL ? 0 : 1;
  });
}

interface Judged {
  readonly peak: number;
  /** At the highest factor. */
  readonly last: number;
}

function judged(rounds: readonly (readonly Row[])[]): Judged {
  const efficiencies = LOADS.map((_, place) => efficiencyOf(rounds.map((round) => round[place] as Row)));
  return { peak: Math.max(...efficiencies), last: efficiencies.at(-1) as number };
}

function atOneSpeed(rounds: readonly (readonly Row[])[]): readonly (readonly Row[])[] {
  const meanUs = mean(rounds.flat().map(({ pieceUs }) => pieceUs));
  return rounds.map((round) =>
    round.map((row) => ({ ...row, cpuSeconds: (row.cpuSeconds * meanUs) / row.pieceUs })),
  );
}

async function measureRounds(cluster: BenchCluster, stops: Stops): Promise<readonly (readonly Row[])[]> {
  const closed = startLoadGenerator();
  const paced = startPacedGenerator();
  const speed = startProcessorSpeed();
  stops.push(
    () => closed.stop(),
    () => paced.stop(),
    () => speed.stop(),
  );
  const rounds: Row[][] = [];
  /** Rates of all windows so far: that of a single one is the luck of a moment, and all others would be multiples of it. */
  const answered = { [CLOSED_LOOP]: [] as number[], [AT_ITS_RATE]: [] as number[] };
  const offeredBy = (load: Exclude<Load, typeof CLOSED_LOOP>): number =>
    load === AT_ITS_RATE ? mean(answered[CLOSED_LOOP]) : load * mean(answered[AT_ITS_RATE]);
  const measure = async (load: Load, round: number): Promise<Row> => {
    const settleMs = load === CLOSED_LOOP && round === 1 ? WARM_UP_MS : SETTLE_MS;
    const run = { cluster, round, settleMs };
    const [row, pieceUs] = await Promise.all([
      load === CLOSED_LOOP
        ? measureClosedLoop(closed, run)
        : measureOpenLoop(paced, load, { ...run, perSecond: offeredBy(load) }),
      speed.measure(settleMs, MEASURE_MS),
    ]);
    if (load === CLOSED_LOOP || load === AT_ITS_RATE) answered[load].push(row.goodPerSecond);
    return { ...row, pieceUs };
  };
  for (let round = 1; round <= ROUNDS; round += 1) {
    const rows = new Map<Load, Row>();
    for (const load of rotated(LOADS, round - 1)) rows.set(load, await measure(load, round));
    rounds.push(LOADS.map((load) => rows.get(load) as Row));
    const rates = LOADS.map((load) => efficiencyOf([rows.get(load) as Row]).toFixed()).join(', ');
    process.stderr.write(`round ${round} of ${ROUNDS}: ${rates} well answered per CPU second\n`);
  }
  return rounds;
}

async function measureClosedLoop(
  generator: LoadGenerator,
  { cluster, round, settleMs }: Run,
): Promise<Window> {
  const { requests, seconds, cpuMicroseconds, latency } = await generator.run({
    urls: cluster.nodes.map(({ url }) => url),
    connections: CONNECTIONS,
    workload: WORKLOAD,
    keys: { freshPrefix: `closed-${round}`, storedKeys: 0 },
    length: { type: 'window', warmUpMs: settleMs, measureMs: MEASURE_MS },
    watch: watched(cluster),
  });
  const goodPerSecond = requests / seconds;
  return {
    name: CLOSED_LOOP,
    offeredPerSecond: goodPerSecond,
    goodPerSecond,
    good: requests,
    cpuSeconds: nodeSeconds(cluster, cpuMicroseconds),
    facts: { 'p50 ms': latency.p50Us / 1000, 'p99 ms': latency.p99Us / 1000 },
  };
}

async function measureOpenLoop(
  generator: PacedGenerator,
  load: typeof AT_ITS_RATE | number,
  { cluster, round, settleMs, perSecond }: Run & { readonly perSecond: number },
): Promise<Window> {
  const result = await generator.run({
    urls: cluster.nodes.map(({ url }) => url),
    requestsPerSecond: perSecond,
    warmUpMs: settleMs,
    measureMs: MEASURE_MS,
    maxConnections: MAX_CONNECTIONS,
    workload: WORKLOAD,
    withinMs: TIME_LIMIT_MS,
    keys: { freshPrefix: `open-${load}-${round}`.replaceAll(' ', '-'), storedKeys: 0 },
    watch: watched(cluster),
  });
  const { statuses, seconds, offered, errors, unsent, cpuMicroseconds, p50Us, p99Us, peakBytes, latestMs } =
    result;
  const good = result.inTime;
  return {
    name: load === AT_ITS_RATE ? load : `open loop, ${load} times`,
    offeredPerSecond: offered / seconds,
    goodPerSecond: good / seconds,
    good,
    cpuSeconds: nodeSeconds(cluster, cpuMicroseconds),
    facts: {
      'too late/s': ((statuses[WORKLOAD.expectedStatus] ?? 0) - good) / seconds,
      '503/s': (statuses[503] ?? 0) / seconds,
      '504/s': (statuses[504] ?? 0) / seconds,
      'lost/s': (errors + unsent) / seconds,
      'p50 ms': p50Us / 1000,
      'p99 ms': p99Us / 1000,
      'memory MB': peakBytes / 1e6,
      'late ms': latestMs,
    },
  };
}

/** From one place on, and what comes before it behind. */
function rotated<T>(items: readonly T[], from: number): readonly T[] {
  const place = from % items.length;
  return [...items.slice(place), ...items.slice(0, place)];
}

function watched(cluster: BenchCluster): Readonly<Record<string, number>> {
  return Object.fromEntries(cluster.nodes.map(({ id, pid }) => [id, pid]));
}

function nodeSeconds(cluster: BenchCluster, cpuMicroseconds: Readonly<Record<string, number>>): number {
  return cluster.nodes.reduce((sum, { id }) => sum + (cpuMicroseconds[id] ?? 0), 0) / 1e6;
}

/** Well answered requests per CPU second, in all of these together. */
function efficiencyOf(rows: readonly Row[]): number {
  const sum = (value: (row: Row) => number): number => rows.reduce((total, row) => total + value(row), 0);
  return sum(({ good }) => good) / sum(({ cpuSeconds }) => cpuSeconds);
}

/** Medians over the rounds, but what is judged. */
function reportOf(rounds: readonly (readonly Row[])[], peak: number): string {
  const facts = Object.keys(FACTS) as Fact[];
  const [first = []] = rounds;
  const rows = first.map(({ name }, place) => {
    const measured = rounds.map((round) => round[place] as Row);
    const medianOf = (value: (row: Row) => number, digits = 0): string =>
      ofRounds(measured.map(value)).median.toFixed(digits);
    return [
      name,
      medianOf((row) => row.offeredPerSecond),
      medianOf((row) => row.goodPerSecond),
      ...facts.map((fact) =>
        measured[0]?.facts[fact] === undefined ? '' : medianOf((row) => row.facts[fact] ?? 0, FACTS[fact]),
      ),
      medianOf(({ pieceUs }) => pieceUs / 1000, 1),
      efficiencyOf(measured).toFixed(),
      share(efficiencyOf(measured) / peak),
    ];
  });
  return formatTable(['', 'offered/s', 'good/s', ...facts, 'work ms', 'good per CPU s', 'of peak'], rows);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** There is always a round. */
function ofRounds(values: readonly number[]): Spread {
  return spreadOf(values) as Spread;
}

function share(ratio: number): string {
  return `${Math.round(ratio * 100)} %`;
}

process.exitCode = await main();
