/**
 * What an experiment is to the bench: something that is run on its own and comes back as a section of the document. It starts
 * and stops whatever it needs, so that sections can be left out, and one that fails takes no other with it.
 */
import type { Section } from '../report/document.ts';

/** What every experiment is given. */
export interface ExperimentContext {
  /** Of all that is drawn at random: keys, arrivals, faults. */
  readonly seed: number;
  /** A smoke test: seconds instead of minutes, and no figures to quote. */
  readonly isQuick: boolean;
  /** The built command line (main.js). */
  readonly program: string;
  /** Existing; temporary data goes into directories of its own below it, and is removed. */
  readonly outputDirectory: string;
  /** One line for people who wait. */
  readonly progress: (line: string) => void;
  /** Aborted when the bench is interrupted: stop everything, then reject. */
  readonly signal: AbortSignal;
}

/** One question that is answered by measuring. */
export interface Experiment {
  /** That of its section: in lower case with hyphens; chosen by `--only`. */
  readonly id: string;
  readonly title: string;
  run(context: ExperimentContext): Promise<Section>;
}
