/** All experiments, in the order in which they are run and reported. */
import type { Experiment } from './experiment.ts';
import { lostUpdates } from './lost-updates.ts';
import { staleReads } from './stale-reads.ts';
import { faults } from './faults.ts';
import { contention } from './contention.ts';

/** What `npm run bench` runs beside its capacities. */
export const EXPERIMENTS: readonly Experiment[] = [lostUpdates, staleReads, contention, faults];
