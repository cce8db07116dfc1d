/**
 * How much one step of a node takes, one page holds and one cache keeps. Nothing that a node promises depends on any of it: what
 * does not fit is left to the next step, or is looked up again. A simulation sets sizes of one, so that the end of a page, of a
 * batch and of a cache is met all the time.
 */
import { MAX_REAP_ENTRIES, MAX_TREE_KEYS } from './limits.ts';

/** Each is at least 1. */
export interface WorkSizes {
  /** Hints that are read from the disk at once. */
  readonly hintPage: number;
  /** Keys on one page of keys, of a tree or of acceptors; MAX_TREE_KEYS at most, for no peer reads a longer one. */
  readonly treePageKeys: number;
  /** Records that one such page looks at, whether they belong to it or not: what one question may cost. */
  readonly treePageRecords: number;
  /** Records that are listed at once to be counted into the trees. */
  readonly treeStepRecords: number;
  /** Writes that one group-commit batch takes. */
  readonly batchEntries: number;
  /** Records in one round of reaping; MAX_REAP_ENTRIES at most, for no peer takes part in a larger one. */
  readonly reapEntries: number;
  /** Keys for which promises that came with an acceptance are kept for the next write (mode `cas`). */
  readonly grants: number;
  /** Keys whose objects a proposer remembers. */
  readonly knownObjects: number;
  /** Keys whose states an acceptor remembers. */
  readonly rememberedStates: number;
}

export const DEFAULT_WORK_SIZES: WorkSizes = {
  hintPage: 512,
  treePageKeys: MAX_TREE_KEYS,
  treePageRecords: 2_048,
  treeStepRecords: 128,
  batchEntries: 4_096,
  reapEntries: MAX_REAP_ENTRIES,
  grants: 1_024,
  knownObjects: 1_024,
  rememberedStates: 1_024,
};

/** What the parts of a node are built with. */
export interface Sized {
  readonly sizes: WorkSizes;
}

/** The default of every size that is not set. */
export function workSizes(set: Partial<WorkSizes> | undefined): WorkSizes {
  return { ...DEFAULT_WORK_SIZES, ...set };
}
