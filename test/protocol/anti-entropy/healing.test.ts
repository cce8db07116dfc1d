/** What a replica missed or lost comes back to it, and nobody has to read the keys for that. */
import { describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import { TREE_LIFETIME_MS, TREE_REBUILD_MS } from '../../../src/core/limits.ts';
import { assertTexts, assertWritten, deleteOf, getOf, putOf } from '../requests.ts';
import type { Stage } from '../stage.ts';
import {
  assertQuiet,
  entriesOf,
  exchangesOf,
  healingStage,
  holders,
  isWhole,
  putAll,
  questions,
  untilWhole,
  WHOLE_AGAIN_MS,
} from './healing.ts';

const NODES = ['n1', 'n2', 'n3', 'n4', 'n5'];

/** Nobody has asked a replica for anything but an exchange. */
function assertNoClientReads(stage: Stage): void {
  expect(questions(stage).filter((question) => question.includes(': coordinate-'))).toEqual([]);
  expect(stage.traced('read-repair')).toEqual([]);
}

describe('a node that was away', () => {
  it('has what was written meanwhile soon after its return', async () => {
    const stage = await healingStage(5).startAll();
    const entries = entriesOf(200);
    await putAll(stage, entries, 'one', NODES, { w: 3 });
    await stage.crash('n2');
    const later = entriesOf(100, 'later');
    await putAll(stage, [...entries.slice(0, 100), ...later], 'two', ['n1', 'n3'], { w: 2, sloppy: false });
    expect(isWhole(stage, [...entries, ...later])).toBe(false);
    stage.forget();

    stage.machine('n2').start();
    await untilWhole(stage, [...entries, ...later]);

    assertNoClientReads(stage);
    await assertQuiet(stage);
  });

  it.each([
    { treePageKeys: 1, treePageRecords: 1, treeStepRecords: 1 },
    { treePageKeys: 2, treePageRecords: 1, treeStepRecords: 1 },
    { treePageKeys: 1, treePageRecords: 3, treeStepRecords: 2 },
  ])('has it on the smallest pages, too: %o', async (sizes) => {
    // So few partitions that a leaf has several keys, and a page others than those that are asked for.
    const stage = await healingStage(3, { partitions: 1 }, sizes).startAll();
    const entries = entriesOf(12);
    await putAll(stage, entries, 'one', ['n1'], { w: 3 });
    await stage.crash('n2');
    await putAll(stage, entries.slice(0, 6), 'two', ['n1'], { w: 2, sloppy: false });
    await putAll(stage, entriesOf(4, 'later'), 'two', ['n3'], { w: 2, sloppy: false });
    stage.machine('n2').start();
    await untilWhole(stage, [...entries, ...entriesOf(4, 'later')]);

    stage.disk('n2').wipe();
    await stage.crash('n2');
    stage.machine('n2').start();
    await untilWhole(stage, entries);
    await assertQuiet(stage);
  });

  it('has it although its disk is empty now', async () => {
    const stage = await healingStage(5).startAll();
    const entries = entriesOf(300);
    await putAll(stage, entries, 'one', NODES, { w: 3 });
    await stage.crash('n2');
    stage.disk('n2').wipe();
    expect(isWhole(stage, entries)).toBe(false);
    stage.forget();

    stage.machine('n2').start();
    await untilWhole(stage, entries);

    assertNoClientReads(stage);
    // What it once minted itself is no reason for a new incarnation: that of today minted nothing of it.
    expect(stage.traced('incarnation-renewed')).toEqual([]);
    await assertQuiet(stage);
  });

  it('learns of deletes, too, and brings nothing back', async () => {
    const stage = await healingStage(3).startAll();
    const entries = entriesOf(50);
    await putAll(stage, entries, 'one', ['n1'], { w: 3 });
    const written = entries.map((entry) => stage.recordOn('n1', entry)?.context);
    await stage.crash('n2');
    const deletes = entries.map((entry, index) =>
      stage.node('n1').delete(deleteOf(entry, { context: written[index] })),
    );
    for (const outcome of await stage.run(Promise.all(deletes))) assertWritten(outcome);

    stage.machine('n2').start();
    await untilWhole(stage, entries);

    for (const node of ['n1', 'n2', 'n3'])
      for (const entry of entries) expect(stage.textsOn(node, entry)).toEqual(['(deleted)']);
    await assertQuiet(stage);
  });

  it('gets records that are longer than a frame', async () => {
    const stage = await healingStage(3).startAll();
    await stage.crash('n3');
    const entries = entriesOf(3, 'large');
    await putAll(stage, entries, 'x'.repeat(300 * 1024), ['n1'], { w: 2 });
    stage.machine('n3').start();
    await untilWhole(stage, entries);
    await assertQuiet(stage);
  });
});

describe('the two sides of a partition', () => {
  it('become one, and each keeps what only it had: records are joined, not overwritten', async () => {
    const stage = await healingStage(3).startAll();
    const entries = entriesOf(40);
    await putAll(stage, entries, 'before', ['n1'], { w: 3 });
    for (const node of ['n2', 'n3']) {
      stage.cut('n1', node);
      stage.cut(node, 'n1');
    }
    await stage.until(
      () => stage.member('n1', 'n2').state === 'down' && stage.member('n2', 'n1').state === 'down',
    );
    await putAll(stage, entries, 'left', ['n1'], { w: 1, sloppy: false });
    await putAll(stage, entries, 'right', ['n2', 'n3'], { w: 2, sloppy: false });

    stage.world.fabric.healAll();
    await untilWhole(stage, entries);

    for (const entry of entries) {
      for (const node of ['n1', 'n2', 'n3'])
        expect(stage.textsOn(node, entry).toSorted()).toEqual(['before', 'left', 'right']);
    }
    expect(stage.traced('dot-collision')).toEqual([]);
    await assertQuiet(stage);
  });
});

describe('records of different N', () => {
  it('come to their own home replicas, and to nobody else', async () => {
    const stage = await healingStage(5).startAll();
    const away = 'n2';
    const ofN = (n: number): readonly EntryName[] =>
      entriesOf(60, `of-${n}`).filter((entry) => stage.preferenceListOf(entry)[0] !== away);
    const entries = [1, 2, 3, 5].flatMap(ofN);
    await stage.crash(away);
    for (const n of [1, 2, 3, 5]) {
      for (const entry of ofN(n)) {
        const first = stage.preferenceListOf(entry)[0] as string;
        assertWritten(
          await stage.run(stage.node(first).put(putOf(entry, 'one', { n, w: 1, sloppy: false }))),
        );
      }
    }
    stage.forget();
    stage.machine(away).start();
    await untilWhole(stage, entries);
    await stage.world.runFor(30_000);

    expect(isWhole(stage, entries)).toBe(true);
    for (const n of [1, 2, 3, 5]) {
      for (const entry of ofN(n)) {
        expect([...holders(stage, entry).keys()]).toEqual(stage.preferenceListOf(entry).slice(0, n));
        const sent = stage.requests('store').filter(({ request }) => request.key === entry.key);
        for (const { to } of sent) expect(stage.preferenceListOf(entry).slice(0, n)).toContain(to);
      }
    }
    await assertQuiet(stage);
  });

  it('meet where N has grown on one side only', async () => {
    const stage = await healingStage(5).startAll();
    const entries = entriesOf(40).filter((entry) => stage.preferenceListOf(entry)[0] !== 'n2');
    await putAll(stage, entries, 'narrow', NODES, { n: 2, w: 2 });
    await stage.crash('n2');
    for (const entry of entries) {
      const first = stage.preferenceListOf(entry)[0] as string;
      assertWritten(
        await stage.run(stage.node(first).put(putOf(entry, 'wide', { n: 4, w: 1, sloppy: false }))),
      );
    }
    stage.machine('n2').start();
    await untilWhole(stage, entries);
    for (const entry of entries) {
      expect(holders(stage, entry).size).toBe(4);
      const [home] = stage.preferenceListOf(entry);
      expect(stage.textsOn(home as string, entry).toSorted()).toEqual(['narrow', 'wide']);
    }
    await assertQuiet(stage);
  });
});

describe('a record that a disk lost without a word', () => {
  async function stageWithLoss(): Promise<{ stage: Stage; entries: readonly EntryName[]; lost: EntryName }> {
    const stage = await healingStage(2).startAll();
    const entries = entriesOf(100);
    await putAll(stage, entries, 'one', ['n1'], { n: 2, w: 2 });
    await assertQuiet(stage, 15_000);
    const lost = entries[17] as EntryName;
    stage.disk('n2').takeEffect([{ type: 'delete', key: stage.storageKey(lost) }], true);
    return { stage, entries, lost };
  }

  it('comes back after the next start', async () => {
    const { stage, entries } = await stageWithLoss();
    await stage.crash('n2');
    stage.machine('n2').start();
    await untilWhole(stage, entries);
    await assertQuiet(stage);
  });

  it('comes back in the lifetime of a tree', async () => {
    const { stage, entries } = await stageWithLoss();
    await untilWhole(stage, entries, TREE_LIFETIME_MS + WHOLE_AGAIN_MS);
    await assertQuiet(stage);
  });

  it('and was written again since, leaves a tree that is wrong, which is found out', async () => {
    const { stage, entries, lost } = await stageWithLoss();
    assertWritten(await stage.run(stage.node('n1').put(putOf(lost, 'two', { n: 2, w: 2 }))));
    await untilWhole(stage, entries);
    // The records are equal, the trees are not: n2 still counts what was lost.
    stage.forget();
    await stage.world.runFor(10_000);
    expect(exchangesOf(stage, 'n2', 'n1')).toEqual(
      expect.arrayContaining([expect.objectContaining({ differing: 1, repaired: 0 })]),
    );
    await stage.world.runFor(2 * TREE_REBUILD_MS);
    await assertQuiet(stage);
  });
});

describe('a record that cannot be read', () => {
  it.each<readonly [string, (stage: Stage, node: string, entry: EntryName) => void]>([
    ['damaged in its value', (stage, node, entry) => flip(stage, node, entry, (length) => length >> 1)],
    ['damaged in its N', (stage, node, entry) => flip(stage, node, entry, (length) => length - 1)],
    ['damaged in its digest', (stage, node, entry) => flip(stage, node, entry, () => 5)],
    ['empty', (stage, node, entry) => stage.placeBytes(node, entry, new Uint8Array(0))],
  ])(
    'because it is %s, is replaced, and its partition gone through with all others; then all is quiet',
    async (_, damage) => {
      const stage = await healingStage(3).startAll();
      const [first] = entriesOf(1) as [EntryName];
      const entries = inPartitionOf(stage, first, 20);
      await putAll(stage, entries, 'one', ['n1'], { w: 3 });
      const [damaged, neighbour] = entries as [EntryName, EntryName];
      damage(stage, 'n2', damaged);
      await stage.crash('n2');
      // One of another key of the same tree is missing, too.
      stage.disk('n2').takeEffect([{ type: 'delete', key: stage.storageKey(neighbour) }], true);
      stage.machine('n2').start();
      await untilWhole(stage, entries);

      await stage.until(() => stage.traced('recovering').length === 2);
      const replaced = stage.traced('record-replaced');
      expect(replaced.map(({ node, event }) => [node, event.key])).toEqual([['n2', damaged.key]]);
      expect(stage.traced('incarnation-renewed').map(({ node }) => node)).toEqual(['n2']);
      expect(stage.traced('recovering').map(({ event }) => event.partitions)).toEqual([1, 0]);
      await stage.world.runFor(30_000);
      stage.forget();
      await stage.world.runFor(60_000);
      expect(questions(stage).filter((question) => !question.includes('tree-roots'))).toEqual([]);
      expect(stage.traced('unreadable-record')).toEqual([]);
      expect(stage.written).toEqual([]);
    },
  );
});

describe('a damaged record while another home replica is away', () => {
  it('takes nobody the rest of its partition, and is replaced when that one is back', async () => {
    const stage = await healingStage(3).startAll();
    const [first] = entriesOf(1) as [EntryName];
    const entries = inPartitionOf(stage, first, 20);
    await putAll(stage, entries, 'one', ['n1'], { w: 3 });
    const [damaged, ...others] = entries as [EntryName];
    await stage.crash('n2', 'n3');
    stage.damage('n2', damaged);
    await stage.start('n2');
    // Long enough for its trees to be built, and for the exchanges that find the damage.
    await stage.world.runFor(3 * WHOLE_AGAIN_MS);
    expect(exchangesOf(stage, 'n2', 'n1').at(-1)).toMatchObject({ differing: 1, repaired: 0 });
    expect(stage.traced('record-replaced')).toEqual([]);
    expect(stage.node('n2').recovery().partitions).toBe(0);
    for (const entry of others) assertTexts(await stage.run(stage.node('n2').get(getOf(entry))), ['one']);
    await putAll(stage, others, 'two', ['n1', 'n2'], { sloppy: false });

    await stage.start('n3');
    await stage.until(() => stage.traced('record-replaced').length === 1, 3 * WHOLE_AGAIN_MS);
    await untilWhole(stage, entries);
    await stage.until(() => stage.node('n2').recovery().partitions === 0);
    await assertQuiet(stage);
  });

  it('is replaced all the same where its partition waits for that one anyway', async () => {
    const stage = await healingStage(3).startAll();
    const [first] = entriesOf(1) as [EntryName];
    const entries = inPartitionOf(stage, first, 20);
    await putAll(stage, entries, 'one', ['n1'], { w: 3 });
    await stage.crash('n2', 'n3');
    stage.disk('n2').wipe();
    await stage.start('n2');
    await stage.until(() => entries.every((entry) => stage.recordOn('n2', entry) !== undefined));
    await stage.world.runFor(WHOLE_AGAIN_MS);
    await stage.crash('n2');
    stage.damage('n2', first);
    await stage.start('n2');
    await stage.until(() => stage.traced('record-replaced').length === 1, 3 * WHOLE_AGAIN_MS);
    expect(stage.node('n2').recovery().waitingFor).toContain('n3');
    await stage.start('n3');
    await stage.until(() => stage.node('n2').recovery().partitions === 0);
    await untilWhole(stage, entries);
  });
});

describe('a store that forgot what this very incarnation minted', () => {
  it('is not filled again before the node has become somebody else', async () => {
    const stage = await healingStage(3).startAll();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    const [, other] = inPartitionOf(stage, entry, 2) as [EntryName, EntryName];
    await putAll(stage, [entry], 'one', ['n1'], { w: 3 });
    await putAll(stage, [other], 'one', ['n2'], { w: 3 });
    for (const lost of [entry, other])
      stage.disk('n1').takeEffect([{ type: 'delete', key: stage.storageKey(lost) }], true);
    // With another record that is lost and written again the tree becomes wrong, and is built anew.
    await putAll(stage, [other], 'two', ['n2'], { w: 3 });
    stage.forget();
    expect(stage.recordOn('n1', entry)).toBeUndefined();

    await untilWhole(stage, [entry], 2 * TREE_REBUILD_MS);

    expect(stage.traced('incarnation-renewed').map(({ node, event }) => [node, event.key])).toEqual([
      ['n1', entry.key],
    ]);
    await putAll(stage, [entry], 'two', ['n1'], { w: 3 });
    expect(stage.textsOn('n3', entry).toSorted()).toEqual(['one', 'two']);
    expect(stage.traced('dot-collision')).toEqual([]);
  });
});

function flip(stage: Stage, node: string, entry: EntryName, place: (length: number) => number): void {
  const bytes = Buffer.from(holders(stage, entry).get(node) ?? '', 'hex');
  bytes[place(bytes.length)] = (bytes[place(bytes.length)] ?? 0) ^ 1;
  stage.placeBytes(node, entry, bytes);
}

/** Entries of the partition of this one, itself first. */
function inPartitionOf(stage: Stage, entry: EntryName, count: number): readonly EntryName[] {
  const partitionOf = (each: EntryName): number => Buffer.from(stage.storageKey(each)).readUInt16BE(1);
  const others = entriesOf(5_000, 'other').filter((each) => partitionOf(each) === partitionOf(entry));
  return [entry, ...others].slice(0, count);
}
