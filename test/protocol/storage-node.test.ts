/** What a node tells of itself and of the others: members, readiness, majorities, and every replica's view of a key. */
import { describe, expect, it } from 'vitest';
import { decodeRecord, recordDigest } from '../../src/codec/record-codec.ts';
import type { EntryName } from '../../src/core/ids.ts';
import { buildRing } from '../../src/core/ring/ring.ts';
import { dot, recordOf, textsOf } from '../core/causality/sample-records.ts';
import { WALL_START_MS } from '../sim/world/sim-clock.ts';
import { assertFailed, assertRead, assertWritten, deleteOf, getOf, putOf, SLACK_MS } from './requests.ts';
import { Stage } from './stage.ts';

describe('the members', () => {
  it('are those of the configuration, in its order, and this node is one of them', async () => {
    const stage = new Stage(3);
    const { config } = stage;
    const reversed = await new Stage(3, { nodes: config.nodes.toReversed() }).startAll();
    expect(
      reversed
        .node('n2')
        .members()
        .map(({ node }) => node),
    ).toEqual(['n3', 'n2', 'n1']);
    const own = reversed.member('n2', 'n2');
    expect(own).toMatchObject({ state: 'self', reason: undefined });
    expect(own.storeId).toMatch(/^[\w-]{22}$/);
    expect(own.incarnation).toMatch(/^[\w-]{22}$/);
    expect(own.sinceMs).toBeGreaterThanOrEqual(WALL_START_MS);
  });

  it('are down until they have answered a hello', async () => {
    const stage = new Stage(3);
    stage.machine('n1').start();
    await stage.until(() => stage.machine('n1').isUp);
    // They are being dialed, and nobody is there.
    expect(
      stage
        .node('n1')
        .members()
        .map(({ state }) => state),
    ).toEqual(['self', 'down', 'down']);
    expect(stage.member('n1', 'n2').storeId).toBeUndefined();
    await stage.world.runFor(100);
    expect(stage.member('n1', 'n2')).toMatchObject({
      state: 'down',
      reason: expect.stringContaining('refused'),
    });
    stage.machine('n2').start();
    await stage.until(() => stage.member('n1', 'n2').state === 'up');
    expect(
      stage
        .node('n1')
        .members()
        .map(({ state }) => state),
    ).toEqual(['self', 'up', 'down']);
  });
});

describe('a node', () => {
  it('is ready whatever the others do, until it drains', async () => {
    const stage = await new Stage(3).startAll();
    await stage.crash('n2', 'n3');
    expect(stage.node('n1').notReady()).toEqual([]);
    stage.node('n1').drain();
    expect(stage.node('n1').notReady()).toEqual(['The node is shutting down.']);
  });

  it('shows the ring that everybody computes', async () => {
    const stage = await new Stage(4).startAll();
    expect(stage.node('n1').preferenceLists).toEqual(stage.node('n4').preferenceLists);
    expect(stage.node('n1').preferenceLists).toEqual(buildRing(stage.config).preferenceLists);
  });

  it('probes its store', async () => {
    const stage = await new Stage(1).startAll();
    const node = stage.node('n1');
    await stage.run(node.probeStorage());
    stage.slowDisk('n1', 'read', 500);
    const beganMs = stage.nowMs;
    await stage.run(node.probeStorage());
    expect(stage.nowMs - beganMs).toBeGreaterThanOrEqual(500);
    await stage.run(node.close(0));
    await expect(stage.run(node.probeStorage())).rejects.toThrow('closed');
  });
});

describe('majorities', () => {
  it('are there while each partition of this node has one', async () => {
    const stage = await new Stage(3).startAll();
    expect(stage.node('n1').hasMajorities()).toBe(true);
    await stage.crash('n2');
    expect(stage.node('n1').hasMajorities()).toBe(true);
    await stage.crash('n3');
    expect(stage.node('n1').hasMajorities()).toBe(false);
    stage.machine('n3').start();
    await stage.until(() => stage.node('n1').hasMajorities());
  });

  it('concern only the partitions that this node is a home of', async () => {
    // With N = 1 each node is the only home of its partitions.
    const alone = await new Stage(3, { defaults: { n: 1, r: 1, w: 1 } }).startAll();
    await alone.crash('n2', 'n3');
    expect(alone.node('n1').hasMajorities()).toBe(true);
    // With N = 2 it shares some with each of the others.
    const pairs = await new Stage(3, { defaults: { n: 2, r: 1, w: 1 } }).startAll();
    await pairs.crash('n2');
    expect(pairs.node('n1').hasMajorities()).toBe(false);
  });

  it('concern every bucket', async () => {
    const buckets = new Map([['wide', { n: 5, r: 3, w: 3, mode: 'mixed' as const }]]);
    const usual = await new Stage(5).startAll();
    const wide = await new Stage(5, { buckets }).startAll();
    for (const stage of [usual, wide]) await stage.crash('n4', 'n5');
    // Three of five are a majority; but two of the three homes of some partition are gone.
    expect(usual.node('n1').hasMajorities()).toBe(false);
    expect(wide.node('n1').hasMajorities()).toBe(false);

    const single = await new Stage(5, { defaults: { n: 1, r: 1, w: 1 } }).startAll();
    const both = await new Stage(5, { defaults: { n: 1, r: 1, w: 1 }, buckets }).startAll();
    for (const stage of [single, both]) await stage.crash('n3', 'n4', 'n5');
    expect(single.node('n1').hasMajorities()).toBe(true);
    expect(both.node('n1').hasMajorities()).toBe(false);
  });
});

describe('an inspection', () => {
  async function stageOfFive(): Promise<{ stage: Stage; entry: EntryName }> {
    const stage = await new Stage(5).startAll();
    return { stage, entry: stage.entryAt('n1', 'n2') };
  }

  it('shows every home replica’s own record, unjoined, and repairs nothing', async () => {
    const { stage, entry } = await stageOfFive();
    const [first, second, third] = stage.preferenceListOf(entry) as readonly string[] as [
      string,
      string,
      string,
    ];
    stage.placeRecord(first, entry, recordOf(dot('a', 1), 'left'));
    stage.placeRecord(second, entry, recordOf(dot('b', 1), 'right'));

    const inspection = await stage.run(stage.node('n5').inspect(entry, 1_000));

    expect(inspection).toMatchObject({ n: 3, preferenceList: stage.preferenceListOf(entry) });
    expect(stage.node('n1').preferenceLists[inspection.partition]).toEqual(inspection.preferenceList);
    expect(
      inspection.replicas.map((view) => [
        view.node,
        view.result === 'found' ? textsOf(view.record) : view.result,
      ]),
    ).toEqual([
      [first, ['left']],
      [second, ['right']],
      [third, 'absent'],
    ]);
    await stage.world.runFor(1_000);
    expect(stage.requests('store')).toEqual([]);
  });

  it('gives the digest, which is equal where the records are', async () => {
    const { stage, entry } = await stageOfFive();
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
    const { replicas } = await stage.run(stage.node('n1').inspect(entry, 1_000));
    const bytes = stage.disk('n1').visibleValue(stage.storageKey(entry)) as Uint8Array;
    expect(decodeRecord(entry, bytes).siblings).toHaveLength(1);
    const digest = Buffer.from(recordDigest(bytes)).toString('hex');
    expect(replicas.map((view) => (view.result === 'found' ? view.digest : view.result))).toEqual(
      Array(3).fill(digest),
    );
  });

  it('shows another node only if it holds something', async () => {
    const { stage, entry } = await stageOfFive();
    const last = stage.preferenceListOf(entry)[4] as string;
    const before = await stage.run(stage.node('n1').inspect(entry, 1_000));
    expect(before.replicas).toHaveLength(3);
    stage.placeRecord(last, entry, recordOf(dot('a', 1), 'stray'));
    const after = await stage.run(stage.node('n1').inspect(entry, 1_000));
    expect(after.replicas.map(({ node, result }) => [node, result]).at(-1)).toEqual([last, 'found']);
  });

  it('tells unreadable, unreachable and absent apart, and takes no longer than it may', async () => {
    const { stage, entry } = await stageOfFive();
    const [first, second, third] = stage.preferenceListOf(entry) as readonly string[] as [
      string,
      string,
      string,
    ];
    assertWritten(await stage.run(stage.node(first).put(putOf(entry, 'one', { w: 3 }))));
    stage.damage(first, entry);
    await stage.crash(second);
    const stages = stage.preferenceListOf(entry).slice(3);
    stage.mute(third);
    const beganMs = stage.nowMs;

    const { replicas } = await stage.run(stage.node(stages[0] as string).inspect(entry, 300));

    expect(stage.nowMs - beganMs).toBeGreaterThanOrEqual(300);
    expect(stage.nowMs - beganMs).toBeLessThan(300 + SLACK_MS);
    expect(replicas.map(({ node, result }) => [node, result])).toEqual([
      [first, 'unreadable'],
      [second, 'unreachable'],
      [third, 'unreachable'],
    ]);
    expect(replicas[2]?.ms).toBeGreaterThanOrEqual(300);
  });

  it('goes by the N of the bucket', async () => {
    const buckets = new Map([['things', { n: 5, r: 3, w: 3, mode: 'mixed' as const }]]);
    const stage = await new Stage(5, { buckets }).startAll();
    const { n, replicas } = await stage.run(
      stage.node('n1').inspect({ bucket: 'things', key: 'any' }, 1_000),
    );
    expect(n).toBe(5);
    expect(replicas).toHaveLength(5);
  });
});

describe('a node that drains', () => {
  it('refuses new operations, and serves as a replica still', async () => {
    const stage = await new Stage(3).startAll();
    const entry = stage.entryAt('n1');
    const node = stage.node('n1');
    node.drain();
    for (const outcome of [
      await stage.run(node.get(getOf(entry))),
      await stage.run(node.put(putOf(entry, 'one'))),
      await stage.run(node.delete(deleteOf(entry))),
    ]) {
      assertFailed(outcome, { code: 'draining', certainty: 'not-applied' });
    }
    assertWritten(await stage.run(stage.node('n2').put(putOf(entry, 'one', { w: 3 }))));
    expect(assertRead(await stage.run(stage.node('n2').get(getOf(entry, { r: 3 })))).quorum.acks).toBe(3);
  });

  it('carries out what it had begun', async () => {
    const stage = await new Stage(3).startAll();
    stage.slowDisk('n1', 'sync', 200);
    stage.slowDisk('n2', 'sync', 200);
    const put = stage.node('n1').put(putOf(stage.entryAt('n1', 'n2'), 'one'));
    await stage.world.runFor(5);
    stage.node('n1').drain();
    assertWritten(await stage.run(put));
  });
});
