/** The experiment `lost-updates`: what it asks, measures and reports is in the files beside. */
import type { Section } from '../../report/document.ts';
import type { Experiment } from '../experiment.ts';
import { measureLostUpdates } from './measurement.ts';
import { lostUpdatesSection } from './section.ts';

/** See measurement.ts. */
export const lostUpdates: Experiment = {
  id: 'lost-updates',
  title: 'Lost updates by contention',
  run: async (context): Promise<Section> => lostUpdatesSection(await measureLostUpdates(context)),
};
