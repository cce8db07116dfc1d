/** The experiment `latency-ladder`: what it asks, measures and reports is in the files beside. */
import type { Section } from '../../report/document.ts';
import type { Experiment } from '../experiment.ts';
import { measureLatencyLadder } from './measurement.ts';
import { latencyLadderSection } from './section.ts';

/** See measurement.ts. */
export const latencyLadder: Experiment = {
  id: 'latency-ladder',
  title: 'Latency by load',
  run: async (context): Promise<Section> => latencyLadderSection(await measureLatencyLadder(context)),
};
