/**
 * Draws how big the steps of nodes are. With those of production the few keys of a run fit on one page, its writes into one batch and
 * all that is remembered into a cache, so what follows the end of one would never be met. In half of the seeds all of it is as in
 * production, and each size on its own in half of the others, so that one does not hide another.
 */
import type { Limits } from '../../../src/core/limits.ts';
import type { WorkSizes } from '../../../src/core/work-sizes.ts';
import { Stream } from '../world/draw.ts';

/** The largest that is drawn of each; the smallest is 1. */
const LARGEST: WorkSizes = {
  hintPage: 3,
  treePageKeys: 3,
  treePageRecords: 4,
  treeStepRecords: 3,
  batchEntries: 3,
  reapEntries: 3,
  grants: 1,
  knownObjects: 1,
  rememberedStates: 1,
};

export function drawSizes(seed: number): Partial<WorkSizes> | undefined {
  const stream = new Stream(seed, 'knobs');
  if (stream.chance(0.5)) return undefined;
  const names = Object.keys(LARGEST) as (keyof WorkSizes)[];
  const drawn = names.flatMap((name) =>
    stream.chance(0.5) ? [[name, stream.integer(1, LARGEST[name])] as const] : [],
  );
  return Object.fromEntries(drawn);
}

/** So low in some seeds that nodes are always full. */
export function drawLimits(seed: number): Partial<Limits> | undefined {
  const stream = new Stream(seed, 'small-limits');
  if (stream.chance(0.8)) return undefined;
  const which = stream.pick(['hints', 'operations', 'both'] as const);
  return {
    ...(which === 'operations' ? {} : { maxHintsPerOwner: stream.integer(1, 5) }),
    ...(which === 'hints' ? {} : { maxOperationsInFlight: stream.integer(1, 4) }),
  };
}
