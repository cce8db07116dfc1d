import type { EntryName } from '../../../src/core/ids.ts';
import { Stage } from '../stage.ts';

/** n1, n2 and n3 are the home replicas of the entry, n4 and n5 the fallbacks, in this order. */
export async function stageOfFive(
  world: ConstructorParameters<typeof Stage>[2] = {},
): Promise<{ readonly stage: Stage; readonly entry: EntryName }> {
  const stage = await new Stage(5, { partitions: 1_024 }, world).startAll();
  return { stage, entry: stage.entryAt('n1', 'n2', 'n3', 'n4', 'n5') };
}
