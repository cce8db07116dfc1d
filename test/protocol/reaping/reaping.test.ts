/** Reaping of tombstones: a deleted key leaves nothing behind, and nothing brings back what was deleted. */
import { describe, expect, it } from 'vitest';
import { placementHash } from '../../../src/codec/hash.ts';
import { acceptorKey } from '../../../src/codec/key-layout.ts';
import type { CausalContext } from '../../../src/core/causality/causal-context.ts';
import type { EntryName } from '../../../src/core/ids.ts';
import { REAP_INTERVAL_MS, REAP_RETRY_MS } from '../../../src/core/limits.ts';
import type { PeerRequest } from '../../../src/core/message.ts';
import { partitionOf } from '../../../src/core/ring/ring.ts';
import { assertRead, assertTexts, assertWritten, deleteOf, getOf, putOf } from '../requests.ts';
import type { SentMessage } from '../sent-message.ts';
import { Stage } from '../stage.ts';

const REAP_AFTER_MS = 5_000;
/** Longer than a deletion takes to be old enough, and a round to come. */
const SOON_MS = REAP_AFTER_MS + 2 * REAP_INTERVAL_MS;

/** n1, n2 and n3 are the home replicas of the entry, n1 leads; n4 and n5 are none. */
async function stageOfFive(
  world: ConstructorParameters<typeof Stage>[2] = { reapAfterMs: REAP_AFTER_MS },
): Promise<{ readonly stage: Stage; readonly entry: EntryName }> {
  const stage = await new Stage(5, { partitions: 1_024 }, world).startAll();
  return { stage, entry: stage.entryAt('n1', 'n2', 'n3', 'n4', 'n5') };
}

/** Writes a value and deletes it. Answers the context of the deletion. */
async function writeAndDelete(stage: Stage, entry: EntryName): Promise<CausalContext> {
  const { context } = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
  return assertWritten(await stage.run(stage.node('n1').delete(deleteOf(entry, { w: 3, context })))).context;
}

function holders(stage: Stage, entry: EntryName): string[] {
  return ['n1', 'n2', 'n3', 'n4', 'n5'].filter((node) => stage.recordOn(node, entry) !== undefined);
}

describe('a deleted key', () => {
  it('leaves nothing on any node when its time is over', async () => {
    const { stage, entry } = await stageOfFive();
    await writeAndDelete(stage, entry);
    await stage.world.runFor(REAP_AFTER_MS - 1_000);
    expect(holders(stage, entry)).toEqual(['n1', 'n2', 'n3']);
    await stage.world.runFor(SOON_MS);
    expect(holders(stage, entry)).toEqual([]);
    expect(stage.traced('reap-round').map(({ node, event }) => ({ node, ...event }))).toEqual([
      expect.objectContaining({ node: 'n1', due: 1, reaped: 1, reason: undefined }),
    ]);
    const { record } = assertRead(await stage.run(stage.node('n4').get(getOf(entry))));
    expect(record).toBeUndefined();
  });

  it('goes in a round of its own where one takes no more', async () => {
    const { stage, entry } = await stageOfFive({ reapAfterMs: REAP_AFTER_MS, sizes: { reapEntries: 1 } });
    const other = stage.entryAt('n1', 'n3', 'n2');
    for (const deleted of [entry, other]) await writeAndDelete(stage, deleted);
    await stage.world.runFor(REAP_AFTER_MS + 4 * REAP_INTERVAL_MS);
    expect([...holders(stage, entry), ...holders(stage, other)]).toEqual([]);
    const rounds = stage.traced('reap-round').map(({ event }) => [event.due, event.reaped]);
    expect(rounds).toEqual([
      [1, 1],
      [1, 1],
    ]);
  });

  it('is created anew, with its old context or without any, and has one sibling', async () => {
    const { stage, entry } = await stageOfFive();
    const context = await writeAndDelete(stage, entry);
    await stage.world.runFor(SOON_MS);
    const anew = assertWritten(await stage.run(stage.node('n2').put(putOf(entry, 'two', { context }))));
    expect(anew).toMatchObject({ created: true, liveSiblings: 1 });
    assertTexts(await stage.run(stage.node('n1').get(getOf(entry, { r: 3 }))), ['two']);
    // Who minted what was reaped is not taken for a store that has lost something.
    expect(stage.traced('incarnation-renewed')).toEqual([]);

    assertWritten(await stage.run(stage.node('n2').delete(deleteOf(entry, { w: 3, context: anew.context }))));
    await stage.world.runFor(SOON_MS);
    expect(holders(stage, entry)).toEqual([]);
    assertWritten(await stage.run(stage.node('n3').put(putOf(entry, 'three'))));
    assertTexts(await stage.run(stage.node('n1').get(getOf(entry, { r: 3 }))), ['three']);
  });

  it('keeps its tombstone for ever if nothing else was asked for', async () => {
    const { stage, entry } = await stageOfFive({});
    await writeAndDelete(stage, entry);
    await stage.world.runFor(10 * SOON_MS);
    expect(holders(stage, entry)).toEqual(['n1', 'n2', 'n3']);
  });

  it('waits for another round if it cannot be read whether acceptors keep something of it', async () => {
    const { stage, entry } = await stageOfFive();
    await writeAndDelete(stage, entry);
    const stateKey = acceptorKey(partitionOf(stage.config, placementHash(entry)), entry);
    const disk = stage.disk('n1');
    let failed = 0;
    disk.misread = (key, bytes) => {
      if (Buffer.compare(key, stateKey) !== 0) return bytes;
      failed += 1;
      throw new Error('Input/output error');
    };
    await stage.world.runFor(REAP_AFTER_MS + SOON_MS);
    expect(failed).toBeGreaterThan(0);
    expect(holders(stage, entry)).toEqual(['n1', 'n2', 'n3']);
    expect(stage.bugs).toEqual([]);
    disk.misread = undefined;
    await stage.world.runFor(REAP_RETRY_MS + SOON_MS);
    expect(holders(stage, entry)).toEqual([]);
  });

  it('is come across by a leader that was started again', async () => {
    const { stage, entry } = await stageOfFive({ reapAfterMs: REAP_AFTER_MS, antiEntropy: true });
    await writeAndDelete(stage, entry);
    await stage.crash('n1');
    await stage.start('n1');
    await stage.world.runFor(SOON_MS);
    expect(holders(stage, entry)).toEqual([]);
  });
});

describe('a tombstone is kept', () => {
  it('while any member is away, home replica or not, and goes when it is back', async () => {
    const { stage, entry } = await stageOfFive();
    await writeAndDelete(stage, entry);
    await stage.crash('n5');
    await stage.world.runFor(SOON_MS);
    expect(holders(stage, entry)).toEqual(['n1', 'n2', 'n3']);
    expect(stage.traced('reap-round').at(-1)?.event).toMatchObject({
      reaped: 0,
      reason: 'n5 cannot be reached',
    });
    await stage.start('n5');
    await stage.world.runFor(REAP_RETRY_MS + SOON_MS);
    expect(holders(stage, entry)).toEqual([]);
  });
});

describe('an older version of a deleted key', () => {
  /** A value that n3 has never got, and its deletion that n3 has not got either. */
  async function missedBy3(
    stage: Stage,
    entry: EntryName,
    between: (context: CausalContext) => Promise<void> = async () => {},
  ): Promise<void> {
    stage.lose = ({ to, message }) => isStore(message) && to === 'n3';
    const { context } = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one'))));
    await between(context);
    stage.lose = ({ from, to, message }) => isStore(message) && to === 'n3' && from === 'n1';
    assertWritten(await stage.run(stage.node('n1').delete(deleteOf(entry, { context }))));
    stage.lose = () => false;
  }

  it('on a disk keeps the tombstone until that disk has it, too', async () => {
    const { stage, entry } = await stageOfFive();
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
    const { record } = assertRead(await stage.run(stage.node('n1').get(getOf(entry))));
    stage.lose = ({ to, message }) => isStore(message) && to === 'n3';
    assertWritten(await stage.run(stage.node('n1').delete(deleteOf(entry, { context: record?.context }))));
    stage.lose = () => false;
    await stage.world.runFor(SOON_MS);
    expect(holders(stage, entry)).toEqual(['n1', 'n2', 'n3']);
    // A read of all replicas repairs the third.
    assertTexts(await stage.run(stage.node('n2').get(getOf(entry, { r: 3 }))), ['(deleted)']);
    await stage.world.runFor(REAP_RETRY_MS + SOON_MS);
    expect(holders(stage, entry)).toEqual([]);
  });

  it('on its way to a replica, from another than the leader, is waited for, and keeps the tombstone', async () => {
    const { stage, entry } = await stageOfFive();
    await missedBy3(stage, entry, async () => {
      // n2 finds out that n3 has nothing, and repairs it; the repair is held up.
      assertTexts(await stage.run(stage.node('n2').get(getOf(entry, { r: 3 }))), ['one']);
      expect(stage.requests('store', 'n2')).toMatchObject([{ to: 'n3' }]);
      stage.cut('n2', 'n3');
    });
    expect(stage.recordOn('n3', entry)).toBeUndefined();
    stage.world.fabric.filter = undefined;
    await stage.world.runFor(SOON_MS);
    expect(holders(stage, entry)).toEqual(['n1', 'n2']);
    stage.heal('n2', 'n3');
    await stage.world.runFor(REAP_RETRY_MS + SOON_MS);
    assertTexts(await stage.run(stage.node('n4').get(getOf(entry, { r: 3 }))), []);
  });

  it('that waits for a slow disk is waited for', async () => {
    const { stage, entry } = await stageOfFive();
    // What n3 is told to store it stores, but much later: n1 and n2 are the quorum of both writes.
    stage.slowDisk('n3', 'read', REAP_AFTER_MS + 15_000);
    const { context } = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one'))));
    stage.lose = ({ to, message }) => isStore(message) && to === 'n3';
    assertWritten(await stage.run(stage.node('n1').delete(deleteOf(entry, { context }))));
    stage.lose = () => false;
    await stage.world.runFor(2 * SOON_MS);
    expect(stage.textsOn('n3', entry)).toEqual(['one']);
    expect(holders(stage, entry)).toEqual(['n1', 'n2', 'n3']);
    assertTexts(await stage.run(stage.node('n4').get(getOf(entry))), ['(deleted)']);
  });

  it('on a node that is no home replica keeps the tombstone', async () => {
    const { stage, entry } = await stageOfFive({ reapAfterMs: REAP_AFTER_MS, handoff: false });
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
    const held = stage.recordOn('n1', entry);
    if (held === undefined) throw new Error('n1 holds nothing');
    stage.placeRecord('n5', entry, held);
    assertWritten(await stage.run(stage.node('n1').delete(deleteOf(entry, { w: 3, context: held.context }))));
    await stage.world.runFor(2 * SOON_MS);
    expect(holders(stage, entry)).toEqual(['n1', 'n2', 'n3', 'n5']);
  });
});

describe('a round', () => {
  it('leaves alone what is written while it goes on', async () => {
    const { stage, entry } = await stageOfFive();
    const context = await writeAndDelete(stage, entry);
    await stage.until(() => stage.requests('reap-settle').length > 0, SOON_MS);
    stage.world.fabric.filter = undefined;
    assertWritten(await stage.run(stage.node('n2').put(putOf(entry, 'two', { context, w: 3 }))));
    await stage.world.runFor(SOON_MS);
    assertTexts(await stage.run(stage.node('n5').get(getOf(entry, { r: 3 }))), ['two']);
  });

  it('waits for a write whose disk is slower than its time limit', async () => {
    const { stage, entry } = await stageOfFive();
    const identity = { id: 'repeated', firstAttempt: true };
    // n2 misses both the write and its deletion. Then the first attempt comes, which was held up, and was repeated long ago.
    stage.lose = ({ to, message }) => isStore(message) && to === 'n2';
    const { context } = assertWritten(
      await stage.run(stage.node('n1').put(putOf(entry, 'one', { identity }))),
    );
    assertWritten(await stage.run(stage.node('n1').delete(deleteOf(entry, { context }))));
    await stage.until(() => stage.requests('reap-settle').length > 0, SOON_MS);
    stage.lose = ({ from, message }) => isStore(message) && from === 'n2';
    stage.slowDisk('n2', 'sync', 3_000);
    await stage.run(stage.node('n2').put(putOf(entry, 'one', { identity })));
    await stage.world.runFor(5_000);
    stage.lose = () => false;
    assertTexts(await stage.run(stage.node('n4').get(getOf(entry, { r: 3 }))), ['(deleted)']);
  });

  it.each(['reap-watch', 'reap-settle', 'reap-check'] as const)(
    'ends if a member is started again after %s, and the next one comes to its end',
    async (step) => {
      const { stage, entry } = await stageOfFive();
      await writeAndDelete(stage, entry);
      await stage.until(() => stage.requests(step).some(({ to }) => to === 'n4'), SOON_MS);
      await stage.crash('n4');
      await stage.start('n4');
      await stage.world.runFor(2_000);
      expect(stage.recordOn('n2', entry)).toBeDefined();
      await stage.world.runFor(REAP_RETRY_MS + SOON_MS);
      expect(holders(stage, entry)).toEqual([]);
    },
  );

  it('that ends half-way leaves tombstones, which spread and go another time', async () => {
    const { stage, entry } = await stageOfFive({ reapAfterMs: REAP_AFTER_MS, antiEntropy: true });
    const context = await writeAndDelete(stage, entry);
    stage.lose = ({ to, message }) => to === 'n3' && isRequest(message, 'reap-drop');
    await stage.until(() => holders(stage, entry).join() === 'n3', SOON_MS);
    stage.lose = () => false;
    await stage.world.runFor(30_000);
    assertTexts(await stage.run(stage.node('n4').get(getOf(entry, { r: 3 }))), ['(deleted)']);
    const anew = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'two', { context }))));
    expect(anew.liveSiblings).toBe(1);
    assertTexts(await stage.run(stage.node('n4').get(getOf(entry, { r: 3 }))), ['two']);
  });
});

function isStore(message: SentMessage['message']): boolean {
  return isRequest(message, 'store');
}

function isRequest(message: SentMessage['message'], type: PeerRequest['type']): boolean {
  return message.type === 'request' && message.request.type === type;
}
