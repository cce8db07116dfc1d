/** What several sections rest on is measured once in a run of the bench. */
import type { ExperimentContext } from './experiment.ts';

/** The same measurement for the same context. A failed one is not made again either: its sections fail alike. */
export function onceFor<Result>(
  measure: (context: ExperimentContext) => Promise<Result>,
): (context: ExperimentContext) => Promise<Result> {
  const measured = new WeakMap<ExperimentContext, Promise<Result>>();
  return async (context) => {
    const known = measured.get(context) ?? measure(context);
    measured.set(context, known);
    return known;
  };
}
