/** A member that answers what no node of ours answers: nothing crashes, lasts for ever or is stored that should not be. */
import { describe, expect, it } from 'vitest';
import { placementHash } from '../../../src/codec/hash.ts';
import { recordKey } from '../../../src/codec/key-layout.ts';
import { decodeRecord, encodeRecord } from '../../../src/codec/record-codec.ts';
import { EXCHANGE_LIMIT_MS, MAX_TREE_KEYS } from '../../../src/core/limits.ts';
import { TREE_DIGEST_BYTES } from '../../../src/core/merkle/digest-tree.ts';
import type { PeerReply, PeerRequest } from '../../../src/core/message.ts';
import { partitionOf } from '../../../src/core/ring/ring.ts';
import { dot, recordOf, textsOf } from '../../core/causality/sample-records.ts';
import { healingStage } from './healing.ts';
import {
  ALL_LEAVES,
  assertUnharmed,
  DIGEST,
  ENTRY,
  meet,
  ONE_LEAF,
  OTHER_LEAF,
  OTHER_PARTITION,
  pageOf,
  PARTITION,
  PARTITIONS,
  RANGE,
  RECORD,
  rootsOf,
  type Script,
  script,
} from './scripted-trees.ts';

describe('the script of a good peer', () => {
  it('is followed to its end: the record is taken', async () => {
    const { stage, events } = await meet(script());
    expect(events[0]).toMatchObject({ result: 'done', differing: 1, repaired: 1 });
    expect(stage.textsOn('n1', ENTRY)).toEqual(['from the scripted one']);
  });
});

describe('an exchange, from one side alone,', () => {
  it('gives the peer what it does not have', async () => {
    const nothing = script({
      roots: { type: 'tree-roots', unbuilt: [], doubtful: [], roots: [] },
      leaves: new Uint8Array(ALL_LEAVES.length),
      keys: pageOf([]),
      read: { type: 'read', reply: { type: 'absent' } },
    });
    const { stage, events, asked } = await meet(nothing, { own: recordOf(dot('o', 1), 'own') });
    expect(events[0]).toMatchObject({ result: 'done', differing: 1, repaired: 1 });
    const [given] = asked.filter((request) => request.type === 'store');
    expect(textsOf(decodeRecord(ENTRY, given?.record ?? new Uint8Array(0)))).toEqual(['own']);
    expect(stage.textsOn('n1', ENTRY)).toEqual(['own']);
  });

  it('gives it the join where each has something, and keeps that, too', async () => {
    const { stage, events, asked } = await meet(script(), { own: recordOf(dot('o', 1), 'own') });
    expect(events[0]).toMatchObject({ result: 'done', differing: 1, repaired: 2 });
    const [given] = asked.filter((request) => request.type === 'store');
    const both = ['from the scripted one', 'own'];
    expect(textsOf(decodeRecord(ENTRY, given?.record ?? new Uint8Array(0))).toSorted()).toEqual(both);
    expect(stage.textsOn('n1', ENTRY).toSorted()).toEqual(both);
  });
});

describe('an exchange is broken, and nothing is stored, by', () => {
  it.each<readonly [string, Script]>([
    ['a partition that is not on the ring', script({ roots: rootsOf(PARTITIONS, 3) })],
    ['a tree of another size', script({ leaves: ALL_LEAVES.subarray(0, 64 * TREE_DIGEST_BYTES) })],
    ['no leaves', script({ leaves: new Uint8Array(0) })],
    ['a key of another partition', script({ keys: pageOf([OTHER_PARTITION]) })],
    ['a key of a leaf that was not asked for', script({ leaves: ONE_LEAF, keys: pageOf([OTHER_LEAF]) })],
    [
      'a page that ends where it began',
      script({ keys: (after) => ({ keys: [], next: after ?? RANGE.from }) }),
    ],
    ['a page that ends before it began', script({ keys: pageOf([], Uint8Array.of(0)) })],
    ['a page that ends behind the partition', script({ keys: pageOf([], RANGE.to) })],
    ['silence about its roots', (request) => (request.type === 'tree-roots' ? undefined : script()(request))],
    ['silence about its keys', (request) => (request.type === 'tree-keys' ? undefined : script()(request))],
    [
      'refusals',
      (request) => (request.type === 'ping' ? request : { type: 'request-refused', reason: 'no' }),
    ],
  ])('%s', async (_what, answer) => {
    const { stage, events } = await meet(answer);
    expect(events[0]).toMatchObject({ result: 'broken', repaired: 0 });
    assertUnharmed(stage);
  });

  it('one bad tree, but the next exchange begins behind it', async () => {
    const { stage, events } = await meet((request) => {
      if (request.type === 'tree-roots') {
        const roots = [...rootsOf(0, 3).roots, ...rootsOf(PARTITION, 3).roots];
        return { type: request.type, unbuilt: [], doubtful: [], roots };
      }
      const isBad = request.type === 'tree-keys' && request.tree.partition === 0;
      return script(isBad ? { keys: pageOf([ENTRY]) } : {})(request);
    });
    expect(PARTITION).toBeGreaterThan(0);
    expect(events[0]).toMatchObject({ result: 'broken', differing: 2, repaired: 0 });
    // It comes to the bad tree last.
    expect(events[1]).toMatchObject({ result: 'broken', differing: 2, repaired: 1 });
    expect(stage.textsOn('n1', ENTRY)).toEqual(['from the scripted one']);
  });

  it.each<readonly [string, PeerReply]>([
    [
      'a bucket with a zero byte',
      { type: 'tree-keys', page: { keys: [{ bucket: 'a\0b', key: 'c', digest: DIGEST }], next: undefined } },
    ],
    [
      'an empty key',
      { type: 'tree-keys', page: { keys: [{ bucket: 'a', key: '', digest: DIGEST }], next: undefined } },
    ],
    [
      'an endless list',
      {
        type: 'tree-keys',
        page: {
          keys: Array.from({ length: MAX_TREE_KEYS + 1 }, () => ({ ...ENTRY, digest: DIGEST })),
          next: undefined,
        },
      },
    ],
  ])('%s on a page, which costs it its connection', async (_what, page) => {
    const { stage, events } = await meet((request) =>
      request.type === 'tree-keys' ? page : script()(request),
    );
    expect(events[0]).toMatchObject({ result: 'broken', repaired: 0 });
    expect(stage.traced('malformed-frame').length).toBeGreaterThan(0);
    assertUnharmed(stage);
  });
});

describe('nothing is stored of', () => {
  it.each<readonly [string, PeerReply]>([
    [
      'a record of another key',
      {
        type: 'read',
        reply: { type: 'found', record: encodeRecord(OTHER_LEAF, recordOf(dot('s', 1), 'x')) },
      },
    ],
    ['a record that is none', { type: 'read', reply: { type: 'found', record: new Uint8Array(40).fill(1) } }],
    ['no bytes', { type: 'read', reply: { type: 'found', record: new Uint8Array(0) } }],
    [
      'a record that is damaged',
      {
        type: 'read',
        reply: { type: 'found', record: RECORD.map((byte, index) => (index === 30 ? byte ^ 1 : byte)) },
      },
    ],
    ['a key that it lists and does not have', { type: 'read', reply: { type: 'absent' } }],
    ['a key that it lists and cannot read', { type: 'read', reply: { type: 'unreadable', reason: '' } }],
    ['a key that it lists and calls equal', { type: 'read', reply: { type: 'same' } }],
    ['a refusal', { type: 'request-refused', reason: 'no' }],
  ])('%s', async (_what, read) => {
    const { stage, events, asked } = await meet(script({ read }));
    expect(asked.filter(({ type }) => type === 'store')).toEqual([]);
    expect(events[0]).toMatchObject({ result: 'done', differing: 1, repaired: 0 });
    assertUnharmed(stage);
  });

  it('a record that it tells in a tree that both keep, but that is not to be here', async () => {
    // With N=1 only the first node of the list keeps it.
    const stage = healingStage(3, { partitions: PARTITIONS });
    const entry = stage.entryAt('n2', 'n1');
    const record = encodeRecord(entry, recordOf(dot('s', 1), 'x', { n: 1 }));
    const partition = partitionOf({ partitions: PARTITIONS }, placementHash(entry));
    const { stage: met, events } = await meet(
      script({
        roots: rootsOf(partition, 3),
        keys: pageOf([entry]),
        read: { type: 'read', reply: { type: 'found', record } },
      }),
    );
    expect(events[0]).toMatchObject({ result: 'done', differing: 1, repaired: 0 });
    assertUnharmed(met);
  });

  it('trees that both do not keep', async () => {
    const { stage, events, asked } = await meet(script({ roots: allRoots(), keys: pageOf([]) }));
    const trees = asked.flatMap((request) => (request.type === 'tree-leaves' ? [request.tree] : []));
    for (const { partition, n } of trees) {
      const homes = stage.node('n1').preferenceLists[partition]?.slice(0, n) ?? [];
      expect(homes).toContain('n1');
      expect(homes).toContain('n2');
    }
    expect(events[0]?.result).not.toBe('broken');
  });

  function allRoots(): PeerReply & { type: 'tree-roots' } {
    const roots = Array.from({ length: PARTITIONS }, (_, partition) =>
      [1, 2, 3].flatMap((n) => rootsOf(partition, n).roots),
    ).flat();
    return { type: 'tree-roots', unbuilt: [], doubtful: [], roots };
  }
});

describe('an exchange that would never end', () => {
  it('because each page is followed by another one, ends with its time, and others have theirs', async () => {
    let pages = 0;
    const endless = script({
      keys: () => {
        pages += 1;
        const place = Buffer.from(pages.toString(16).padStart(8, '0'));
        return { keys: [], next: Buffer.concat([RANGE.from, place]) };
      },
    });
    const { stage, events, asked } = await meet(endless, { delayMs: 20 });
    for (const { result, ms } of events) {
      expect(result).toBe('continued');
      expect(ms).toBeLessThan(EXCHANGE_LIMIT_MS + 1_000);
    }
    expect(asked.filter(({ type }) => type === 'tree-keys').length).toBeGreaterThan(500);
    assertUnharmed(stage);
  });

  it('because each page has new keys that are not there, ends with its time', async () => {
    const listed = Array.from({ length: 200_000 }, (_, number) => ({
      bucket: 'things',
      key: `key-${number}`,
    }))
      .filter((entry) => partitionOf({ partitions: PARTITIONS }, placementHash(entry)) === PARTITION)
      .toSorted((left, right) => Buffer.compare(recordKey(PARTITION, left), recordKey(PARTITION, right)));
    const { stage, events, asked } = await meet((request) => {
      if (request.type === 'read') return { type: 'read', reply: { type: 'absent' } };
      if (request.type !== 'tree-keys') return script()(request);
      const { after } = request;
      const rest = listed.filter(
        (entry) => after === undefined || Buffer.compare(recordKey(PARTITION, entry), after) > 0,
      );
      const page = rest.slice(0, MAX_TREE_KEYS);
      const last = page.at(-1);
      const next = last === undefined || rest.length === page.length ? undefined : recordKey(PARTITION, last);
      const keys = page.map((entry) => ({ ...entry, digest: DIGEST }));
      return { type: 'tree-keys', page: { keys, next } };
    });
    expect(asked.filter(({ type }) => type === 'read').length).toBeGreaterThanOrEqual(listed.length);
    for (const { ms } of events) expect(ms).toBeLessThan(EXCHANGE_LIMIT_MS + 1_000);
    assertUnharmed(stage);
  });

  it('because no record comes in time, ends with its time, and the next one begins behind that tree', async () => {
    const silent = (request: PeerRequest): PeerReply | undefined => {
      if (request.type === 'read') return undefined;
      if (request.type === 'tree-roots') {
        const trees = [0, 1, 2, 3].map((partition) => rootsOf(partition, 3).roots).flat();
        return { type: 'tree-roots', unbuilt: [], doubtful: [], roots: trees };
      }
      if (request.type !== 'tree-keys') return script()(request);
      const inTree = Array.from({ length: 5_000 }, (_, number) => ({
        bucket: 'things',
        key: `key-${number}`,
      }))
        .filter(
          (entry) => partitionOf({ partitions: PARTITIONS }, placementHash(entry)) === request.tree.partition,
        )
        .slice(0, 60);
      return {
        type: 'tree-keys',
        page: { keys: inTree.map((entry) => ({ ...entry, digest: DIGEST })), next: undefined },
      };
    };
    const { stage, events, asked } = await meet(silent);
    for (const { result, ms } of events) {
      expect(result).toBe('continued');
      expect(ms).toBeLessThan(EXCHANGE_LIMIT_MS + 11_000);
    }
    const trees = asked.flatMap((request) => (request.type === 'tree-keys' ? [request.tree.partition] : []));
    expect(new Set(trees).size).toBeGreaterThan(1);
    assertUnharmed(stage);
  });
});
