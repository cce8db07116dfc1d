/**
 * Many runs, some of them twice. Whatever goes wrong becomes a failure of one run: an invariant that does not hold, a process that
 * ends or never answers, a second run of the same plan that differs from the first.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Violation } from '../checkers/history.ts';
import { DETERMINISM, PROCESS_ENDED, WALL_CLOCK } from './failure-kind.ts';
import { Tally } from './tally.ts';
import type { PlanSource, RunSummary } from './task.ts';
import { firstDifference } from './trace-difference.ts';
import { WorkerProcess } from './worker-process.ts';

const SIGNAL_MS = 200;

export interface Failure {
  readonly source: PlanSource;
  readonly violation: Violation;
  /** Events until then; undefined if the run can only be told to have failed, not be looked into. */
  readonly events: number | undefined;
}

export interface CampaignOptions {
  readonly jobs: number;
  readonly limitMs: number;
  /** One in so many runs is made twice; 0: none. */
  readonly twiceEvery: number;
  /** Told of each failure when it is found, with a worker that is free to look into it. */
  readonly onFailure: (failure: Failure, worker: WorkerProcess) => Promise<void>;
  readonly onRun: (tally: Tally) => void;
  /** Makes a worker; left out except in tests. */
  readonly newWorker?: () => WorkerProcess;
}

interface FirstRun {
  readonly source: PlanSource;
  readonly summary: RunSummary;
}

export class Campaign {
  readonly tally = new Tally();
  readonly failures: Failure[] = [];
  readonly #options: CampaignOptions;
  readonly #workers = new Set<WorkerProcess>();
  readonly #toRepeat: FirstRun[] = [];
  #begun = 0;
  #stopped = false;

  constructor(options: CampaignOptions) {
    this.#options = options;
  }

  /** Makes all runs, then those again that are made twice. */
  async run(sources: Iterator<PlanSource, undefined>): Promise<void> {
    await Promise.all(
      Array.from({ length: this.#options.jobs }, () =>
        this.#withWorker((worker) => this.#runAll(sources, worker)),
      ),
    );
    // Another process, so that nothing which the first runs left behind can make the second ones equal to them.
    await this.#withWorker((worker) => this.#repeatAll(worker));
  }

  /** Ends everything that runs; what it would have come to is not counted. */
  stop(): void {
    this.#stopped = true;
    for (const worker of this.#workers) worker.stop();
  }

  async #withWorker(use: (worker: WorkerProcess) => Promise<void>): Promise<void> {
    const worker = this.#options.newWorker?.() ?? new WorkerProcess();
    this.#workers.add(worker);
    try {
      await use(worker);
    } finally {
      worker.stop();
    }
  }

  async #runAll(sources: Iterator<PlanSource, undefined>, worker: WorkerProcess): Promise<void> {
    for (let next = sources.next(); next.done !== true && !this.#stopped; next = sources.next()) {
      const { twiceEvery } = this.#options;
      const isRepeated = twiceEvery > 0 && this.#begun % twiceEvery === 0;
      this.#begun += 1;
      const summary = await this.#runOne(next.value, worker);
      if (summary !== undefined && isRepeated) this.#toRepeat.push({ source: next.value, summary });
    }
  }

  /** Undefined if the run did not come to an end. */
  async #runOne(source: PlanSource, worker: WorkerProcess): Promise<RunSummary | undefined> {
    const { limitMs, onRun } = this.#options;
    const ended = await worker.run<'run'>({ type: 'run', source }, limitMs);
    // A signal that ended the worker may be on its way to this process, too: then nobody wants to know.
    if (ended.type === 'ended') await sleep(SIGNAL_MS);
    if (this.#stopped) return undefined;
    if (ended.type === 'answer') {
      const summary = ended.answer;
      this.tally.add(summary);
      const { violation, events } = summary;
      if (violation !== undefined) await this.#fail({ source, violation, events }, worker);
      onRun(this.tally);
      return summary;
    }
    this.tally.addLost();
    const violation =
      ended.type === 'late'
        ? { invariant: WALL_CLOCK, detail: `the run was not done after ${limitMs / 1_000} s` }
        : { invariant: PROCESS_ENDED, detail: ended.reason };
    await this.#fail({ source, violation, events: undefined }, worker);
    return undefined;
  }

  async #fail(failure: Failure, worker: WorkerProcess): Promise<void> {
    this.failures.push(failure);
    this.tally.failed += 1;
    await this.#options.onFailure(failure, worker);
  }

  async #repeatAll(worker: WorkerProcess): Promise<void> {
    for (const { source, summary } of this.#toRepeat) {
      const second = await worker.run<'run'>({ type: 'run', source }, this.#options.limitMs);
      if (this.#stopped) return;
      const isEqual = second.type === 'answer' && fingerprint(second.answer) === fingerprint(summary);
      if (isEqual) continue;
      const detail = `two runs of one plan differ: ${await this.#difference(source, worker)}`;
      await this.#fail({ source, violation: { invariant: DETERMINISM, detail }, events: undefined }, worker);
    }
  }

  /** The first thing that two processes tell differently. */
  async #difference(source: PlanSource, worker: WorkerProcess): Promise<string> {
    const { limitMs } = this.#options;
    const first = await worker.run<'trace'>({ type: 'trace', source }, limitMs);
    worker.stop();
    const second = await worker.run<'trace'>({ type: 'trace', source }, limitMs);
    if (first.type !== 'answer' || second.type !== 'answer') return 'one of them does not come to an end';
    return firstDifference(first.answer, second.answer);
  }
}

function fingerprint({ traceHash, events, messages, virtualMs, violation }: RunSummary): string {
  return JSON.stringify([traceHash, events, messages, virtualMs, violation]);
}
