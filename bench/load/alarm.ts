/**
 * Wakes the event loop at a moment, to about a tenth of a millisecond. Timers of Node.js count whole milliseconds, and an open
 * loop on them begins its requests a millisecond late, which is more than an answer takes. The sleep is that of another
 * thread, by `Atomics.wait`; to spin instead would take a processor from the nodes.
 */
import { Worker } from 'node:worker_threads';

/**
 * The thread: sleeps until the moment that was set, says so, and waits for the next one. It is text in JavaScript, because
 * threads do not inherit the loader for TypeScript. Nobody ever writes to `sleep`: to wait for it is to sleep.
 */
const THREAD = `
const { parentPort, workerData: { moment, turn } } = require('node:worker_threads');
const sleep = new Int32Array(new SharedArrayBuffer(4));
for (let seen = 0; ; ) {
  Atomics.wait(turn, 0, seen);
  seen = Atomics.load(turn, 0);
  const leftMs = moment[0] - (performance.timeOrigin + performance.now());
  if (leftMs > 0) Atomics.wait(sleep, 0, 0, leftMs);
  parentPort.postMessage(null);
}`;

/** One alarm, for one who waits at a time. */
export class Alarm {
  /** In milliseconds since 1970: threads count from different beginnings. */
  readonly #moment = new Float64Array(new SharedArrayBuffer(8));
  /** Counts the alarms that were set. */
  readonly #turn = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;
  #wake: () => void = () => {};

  private constructor() {
    this.#worker = new Worker(THREAD, { eval: true, workerData: { moment: this.#moment, turn: this.#turn } });
    this.#worker.on('message', () => this.#wake());
  }

  /** Resolves when it has gone off once, for a thread takes a while to start. */
  static async start(): Promise<Alarm> {
    const alarm = new Alarm();
    await alarm.until(performance.now());
    return alarm;
  }

  /** Resolves at that moment by `performance.now()` of this thread, or at once if it has passed. */
  until(atMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#moment[0] = performance.timeOrigin + atMs;
      Atomics.add(this.#turn, 0, 1);
      Atomics.notify(this.#turn, 0);
    });
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
