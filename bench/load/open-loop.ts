/** The open-loop generator as the bench sees it: a process that offers a rate, whatever becomes of it. */
import { startProgram, type Program } from '../system/program.ts';
import type { EventLoopLag } from './event-loop-lag.ts';
import type { LatencySummary } from './latency.ts';
import type { KeyRange, Workload } from './workload.ts';

/** Load at a given rate. */
export interface PacedJob {
  readonly urls: readonly string[];
  /** Requests begun per second, over all addresses by turns. */
  readonly requestsPerSecond: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** For each address; a request that finds none free is not sent, and counted. Some are opened before the load begins. */
  readonly maxConnections: number;
  readonly workload: Workload;
  /** Milliseconds after which nobody waits for an answer any more; for ever unless given. */
  readonly withinMs?: number;
  readonly keys: KeyRange;
  /** `poisson`: at random, as those of many independent users; `constant` unless given. */
  readonly arrivals?: 'constant' | 'poisson';
  /** Windows of the same name are also told together. */
  readonly pool?: string;
  /** Processes whose CPU time and memory are to be measured: name and process id. */
  readonly watch: Readonly<Record<string, number>>;
}

/** What became of the requests that were begun in the measured time. */
export interface PacedResult {
  readonly seconds: number;
  readonly offered: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Answers with the expected status while somebody waited for them. */
  readonly inTime: number;
  /** Broken connections, and requests without an answer at the end. */
  readonly errors: number;
  /** Not sent: every connection was in use. */
  readonly unsent: number;
  /** Of answers with the expected status, from the moment at which the request was due. Microseconds. */
  readonly samples: number;
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p99Us: number;
  /** Only of enough samples, see LatencySummary. */
  readonly p999Us?: number;
  readonly maxUs: number;
  /** The same for each kind of answer, the expected one among them: method and status. */
  readonly outcomes: Readonly<Record<string, LatencySummary>>;
  /** Of all windows of this name so far. */
  readonly pooledOutcomes: Readonly<Record<string, LatencySummary>>;
  readonly cpuMicroseconds: Readonly<Record<string, number>>;
  /** For how long the main thread of each watched process was ready to run but had no processor. */
  readonly processorWaitMicroseconds: Readonly<Record<string, number>>;
  /** Largest resident memory seen of any watched process, bytes. */
  readonly peakBytes: number;
  /** By how much requests were begun late, milliseconds: it is part of their latency. */
  readonly lateP99Ms: number;
  /** Above some tens the generator was the bottleneck. */
  readonly latestMs: number;
  /** Of the generator itself. */
  readonly lag: EventLoopLag;
}

export type PacedReply =
  | { readonly type: 'done'; readonly result: PacedResult }
  | { readonly type: 'failed'; readonly reason: string };

export interface PacedGenerator {
  /** One at a time. Rejects if the generator fails or ends. */
  run(job: PacedJob): Promise<PacedResult>;
  stop(): Promise<void>;
}

/** Starts the generator's process. */
export function startPacedGenerator(): PacedGenerator {
  const program: Program = startProgram(new URL('./open-loop-generator.ts', import.meta.url));
  return {
    run: async (job) => {
      program.send({ ...job });
      const reply = (await program.nextMessage()) as PacedReply;
      if (reply.type === 'failed') throw new Error(`the paced generator failed: ${reply.reason}`);
      return reply.result;
    },
    stop: () => program.stop(),
  };
}
