/**
 * The load generator's process: runs one job at a time with autocannon, closed loop, and answers what it saw.
 *
 * Latencies are recorded here in whole microseconds from the `response` event, since autocannon's own histogram has whole
 * milliseconds. A closed loop hides stalls: when the server stops, so do the requests. These latencies are those of a
 * saturated server, not what a user would see at a given rate.
 */
import { createHistogram, performance, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import autocannon from 'autocannon';
import type { LoadFailures, LoadJob, LoadReply, LoadResult } from './closed-loop.ts';
import { cpuMicroseconds, machineBusyMicroseconds } from '../system/process-cost.ts';
import { ownKeyRequests, requestSource, VALUE_BYTES } from './workload.ts';

/** Milliseconds between two looks of autocannon whether it is to stop. */
const STOP_CHECK_MS = 100;
/** Failures after which a run is given up: it is invalid anyway, and against a server that only times out it would take hours. */
const FAILURES_TO_GIVE_UP = 100;
/** autocannon wants a duration; runs are stopped from here. */
const UNLIMITED_SECONDS = 24 * 60 * 60;

/** Costs of all processes at one moment. */
interface Moment {
  readonly timeMs: number;
  readonly cpu: Readonly<Record<string, number | undefined>>;
  readonly machineBusy: number;
}

async function run(job: LoadJob): Promise<LoadResult> {
  const unexpectedStatuses: Record<string, number> = {};
  let unexpected = 0;
  let histogram: RecordableHistogram | undefined;
  const { instance, ended } = start(job);
  instance.on('response', (_client, status, _bytes, milliseconds) => {
    if (status !== job.workload.expectedStatus && !(job.workload.keys === 'own' && status === 201)) {
      unexpectedStatuses[status] = (unexpectedStatuses[status] ?? 0) + 1;
      unexpected += 1;
      if (unexpected === FAILURES_TO_GIVE_UP) instance.stop();
    }
    histogram?.record(Math.max(1, Math.round(milliseconds * 1000)));
  });
  const recorded = createHistogram();
  const measure = async () => {
    if (job.length.type === 'window') await delay(job.length.warmUpMs);
    histogram = recorded;
    const from = momentOf(job);
    if (job.length.type === 'window') await delay(job.length.measureMs);
    else await ended;
    const to = momentOf(job);
    histogram = undefined;
    instance.stop();
    return { from, to };
  };
  const [{ from, to }, totals] = await Promise.all([measure(), ended]);
  return {
    requests: recorded.count,
    answered: totals.requests.total,
    seconds: (to.timeMs - from.timeMs) / 1000,
    latency: latencyOf(recorded),
    cpuMicroseconds: cpuBetween(from, to),
    machineBusyMicroseconds: to.machineBusy - from.machineBusy,
    failures: failuresOf(job, totals, unexpectedStatuses),
  };
}

/** With a callback autocannon answers its events, without one a promise; both are needed. */
function start(job: LoadJob): {
  readonly instance: autocannon.Instance;
  readonly ended: Promise<autocannon.Result>;
} {
  let settle: (error: unknown, result: autocannon.Result) => void = () => {};
  const ended = new Promise<autocannon.Result>((resolve, reject) => {
    settle = (error, result) => {
      if (error instanceof Error) reject(error);
      else resolve(result);
    };
  });
  const instance = autocannon(autocannonOptions(job), (error, result) => settle(error, result));
  return { instance, ended };
}

function autocannonOptions(job: LoadJob): autocannon.Options {
  const setUp = job.workload.keys === 'own' ? ownKeySetUp(job) : sharedSetUp(job);
  const length =
    job.length.type === 'requests' ? { amount: job.length.requests } : { duration: UNLIMITED_SECONDS };
  return {
    // A list gives each connection the next address; the types know only one.
    url: job.urls as unknown as string,
    connections: job.connections,
    sampleInt: STOP_CHECK_MS,
    bailout: FAILURES_TO_GIVE_UP,
    ...length,
    // The public ways to change a request rebuild it each time. If an update ever ignores this one, all keys are the same and
    // PUT answers another status than expected, so the run is invalid rather than wrong.
    setupClient: (client) => Object.assign(client, { getRequestBuffer: setUp(client) }),
    verifyBody: (body) => job.workload.method === 'PUT' || body?.length === VALUE_BYTES,
  };
}

/** Gives a connection its source of requests. */
type SetUp = (client: autocannon.Client) => () => Buffer;

function sharedSetUp({ workload, keys }: LoadJob): SetUp {
  const next = requestSource(workload, keys);
  return () => next;
}

function ownKeySetUp({ workload, keys }: LoadJob): SetUp {
  let connections = 0;
  return (client) => {
    const requests = ownKeyRequests(workload, `${keys.freshPrefix}-${connections++}`);
    client.on('headers', ({ headers }) => {
      // The names and values in turn, as they came.
      const list = headers as unknown as readonly string[];
      const place = list.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === 'etag');
      if (place !== -1) requests.answered(list[place + 1] ?? '');
    });
    return requests.next;
  };
}

function momentOf(job: LoadJob): Moment {
  const pids = Object.entries({ ...job.watch, [job.name]: process.pid });
  return {
    timeMs: performance.now(),
    cpu: Object.fromEntries(pids.map(([name, pid]) => [name, cpuMicroseconds(pid)])),
    machineBusy: machineBusyMicroseconds(),
  };
}

function cpuBetween(from: Moment, to: Moment): LoadResult['cpuMicroseconds'] {
  const differences: Record<string, number> = {};
  for (const [name, before] of Object.entries(from.cpu)) {
    const after = to.cpu[name];
    if (before !== undefined && after !== undefined) differences[name] = after - before;
  }
  return differences;
}

function latencyOf(histogram: RecordableHistogram): LoadResult['latency'] {
  return {
    p50Us: histogram.percentile(50),
    p90Us: histogram.percentile(90),
    p99Us: histogram.percentile(99),
    maxUs: histogram.max,
  };
}

function failuresOf(
  job: LoadJob,
  totals: autocannon.Result,
  unexpectedStatuses: Readonly<Record<string, number>>,
): LoadFailures {
  return {
    unexpectedStatuses,
    errors: totals.errors,
    wrongBodies: totals.mismatches,
    // At the end one request per connection is under way. What is missing beyond that went down with closed connections,
    // which autocannon opens again without a word.
    unanswered: Math.max(0, totals.requests.sent - totals.requests.total - job.connections),
  };
}

process.on('message', (job: LoadJob) => {
  run(job).then(
    (result) => reply({ type: 'done', result }),
    (error: unknown) => reply({ type: 'failed', reason: String(error) }),
  );
});
// When the bench is gone, however it ended, nobody wants the load.
process.on('disconnect', () => process.exit(0));

function reply(message: LoadReply): void {
  process.send?.(message);
}
