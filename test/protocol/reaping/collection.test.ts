/** Collection of deleted keys that had conditional writes: nothing is left of them but a floor, and nothing brings them back. */
import { afterEach, describe, expect, it } from 'vitest';
import { placementHash } from '../../../src/codec/hash.ts';
import { acceptorKey, floorKey, unfinishedKey } from '../../../src/codec/key-layout.ts';
import { decodeFloor } from '../../../src/codec/floor-codec.ts';
import type { EntryName, NodeId } from '../../../src/core/ids.ts';
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

describe('a key that was created conditionally and deleted plainly', () => {
  it('is collected, too, and can be written plainly anew', async () => {
    const entry = await begin();
    await create(entry);
    const { record } = assertRead(await stage.run(stage.node('n1').get(getOf(entry))));
    const deletion = deleteOf(entry, { w: 3, context: record?.context });
    assertWritten(await stage.run(stage.node('n2').delete(deletion)));
    await stage.world.runFor(SOON_MS);
    expect(left(entry)).toEqual([]);
    assertWritten(await stage.run(stage.node('n3').put(putOf(entry, 'plain', { w: 3 }))));
    assertTexts(await stage.run(stage.node('n1').conditional(linearizableOf(entry))), ['plain']);
  });
});

describe('a node whose clock is an hour behind', () => {
  it('creates a key of a partition in which keys were collected', async () => {
    const entry = await begin('cas');
    await createAndRemove(entry);
    await stage.world.runFor(SOON_MS);
    expect(left(entry)).toEqual([]);
    stage.machine('n3').clockFaults.wallOffsetMs -= 3_600_000;
    stage.lose = ({ from, to }) => from === 'n4' && (to === 'n1' || to === 'n2');
    stage.cut('n4', 'n1');
    stage.cut('n4', 'n2');
    stage.world.fabric.reset('n4' as NodeId, 'n1' as NodeId);
    stage.world.fabric.reset('n4' as NodeId, 'n2' as NodeId);
    await stage.until(
      () => stage.member('n4', 'n1').state !== 'up' && stage.member('n4', 'n2').state !== 'up',
    );
    stage.forget();
    await create(entry, 'anew', 'n4');
    // It is n3 that has coordinated it.
    expect(stage.traced('round').map(({ node }) => node)).toContain('n3');
  });
});

describe('what a collected key has forgotten', () => {
  it('is not taken for never done: neither of a retry, nor by who asks what became of a write', async () => {
    const entry = await begin();
    const write = casOf(entry, 'one', { ifMatch: 'absent', id: 'mine' });
    const { etag } = assertWritten(await stage.run(stage.node('n1').conditional(write)));
    const removal = casOf(entry, undefined, { ifMatch: etag as string });
    assertWritten(await stage.run(stage.node('n1').conditional(removal)));
    await stage.world.runFor(SOON_MS);
    expect(left(entry)).toEqual([]);
    const again = casOf(entry, 'one', { ifMatch: 'absent', id: 'mine', firstAttempt: false });
    expect(await stage.run(stage.node('n2').conditional(again))).toMatchObject({
      type: 'failed',
      code: 'write-id-expired',
      certainty: 'unknown',
    });
    const settled = await stage.run(stage.node('n3').conditional(settlementOf(entry, 'mine')));
    expect(settled).toMatchObject({ type: 'settled', state: 'too-old' });
  });
});

describe('a key is not collected', () => {
  it('while a home replica is away, and is when it is back', async () => {
    const entry = await begin();
    await createAndRemove(entry);
    await stage.world.runFor(1_000);
    await stage.crash('n3');
    await stage.world.runFor(SOON_MS);
    expect(left(entry)).toHaveLength(6);
    await stage.start('n3');
    await stage.world.runFor(REAP_RETRY_MS + SOON_MS);
    expect(left(entry)).toEqual([]);
  });

  it('while one of them does not learn that its tombstone is chosen', async () => {
    const entry = await begin();
    await createAndRemove(entry);
    await stage.world.runFor(1_000);
    stage.lose = ({ to, message }) =>
      to === 'n3' && message.type === 'request' && message.request.type === 'paxos-commit';
    await stage.world.runFor(SOON_MS);
    expect(stage.requests('paxos-commit', 'n1').length).toBeGreaterThan(0);
    expect(stage.traced('key-collected')).toEqual([]);
  });
});

describe('a home replica that has lost its disk', () => {
  it('forgets no key that it was let in on, until it votes on all keys', async () => {
    const entry = await begin('cas', true);
    await createAndRemove(entry);
    stage.machine('n3').crash({ power: true, reason: 'the test' });
    stage.disk('n3').wipe();
    stage.lose = ({ message }) => message.type === 'request' && message.request.type === 'voted-keys';
    await stage.start('n3');
    await stage.until(() => stage.node('n3').recovery().partitions === 0);
    // It is let in on this one by a round.
    const etag = await create(entry, 'anew');
    assertWritten(await stage.run(stage.node('n1').conditional(casOf(entry, undefined, { ifMatch: etag }))));
    await stage.world.runFor(2 * REAP_RETRY_MS + SOON_MS);
    expect(stage.traced('votes-again')).toEqual([]);
    expect(left(entry)).toEqual(expect.arrayContaining(['n3 record', 'n3 state']));
    stage.lose = () => false;
    await stage.until(() => stage.traced('votes-again').length > 0);
    await stage.world.runFor(2 * REAP_RETRY_MS + SOON_MS);
    expect(left(entry)).toEqual([]);
  });

  it('leads no collection until then', async () => {
    const entry = await begin('cas', true);
    await createAndRemove(entry);
    stage.machine('n1').crash({ power: true, reason: 'the test' });
    stage.disk('n1').wipe();
    stage.lose = ({ message }) => message.type === 'request' && message.request.type === 'voted-keys';
    await stage.start('n1');
    await stage.until(() => stage.node('n1').recovery().partitions === 0);
    const etag = await create(entry, 'anew', 'n2');
    assertWritten(await stage.run(stage.node('n2').conditional(casOf(entry, undefined, { ifMatch: etag }))));
    await stage.world.runFor(1_000);
    stage.forget();
    await stage.world.runFor(2 * REAP_RETRY_MS + SOON_MS);
    expect(stage.traced('reap-round').some(({ node }) => node === 'n1')).toBe(true);
    expect(stage.requests('paxos-prepare', 'n1')).toEqual([]);
    stage.lose = () => false;
    await stage.until(() => stage.traced('votes-again').length > 0);
    await stage.world.runFor(2 * REAP_RETRY_MS + SOON_MS);
    expect(left(entry)).toEqual([]);
  });
});

describe('a collection that one home replica has missed', () => {
  /** n1 and n2 have collected it, n3 is away and holds its tombstone. */
  async function missed(mode: BucketMode, antiEntropy: boolean): Promise<EntryName> {
    const entry = await begin(mode, antiEntropy);
    await createAndRemove(entry);
    stage.lose = ({ to, message }) =>
      to === 'n3' && message.type === 'request' && message.request.type === 'reap-drop';
    await stage.until(() => stage.traced('key-collected').length === 2);
    await stage.crash('n3');
    stage.lose = () => false;
    expect(left(entry)).toEqual(['n3 record', 'n3 state']);
    return entry;
  }

  it('is made good later', async () => {
    const entry = await missed('mixed', true);
    await stage.start('n3');
    // The tombstone comes to the others, who do not know any more that there was a round of the key.
    await stage.until(() => stage.recordOn('n1', entry) !== undefined, 10 * 60_000);
    await stage.world.runFor(3 * REAP_RETRY_MS + SOON_MS);
    expect(left(entry)).toEqual([]);
    expect(floorOn('n3', entry)).toBeDefined();
  });

  it.each(['mixed', 'cas'] as const)('does no harm to what is created since, in mode %s', async (mode) => {
    const entry = await missed(mode, true);
    const etag = await create(entry, 'anew', 'n2');
    await stage.start('n3');
    await stage.world.runFor(2 * REAP_RETRY_MS);
    for (const id of HOMES) expect(stage.textsOn(id, entry)).toEqual(['anew']);
    const next = await stage.run(stage.node('n3').conditional(casOf(entry, 'next', { ifMatch: etag })));
    expect(next).toMatchObject({ type: 'written', liveSiblings: 1 });
  });
});

describe('the floor', () => {
  it('is got back by a home replica that has lost its disk, before it counts again', async () => {
    const entry = await begin('cas', true);
    await createAndRemove(entry);
    await stage.world.runFor(SOON_MS);
    const floor = floorOn('n1', entry);
    stage.machine('n3').crash({ power: true, reason: 'the test' });
    stage.disk('n3').wipe();
    stage.forget();
    await stage.start('n3');
    await stage.until(() => stage.node('n3').recovery().partitions === 0);
    expect(floorOn('n3', entry)).toBe(floor);
    expect(stage.requests('floors', 'n3').map(({ to }) => to)).toEqual(expect.arrayContaining(['n1', 'n2']));
    await create(entry, 'anew', 'n3');
  });

  it('that is damaged is got back from the others', async () => {
    const entry = await begin('cas', true);
    await createAndRemove(entry);
    await stage.world.runFor(SOON_MS);
    const floor = floorOn('n1', entry);
    await stage.crash('n3');
    const key = floorKey(partitionOf(stage.config, placementHash(entry)));
    stage.disk('n3').takeEffect([{ type: 'put', key, value: Uint8Array.of(1, 2, 3) }], true);
    await stage.start('n3');
    expect(stage.traced('store-lost-something').map(({ node }) => node)).toEqual(['n3']);
    await stage.until(() => stage.node('n3').recovery().partitions === 0);
    await stage.world.runFor(1_000);
    expect(floorOn('n3', entry)).toBe(floor);
  });
});
