/** The load generator as the bench sees it: a process that runs one job at a time. */
import { startProgram, type Program } from '../system/program.ts';
import type { EventLoopLag } from './event-loop-lag.ts';
import type { LatencySummary } from './latency.ts';
import type { RecordedLatencies } from './latency-recorder.ts';
import type { Traffic } from './traffic.ts';
import type { KeyRange } from './workload.ts';

/** One run of load. */
export interface LoadJob {
  /** Name of the generator among the costs. */
  readonly name: string;
  /** Connections take turns over these addresses. */
  readonly urls: readonly string[];
  readonly connections: number;
  readonly workload: Traffic;
  readonly keys: KeyRange;
  /** A window is measured after a warm-up under the same load; a number of requests is measured whole. */
  readonly length:
    | { readonly type: 'window'; readonly warmUpMs: number; readonly measureMs: number }
    | { readonly type: 'requests'; readonly requests: number };
  /** Processes whose CPU time is to be measured: name and process id. */
  readonly watch: Readonly<Record<string, number>>;
  /** Windows of the same name are also told together. */
  readonly pool?: string;
}

/** What went wrong, the warm-up included. Anything but zeros makes the whole bench invalid. */
export interface LoadFailures {
  /** Answers by status that were not the expected ones. */
  readonly unexpectedStatuses: Readonly<Record<string, number>>;
  /** Failed connections and timeouts. */
  readonly errors: number;
  /** Answers whose value had not the right length. */
  readonly wrongBodies: number;
  /** Requests that were sent and never answered. */
  readonly unanswered: number;
}

/** What was measured. */
export interface LoadResult {
  /** Answered within the measured time. */
  readonly requests: number;
  /** Operations that these ended: fewer than requests where an update begins with a read. */
  readonly operations: number;
  /** Answered in the whole run, the warm-up included. */
  readonly answered: number;
  readonly seconds: number;
  readonly latency: LatencySummary;
  readonly outcomes: Readonly<Record<string, LatencySummary>>;
  /** Of all windows of this name so far. */
  readonly pooled: RecordedLatencies;
  /** By the names of the watched processes and of the generator; a name is missing where the system does not tell. */
  readonly cpuMicroseconds: Readonly<Record<string, number>>;
  /** Of all processors together, by whomever. */
  readonly machineBusyMicroseconds: number;
  /** Of the generator itself. */
  readonly lag: EventLoopLag;
  readonly failures: LoadFailures;
}

/** The generator's answer to a job. */
export type LoadReply =
  | { readonly type: 'done'; readonly result: LoadResult }
  | { readonly type: 'failed'; readonly reason: string };

/** The running generator. */
export interface LoadGenerator {
  /** One at a time. Rejects if the generator fails or ends. */
  run(job: Omit<LoadJob, 'name'>): Promise<LoadResult>;
  stop(): Promise<void>;
}

/** Name of the generator in `cpuMicroseconds`. */
export const GENERATOR = 'generator';

/** Starts the generator's process. */
export function startLoadGenerator(): LoadGenerator {
  const program: Program = startProgram(new URL('./closed-loop-generator.ts', import.meta.url));
  return {
    run: async (job) => {
      program.send({ ...job, name: GENERATOR } satisfies LoadJob);
      const reply = (await program.nextMessage()) as LoadReply;
      if (reply.type === 'failed') throw new Error(`the load generator failed: ${reply.reason}`);
      return reply.result;
    },
    stop: () => program.stop(),
  };
}

/** Sentences for people; empty if all is well. */
export function describeFailures(failures: LoadFailures): readonly string[] {
  const statuses = Object.entries(failures.unexpectedStatuses).map(
    ([status, count]) => `${count} answers with status ${status}`,
  );
  return [
    ...statuses,
    ...(failures.errors > 0 ? [`${failures.errors} failed connections or timeouts`] : []),
    ...(failures.wrongBodies > 0 ? [`${failures.wrongBodies} answers of a wrong length`] : []),
    ...(failures.unanswered > 0 ? [`${failures.unanswered} requests without an answer`] : []),
  ];
}
