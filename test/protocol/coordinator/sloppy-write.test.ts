/** Writes under a sloppy quorum: who stands in for whom, and what counts. */
import { describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import { PEER_PATIENCE_MS, STAND_IN_AFTER_MS } from '../../../src/core/limits.ts';
import { assertFailed, assertWritten, deleteOf, putOf, SLACK_MS } from '../requests.ts';
import { Stage } from '../stage.ts';

const SLOPPY = { sloppy: true } as const;

/** n1, n2 and n3 are the home replicas of the entry, n4 and n5 the fallbacks, in this order. */
async function stageOfFive(): Promise<{ readonly stage: Stage; readonly entry: EntryName }> {
  const stage = await new Stage(5, { partitions: 1_024 }).startAll();
  return { stage, entry: stage.entryAt('n1', 'n2', 'n3', 'n4', 'n5') };
}

function hintedTo(stage: Stage): string[] {
  return stage
    .requests('store')
    .flatMap(({ to, request }) => (request.hintFor === undefined ? [] : [`${to} for ${request.hintFor}`]));
}

describe('a write while all home replicas are up', () => {
  it('is like a strict one', async () => {
    const { stage, entry } = await stageOfFive();
    const { quorum } = assertWritten(
      await stage.run(stage.node('n1').put(putOf(entry, 'one', { ...SLOPPY, w: 3 }))),
    );
    expect(quorum).toMatchObject({ n: 3, required: 3, acks: 3, sloppy: false, ordered: true });
    await stage.world.runFor(2_000);
    expect(hintedTo(stage)).toEqual([]);
    expect(['n4', 'n5'].flatMap((node) => stage.hintsOn(node))).toEqual([]);
  });
});

describe('a home replica that is down', () => {
  it('is stood in for by the next node of the list, at once', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n3');
    const beganMs = stage.nowMs;

    const { quorum } = assertWritten(
      await stage.run(stage.node('n1').put(putOf(entry, 'one', { ...SLOPPY, w: 3 }))),
    );

    expect(stage.nowMs - beganMs).toBeLessThan(50);
    expect(quorum).toMatchObject({ required: 3, acks: 3, sloppy: true, ordered: true });
    expect(hintedTo(stage)).toEqual(['n4 for n3']);
    expect(stage.textsOn('n4', entry)).toEqual(['one']);
    expect(stage.hintsOn('n4')).toEqual([`n3 ${entry.key}`]);
    expect(stage.traced('hint-stored')).toEqual([
      { node: 'n4', event: { type: 'hint-stored', owner: 'n3' } },
    ]);
  });

  it('gets its hint even if W was reached without it', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n3');
    const { quorum } = assertWritten(
      await stage.run(stage.node('n1').put(putOf(entry, 'one', { ...SLOPPY, w: 1 }))),
    );
    expect(quorum).toMatchObject({ required: 1, acks: 1, sloppy: false });
    await stage.world.runFor(100);
    expect(stage.hintsOn('n4')).toEqual([`n3 ${entry.key}`]);
  });

  it('is not stood in for under a strict quorum', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n3');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one'))));
    assertFailed(await stage.run(stage.node('n1').put(putOf(entry, 'two', { w: 3 }))), {
      code: 'quorum-unavailable',
      certainty: 'not-applied',
    });
    await stage.world.runFor(2_000);
    expect(hintedTo(stage)).toEqual([]);
  });

  it('does not make a majority of the bucket of its stand-in', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n2', 'n3');
    const { quorum } = assertWritten(
      await stage.run(stage.node('n1').put(putOf(entry, 'one', { ...SLOPPY, w: 3 }))),
    );
    expect(quorum).toMatchObject({ acks: 3, sloppy: true, ordered: false });
    expect(hintedTo(stage).toSorted()).toEqual(['n4 for n2', 'n5 for n3']);
  });

  it('keeps W distinct nodes: more than there are fail before anything is minted', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n2', 'n3', 'n5');
    const failure = assertFailed(
      await stage.run(stage.node('n1').put(putOf(entry, 'one', { ...SLOPPY, w: 3 }))),
      { code: 'quorum-unavailable', certainty: 'not-applied', required: 3, received: 2 },
    );
    expect(failure.replicas?.map(({ node, result }) => `${node} ${result}`)).toEqual([
      'n1 not-asked',
      'n2 unreachable',
      'n3 unreachable',
      'n4 not-asked',
      'n5 unreachable',
    ]);
    expect(stage.written).toEqual([]);
  });

  it('holds a DELETE up no more than a PUT', async () => {
    const { stage, entry } = await stageOfFive();
    const { context } = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
    await stage.crash('n2', 'n3');
    const { quorum } = assertWritten(
      await stage.run(stage.node('n1').delete(deleteOf(entry, { ...SLOPPY, context }))),
    );
    expect(quorum).toMatchObject({ acks: 2, sloppy: true });
    expect(stage.textsOn('n4', entry)).toEqual(['(deleted)']);
  });
});

describe('a home replica that does not answer', () => {
  it('is stood in for after a while if W needs it', async () => {
    const { stage, entry } = await stageOfFive();
    stage.mute('n2');
    stage.mute('n3');
    const beganMs = stage.nowMs;

    const { quorum } = assertWritten(
      await stage.run(stage.node('n1').put(putOf(entry, 'one', { ...SLOPPY, timeoutMs: 5_000 }))),
    );

    expect(quorum).toMatchObject({ acks: 2, sloppy: true });
    const tookMs = stage.nowMs - beganMs;
    expect(tookMs).toBeGreaterThanOrEqual(STAND_IN_AFTER_MS);
    expect(tookMs).toBeLessThan(STAND_IN_AFTER_MS + SLACK_MS);
  });

  it('is not if W is reached without it: it may only be slow', async () => {
    const { stage, entry } = await stageOfFive();
    stage.mute('n3');
    assertWritten(
      await stage.run(stage.node('n1').put(putOf(entry, 'one', { ...SLOPPY, timeoutMs: 5_000 }))),
    );
    await stage.world.runFor(4_000);
    expect(hintedTo(stage)).toEqual([]);
  });

  it('is sent the record as well once it is suspected, and its stand-in at once', async () => {
    const { stage, entry } = await stageOfFive();
    stage.mute('n2');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { timeoutMs: 5_000 }))));
    await stage.world.runFor(2 * PEER_PATIENCE_MS + 100);
    expect(stage.member('n1', 'n2').reason).toBe('it does not answer');
    stage.forget();
    const beganMs = stage.nowMs;

    const { quorum } = assertWritten(
      await stage.run(stage.node('n1').put(putOf(entry, 'two', { ...SLOPPY, w: 3 }))),
    );

    expect(stage.nowMs - beganMs).toBeLessThan(50);
    expect(quorum).toMatchObject({ acks: 3, sloppy: true });
    expect(
      stage
        .requests('store')
        .map(({ to }) => to)
        .toSorted(),
    ).toEqual(['n2', 'n3', 'n4']);
  });

  it('and its stand-in are one position, if both answer', async () => {
    const { stage, entry } = await stageOfFive();
    // n3 never answers; n2 does, but late.
    await stage.crash('n5');
    stage.mute('n3');
    stage.slowDisk('n2', 'sync', STAND_IN_AFTER_MS + 200);

    const outcome = await stage.run(
      stage.node('n1').put(putOf(entry, 'one', { ...SLOPPY, w: 3, timeoutMs: 3_000 })),
    );

    // n4 stood in for n2; when n2 has stored it itself, n4 is free to stand in for n3.
    const { quorum } = assertWritten(outcome);
    expect(quorum).toMatchObject({ acks: 3, sloppy: true, ordered: true });
    expect(hintedTo(stage)).toEqual(['n4 for n2', 'n4 for n3']);
  });
});

describe('a stand-in that fails', () => {
  it('is followed by the next', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n3');
    stage.disk('n4').freeBytes = -1;
    const { quorum } = assertWritten(
      await stage.run(stage.node('n1').put(putOf(entry, 'one', { ...SLOPPY, w: 3 }))),
    );
    expect(quorum).toMatchObject({ acks: 3, sloppy: true });
    expect(hintedTo(stage)).toEqual(['n4 for n3', 'n5 for n3']);
    expect(stage.traced('hint-refused')).toHaveLength(1);
    expect(stage.hintsOn('n4')).toEqual([]);
    expect(stage.recordOn('n4', entry)).toBeUndefined();
  });

  it('and has nobody behind it leaves the write unknown', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n3');
    for (const node of ['n4', 'n5']) stage.disk(node).freeBytes = -1;
    const failure = assertFailed(
      await stage.run(stage.node('n1').put(putOf(entry, 'one', { ...SLOPPY, w: 3 }))),
      { code: 'quorum-timeout', certainty: 'unknown', required: 3, received: 2 },
    );
    expect(failure.replicas?.map(({ node, result }) => `${node} ${result}`)).toEqual([
      'n1 ok',
      'n2 ok',
      'n3 unreachable',
      'n4 refused',
      'n5 refused',
    ]);
  });
});
