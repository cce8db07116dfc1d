/** All experiments that compare ways to use the store, in the order of the report. */
import { contention } from './contention/contention.ts';
import type { Experiment } from './experiment.ts';
import { faults } from './faults/faults.ts';
import { headline } from './headline.ts';
import { latencyLadder } from './latency-ladder/latency-ladder.ts';
import { lostUpdates } from './lost-updates/lost-updates.ts';
import { staleReads } from './stale-reads/stale-reads.ts';

export const EXPERIMENTS: readonly Experiment[] = [
  headline,
  lostUpdates,
  staleReads,
  latencyLadder,
  contention,
  faults,
];
