/** The experiment `contention`: what it asks, measures and reports is in the files beside. */
import type { Section } from '../../report/document.ts';
import type { Experiment } from '../experiment.ts';
import { measureContention } from './measurement.ts';
import { contentionSection } from './section.ts';

/** See measurement.ts. */
export const contention: Experiment = {
  id: 'contention',
  title: 'Contention',
  run: async (context): Promise<Section> => contentionSection(await measureContention(context)),
};
