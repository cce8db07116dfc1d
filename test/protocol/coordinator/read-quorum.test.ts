/** A GET at R, coordinated by a home replica. */
import { describe, expect, it } from 'vitest';
import { HEDGE_DELAY_MS, HEDGE_LATEST_MS, HEDGE_SHARE, MAX_SAVED_HEDGES } from '../../../src/core/limits.ts';
import { dot, recordOf } from '../../core/causality/sample-records.ts';
import { assertFailed, assertRead, assertTexts, assertWritten, getOf, putOf, SLACK_MS } from '../requests.ts';
import { Stage } from '../stage.ts';

const QUIET_NETWORK = {
  minDelayUs: 200,
  meanDelayUs: 100,
  slowChance: 0,
  lossChance: 0,
  duplicateChance: 0,
  reorderChance: 0,
};

/** n1 coordinates; n2 and n3 are the other home replicas, in this order; n4 is none. */
async function stageOfFour(): Promise<{ stage: Stage; entry: ReturnType<Stage['entryAt']> }> {
  const stage = await new Stage(4).startAll();
  return { stage, entry: stage.entryAt('n1', 'n2', 'n3') };
}

function readReplies(stage: Stage): string[] {
  return stage.sent.flatMap(({ from, message }) =>
    message.type === 'reply' && message.reply.type === 'read' ? [`${from} ${message.reply.reply.type}`] : [],
  );
}

describe('a coordinated read', () => {
  it('sends the digest of its own replica, and an equal one answers `same`, without the bytes', async () => {
    const { stage, entry } = await stageOfFour();
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
    stage.forget();

    assertTexts(await stage.run(stage.node('n1').get(getOf(entry, { r: 3 }))), ['one']);

    const asked = stage.requests('read');
    expect(asked.map(({ from, to }) => `${from}>${to}`)).toEqual(['n1>n2', 'n1>n3']);
    expect(asked.map(({ request }) => request.known?.length)).toEqual([16, 16]);
    expect(readReplies(stage).toSorted()).toEqual(['n2 same', 'n3 same']);
  });

  it('gets the bytes from a replica that holds something else, and joins them', async () => {
    const { stage, entry } = await stageOfFour();
    stage.placeRecord('n1', entry, recordOf(dot('a', 1), 'left'));
    stage.placeRecord('n2', entry, recordOf(dot('b', 1), 'right'));

    assertTexts(await stage.run(stage.node('n1').get(getOf(entry))), ['left', 'right']);
    expect(readReplies(stage)).toEqual(['n2 found']);
  });

  it('asks nobody else at R = 1', async () => {
    const { stage, entry } = await stageOfFour();
    stage.placeRecord('n1', entry, recordOf(dot('a', 1), 'mine'));

    const { quorum } = assertRead(await stage.run(stage.node('n1').get(getOf(entry, { r: 1 }))));

    expect(quorum).toEqual({ n: 3, required: 1, acks: 1, sloppy: false, ordered: false, coordinator: 'n1' });
    expect(stage.requests('read')).toEqual([]);
  });

  it('asks as many others as R needs, in order of preference, and no fallback', async () => {
    const { stage, entry } = await stageOfFour();
    for (const [r, others] of [
      [2, ['n2']],
      [3, ['n2', 'n3']],
    ] as const) {
      stage.forget();
      const { quorum } = assertRead(await stage.run(stage.node('n1').get(getOf(entry, { r }))));
      expect(stage.requests('read').map(({ to }) => to)).toEqual(others);
      expect(quorum).toMatchObject({ required: r, acks: r });
    }
  });

  it('asks the next home replica in place of one that is down, without delay', async () => {
    const { stage, entry } = await stageOfFour();
    stage.placeRecord('n3', entry, recordOf(dot('a', 1), 'there'));
    await stage.crash('n2');
    const beganMs = stage.nowMs;

    assertTexts(await stage.run(stage.node('n1').get(getOf(entry))), ['there']);
    expect(stage.nowMs - beganMs).toBeLessThan(HEDGE_DELAY_MS);
  });

  it('asks the next home replica in place of one whose connection breaks while it owes an answer', async () => {
    const { stage, entry } = await stageOfFour();
    stage.placeRecord('n3', entry, recordOf(dot('a', 1), 'there'));
    stage.mute('n2');
    const outcome = stage.node('n1').get(getOf(entry));
    await stage.world.runFor(1);
    stage.machine('n2').crash({ power: false, reason: 'killed' });
    stage.machine('n2').start();

    assertTexts(await stage.run(outcome), ['there']);
  });

  it('covers a late replica with another one, and counts that one', async () => {
    const { stage, entry } = await stageOfFour();
    stage.placeRecord('n3', entry, recordOf(dot('a', 1), 'there'));
    stage.mute('n2');
    const beganMs = stage.nowMs;

    const outcome = await stage.run(stage.node('n1').get(getOf(entry)));

    assertTexts(outcome, ['there']);
    const tookMs = stage.nowMs - beganMs;
    expect(tookMs).toBeGreaterThanOrEqual(HEDGE_DELAY_MS);
    expect(tookMs).toBeLessThan(HEDGE_DELAY_MS + SLACK_MS);
    expect(stage.traced('hedged-read')).toEqual([{ node: 'n1', event: { type: 'hedged-read', peer: 'n3' } }]);
  });

  it('hedges its own replica, too', async () => {
    const { stage, entry } = await stageOfFour();
    for (const node of ['n2', 'n3']) stage.placeRecord(node, entry, recordOf(dot('a', 1), 'there'));
    stage.slowDisk('n1', 'read', 600_000);
    const beganMs = stage.nowMs;

    assertTexts(await stage.run(stage.node('n1').get(getOf(entry))), ['there']);

    expect(stage.nowMs - beganMs).toBeLessThan(2 * (HEDGE_DELAY_MS + SLACK_MS));
    expect(stage.requests('read').map(({ request }) => request.known)).toEqual([undefined, undefined]);
  });

  it('takes for late what is late by what replicas take in this cluster', async () => {
    const stage = new Stage(4, {}, { network: { ...QUIET_NETWORK, minDelayUs: 40_000 } });
    await stage.startAll();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    for (let read = 0; read < 70; read += 1) await stage.run(stage.node('n1').get(getOf(entry)));
    stage.forget();
    for (let read = 0; read < 20; read += 1) await stage.run(stage.node('n1').get(getOf(entry)));
    expect(stage.traced('hedged-read').length).toBeLessThanOrEqual(2);
  });

  it('asks for a share of many reads at once, and for all of them in the end', async () => {
    const { stage, entry } = await stageOfFour();
    stage.mute('n2');
    const reads = Array.from({ length: 200 }, () => stage.node('n1').get(getOf(entry)));
    await stage.world.runFor(2 * (HEDGE_DELAY_MS + SLACK_MS));
    const early = stage.traced('hedged-read').length;
    expect(early).toBeGreaterThanOrEqual(MAX_SAVED_HEDGES);
    expect(early).toBeLessThanOrEqual(MAX_SAVED_HEDGES + 200 * HEDGE_SHARE);
    const beganMs = stage.nowMs;
    for (const outcome of await stage.run(Promise.all(reads))) assertRead(outcome);
    expect(stage.nowMs - beganMs).toBeLessThan(HEDGE_LATEST_MS);
  });

  it('does not hedge what answers in time', async () => {
    const { stage, entry } = await stageOfFour();
    assertRead(await stage.run(stage.node('n1').get(getOf(entry))));
    await stage.world.runFor(1_000);
    expect(stage.traced('hedged-read')).toEqual([]);
    expect(stage.requests('read')).toHaveLength(1);
  });
});

describe('not found', () => {
  it('takes R home replicas that know that they hold nothing', async () => {
    const { stage, entry } = await stageOfFour();
    const { record, quorum } = assertRead(await stage.run(stage.node('n1').get(getOf(entry))));
    expect(record).toBeUndefined();
    expect(quorum.acks).toBe(2);
  });

  it('is not the answer while too few of them can be asked, whoever else is there', async () => {
    const { stage, entry } = await stageOfFour();
    await stage.crash('n2', 'n3');

    const failure = assertFailed(await stage.run(stage.node('n1').get(getOf(entry))), {
      code: 'quorum-unavailable',
      certainty: 'not-applied',
      required: 2,
      received: 1,
    });

    expect(failure.replicas?.map(({ node, result }) => [node, result])).toEqual([
      ['n1', 'not-found'],
      ['n2', 'unreachable'],
      ['n3', 'unreachable'],
    ]);
    expect(stage.requests('read').filter(({ to }) => to === 'n4')).toEqual([]);
  });

  it('is not what a single replica makes of it that lost what others hold', async () => {
    const { stage, entry } = await stageOfFour();
    stage.placeRecord('n3', entry, recordOf(dot('a', 1), 'there'));
    assertTexts(await stage.run(stage.node('n1').get(getOf(entry, { r: 3 }))), ['there']);
  });
});
