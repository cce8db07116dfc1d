/**
 * The open-loop generator's process: begins requests at times of their own, as users do who know nothing of each other, on as
 * many connections as that takes. Latency counts from the moment at which a request was due, so that a generator or a server
 * that stalls does not hide it (coordinated omission).
 */
import { createHistogram, performance, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuMicroseconds, processorWaitMicroseconds, residentBytes } from '../system/process-cost.ts';
import { Alarm } from './alarm.ts';
import { watchEventLoop } from './event-loop-lag.ts';
import { LatencyPool, LatencyWindow } from './latency-recorder.ts';
import { summarizeLatency } from './latency.ts';
import { Target, type Running } from './open-loop-connections.ts';
import type { PacedJob, PacedReply, PacedResult } from './open-loop.ts';
import { exponentialGaps, seededRandom } from './seeded-random.ts';
import { requestSource } from './workload.ts';

/** Alarms are not set closer than this: at high rates, requests that are due together are begun together. */
const SHORTEST_SLEEP_MS = 0.1;
/** Opened to each address beforehand, as clients keep them: to connect costs a node several times what a request does. */
const OPEN_CONNECTIONS = 64;
/** Between two looks at the memory of the nodes. */
const MEMORY_LOOK_MS = 250;
/** How long answers are waited for when the load has ended; longer than the deadline of any request. */
const LAST_ANSWERS_MS = 3_000;

/** All windows of this process, by name. */
const pool = new LatencyPool();

class PacedRun {
  readonly #job: PacedJob;
  readonly #targets: readonly Target[];
  readonly #nextRequest: () => Buffer;
  readonly #nextGapMs: () => number;
  /** Answers with the expected status. */
  readonly #good: RecordableHistogram = createHistogram();
  /** All answers, by status. */
  readonly #window = new LatencyWindow();
  /** From the moment at which a request was due until it was begun. */
  readonly #late: RecordableHistogram = createHistogram();
  readonly #statuses: Record<string, number> = {};
  #offered = 0;
  #inTime = 0;
  #open = 0;
  #errors = 0;
  #unsent = 0;
  #peakBytes = 0;

  constructor(job: PacedJob) {
    this.#job = job;
    this.#targets = job.urls.map(
      (url) => new Target(url, job.maxConnections, (ended, status) => this.#answered(ended, status)),
    );
    this.#nextRequest = requestSource(job.workload, job.keys);
    const betweenMs = 1000 / job.requestsPerSecond;
    this.#nextGapMs =
      job.arrivals === 'poisson'
        ? exponentialGaps(betweenMs, seededRandom(job.keys.seed ?? 1))
        : () => betweenMs;
  }

  async run(): Promise<PacedResult> {
    const { warmUpMs, measureMs } = this.#job;
    const alarm = await Alarm.start();
    await Promise.all(this.#targets.map((target) => target.open(OPEN_CONNECTIONS)));
    const startMs = performance.now();
    const look = setInterval(() => this.#lookAtMemory(), MEMORY_LOOK_MS);
    await this.#offer(alarm, startMs, startMs + warmUpMs, false);
    const before = this.#ofAll(cpuMicroseconds);
    const waitsBefore = this.#ofAll(processorWaitMicroseconds);
    const fromMs = performance.now();
    const lagOf = watchEventLoop();
    await this.#offer(alarm, startMs + warmUpMs, startMs + warmUpMs + measureMs, true);
    const seconds = (performance.now() - fromMs) / 1000;
    const lag = lagOf();
    const after = this.#ofAll(cpuMicroseconds);
    const waitsAfter = this.#ofAll(processorWaitMicroseconds);
    await alarm.stop();
    await this.#lastAnswers();
    clearInterval(look);
    for (const target of this.#targets) target.close();
    const { outcomes } = this.#window.summary;
    return {
      seconds,
      offered: this.#offered,
      statuses: this.#statuses,
      inTime: this.#inTime,
      errors: this.#errors + this.#open,
      unsent: this.#unsent,
      ...summarizeLatency(this.#good),
      outcomes,
      pooledOutcomes:
        this.#job.pool === undefined ? outcomes : this.#window.addTo(pool, this.#job.pool).outcomes,
      cpuMicroseconds: between(before, after),
      processorWaitMicroseconds: between(waitsBefore, waitsAfter),
      peakBytes: this.#peakBytes,
      lateP99Ms: this.#late.percentile(99) / 1000,
      latestMs: this.#late.max / 1000,
      lag,
    };
  }

  async #offer(alarm: Alarm, fromMs: number, toMs: number, isMeasured: boolean): Promise<void> {
    let dueMs = fromMs + this.#nextGapMs();
    for (let turn = 0; ; ) {
      const nowMs = performance.now();
      for (; dueMs <= nowMs && dueMs < toMs; dueMs += this.#nextGapMs(), turn += 1) {
        if (isMeasured) this.#late.record(Math.max(1, Math.round((nowMs - dueMs) * 1000)));
        const target = this.#targets[turn % this.#targets.length];
        if (target !== undefined) this.#begin(target, { dueMs, isMeasured });
      }
      if (dueMs >= toMs) return alarm.until(toMs);
      await alarm.until(Math.max(dueMs, nowMs + SHORTEST_SLEEP_MS));
    }
  }

  #begin(target: Target, running: Running): void {
    if (running.isMeasured) this.#offered += 1;
    const isSent = target.send(this.#nextRequest(), running);
    if (!running.isMeasured) return;
    if (isSent) this.#open += 1;
    else this.#unsent += 1;
  }

  #answered({ dueMs, isMeasured }: Running, status: number | undefined): void {
    if (!isMeasured) return;
    this.#open -= 1;
    if (status === undefined) {
      this.#errors += 1;
      return;
    }
    const microseconds = (performance.now() - dueMs) * 1000;
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    this.#window.record(`${this.#job.workload.method} ${status}`, microseconds);
    if (status !== this.#job.workload.expectedStatus) return;
    if (microseconds <= (this.#job.withinMs ?? Number.POSITIVE_INFINITY) * 1000) this.#inTime += 1;
    this.#good.record(Math.max(1, Math.round(microseconds)));
  }

  async #lastAnswers(): Promise<void> {
    const endMs = performance.now() + LAST_ANSWERS_MS;
    while (this.#open > 0 && performance.now() < endMs) await delay(20);
  }

  /** A figure of each watched process and of this one; 0 where it cannot be had. */
  #ofAll(figure: (pid: number) => number | undefined): Record<string, number> {
    const all = Object.entries({ ...this.#job.watch, generator: process.pid });
    return Object.fromEntries(all.map(([name, pid]) => [name, figure(pid) ?? 0]));
  }

  #lookAtMemory(): void {
    const bytes = Object.values(this.#job.watch).map((pid) => residentBytes(pid) ?? 0);
    this.#peakBytes = Math.max(this.#peakBytes, ...bytes);
  }
}

function between(before: Record<string, number>, after: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]),
  );
}

process.on('message', (job: PacedJob) => {
  new PacedRun(job).run().then(
    (result) => reply({ type: 'done', result }),
    (error: unknown) => reply({ type: 'failed', reason: String(error) }),
  );
});
// When the bench is gone, however it ended, nobody wants the load.
process.on('disconnect', () => process.exit(0));

function reply(message: PacedReply): void {
  process.send?.(message);
}
