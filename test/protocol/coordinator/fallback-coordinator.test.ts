/** Who coordinates under a sloppy quorum, and what a fallback does that does. */
import { describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import { DEFAULT_LIMITS } from '../../../src/core/limits.ts';
import { ScriptedPeer } from '../peers/scripted-peer.ts';
import { assertFailed, assertRead, assertTexts, assertWritten, getOf, putOf } from '../requests.ts';
import { Stage } from '../stage.ts';

const SLOPPY = { sloppy: true } as const;

/** n1, n2 and n3 are the home replicas of the entry, n4 and n5 the fallbacks, in this order. */
async function stageOfFive(limits: Partial<typeof DEFAULT_LIMITS> = {}): Promise<{
  readonly stage: Stage;
  readonly entry: EntryName;
}> {
  const overrides = { partitions: 1_024, limits: { ...DEFAULT_LIMITS, reserveBytes: 0, ...limits } };
  const stage = await new Stage(5, overrides).startAll();
  return { stage, entry: stage.entryAt('n1', 'n2', 'n3', 'n4', 'n5') };
}

function forwardsOf(stage: Stage): string[] {
  return [...stage.requests('coordinate-put'), ...stage.requests('coordinate-get')].map(
    ({ from, to }) => `${from}>${to}`,
  );
}

describe('while a home replica is up', () => {
  it('a fallback forwards to it, and coordinates nothing', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n1', 'n2');
    const { quorum } = assertWritten(await stage.run(stage.node('n5').put(putOf(entry, 'one', SLOPPY))));
    expect(quorum).toMatchObject({ coordinator: 'n3', acks: 2, sloppy: true });
    expect(forwardsOf(stage)).toEqual(['n5>n3']);
  });
});

describe('with all home replicas down', () => {
  it('the fallback that is asked is not the first one: that one coordinates', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n1', 'n2', 'n3');
    const { quorum } = assertWritten(await stage.run(stage.node('n5').put(putOf(entry, 'one', SLOPPY))));
    expect(quorum).toMatchObject({ coordinator: 'n4', acks: 2, sloppy: true, ordered: false });
    expect(forwardsOf(stage)).toEqual(['n5>n4']);
    expect(stage.hintsOn('n4')).toEqual([`n1 ${entry.key}`]);
    expect(stage.hintsOn('n5')).toEqual([`n2 ${entry.key}`]);
  });

  it.each([1, 2])('a write at W = %i goes through, is read, and lands where it belongs', async (w) => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n1', 'n2', 'n3');
    const request = putOf(entry, 'one', { ...SLOPPY, w });
    const { quorum, context } = assertWritten(await stage.run(stage.node('n4').put(request)));
    expect(quorum).toMatchObject({ coordinator: 'n4', required: w, acks: w, sloppy: true });
    const read = await stage.run(stage.node('n5').get(getOf(entry, { ...SLOPPY, r: w })));
    assertTexts(read, ['one']);
    expect(assertRead(read).quorum).toMatchObject({ sloppy: true });
    assertWritten(await stage.run(stage.node('n5').put(putOf(entry, 'two', { ...SLOPPY, context, w }))));

    await stage.start('n1', 'n2', 'n3');
    await stage.world.runFor(5_000);

    for (const node of ['n1', 'n2']) expect(stage.textsOn(node, entry)).toEqual(['two']);
    for (const node of ['n4', 'n5']) {
      expect(stage.hintsOn(node)).toEqual([]);
      expect(stage.recordOn(node, entry)).toBeUndefined();
    }
  });

  it('a write at W = 3 is refused: there are not three nodes', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n1', 'n2', 'n3');
    assertFailed(await stage.run(stage.node('n4').put(putOf(entry, 'one', { ...SLOPPY, w: 3 }))), {
      code: 'quorum-unavailable',
      certainty: 'not-applied',
    });
    expect(stage.written).toEqual([]);
  });

  it('a strict write is refused', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n1', 'n2', 'n3');
    assertFailed(await stage.run(stage.node('n4').put(putOf(entry, 'one', { w: 1 }))), {
      code: 'quorum-unavailable',
      certainty: 'not-applied',
    });
    expect(stage.written).toEqual([]);
  });

  it('a key that nobody holds is not said to be absent', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n1', 'n2', 'n3');
    assertFailed(await stage.run(stage.node('n4').get(getOf(entry, { ...SLOPPY, r: 1 }))), {
      code: 'quorum-unavailable',
    });
  });

  it('a fallback that may keep no more leaves it to the next; if none may, nothing is minted', async () => {
    const { stage, entry } = await stageOfFive({ maxHintsPerOwner: 0 });
    await stage.crash('n1', 'n2', 'n3');
    assertFailed(await stage.run(stage.node('n4').put(putOf(entry, 'one', { ...SLOPPY, w: 1 }))), {
      code: 'quorum-unavailable',
      certainty: 'not-applied',
    });
    expect(stage.written).toEqual([]);
  });

  it('waits for a home replica that is just being connected to, but not for long', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n1', 'n2', 'n3');
    stage.machine('n1').start();
    await stage.world.runFor(40);
    const { quorum } = assertWritten(
      await stage.run(stage.node('n5').put(putOf(entry, 'one', { ...SLOPPY, timeoutMs: 5_000 }))),
    );
    expect(quorum).toMatchObject({ acks: 2, sloppy: true });
  });
});

describe('a fallback that has handed its record over', () => {
  it('mints under another name when it stands in again', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n1', 'n2', 'n3');
    const first = assertWritten(
      await stage.run(stage.node('n4').put(putOf(entry, 'one', { ...SLOPPY, w: 1 }))),
    );
    await stage.start('n1', 'n2', 'n3');
    await stage.world.runFor(5_000);
    expect(stage.recordOn('n4', entry)).toBeUndefined();
    await stage.crash('n1', 'n2', 'n3');
    const request = putOf(entry, 'two', { ...SLOPPY, w: 1, context: first.context });
    const second = assertWritten(await stage.run(stage.node('n4').put(request)));
    expect(second.dot.actor).not.toBe(first.dot.actor);
    expect(stage.traced('incarnation-renewed')).toEqual([]);
    await stage.start('n1', 'n2', 'n3');
    await stage.world.runFor(5_000);
    expect(stage.textsOn('n1', entry)).toEqual(['two']);
  });
});

describe('a request that was forwarded to a fallback', () => {
  it('is coordinated there if it is sloppy: who forwarded it could not reach a home replica', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n5');
    const connection = await new ScriptedPeer(stage, 'n5').connect('n4');
    connection.request(1, { type: 'coordinate-put', request: putOf(entry, 'strict') });
    connection.request(2, { type: 'coordinate-put', request: putOf(entry, 'one', SLOPPY) });
    await stage.until(() => connection.replies.length === 2);

    const [strict, sloppy] = [1, 2].map((id) => connection.replies.find((reply) => reply.id === id)?.reply);
    expect(strict).toEqual({ type: 'request-refused', reason: 'n4 is no home replica of this key' });
    expect(sloppy).toMatchObject({ outcome: { type: 'written', quorum: { coordinator: 'n4', acks: 2 } } });
    expect(stage.hintsOn('n4')).toEqual([`n1 ${entry.key}`]);
    await stage.world.runFor(5_000);
    for (const home of ['n1', 'n2', 'n3']) expect(stage.textsOn(home, entry)).toEqual(['one']);
    expect(stage.recordOn('n4', entry)).toBeUndefined();
  });
});
