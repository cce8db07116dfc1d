/** The experiment `faults`: what it asks, measures and reports is in the files beside. */
import type { Section } from '../../report/document.ts';
import type { Experiment } from '../experiment.ts';
import { measureFaults } from './measurement.ts';
import { faultsSection } from './section.ts';

/** See measurement.ts. */
export const faults: Experiment = {
  id: 'faults',
  title: 'Faults',
  run: async (context): Promise<Section> => faultsSection(await measureFaults(context)),
};
