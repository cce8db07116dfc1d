/** A planted bug as data: what is changed in a copy of the sources, and which invariant has to notice it. */
import type { Profile } from '../plan/draw-plan.ts';

export interface Edit {
  /** Path from the project's root. */
  readonly file: string;
  /** Text that the file holds exactly once: when the code has moved on, the mutant breaks loudly instead of planting nothing. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  readonly id: string;
  /** What is wrong with the changed store, in a sentence for people. */
  readonly bug: string;
  /** More than one where the store has two guards against the same bug. */
  readonly edits: readonly Edit[];
  /** The invariant that has to fail; undefined: nothing is wrong, and every seed has to stay green. */
  readonly invariant: string | undefined;
  readonly profile: Profile;
  /** Client operations of a run. */
  readonly operations: number;
  /** Set: only seeds are run in which a disk is lost so, tombstones are reaped, or buckets have this mode. It is in few of them. */
  readonly only?: 'wiped' | 'rolled-back' | 'gap' | 'reaping' | 'mixed' | 'cas';
  /** Set: instead of seeds this regression scenario is run, which has to fail: no seed leads there often enough. */
  readonly scenario?: string;
  /** Seeds within which it has to be caught. */
  readonly maxSeeds: number;
}
