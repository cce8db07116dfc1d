/** Collection of deleted keys that had conditional writes: nothing is left of them but a floor, and nothing brings them back. */
import { afterEach, describe, expect, it } from 'vitest';
import { placementHash } from '../../../src/codec/hash.ts';
import { acceptorKey, floorKey, unfinishedKey } from '../../../src/codec/key-layout.ts';
import { decodeFloor } from '../../../src/codec/floor-codec.ts';
import type { EntryName } from '../../../src/core/ids.ts';
import { REAP_INTERVAL_MS, REAP_RETRY_MS } from '../../../src/core/limits.ts';
import type { Ballot } from '../../../src/core/paxos/ballot.ts';
import type { BucketMode } from '../../../src/core/cluster-config.ts';
import { partitionOf } from '../../../src/core/ring/ring.ts';
import {
  assertRead,
  assertTexts,
  assertWritten,
  casOf,
  deleteOf,
  getOf,
  linearizableOf,
  putOf,
  settlementOf,
} from '../requests.ts';
import { Stage } from '../stage.ts';

const REAP_AFTER_MS = 5_000;
const SOON_MS = REAP_AFTER_MS + 2 * REAP_INTERVAL_MS;
const NODES = ['n1', 'n2', 'n3', 'n4', 'n5'];
const HOMES = ['n1', 'n2', 'n3'];

let stage: Stage;

afterEach(() => {
  expect(stage.bugs).toEqual([]);
});

/** n1, n2 and n3 are the home replicas of the entry, n1 leads; n4 and n5 are none. */
async function begin(mode: BucketMode = 'mixed', antiEntropy = false): Promise<EntryName> {
  const overrides = { partitions: 1_024, defaults: { n: 3, r: 2, w: 2, mode } };
  stage = await new Stage(5, overrides, { reapAfterMs: REAP_AFTER_MS, antiEntropy }).startAll();
  return stage.entryAt('n1', 'n2', 'n3', 'n4', 'n5');
}

async function create(entry: EntryName, text = 'one', at = 'n1'): Promise<string> {
  const created = await stage.run(stage.node(at).conditional(casOf(entry, text, { ifMatch: 'absent' })));
  return assertWritten(created).etag as string;
}

async function createAndRemove(entry: EntryName): Promise<string> {
  const etag = await create(entry);
  const gone = await stage.run(stage.node('n1').conditional(casOf(entry, undefined, { ifMatch: etag })));
  return assertWritten(gone).etag as string;
}

/** What is left of the key, by node and kind. */
function left(entry: EntryName): readonly string[] {
  const partition = partitionOf(stage.config, placementHash(entry));
  return NODES.flatMap((id) => [
    ...(stage.recordOn(id, entry) === undefined ? [] : [`${id} record`]),
    ...(stage.disk(id).visibleValue(acceptorKey(partition, entry)) === undefined ? [] : [`${id} state`]),
    ...(stage.disk(id).visibleValue(unfinishedKey(partition, entry)) === undefined ? [] : [`${id} note`]),
  ]);
}

function floorOn(id: string, entry: EntryName): Ballot | undefined {
  const partition = partitionOf(stage.config, placementHash(entry));
  const bytes = stage.disk(id).visibleValue(floorKey(partition));
  return bytes === undefined ? undefined : decodeFloor(partition, bytes);
}

describe.each(['mixed', 'cas'] as const)('a key of a bucket of mode %s that was removed', (mode) => {
  it('leaves a floor, and nothing else, on its voters', async () => {
    const entry = await begin(mode);
    await createAndRemove(entry);
    await stage.world.runFor(REAP_AFTER_MS - 1_000);
    expect(left(entry)).toHaveLength(6);
    await stage.world.runFor(SOON_MS);
    expect(left(entry)).toEqual([]);
    const floors = NODES.map((id) => floorOn(id, entry));
    expect(floors[0]).toBeDefined();
    expect(floors).toEqual([floors[0], floors[0], floors[0], undefined, undefined]);
    expect(
      stage
        .traced('key-collected')
        .map(({ node }) => node)
        .sort(),
    ).toEqual(HOMES);
    assertTexts(await stage.run(stage.node('n2').conditional(linearizableOf(entry))), []);
    assertTexts(await stage.run(stage.node('n4').get(getOf(entry, { r: 3 }))), []);
  });

  it('is created anew, and removed and collected again, as if it had never been there', async () => {
    const entry = await begin(mode);
    for (const at of ['n1', 'n3', 'n4']) {
      await createAndRemove(entry);
      await stage.world.runFor(SOON_MS);
      expect(left(entry)).toEqual([]);
      const etag = await create(entry, 'anew', at);
      const read = assertRead(await stage.run(stage.node('n2').conditional(linearizableOf(entry))));
      expect(read.record?.siblings).toHaveLength(1);
      const gone = await stage.run(stage.node(at).conditional(casOf(entry, undefined, { ifMatch: etag })));
      expect(gone).toMatchObject({ type: 'written', liveSiblings: 0 });
      await stage.world.runFor(SOON_MS + REAP_RETRY_MS);
      expect(left(entry)).toEqual([]);
    }
  });
});
