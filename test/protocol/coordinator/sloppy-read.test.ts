/** Reads under a sloppy quorum: what a fallback holds counts, and that it holds nothing does not. */
import { describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import { STAND_IN_AFTER_MS } from '../../../src/core/limits.ts';
import { dot, recordOf } from '../../core/causality/sample-records.ts';
import { assertFailed, assertRead, assertTexts, assertWritten, deleteOf, getOf, putOf } from '../requests.ts';
import { Stage } from '../stage.ts';

const SLOPPY = { sloppy: true } as const;

/** n1, n2 and n3 are the home replicas of the entry, n4 and n5 the fallbacks, in this order. */
async function stageOfFive(): Promise<{ readonly stage: Stage; readonly entry: EntryName }> {
  const stage = await new Stage(5, { partitions: 1_024 }, { handoff: false }).startAll();
  return { stage, entry: stage.entryAt('n1', 'n2', 'n3', 'n4', 'n5') };
}

describe('a read whose home replicas are away', () => {
  it('counts what a fallback holds', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n2', 'n3');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', SLOPPY))));
    const outcome = await stage.run(stage.node('n1').get(getOf(entry, SLOPPY)));
    assertTexts(outcome, ['one']);
    expect(assertRead(outcome).quorum).toMatchObject({ required: 2, acks: 2, sloppy: true });
  });

  it('finds what only a fallback holds', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n2', 'n3');
    stage.placeRecord('n5', entry, recordOf(dot('a', 1), 'far'));
    stage.placeRecord('n1', entry, recordOf(dot('b', 1), 'near'));
    assertTexts(await stage.run(stage.node('n1').get(getOf(entry, SLOPPY))), ['far', 'near']);
  });

  it('is unavailable if strict, whatever fallbacks hold', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n2', 'n3');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', SLOPPY))));
    assertFailed(await stage.run(stage.node('n1').get(getOf(entry))), { code: 'quorum-unavailable' });
  });

  it('is unavailable if fallbacks hold nothing: that is no information', async () => {
    const { stage, entry } = await stageOfFive();
    // n2 and n3 have the value, n1 missed it.
    for (const node of ['n2', 'n3']) stage.placeRecord(node, entry, recordOf(dot('a', 1), 'there'));
    await stage.crash('n2', 'n3');
    const failure = assertFailed(await stage.run(stage.node('n1').get(getOf(entry, SLOPPY))), {
      code: 'quorum-unavailable',
      required: 2,
      received: 1,
    });
    expect(failure.replicas?.map(({ node, result }) => `${node} ${result}`)).toEqual([
      'n1 not-found',
      'n2 unreachable',
      'n3 unreachable',
      'n4 not-found',
      'n5 not-found',
    ]);
  });

  it('cannot say that all is deleted without R home replicas', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n2', 'n3');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { ...SLOPPY, w: 3 }))));
    assertWritten(await stage.run(stage.node('n1').delete(deleteOf(entry, { ...SLOPPY, w: 3, r: 3 }))));
    assertFailed(await stage.run(stage.node('n1').get(getOf(entry, SLOPPY))), {
      code: 'quorum-unavailable',
      received: 1,
    });
    const { quorum } = assertRead(await stage.run(stage.node('n1').get(getOf(entry, { ...SLOPPY, r: 1 }))));
    expect(quorum).toMatchObject({ acks: 1, sloppy: false });
  });

  it('repairs home replicas only', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n3');
    stage.placeRecord('n4', entry, recordOf(dot('a', 1), 'far'));
    stage.placeRecord('n1', entry, recordOf(dot('b', 1), 'near'));
    assertTexts(await stage.run(stage.node('n1').get(getOf(entry, { ...SLOPPY, r: 3 }))), ['far', 'near']);
    await stage.world.runFor(100);
    expect(stage.textsOn('n1', entry)).toEqual(['far', 'near']);
    expect(stage.textsOn('n2', entry)).toEqual(['far', 'near']);
    expect(stage.textsOn('n4', entry)).toEqual(['far']);
    expect(stage.recordOn('n5', entry)).toBeUndefined();
  });
});

describe('a read whose home replicas do not answer', () => {
  it('asks fallbacks after a while', async () => {
    const { stage, entry } = await stageOfFive();
    for (const node of ['n1', 'n4']) stage.placeRecord(node, entry, recordOf(dot('a', 1), 'one'));
    for (const node of ['n2', 'n3']) stage.mute(node);
    const beganMs = stage.nowMs;
    const outcome = await stage.run(stage.node('n1').get(getOf(entry, { ...SLOPPY, timeoutMs: 5_000 })));
    assertTexts(outcome, ['one']);
    expect(assertRead(outcome).quorum.sloppy).toBe(true);
    expect(stage.nowMs - beganMs).toBeGreaterThanOrEqual(STAND_IN_AFTER_MS);
  });

  it('asks none if enough of them answer', async () => {
    const { stage, entry } = await stageOfFive();
    assertRead(await stage.run(stage.node('n1').get(getOf(entry, { ...SLOPPY, r: 3 }))));
    await stage.world.runFor(2_000);
    expect(stage.requests('read').map(({ to }) => to)).toEqual(['n2', 'n3']);
  });
});

describe('a session', () => {
  it('finds its own write at a fallback', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n2', 'n3');
    const { context } = assertWritten(
      await stage.run(stage.node('n4').put(putOf(entry, 'one', { ...SLOPPY, w: 2 }))),
    );
    await stage.start('n2', 'n3');
    await stage.crash('n1');
    const request = getOf(entry, { ...SLOPPY, r: 1, atLeast: context });
    assertTexts(await stage.run(stage.node('n2').get(request)), ['one']);
  });
});

describe('the reads inside writes', () => {
  it('a retry is not minted if it cannot be known whether its first attempt was', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n2', 'n3');
    const identity = { id: 'id', firstAttempt: false };
    assertFailed(await stage.run(stage.node('n1').put(putOf(entry, 'one', { ...SLOPPY, identity }))), {
      code: 'quorum-unavailable',
      certainty: 'unknown',
    });
    expect(stage.written).toEqual([]);
  });

  it('a retry finds its first attempt at a fallback', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n2', 'n3');
    const first = { ...SLOPPY, identity: { id: 'id', firstAttempt: true } };
    const again = { ...SLOPPY, identity: { id: 'id', firstAttempt: false } };
    const { dot: minted } = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', first))));
    const { dot: found } = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', again))));
    expect(found).toEqual(minted);
  });

  it('a DELETE without a context deletes nothing unless it knows what is there', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n2', 'n3');
    assertFailed(await stage.run(stage.node('n1').delete(deleteOf(entry, SLOPPY))), {
      code: 'quorum-unavailable',
      certainty: 'not-applied',
    });
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', SLOPPY))));
    assertWritten(await stage.run(stage.node('n1').delete(deleteOf(entry, SLOPPY))));
    expect(stage.textsOn('n4', entry)).toEqual(['(deleted)']);
  });
});
