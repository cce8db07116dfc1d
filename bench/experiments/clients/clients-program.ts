/** The clients' process: carries out one job at a time. */
import { runClosed } from './closed-run.ts';
import type { ClosedResult, Job, Reply, StalenessResult, TimelineResult } from './jobs.ts';
import { runStaleness } from './staleness-run.ts';
import { runTimeline } from './timeline-run.ts';

async function carryOut(job: Job): Promise<void> {
  try {
    const result = await resultOf(job);
    reply({ type: 'done', result });
  } catch (error) {
    reply({
      type: 'failed',
      reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
}

function resultOf(job: Job): Promise<ClosedResult | TimelineResult | StalenessResult> {
  switch (job.type) {
    case 'closed':
      return runClosed(job);
    case 'timeline':
      return runTimeline(job, () => reply({ type: 'begun' }));
    case 'staleness':
      return runStaleness(job);
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
