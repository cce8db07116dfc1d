/** The metrics of conditional requests and of the rounds that decide them. */
import { Counter, Gauge, type Registry } from 'prom-client';
import { fixedHistogram, type Series } from './fixed-histogram.ts';

/** A commit does not hurry: it is on its way while the answer is, and waits for the next sync of the disk. */
const ROUND_COMMIT_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface PaxosMetrics {
  readonly rounds: Counter<'start' | 'end'>;
  readonly roundCommitSeconds: Series;
  readonly linearizableReads: Counter<'by'>;
  readonly conditionalFailures: Counter<'code' | 'outcome'>;
  readonly votesRefused: Counter<'reason'>;
  readonly sweeps: Counter<'result'>;
  readonly unfinishedRounds: Gauge;
}

/** Makes them in a registry. */
export function createPaxosMetrics(registry: Registry): PaxosMetrics {
  const registers = [registry];
  const [roundCommitSeconds] = fixedHistogram({
    name: 'quorate_round_commit_duration_seconds',
    help: 'Time from when this node began to accept what a round proposed until it had stored that as chosen.',
    buckets: ROUND_COMMIT_BUCKETS_SECONDS,
    labels: [{}],
    registry,
  });
  return {
    roundCommitSeconds: roundCommitSeconds as Series,
    rounds: new Counter({
      name: 'quorate_rounds_total',
      help: 'Rounds of conditional requests that this node proposed, by how they began and ended.',
      labelNames: ['start', 'end'],
      registers,
    }),
    linearizableReads: new Counter({
      name: 'quorate_linearizable_reads_total',
      help: 'Linearizable reads that this node answered, by what it took.',
      labelNames: ['by'],
      registers,
    }),
    conditionalFailures: new Counter({
      name: 'quorate_conditional_failures_total',
      help: 'Conditional requests that this node coordinated, or gave to others in vain, and could not answer, by code and outcome.',
      labelNames: ['code', 'outcome'],
      registers,
    }),
    votesRefused: new Counter({
      name: 'quorate_votes_refused_total',
      help: 'Votes that a proposer asked of this node and did not get, by reason.',
      labelNames: ['reason'],
      registers,
    }),
    sweeps: new Counter({
      name: 'quorate_sweeps_total',
      help: 'Rounds of others that this node set about finishing, by result.',
      labelNames: ['result'],
      registers,
    }),
    unfinishedRounds: new Gauge({
      name: 'quorate_unfinished_rounds',
      help: 'Keys for which this node accepted something that is not known to be chosen, or on which it has lost its vote.',
      registers,
    }),
  };
}
