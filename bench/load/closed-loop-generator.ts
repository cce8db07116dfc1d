/**
 * The load generator's process: runs one job at a time with autocannon, closed loop, and answers what it saw.
 *
 * Latencies are recorded here in whole microseconds from the `response` event, since autocannon's own histogram has whole
 * milliseconds. A closed loop hides stalls: when the server stops, so do the requests. These latencies are those of a
 * saturated server, not what a user would see at a given rate.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import autocannon from 'autocannon';
import type { LoadFailures, LoadJob, LoadReply, LoadResult } from './closed-loop.ts';
import { cpuMicroseconds, machineBusyMicroseconds } from '../system/process-cost.ts';
import { watchEventLoop } from './event-loop-lag.ts';
import { LatencyPool, LatencyWindow } from './latency-recorder.ts';
import { trafficSource } from './traffic-source.ts';
import type { ConnectionRequests } from './traffic.ts';

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

/** All windows of this process, by name. */
const pool = new LatencyPool();

async function run(job: LoadJob): Promise<LoadResult> {
  const unexpectedStatuses: Record<string, number> = {};
  const connections = new Map<autocannon.Client, ConnectionRequests>();
  let unexpected = 0;
  let requests = 0;
  let operations = 0;
  let window: LatencyWindow | undefined;
  const { instance, ended } = start(job, connections);
  instance.on('response', (client, status, _bytes, milliseconds) => {
    const answer = connections.get(client)?.answered(status);
    if (answer?.isExpected !== true) {
      unexpectedStatuses[status] = (unexpectedStatuses[status] ?? 0) + 1;
      unexpected += 1;
      if (unexpected === FAILURES_TO_GIVE_UP) instance.stop();
    }
    if (window === undefined || answer === undefined) return;
    window.record(answer.outcome, milliseconds * 1000);
    requests += 1;
    if (answer.endsOperation) operations += 1;
  });
  const recorded = new LatencyWindow();
  const measure = async () => {
    if (job.length.type === 'window') await delay(job.length.warmUpMs);
    const lagOf = watchEventLoop();
    window = recorded;
    const from = momentOf(job);
    if (job.length.type === 'window') await delay(job.length.measureMs);
    else await ended;
    const to = momentOf(job);
    window = undefined;
    const lag = lagOf();
    instance.stop();
    return { from, to, lag };
  };
  const [{ from, to, lag }, totals] = await Promise.all([measure(), ended]);
  return {
    requests,
    operations,
    answered: totals.requests.total,
    seconds: (to.timeMs - from.timeMs) / 1000,
    ...recorded.summary,
    pooled: job.pool === undefined ? recorded.summary : recorded.addTo(pool, job.pool),
    cpuMicroseconds: cpuBetween(from, to),
    machineBusyMicroseconds: to.machineBusy - from.machineBusy,
    lag,
    failures: failuresOf(job, totals, unexpectedStatuses),
  };
}

/** With a callback autocannon answers its events, without one a promise; both are needed. */
function start(
  job: LoadJob,
  connections: Map<autocannon.Client, ConnectionRequests>,
): {
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
  const instance = autocannon(autocannonOptions(job, connections), (error, result) => settle(error, result));
  return { instance, ended };
}

function autocannonOptions(
  job: LoadJob,
  connections: Map<autocannon.Client, ConnectionRequests>,
): autocannon.Options {
  const source = trafficSource(job.workload, job.keys);
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
    setupClient: (client) => {
      const requests = source.connect();
      connections.set(client, requests);
      Object.assign(client, { getRequestBuffer: requests.next });
      if (requests.sawHeaders === undefined) return;
      client.on('headers', ({ headers }) => requests.sawHeaders?.(headers as unknown as readonly string[]));
    },
    verifyBody: (body) => source.isRightBody(String(body ?? '')),
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
