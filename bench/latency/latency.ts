/**
 * The section `latency`: what a user waits for an answer while the cluster has half of what it can bear to do. Requests come
 * when they come (open loop, Poisson), and the wait counts from the moment at which a request was due.
 *
 * Both generators are checked against each other where nothing queues: a closed loop of one connection, and an open loop that
 * offers a little less than that got, evenly. They must see the same, or one of them measures itself. At a rate that leaves the
 * nodes idle for a while they would not: code that has not run for some milliseconds runs slowly (system/after-pause.ts).
 */
import { HEADERS } from '../../src/api/headers.ts';
import { loadingOf, QUORATE, REQUESTS, REQUEST_TITLES, type RequestName } from '../capacity/scenarios.ts';
import type { Experiment, ExperimentContext } from '../experiments/experiment.ts';
import {
  describeFailures,
  startLoadGenerator,
  type LoadGenerator,
  type LoadResult,
} from '../load/closed-loop.ts';
import { startPacedGenerator, type PacedGenerator, type PacedResult } from '../load/open-loop.ts';
import type { Workload } from '../load/workload.ts';
import type { Section } from '../report/document.ts';
import type { BenchCluster } from '../system/cluster.ts';
import { withCluster } from '../system/temporary-cluster.ts';
import { latencySection } from './latency-section.ts';

const NODE_COUNT = 3;
const CONNECTIONS = 64;
const MAX_CONNECTIONS = 1_000;
const TIMEOUT_MS = '5000';
const NAMES: readonly RequestName[] = ['put-w2', 'get-r2', 'get-r1', 'get-linearizable'];
const QUICK_NAMES: readonly RequestName[] = ['put-w2'];
/** Of the capacity. */
const SHARE = 0.5;
/** Of what one connection gets, so that hardly two requests meet. */
const LOW_SHARE = 0.8;

/** How long and how often. */
export interface LatencyLengths {
  readonly repeats: number;
  readonly measureMs: number;
  readonly warmUpMs: number;
  readonly storedKeys: number;
}

/** One kind of request in one repeat. */
export interface LatencyMeasurement {
  readonly request: RequestName;
  readonly title: string;
  readonly repeat: number;
  /** Closed loop with all connections: what half of is offered. */
  readonly capacity: LoadResult;
  /** Open loop at half of it. */
  readonly half: PacedResult;
  /** With one connection, closed loop, and at a little less than that, open loop. */
  readonly lowClosed: LoadResult;
  readonly low: PacedResult;
}

export function latencyExperiment(lengths: LatencyLengths): Experiment {
  return {
    id: 'latency',
    title: 'Latency at half of the capacity',
    run: (context) => runLatency(lengths, context),
  };
}

function runLatency(lengths: LatencyLengths, context: ExperimentContext): Promise<Section> {
  const { program, outputDirectory, signal } = context;
  return withCluster(
    { nodeCount: NODE_COUNT, copies: NODE_COUNT, program, outputDirectory, signal },
    async (cluster, stops) => {
      const closed = startLoadGenerator();
      const paced = startPacedGenerator();
      stops.push(
        () => closed.stop(),
        () => paced.stop(),
      );
      signal.addEventListener('abort', () => void Promise.all([closed.stop(), paced.stop()]));
      const run = new LatencyRun({ lengths, context, cluster, closed, paced });
      const measurements = await run.run();
      return latencySection(measurements, lengths, run.problems);
    },
  );
}

class LatencyRun {
  readonly problems: string[] = [];
  readonly #lengths: LatencyLengths;
  readonly #context: ExperimentContext;
  readonly #cluster: BenchCluster;
  readonly #closed: LoadGenerator;
  readonly #paced: PacedGenerator;
  #runs = 0;

  constructor(options: {
    readonly lengths: LatencyLengths;
    readonly context: ExperimentContext;
    readonly cluster: BenchCluster;
    readonly closed: LoadGenerator;
    readonly paced: PacedGenerator;
  }) {
    this.#lengths = options.lengths;
    this.#context = options.context;
    this.#cluster = options.cluster;
    this.#closed = options.closed;
    this.#paced = options.paced;
  }

  async run(): Promise<readonly LatencyMeasurement[]> {
    const { repeats, storedKeys } = this.#lengths;
    await this.#closed.run({
      ...this.#job(),
      connections: CONNECTIONS,
      workload: loadingOf(QUORATE, storedKeys).workload,
      length: { type: 'requests', requests: storedKeys },
    });
    const measurements: LatencyMeasurement[] = [];
    // Repeat 0 warms up, for which a quick run has no time.
    for (let repeat = this.#context.isQuick ? 1 : 0; repeat <= repeats; repeat++) {
      for (const request of this.#context.isQuick ? QUICK_NAMES : NAMES) {
        this.#context.signal.throwIfAborted();
        const measurement = await this.#measure(request, repeat);
        if (repeat > 0) measurements.push(measurement);
        this.#cluster.assertRunning();
      }
    }
    return measurements;
  }

  async #measure(request: RequestName, repeat: number): Promise<LatencyMeasurement> {
    const { measureMs, warmUpMs } = this.#lengths;
    const named: Workload = REQUESTS[request];
    const workload = { ...named, headers: { ...named.headers, [HEADERS.timeoutMs]: TIMEOUT_MS } };
    const title = REQUEST_TITLES[request];
    const closed = async (connections: number): Promise<LoadResult> => {
      const result = await this.#closed.run({
        ...this.#job(),
        connections,
        workload,
        length: { type: 'window', warmUpMs, measureMs: measureMs / 2 },
      });
      this.problems.push(...describeFailures(result.failures).map((problem) => `${title}: ${problem}`));
      return result;
    };
    const open = async (
      requestsPerSecond: number,
      arrivals: 'poisson' | 'constant',
      pool: string,
    ): Promise<PacedResult> =>
      this.#paced.run({
        ...this.#job(),
        requestsPerSecond,
        arrivals,
        maxConnections: MAX_CONNECTIONS,
        workload,
        warmUpMs,
        measureMs,
        pool: repeat === 0 ? 'warm-up' : `${request} ${pool}`,
      });
    const capacity = await closed(CONNECTIONS);
    const rate = capacity.requests / capacity.seconds;
    const half = await open(SHARE * rate, 'poisson', 'half');
    const lowClosed = await closed(1);
    const low = await open((LOW_SHARE * lowClosed.requests) / lowClosed.seconds, 'constant', 'low');
    this.#context.progress(
      `${repeat === 0 ? 'warm-up' : `${repeat}/${this.#lengths.repeats}`}  ${title}: ${Math.round(SHARE * rate)}/s, ` +
        `p50 ${(half.p50Us / 1000).toFixed(2)} ms, p99 ${(half.p99Us / 1000).toFixed(2)} ms`,
    );
    return { request, title, repeat, capacity, half, lowClosed, low };
  }

  #job() {
    this.#runs += 1;
    return {
      urls: this.#cluster.nodes.map(({ url }) => url),
      keys: {
        freshPrefix: `latency-${this.#runs}`,
        storedKeys: this.#lengths.storedKeys,
        seed: this.#context.seed + this.#runs,
      },
      watch: Object.fromEntries(this.#cluster.nodes.map(({ id, pid }) => [id, pid])),
    };
  }
}
