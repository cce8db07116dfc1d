/**
 * The open-loop generator's process: begins requests at fixed times, as users do who know nothing of each other, on as many
 * connections as that takes. Latency counts from the moment at which a request was due, so that a generator or a server
 * that stalls does not hide it (coordinated omission).
 *
 * Requests are written as bytes on sockets of its own: at three times what the nodes can bear, a client library would take
 * the processors from them. An answer is known by its status line and the end of its head; no answer to a PUT here has a
 * body but a problem, whose length its head says.
 */
import { connect, type Socket } from 'node:net';
import { createHistogram, performance, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { PacedJob, PacedReply, PacedResult } from './open-loop.ts';
import { cpuMicroseconds, residentBytes } from '../system/process-cost.ts';
import { requestSource } from './workload.ts';

const TICK_MS = 2;
/** Between two looks at the memory of the nodes. */
const MEMORY_LOOK_MS = 250;
/** How long answers are waited for when the load has ended; longer than the deadline of any request. */
const LAST_ANSWERS_MS = 3_000;
const END_OF_HEAD = '\r\n\r\n';

/** One request on its way. */
interface Running {
  readonly dueMs: number;
  readonly isMeasured: boolean;
}

/** One keep-alive connection, which carries one request at a time. */
class Connection {
  readonly #socket: Socket;
  readonly #onAnswer: (running: Running, status: number | undefined) => void;
  readonly #onFree: (connection: Connection) => void;
  #running: Running | undefined;
  #received = '';

  constructor(
    url: URL,
    onAnswer: (running: Running, status: number | undefined) => void,
    onFree: (connection: Connection) => void,
  ) {
    this.#onAnswer = onAnswer;
    this.#onFree = onFree;
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text: string) => this.#take(text));
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => this.#end(undefined));
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  send(bytes: Buffer, running: Running): void {
    this.#running = running;
    this.#socket.write(bytes);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#received += text;
    const end = this.#received.indexOf(END_OF_HEAD);
    if (end < 0) return;
    const head = this.#received.slice(0, end);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#received.length < end + END_OF_HEAD.length + length) return;
    this.#received = '';
    if (/\r\nconnection: close/i.test(head)) this.#socket.destroy();
    this.#end(Number(head.slice(9, 12)));
  }

  #end(status: number | undefined): void {
    const running = this.#running;
    this.#running = undefined;
    if (running !== undefined) this.#onAnswer(running, status);
    if (this.isOpen) this.#onFree(this);
  }
}

/** All connections to one node. */
class Target {
  readonly #url: URL;
  readonly #max: number;
  readonly #free: Connection[] = [];
  readonly #all = new Set<Connection>();

  constructor(url: string, max: number) {
    this.#url = new URL(url);
    this.#max = max;
  }

  /** False if there is no connection for it. */
  send(
    bytes: Buffer,
    running: Running,
    onAnswer: (running: Running, status: number | undefined) => void,
  ): boolean {
    const connection = this.#next(onAnswer);
    connection?.send(bytes, running);
    return connection !== undefined;
  }

  close(): void {
    for (const connection of this.#all) connection.destroy();
  }

  #next(onAnswer: (running: Running, status: number | undefined) => void): Connection | undefined {
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop()) {
      if (free.isOpen) return free;
      this.#all.delete(free);
    }
    if (this.#all.size >= this.#max) return undefined;
    const connection = new Connection(
      this.#url,
      (running, status) => {
        if (!connection.isOpen) this.#all.delete(connection);
        onAnswer(running, status);
      },
      (freed) => this.#free.push(freed),
    );
    this.#all.add(connection);
    return connection;
  }
}

class PacedRun {
  readonly #job: PacedJob;
  readonly #targets: readonly Target[];
  readonly #nextRequest: () => Buffer;
  readonly #histogram: RecordableHistogram = createHistogram();
  readonly #statuses: Record<string, number> = {};
  #offered = 0;
  #open = 0;
  #errors = 0;
  #unsent = 0;
  #latestMs = 0;
  #peakBytes = 0;

  constructor(job: PacedJob) {
    this.#job = job;
    this.#targets = job.urls.map((url) => new Target(url, job.maxConnections));
    this.#nextRequest = requestSource(job.workload, job.keys);
  }

  async run(): Promise<PacedResult> {
    const { warmUpMs, measureMs } = this.#job;
    const startMs = performance.now();
    const look = setInterval(() => this.#lookAtMemory(), MEMORY_LOOK_MS);
    await this.#offer(startMs, startMs + warmUpMs, false);
    const before = this.#cpu();
    const fromMs = performance.now();
    await this.#offer(startMs + warmUpMs, startMs + warmUpMs + measureMs, true);
    const seconds = (performance.now() - fromMs) / 1000;
    const after = this.#cpu();
    await this.#lastAnswers();
    clearInterval(look);
    for (const target of this.#targets) target.close();
    return {
      seconds,
      offered: this.#offered,
      statuses: this.#statuses,
      errors: this.#errors + this.#open,
      unsent: this.#unsent,
      p50Us: this.#histogram.percentile(50),
      p99Us: this.#histogram.percentile(99),
      maxUs: this.#histogram.max,
      cpuMicroseconds: Object.fromEntries(
        Object.entries(after).map(([name, us]) => [name, us - (before[name] ?? 0)]),
      ),
      peakBytes: this.#peakBytes,
      latestMs: this.#latestMs,
    };
  }

  async #offer(fromMs: number, toMs: number, isMeasured: boolean): Promise<void> {
    const betweenMs = 1000 / this.#job.requestsPerSecond;
    for (let dueMs = fromMs, turn = 0; dueMs < toMs; ) {
      const nowMs = performance.now();
      for (; dueMs <= nowMs && dueMs < toMs; dueMs += betweenMs, turn += 1) {
        if (isMeasured) this.#latestMs = Math.max(this.#latestMs, nowMs - dueMs);
        const target = this.#targets[turn % this.#targets.length];
        if (target !== undefined) this.#begin(target, { dueMs, isMeasured });
      }
      await delay(TICK_MS);
    }
  }

  #begin(target: Target, running: Running): void {
    if (running.isMeasured) this.#offered += 1;
    const isSent = target.send(this.#nextRequest(), running, (ended, status) =>
      this.#answered(ended, status),
    );
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
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    if (status !== this.#job.workload.expectedStatus) return;
    this.#histogram.record(Math.max(1, Math.round((performance.now() - dueMs) * 1000)));
  }

  async #lastAnswers(): Promise<void> {
    const endMs = performance.now() + LAST_ANSWERS_MS;
    while (this.#open > 0 && performance.now() < endMs) await delay(20);
  }

  #cpu(): Record<string, number> {
    const all = Object.entries({ ...this.#job.watch, generator: process.pid });
    return Object.fromEntries(all.map(([name, pid]) => [name, cpuMicroseconds(pid) ?? 0]));
  }

  #lookAtMemory(): void {
    const bytes = Object.values(this.#job.watch).map((pid) => residentBytes(pid) ?? 0);
    this.#peakBytes = Math.max(this.#peakBytes, ...bytes);
  }
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
