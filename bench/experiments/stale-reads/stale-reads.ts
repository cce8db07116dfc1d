/** The experiment `stale-reads`: what it asks, measures and reports is in the files beside. */
import type { Section } from '../../report/document.ts';
import type { Experiment } from '../experiment.ts';
import { measureStaleReads } from './measurement.ts';
import { staleReadsSection } from './section.ts';

/** See measurement.ts. */
export const staleReads: Experiment = {
  id: 'stale-reads',
  title: 'Stale reads',
  run: async (context): Promise<Section> => staleReadsSection(await measureStaleReads(context)),
};
