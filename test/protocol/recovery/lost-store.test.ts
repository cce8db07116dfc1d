/** A store that lost something is noticed by what its peers remember; it counts for nothing in reads, and gets back what it lost. */
import { describe, expect, it } from 'vitest';
import { metaKey, sequenceKey, sequenceOfKey } from '../../../src/codec/key-layout.ts';
import { decodeStoreMark } from '../../../src/codec/store-meta.ts';
import type { EntryName, NodeId } from '../../../src/core/ids.ts';
import { REMEMBER_PEERS_MS } from '../../../src/core/limits.ts';
import type { StorageWrite } from '../../../src/ports/storage.ts';
import { textsOf } from '../../core/causality/sample-records.ts';
import { assertFailed, assertRead, assertTexts, assertWritten, getOf, putOf } from '../requests.ts';
import { Stage } from '../stage.ts';

/** Longer than backoffs and silences. Virtual milliseconds. */
const SETTLE_MS = 30_000;

interface Lost {
  readonly stage: Stage;
  /** n1 and n2 hold it, n3 has missed it. */
  readonly entry: EntryName;
}

/** A write that n1 and n2 have acknowledged, and n3 has not heard of. */
async function stageWithWrite(): Promise<Lost> {
  const stage = await new Stage(3).startAll();
  await stage.world.runFor(1_000);
  const entry = stage.entryAt('n1', 'n2', 'n3');
  stage.lose = ({ to, message }) =>
    to === 'n3' && message.type === 'request' && message.request.type === 'store';
  assertWritten(await stage.run(stage.node('n2').put(putOf(entry, 'one'))));
  await stage.world.runFor(REMEMBER_PEERS_MS + 1_000);
  stage.lose = () => false;
  expect(stage.textsOn('n1', entry)).toEqual(['one']);
  expect(stage.recordOn('n3', entry)).toBeUndefined();
  return { stage, entry };
}

/** How far the store of a node has come. */
function sequenceOf(stage: Stage, node: string): number {
  return Math.max(0, ...[...stage.disk(node).entries()].flatMap(([key]) => sequenceOfKey(key) ?? []));
}

/** Holds up what would give n1 back what it lost. */
function holdUpRecovery(stage: Stage): void {
  stage.lose = ({ message }) =>
    message.type === 'request' &&
    (message.request.type === 'partition-keys' || message.request.type === 'tree-roots');
}

async function restart(stage: Stage, node: string, meanwhile: () => void): Promise<void> {
  await stage.crash(node);
  meanwhile();
  stage.machine(node).start();
  await stage.until(
    () => stage.machine(node).isUp && stage.traced('peer-up').some((traced) => traced.node === node),
  );
  await stage.until(() =>
    stage
      .node(node)
      .members()
      .every(({ state, node: other }) => state !== 'down' || !stage.machine(other).isUp),
  );
  await stage.world.runFor(200);
}

describe('a node whose disk was replaced by an empty one', () => {
  it('is noticed, says so, and counts for nothing in reads until it is whole', async () => {
    const { stage, entry } = await stageWithWrite();
    holdUpRecovery(stage);
    await restart(stage, 'n1', () => stage.disk('n1').wipe());

    expect(stage.traced('store-lost-something').map(({ node, event }) => [node, event.kind])).toEqual([
      ['n1', 'wiped'],
    ]);
    const noticed = stage.traced('peer-store-replaced').map(({ node, event }) => `${node} ${event.peer}`);
    expect(noticed.toSorted()).toEqual(['n2 n1', 'n3 n1']);
    expect(stage.node('n1').recovery()).toEqual({ partitions: 64, waitingFor: ['n2', 'n3'] });

    // Of the two that are left one must be n2: through whichever node it is asked, R=2 never misses the write.
    for (const node of ['n1', 'n2', 'n3'])
      assertTexts(await stage.run(stage.node(node).get(getOf(entry))), ['one']);
    const failure = assertFailed(await stage.run(stage.node('n1').get(getOf(entry, { r: 3 }))), {
      code: 'quorum-unavailable',
    });
    expect(failure.replicas?.map(({ node, result }) => `${node} ${result}`)).toContain('n1 recovering');
  });

  it('never makes a 404 of what one other replica has', async () => {
    const { stage, entry } = await stageWithWrite();
    holdUpRecovery(stage);
    await restart(stage, 'n1', () => stage.disk('n1').wipe());
    await stage.crash('n2');
    for (const node of ['n1', 'n3']) {
      assertFailed(await stage.run(stage.node(node).get(getOf(entry))), { code: 'quorum-unavailable' });
    }
  });

  it('gets everything back without a read, and counts again', async () => {
    const { stage, entry } = await stageWithWrite();
    const bystanders = stage.entriesAt(40, 'n1').filter(({ key }) => key !== entry.key);
    for (const each of bystanders) assertWritten(await stage.run(stage.node('n3').put(putOf(each, 'one'))));
    await restart(stage, 'n1', () => stage.disk('n1').wipe());
    await stage.until(() => stage.node('n1').recovery().partitions === 0);

    for (const each of [entry, ...bystanders]) expect(stage.textsOn('n1', each)).toEqual(['one']);
    expect(stage.traced('recovering').at(-1)).toMatchObject({ node: 'n1', event: { partitions: 0 } });
    const { quorum } = assertRead(await stage.run(stage.node('n1').get(getOf(entry, { r: 3 }))));
    expect(quorum.acks).toBe(3);
    // It is remembered as it is now, once that is written down.
    await stage.world.runFor(1_000);
    stage.forget();
    await restart(stage, 'n1', () => {});
    expect(stage.traced('store-lost-something')).toEqual([]);
    expect(stage.node('n1').recovery().partitions).toBe(0);
  });

  it('takes and coordinates writes meanwhile, which count', async () => {
    const { stage, entry } = await stageWithWrite();
    holdUpRecovery(stage);
    await restart(stage, 'n1', () => stage.disk('n1').wipe());
    const { quorum } = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'two', { w: 3 }))));
    expect(quorum).toMatchObject({ coordinator: 'n1', acks: 3 });
    assertRead(await stage.run(stage.node('n3').get(getOf(entry))));
    await stage.world.runFor(1_000);
    expect(stage.textsOn('n3', entry).toSorted()).toEqual(['one', 'two']);
    expect(stage.traced('dot-collision')).toEqual([]);
  });

  it('stays open where a home replica is away, and waits for that one', async () => {
    const stage = await new Stage(5).startAll();
    await stage.world.runFor(1_000);
    const entry = stage.entryAt('n1', 'n2');
    assertWritten(await stage.run(stage.node('n2').put(putOf(entry, 'one', { w: 3 }))));
    await stage.crash('n2');
    await restart(stage, 'n1', () => stage.disk('n1').wipe());
    await stage.world.runFor(SETTLE_MS);
    const { partitions, waitingFor } = stage.node('n1').recovery();
    expect(partitions).toBeGreaterThan(0);
    expect(partitions).toBeLessThan(64);
    expect(waitingFor).toEqual(['n2']);
    assertFailed(await stage.run(stage.node('n1').get(getOf(entry))), { code: 'quorum-unavailable' });

    stage.machine('n2').start();
    await stage.until(() => stage.node('n1').recovery().partitions === 0);
    expect(stage.textsOn('n1', entry)).toEqual(['one']);
  });

  it('goes on recovering when it is started again, whatever its peers know by then', async () => {
    const { stage, entry } = await stageWithWrite();
    holdUpRecovery(stage);
    await restart(stage, 'n1', () => stage.disk('n1').wipe());
    stage.forget();
    await restart(stage, 'n1', () => {});
    expect(stage.traced('store-lost-something')).toEqual([]);
    expect(stage.node('n1').recovery().partitions).toBe(64);
    stage.lose = () => false;
    await stage.until(() => stage.node('n1').recovery().partitions === 0);
    expect(stage.textsOn('n1', entry)).toEqual(['one']);
  });

  it('is told again if it dies before it has written down what it was told', async () => {
    const { stage } = await stageWithWrite();
    holdUpRecovery(stage);
    await stage.crash('n1');
    stage.disk('n1').wipe();
    stage.machine('n1').start();
    await stage.until(() => stage.traced('store-lost-something').length === 1);
    stage.machine('n1').crash({ power: true, reason: 'the test' });
    expect(stage.disk('n1').visibleValue(metaKey('recovery'))).toBeUndefined();
    stage.machine('n1').start();
    await stage.until(() => stage.traced('store-lost-something').length === 2);
    expect(stage.node('n1').recovery().partitions).toBe(64);
  });

  it('is noticed by peers that were started again, too', async () => {
    const { stage } = await stageWithWrite();
    holdUpRecovery(stage);
    await stage.crash('n1', 'n2', 'n3');
    stage.disk('n1').wipe();
    stage.forget();
    for (const node of ['n1', 'n2', 'n3']) stage.machine(node).start();
    await stage.until(() => stage.traced('store-lost-something').length === 1);
    expect(stage.node('n1').recovery().partitions).toBe(64);
    for (const node of ['n2', 'n3']) expect(stage.node(node).recovery().partitions).toBe(0);
  });
});

describe('what a node has lost, and the only other one that has it cannot read', () => {
  it('is waited for, although the trees of the two are equal without it', async () => {
    const stage = await new Stage(3, {}, { antiEntropy: true }).startAll();
    await stage.world.runFor(1_000);
    const entry = stage.entryAt('n1', 'n2', 'n3');
    // n2 misses it, and no exchange mends that.
    stage.lose = ({ to, message }) =>
      message.type === 'request' &&
      (message.request.type === 'tree-leaves' || (to === 'n2' && message.request.type === 'store'));
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one'))));
    await stage.until(() => stage.textsOn('n3', entry).length === 1);
    const name = Buffer.from(stage.storageKey(entry)).toString('hex');
    stage.disk('n3').misread = (key, value) =>
      Buffer.from(key).toString('hex') === name ? Uint8Array.of(1, 2, 3) : value;
    // Its trees are built without what it cannot read.
    await restart(stage, 'n3', () => {});
    await stage.world.runFor(SETTLE_MS);
    await restart(stage, 'n1', () => stage.disk('n1').wipe());
    await stage.world.runFor(2 * SETTLE_MS);
    expect(stage.node('n1').recovery()).toEqual({ partitions: 1, waitingFor: ['n3'] });
    assertFailed(await stage.run(stage.node('n1').get(getOf(entry))), { type: 'failed' });

    stage.disk('n3').misread = undefined;
    await stage.until(() => stage.node('n1').recovery().partitions === 0);
    expect(stage.textsOn('n1', entry)).toEqual(['one']);
    await stage.crash('n3');
    assertTexts(await stage.run(stage.node('n2').get(getOf(entry))), ['one']);
  });
});

describe('a new cluster', () => {
  it('has lost nothing', async () => {
    const stage = await new Stage(3).startAll();
    await stage.world.runFor(1_000);
    for (const node of ['n1', 'n2', 'n3']) expect(stage.node(node).recovery().partitions).toBe(0);
  });

  it('takes a member that was never there for a new one', async () => {
    const stage = new Stage(3);
    for (const node of ['n1', 'n2']) stage.machine(node).start();
    await stage.world.runFor(1_000);
    const entry = stage.entryAt('n1', 'n2', 'n3');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one'))));
    stage.machine('n3').start();
    await stage.world.runFor(SETTLE_MS);
    expect(stage.traced('store-lost-something')).toEqual([]);
    expect(stage.node('n3').recovery().partitions).toBe(0);
  });
});

describe('a node whose disk was brought back to an earlier state', () => {
  async function rolledBack(hold = true): Promise<Lost & { readonly storeId: string | undefined }> {
    const stage = await new Stage(3).startAll();
    await stage.world.runFor(1_000);
    const { storeId } = stage.member('n2', 'n1');
    const snapshot = stage.disk('n1').snapshot();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    stage.lose = ({ to, message }) =>
      to === 'n3' && message.type === 'request' && message.request.type === 'store';
    assertWritten(await stage.run(stage.node('n2').put(putOf(entry, 'one'))));
    await stage.world.runFor(1_000);
    stage.lose = () => false;
    if (hold) holdUpRecovery(stage);
    await restart(stage, 'n1', () => stage.disk('n1').rollBack(snapshot));
    return { stage, entry, storeId };
  }

  it('is noticed, goes on as another store, and counts for nothing in reads', async () => {
    const { stage, entry, storeId } = await rolledBack();
    expect(stage.traced('store-lost-something')).toMatchObject([
      { node: 'n1', event: { kind: 'rolled-back', lost: storeId } },
    ]);
    expect(stage.traced('peer-store-rolled-back').map(({ event }) => event.peer)).toContain('n1');
    const now = stage.member('n2', 'n1').storeId;
    expect(now).toBeDefined();
    expect(now).not.toBe(storeId);
    expect(stage.member('n1', 'n1').storeId).toBe(now);
    for (const node of ['n1', 'n2', 'n3'])
      assertTexts(await stage.run(stage.node(node).get(getOf(entry))), ['one']);
    await stage.crash('n2');
    assertFailed(await stage.run(stage.node('n1').get(getOf(entry))), { code: 'quorum-unavailable' });
  });

  it('gets back what it lost, and is another store for good', async () => {
    const { stage, entry } = await rolledBack(false);
    await stage.until(() => stage.node('n1').recovery().partitions === 0);
    expect(stage.textsOn('n1', entry)).toEqual(['one']);
    const { storeId } = stage.member('n1', 'n1');
    stage.forget();
    await restart(stage, 'n1', () => {});
    expect(stage.member('n2', 'n1').storeId).toBe(storeId);
    expect(stage.traced('store-lost-something')).toEqual([]);
  });

  /** n1 comes back with an old state, meets nobody, writes on alone past what others remember, and is started once more. */
  async function rolledBackAndAlone(): Promise<Lost> {
    const stage = await new Stage(3).startAll();
    await stage.world.runFor(1_000);
    const entry = stage.entryAt('n1', 'n2', 'n3');
    const snapshot = stage.disk('n1').snapshot();
    stage.lose = ({ to, message }) =>
      to === 'n3' && message.type === 'request' && message.request.type === 'store';
    assertWritten(await stage.run(stage.node('n2').put(putOf(entry, 'one'))));
    await stage.world.runFor(REMEMBER_PEERS_MS + 1_000);
    const remembered = sequenceOf(stage, 'n1');
    stage.machine('n1').crash({ power: false, reason: 'the test' });
    stage.disk('n1').rollBack(snapshot);
    for (const other of ['n2', 'n3']) {
      stage.cut('n1', other);
      stage.cut(other, 'n1');
    }
    stage.machine('n1').start();
    await stage.until(() => stage.machine('n1').isUp);
    // Each leaves what it minted on the own disk, though its quorum is not reached.
    for (const text of ['a', 'b', 'c', 'd'])
      await stage.run(stage.node('n1').put(putOf(entry, text, { n: 1, w: 1 })));
    expect(sequenceOf(stage, 'n1')).toBeGreaterThan(remembered);
    stage.machine('n1').crash({ power: false, reason: 'the test' });
    stage.forget();
    holdUpRecovery(stage);
    stage.world.fabric.healAll();
    stage.machine('n1').start();
    await stage.until(() => stage.machine('n1').isUp);
    await stage.world.runFor(SETTLE_MS);
    return { stage, entry };
  }

  it('is noticed by the list of its openings if its number is high enough again', async () => {
    const { stage, entry } = await rolledBackAndAlone();
    expect(stage.traced('store-lost-something')).toMatchObject([
      { node: 'n1', event: { kind: 'rolled-back' } },
    ]);
    expect(stage.traced('peer-store-rolled-back').map(({ event }) => event.peer)).toContain('n1');
    const { record } = assertRead(await stage.run(stage.node('n1').get(getOf(entry))));
    expect(textsOf(record)).toContain('one');
    stage.lose = () => false;
    await stage.until(() => stage.node('n1').recovery().partitions === 0);
    expect(stage.textsOn('n1', entry)).toContain('one');
  });

  it('is found by a damaged list of its openings alone', async () => {
    const { stage } = await stageWithWrite();
    holdUpRecovery(stage);
    await restart(stage, 'n1', () =>
      stage.disk('n1').takeEffect([{ type: 'put', key: metaKey('openings'), value: Uint8Array.of(1) }], true),
    );
    expect(stage.traced('store-lost-something')).toMatchObject([
      { node: 'n1', event: { kind: 'rolled-back' } },
    ]);
  });

  it('is found by its number alone, for instance if that is gone', async () => {
    const { stage } = await stageWithWrite();
    holdUpRecovery(stage);
    await restart(stage, 'n1', () =>
      stage.disk('n1').takeEffect([{ type: 'delete', key: sequenceKey(sequenceOf(stage, 'n1')) }], true),
    );
    expect(stage.traced('store-lost-something')).toMatchObject([
      { node: 'n1', event: { kind: 'rolled-back' } },
    ]);
  });

  it('is not taken for one when it was only started again', async () => {
    const { stage, entry } = await stageWithWrite();
    for (const text of ['two', 'three']) {
      await restart(stage, 'n1', () => {});
      assertWritten(await stage.run(stage.node('n1').put(putOf(entry, text, { w: 3 }))));
    }
    expect(stage.traced('store-lost-something')).toEqual([]);
    expect(stage.traced('peer-store-rolled-back')).toEqual([]);
  });
});

describe('a store in whose middle something is missing', () => {
  /** n1 writes twice, and loses the first of the two: it has the number before it, and the last one. */
  async function stageWithGap(): Promise<Lost> {
    const { stage, entry } = await stageWithWrite();
    const before = sequenceOf(stage, 'n1');
    const lost = stage.disk('n1').snapshot();
    const other = stage.entryAt('n1', 'n3', 'n2');
    assertWritten(await stage.run(stage.node('n1').put(putOf(other, 'lost', { w: 3 }))));
    const between = sequenceOf(stage, 'n1');
    expect(between).toBeGreaterThan(before);
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'later', { w: 3 }))));
    const last = sequenceOf(stage, 'n1');
    expect(last).toBeGreaterThan(between);
    const later = stage.disk('n1').visibleValue(stage.storageKey(entry)) as Uint8Array;
    holdUpRecovery(stage);
    await restart(stage, 'n1', () => {
      stage.disk('n1').rollBack(lost);
      stage.disk('n1').takeEffect(
        [
          { type: 'put', key: stage.storageKey(entry), value: later },
          { type: 'put', key: sequenceKey(last), value: new Uint8Array(0) },
          { type: 'delete', key: sequenceKey(last - 1) },
        ],
        true,
      );
    });
    return { stage, entry: other };
  }

  it('is found by itself, goes on as another store, and gets back what it lost', async () => {
    const { stage, entry } = await stageWithGap();
    const [first, ...more] = stage.traced('store-lost-something');
    expect(more).toEqual([]);
    expect(first).toMatchObject({ node: 'n1', event: { kind: 'gap', toldBy: 'n1' } });
    expect(stage.member('n1', 'n1').storeId).toBe(first?.event.storeId);
    expect(stage.recordOn('n1', entry)).toBeUndefined();
    expect(stage.node('n1').recovery().partitions).toBe(64);
    stage.lose = () => false;
    await stage.until(() => stage.node('n1').recovery().partitions === 0);
    expect(stage.textsOn('n1', entry)).toEqual(['lost']);
  });

  it('is found once', async () => {
    const { stage } = await stageWithGap();
    stage.lose = () => false;
    await stage.until(() => stage.node('n1').recovery().partitions === 0);
    await restart(stage, 'n1', () => {});
    expect(stage.traced('store-lost-something')).toHaveLength(1);
  });

  it('is written down before its node meets anybody', async () => {
    const { stage } = await stageWithWrite();
    const stale = sequenceKey(sequenceOf(stage, 'n1') - 1);
    await stage.crash('n1');
    stage.disk('n1').takeEffect([{ type: 'put', key: stale, value: new Uint8Array(0) }], true);
    stage.slowDisk('n1', 'read', 200);
    stage.forget();
    stage.machine('n1').start();
    await stage.until(() => stage.world.fabric.isListening('n1' as NodeId));
    expect(stage.traced('peer-up').filter(({ node }) => node === 'n1')).toEqual([]);
    await stage.until(() => stage.traced('peer-up').filter(({ node }) => node === 'n1').length === 2);
  });

  it('is found if what is missing begins with the second batch that it ever wrote', async () => {
    const stage = new Stage(3);
    const batches: (readonly StorageWrite[])[] = [];
    stage.disk('n1').observer = { onEffect: (writes) => batches.push(writes) };
    await stage.startAll();
    const [lost, kept] = stage.entriesAt(2, 'n1', 'n2', 'n3');
    for (const entry of [lost, kept] as EntryName[])
      assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'text', { w: 3 }))));
    const [first, last] = [batches[0], batches.at(-1)] as (readonly StorageWrite[])[];
    expect(sequenceOf(stage, 'n1')).toBeGreaterThan(1);
    holdUpRecovery(stage);
    await restart(stage, 'n1', () => {
      stage.disk('n1').rollBack(new Map());
      for (const writes of [first, last]) stage.disk('n1').takeEffect(writes ?? [], true);
    });
    expect(stage.traced('store-lost-something')).toMatchObject([{ node: 'n1', event: { kind: 'gap' } }]);
    stage.lose = () => false;
    await stage.until(() => stage.node('n1').recovery().partitions === 0);
    expect(stage.textsOn('n1', lost as EntryName)).toEqual(['text']);
  });

  it('is told by a node that has no others, too, and keeps nobody from what is there', async () => {
    const stage = await new Stage(1).startAll();
    const entry = stage.entryAt('n1');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'kept', { n: 1, w: 1 }))));
    const stale = sequenceKey(sequenceOf(stage, 'n1') - 1);
    await stage.crash('n1');
    stage.disk('n1').takeEffect([{ type: 'put', key: stale, value: new Uint8Array(0) }], true);
    stage.machine('n1').start();
    await stage.until(() => stage.machine('n1').isUp);
    expect(stage.traced('store-lost-something')).toMatchObject([{ event: { kind: 'gap' } }]);
    await stage.until(() => stage.node('n1').recovery().partitions === 0);
    assertTexts(await stage.run(stage.node('n1').get(getOf(entry, { n: 1, r: 1 }))), ['kept']);
  });

  it('is found again if its node stops before that is written down', async () => {
    const { stage } = await stageWithWrite();
    const stale = sequenceKey(sequenceOf(stage, 'n1') - 1);
    await stage.crash('n1');
    stage.disk('n1').takeEffect([{ type: 'put', key: stale, value: new Uint8Array(0) }], true);
    stage.slowDisk('n1', 'sync', 1_000);
    stage.machine('n1').start();
    await stage.until(() => stage.traced('store-lost-something').length === 1);
    await stage.crash('n1');
    expect(stage.disk('n1').visibleValue(stale)).toBeDefined();
    stage.machine('n1').start();
    await stage.until(() => stage.machine('n1').isUp);
    expect(stage.traced('store-lost-something').map(({ event }) => event.kind)).toEqual(['gap', 'gap']);
    expect(stage.disk('n1').visibleValue(stale)).toBeUndefined();
  });
});

describe('a node that cannot read any more what it had lost', () => {
  it('takes everything for lost', async () => {
    const { stage } = await stageWithWrite();
    holdUpRecovery(stage);
    await restart(stage, 'n1', () =>
      stage
        .disk('n1')
        .takeEffect([{ type: 'put', key: metaKey('recovery'), value: Uint8Array.of(1, 2) }], true),
    );
    expect(stage.traced('store-lost-something')).toMatchObject([{ node: 'n1', event: { kind: 'damaged' } }]);
    expect(stage.node('n1').recovery().partitions).toBe(64);
    stage.lose = () => false;
    await stage.until(() => stage.node('n1').recovery().partitions === 0);
  });
});

describe('what is remembered of a peer', () => {
  it('is written down at once, and how far its store has come after a while', async () => {
    const { stage } = await stageWithWrite();
    const bytes = stage.disk('n2').durableValue(metaKey(`peer:${'n1' as NodeId}`));
    const mark = bytes === undefined ? undefined : decodeStoreMark(bytes);
    expect(mark).toMatchObject({ storeId: stage.member('n1', 'n1').storeId });
    expect(mark?.sequence).toBeGreaterThan(0);
  });

  it('makes an idle cluster write nothing', async () => {
    const { stage } = await stageWithWrite();
    const before = ['n1', 'n2', 'n3'].map((node) => stage.disk(node).syncs);
    await stage.world.runFor(120_000);
    expect(['n1', 'n2', 'n3'].map((node) => stage.disk(node).syncs)).toEqual(before);
  });
});
