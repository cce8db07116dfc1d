/** All experiments that compare ways to use the store, in the order of the report. */
import type { Experiment } from './experiment.ts';

export const EXPERIMENTS: readonly Experiment[] = [];
