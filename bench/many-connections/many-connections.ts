/** The section `many-connections`: a thousand connections to a node, ten of them slow readers, beside 64 without any. */
import type { GridOptions } from '../capacity/capacity.ts';
import type { Experiment } from '../experiments/experiment.ts';
import { measureManyConnections } from './measurement.ts';
import { ID, sectionOf, TITLE } from './section.ts';

const MANY_CONNECTIONS = 1_000;
const QUICK_MANY_CONNECTIONS = 100;

export function manyConnectionsExperiment(options: GridOptions & { readonly isQuick: boolean }): Experiment {
  const total = options.isQuick ? QUICK_MANY_CONNECTIONS : MANY_CONNECTIONS;
  return {
    id: ID,
    title: TITLE,
    run: async (context) => sectionOf(await measureManyConnections(options, total, context)),
  };
}
