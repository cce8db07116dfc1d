/** The clients' process as an experiment sees it. All clients live in one process, apart from the nodes, so that what they were told has one order. */
import { startProgram } from '../../system/program.ts';
import type {
  ClosedJob,
  ClosedResult,
  Job,
  Reply,
  StalenessJob,
  StalenessResult,
  TimelineJob,
  TimelineResult,
} from './jobs.ts';

/** The running process. One job at a time; each rejects if the process fails or ends. */
export interface Clients {
  closed(job: Omit<ClosedJob, 'type'>): Promise<ClosedResult>;
  /** Calls back at the moment that the job's times count from. */
  timeline(job: Omit<TimelineJob, 'type'>, onBegun: () => void): Promise<TimelineResult>;
  staleness(job: Omit<StalenessJob, 'type'>): Promise<StalenessResult>;
  stop(): Promise<void>;
}

/** Starts it. */
export function startClients(): Clients {
  const program = startProgram(new URL('./clients-program.ts', import.meta.url));
  const run = async (job: Job, onBegun: () => void): Promise<unknown> => {
    program.send({ ...job });
    for (;;) {
      const reply = (await program.nextMessage()) as Reply;
      if (reply.type === 'done') return reply.result;
      if (reply.type === 'failed') throw new Error(`the clients failed: ${reply.reason}`);
      onBegun();
    }
  };
  return {
    closed: async (job) => (await run({ ...job, type: 'closed' }, () => {})) as ClosedResult,
    timeline: async (job, onBegun) => (await run({ ...job, type: 'timeline' }, onBegun)) as TimelineResult,
    staleness: async (job) => (await run({ ...job, type: 'staleness' }, () => {})) as StalenessResult,
    stop: () => program.stop(),
  };
}
