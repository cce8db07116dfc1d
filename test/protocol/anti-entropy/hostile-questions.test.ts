/** A member that asks what no node of ours asks: it learns nothing else, costs no more, and harms nobody. */
import { describe, expect, it } from 'vitest';
import { placementHash } from '../../../src/codec/hash.ts';
import { recordKey } from '../../../src/codec/key-layout.ts';
import { recordDigest } from '../../../src/codec/record-codec.ts';
import type { Partition } from '../../../src/core/ids.ts';
import { MAX_TREE_PAGES_AT_ONCE } from '../../../src/core/limits.ts';
import { MAX_TREE_LEAVES } from '../../../src/core/merkle/digest-tree.ts';
import type { PeerRequest } from '../../../src/core/message.ts';
import { partitionOf } from '../../../src/core/ring/ring.ts';
import { type ScriptedConnection, ScriptedPeer } from '../peers/scripted-peer.ts';
import type { Stage } from '../stage.ts';
import { healingStage, putAll } from './healing.ts';
import { PARTITION, PARTITIONS, RANGE } from './scripted-trees.ts';

describe('what a member asks', () => {
  async function stageWithPeer(): Promise<{ stage: Stage; connection: ScriptedConnection }> {
    const stage = healingStage(3, { partitions: PARTITIONS });
    for (const node of ['n1', 'n3']) stage.machine(node).start();
    await stage.until(() => ['n1', 'n3'].every((node) => stage.machine(node).isUp));
    await stage.until(() => stage.member('n1', 'n3').state === 'up');
    const entries = Array.from({ length: 100 }, (_, number) => ({ bucket: 'things', key: `key-${number}` }));
    await putAll(stage, entries, 'one', ['n1'], { w: 2, sloppy: false });
    const connection = await new ScriptedPeer(stage, 'n2').connect('n1');
    return { stage, connection };
  }

  const EVERY_LEAF = Array.from({ length: MAX_TREE_LEAVES }, (_, leaf) => leaf);

  it.each<readonly [string, Uint8Array]>([
    ['before the store', new Uint8Array(0)],
    ['in another partition', recordKey(0 as Partition, { bucket: 'things', key: 'a' })],
    ['where the partition begins', RANGE.from],
  ])('from a place %s is answered from the beginning of its partition', async (_what, after) => {
    const { stage, connection } = await stageWithPeer();
    const tree = { partition: PARTITION, n: 3 };
    connection.request(1, { type: 'tree-keys', tree, leaves: EVERY_LEAF, after: undefined });
    connection.request(2, { type: 'tree-keys', tree, leaves: EVERY_LEAF, after });
    await stage.until(() => connection.replies.length === 2);
    const [all, some] = connection.replies.map(({ reply }) =>
      reply.type === 'tree-keys' ? reply.page.keys : [],
    );
    expect(some).toEqual(all);
    expect(all?.length).toBeGreaterThan(0);
    for (const entry of all ?? [])
      expect(partitionOf({ partitions: PARTITIONS }, placementHash(entry))).toBe(PARTITION);
  });

  it.each<readonly [string, PeerRequest]>([
    [
      'a place behind the partition',
      {
        type: 'tree-keys',
        tree: { partition: PARTITION, n: 3 },
        leaves: EVERY_LEAF,
        after: Uint8Array.of(0xff),
      },
    ],
    [
      'a partition that is not on the ring',
      {
        type: 'tree-keys',
        tree: { partition: 60_000 as Partition, n: 3 },
        leaves: EVERY_LEAF,
        after: undefined,
      },
    ],
    [
      'a tree that nobody has',
      { type: 'tree-keys', tree: { partition: PARTITION, n: 64 }, leaves: EVERY_LEAF, after: undefined },
    ],
    ['no leaves', { type: 'tree-keys', tree: { partition: PARTITION, n: 3 }, leaves: [], after: undefined }],
  ])('about %s is answered with no keys', async (_what, request) => {
    const { stage, connection } = await stageWithPeer();
    connection.request(1, request);
    await stage.until(() => connection.replies.length === 1);
    expect(connection.replies[0]?.reply).toEqual({ type: 'tree-keys', page: { keys: [], next: undefined } });
  });

  it('about leaves of a partition that is not on the ring is refused', async () => {
    const { stage, connection } = await stageWithPeer();
    connection.request(1, { type: 'tree-leaves', tree: { partition: 60_000 as Partition, n: 3 } });
    await stage.until(() => connection.replies.length === 1);
    expect(connection.replies[0]?.reply).toMatchObject({ type: 'request-refused' });
  });

  it('is answered with digests that fit the records', async () => {
    const { stage, connection } = await stageWithPeer();
    connection.request(1, {
      type: 'tree-keys',
      tree: { partition: PARTITION, n: 3 },
      leaves: EVERY_LEAF,
      after: undefined,
    });
    await stage.until(() => connection.replies.length === 1);
    const reply = connection.replies[0]?.reply;
    const keys = reply?.type === 'tree-keys' ? reply.page.keys : [];
    for (const key of keys) {
      const bytes = stage.disk('n1').visibleValue(stage.storageKey(key)) as Uint8Array;
      expect(Buffer.from(key.digest ?? [])).toEqual(Buffer.from(recordDigest(bytes)));
    }
  });

  it('a thousand times at once is refused beyond a bound, and everything is answered', async () => {
    const { stage, connection } = await stageWithPeer();
    for (let id = 1; id <= 1_000; id += 1) {
      connection.request(id, {
        type: 'tree-keys',
        tree: { partition: PARTITION, n: 3 },
        leaves: EVERY_LEAF,
        after: undefined,
      });
    }
    await stage.until(() => connection.replies.length === 1_000);
    const answered = connection.replies.filter(({ reply }) => reply.type === 'tree-keys').length;
    expect(answered).toBeGreaterThanOrEqual(MAX_TREE_PAGES_AT_ONCE);
    expect(answered).toBeLessThan(1_000);
    expect(connection.closed).toBeUndefined();
  });

  it('when the disk cannot be read is refused, and the connection stands', async () => {
    const { stage, connection } = await stageWithPeer();
    stage.disk('n1').sortedKeys = () => {
      throw new Error('Input/output error');
    };
    connection.request(1, {
      type: 'tree-keys',
      tree: { partition: PARTITION, n: 3 },
      leaves: EVERY_LEAF,
      after: undefined,
    });
    await stage.until(() => connection.replies.length === 1);
    expect(connection.replies[0]?.reply).toMatchObject({ type: 'request-refused' });
    expect(connection.closed).toBeUndefined();
    expect(stage.deaths).toEqual([]);
  });
});
