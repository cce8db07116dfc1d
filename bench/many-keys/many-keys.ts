/** The section `many-keys`: three nodes with ten million keys each, beside three with a hundred thousand. */
import type { GridOptions } from '../capacity/capacity.ts';
import type { Experiment } from '../experiments/experiment.ts';
import { measureManyKeys } from './measurement.ts';
import { ID, sectionOf, TITLE } from './section.ts';

/** Unless `--keys` says otherwise. */
export const DEFAULT_MANY_KEYS = 10_000_000;
export const QUICK_MANY_KEYS = 20_000;
/** What it is compared with, and never more than a tenth. */
const FEW_KEYS = 100_000;

export function manyKeysExperiment(options: GridOptions & { readonly manyKeys: number }): Experiment {
  const counts = { many: options.manyKeys, few: Math.min(FEW_KEYS, Math.ceil(options.manyKeys / 10)) };
  return {
    id: ID,
    title: TITLE,
    run: async (context) => sectionOf(await measureManyKeys(options, counts, context)),
  };
}
