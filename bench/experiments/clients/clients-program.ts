/** The clients' process: carries out one job at a time. */
import { runClosed } from './closed-run.ts';
import type { Job, Reply } from './jobs.ts';
import { runTimeline } from './timeline-run.ts';

async function carryOut(job: Job): Promise<void> {
  try {
    const result =
      job.type === 'closed' ? await runClosed(job) : await runTimeline(job, () => reply({ type: 'begun' }));
    reply({ type: 'done', result });
  } catch (error) {
    reply({
      type: 'failed',
      reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
}

function reply(message: Reply): void {
  process.send?.(message);
}

process.on('message', (job: Job) => {
  void carryOut(job);
});
// When the bench is gone, however it ended, nobody wants the load.
process.on('disconnect', () => process.exit(0));
