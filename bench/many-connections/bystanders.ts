/** Bystanders as the bench sees them: a process of their own, so that the generator of the load is not slowed by them. */
import { startProgram } from '../system/program.ts';
import type { BystandersJob, BystandersReply, BystandersSeen } from './bystanders-program.ts';

/** Runs one crowd at a time. */
export interface Bystanders {
  readonly pid: number;
  /** Resolves when all are connected. */
  begin(job: Omit<BystandersJob, 'type'>): Promise<void>;
  end(): Promise<BystandersSeen>;
  stop(): Promise<void>;
}

export function startBystanders(): Bystanders {
  const program = startProgram(new URL('./bystanders-program.ts', import.meta.url));
  const ask = async (message: BystandersJob | { readonly type: 'end' }): Promise<BystandersReply> => {
    program.send(message);
    const reply = (await program.nextMessage()) as BystandersReply;
    if (reply.type === 'failed') throw new Error(`the bystanders failed: ${reply.reason}`);
    return reply;
  };
  return {
    pid: program.pid,
    begin: async (job) => {
      await ask({ type: 'begin', ...job });
    },
    end: async () => (await ask({ type: 'end' })) as Extract<BystandersReply, { type: 'ended' }>,
    stop: () => program.stop(),
  };
}
