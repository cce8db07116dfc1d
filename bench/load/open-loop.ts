/** The open-loop generator as the bench sees it: a process that offers a rate, whatever becomes of it. */
import { startProgram, type Program } from '../system/program.ts';
import type { KeyRange, Workload } from './workload.ts';

/** Load at a given rate. */
export interface PacedJob {
  readonly urls: readonly string[];
  /** Requests begun per second, over all addresses by turns. */
  readonly requestsPerSecond: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** For each address; a request that finds none free is not sent, and counted. */
  readonly maxConnections: number;
  readonly workload: Workload;
  readonly keys: KeyRange;
  /** Processes whose CPU time and memory are to be measured: name and process id. */
  readonly watch: Readonly<Record<string, number>>;
}

/** What became of the requests that were begun in the measured time. */
export interface PacedResult {
  readonly seconds: number;
  readonly offered: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Broken connections, and requests without an answer at the end. */
  readonly errors: number;
  /** Not sent: every connection was in use. */
  readonly unsent: number;
  /** Of answers with the expected status, from the moment at which the request was due. Microseconds. */
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  readonly cpuMicroseconds: Readonly<Record<string, number>>;
  /** Largest resident memory seen of any watched process, bytes. */
  readonly peakBytes: number;
  /** Largest time by which a request was begun late, milliseconds: above some tens the generator was the bottleneck. */
  readonly latestMs: number;
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
