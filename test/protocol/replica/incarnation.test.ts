/** Who mints: an incarnation drawn at every start, and anew when the store is seen to have lost something. */
import { describe, expect, it } from 'vitest';
import { formatDot, incarnationOf, type Dot } from '../../../src/core/causality/dot.ts';
import type { EntryName, StoreId } from '../../../src/core/ids.ts';
import { IncarnationSource } from '../../../src/protocol/replica/incarnation.ts';
import { SimRandom } from '../../sim/world/sim-random.ts';
import { assertRead, assertTexts, assertWritten, getOf, putOf } from '../requests.ts';
import { Stage } from '../stage.ts';

/** n1's disk once 'one' was on it; 'two' has superseded it on all three. */
async function stageBeforeRollback(): Promise<{
  stage: Stage;
  entry: EntryName;
  snapshot: ReadonlyMap<string, Uint8Array>;
  two: ReturnType<typeof assertWritten>;
}> {
  const stage = await new Stage(3).startAll();
  const entry = stage.entryAt('n1', 'n2', 'n3');
  const one = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
  const snapshot = stage.disk('n1').snapshot();
  const two = assertWritten(
    await stage.run(stage.node('n1').put(putOf(entry, 'two', { w: 3, context: one.context }))),
  );
  return { stage, entry, snapshot, two };
}

function minterOf(dot: Dot): string {
  return incarnationOf(dot.actor);
}

/** n1 mints as somebody else than before, and nothing is lost by it. */
async function assertRenewed(stage: Stage, entry: EntryName, before: string): Promise<void> {
  const after = stage.member('n1', 'n1').incarnation;
  expect(after).not.toBe(before);
  const { dot } = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'later', { w: 3 }))));
  expect(minterOf(dot)).toBe(after);
  const outcome = await stage.run(stage.node('n2').get(getOf(entry, { r: 3 })));
  const texts = assertRead(outcome).record?.siblings.length;
  expect(texts).toBe(2);
  expect(stage.traced('dot-collision')).toEqual([]);
}

describe('an incarnation', () => {
  it('begins with its store, and ends in chance', () => {
    const storeId = Buffer.from(Array.from({ length: 16 }, (_, index) => index)).toString(
      'base64url',
    ) as StoreId;
    const incarnations = ['left', 'right'].map(
      (name) => new IncarnationSource(storeId, new SimRandom(1, name)).current,
    );
    expect(new Set(incarnations).size).toBe(2);
    for (const incarnation of incarnations) {
      const bytes = Buffer.from(incarnation, 'base64url');
      expect([...bytes.subarray(0, 8)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(bytes).toHaveLength(16);
    }
  });

  it('hands out each epoch once', () => {
    const source = new IncarnationSource('s'.repeat(21).concat('A') as StoreId, new SimRandom(1, 'any'));
    const names: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      for (let epoch = 0; epoch < 3; epoch += 1) {
        const opened = source.openEpoch();
        names.push(`${source.current}.${opened}`);
      }
      expect(source.renew()).toBe(source.current);
    }
    expect(new Set(names).size).toBe(9);
  });

  it('is another one after every start, of the same store', async () => {
    const stage = await new Stage(1).startAll();
    const seen = new Set<string>();
    const stores = new Set<string>();
    const entry = stage.entryAt('n1');
    for (let start = 0; start < 4; start += 1) {
      const { dot } = assertWritten(
        await stage.run(stage.node('n1').put(putOf(entry, 'text', { n: 1, w: 1 }))),
      );
      seen.add(minterOf(dot));
      stores.add(stage.member('n1', 'n1').storeId as string);
      stage.machine('n1').crash({ power: false, reason: 'killed' });
      stage.machine('n1').start();
      await stage.until(() => stage.machine('n1').isUp);
    }
    expect(seen.size).toBe(4);
    expect(stores.size).toBe(1);
  });
});

describe('a disk that went back under a running node', () => {
  it('is noticed by a client’s token that is ahead of it', async () => {
    const { stage, entry, snapshot, two } = await stageBeforeRollback();
    const before = stage.member('n1', 'n1').incarnation as string;
    stage.disk('n1').rollBack(snapshot);

    const three = assertWritten(
      await stage.run(stage.node('n1').put(putOf(entry, 'three', { w: 3, context: two.context }))),
    );

    expect(stage.traced('incarnation-renewed')).toMatchObject([
      { node: 'n1', event: { ...entry, from: before } },
    ]);
    expect(minterOf(three.dot)).not.toBe(before);
    for (const node of ['n1', 'n2', 'n3']) expect(stage.textsOn(node, entry)).toEqual(['three']);
    await assertRenewed(stage, entry, before);
  });

  it('is noticed by a record of a peer that is ahead of it', async () => {
    const { stage, entry, snapshot } = await stageBeforeRollback();
    const before = stage.member('n1', 'n1').incarnation as string;
    stage.disk('n1').rollBack(snapshot);

    assertTexts(await stage.run(stage.node('n2').get(getOf(entry, { r: 3 }))), ['two']);
    await stage.until(() => stage.traced('read-repair').length > 0);

    expect(stage.traced('incarnation-renewed')).toMatchObject([
      { node: 'n1', event: { ...entry, from: before } },
    ]);
    expect(stage.textsOn('n1', entry)).toEqual(['two']);
    await assertRenewed(stage, entry, before);
  });

  it('is no matter for a token that is not ahead', async () => {
    const { stage, entry, two } = await stageBeforeRollback();
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'three', { context: two.context }))));
    assertWritten(await stage.run(stage.node('n2').put(putOf(entry, 'four', { context: two.context }))));
    expect(stage.traced('incarnation-renewed')).toEqual([]);
  });
});

describe('a disk that went back while its node was down', () => {
  it('lets no dot be minted again, also where nothing shows the loss', async () => {
    const { stage, entry, snapshot, two } = await stageBeforeRollback();
    await stage.crash('n1');
    stage.disk('n1').rollBack(snapshot);
    stage.machine('n1').start();
    await stage.until(() =>
      ['n2', 'n3'].every((node) => stage.machine('n1').isUp && stage.member('n1', node).state === 'up'),
    );

    const { dot } = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'blind', { w: 3 }))));

    expect(formatDot(dot)).not.toBe(formatDot(two.dot));
    const { record } = assertRead(await stage.run(stage.node('n3').get(getOf(entry, { r: 3 }))));
    const live = record?.siblings.map(({ dot: sibling }) => formatDot(sibling)).toSorted();
    expect(live).toEqual([formatDot(dot), formatDot(two.dot)].toSorted());
  });
});
