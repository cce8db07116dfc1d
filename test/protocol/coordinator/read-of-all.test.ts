/** Reads that ask all home replicas, however few make the quorum: what they find and repair, and what they do not wait for. */
import { describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import { dot, recordOf } from '../../core/causality/sample-records.ts';
import { assertRead, assertTexts, assertWritten, getOf, putOf } from '../requests.ts';
import { Stage } from '../stage.ts';

interface ThreeNodes {
  readonly stage: Stage;
  readonly entry: EntryName;
}

async function stageOfThree(askAllShare: number): Promise<ThreeNodes> {
  const stage = await new Stage(3, {}, { askAllShare }).startAll();
  return { stage, entry: stage.entryAt('n1', 'n2', 'n3') };
}

/** n3 missed what n1 and n2 have. */
async function withStaleThird(askAllShare: number): Promise<ThreeNodes> {
  const { stage, entry } = await stageOfThree(askAllShare);
  for (const node of ['n1', 'n2']) stage.placeRecord(node, entry, recordOf(dot('a', 1), 'newest'));
  return { stage, entry };
}

function results(stage: Stage): readonly string[] {
  return stage.traced('read-of-all').map(({ event }) => `${event.result} ${event.behind}`);
}

describe('a read that asks all home replicas', () => {
  it.each([1, 2])('at R = %i repairs the one that no quorum would have met', async (r) => {
    const { stage, entry } = await withStaleThird(1);

    assertTexts(await stage.run(stage.node('n1').get(getOf(entry, { r }))), ['newest']);
    await stage.until(() => stage.traced('read-repair').length === 1);

    expect(stage.textsOn('n3', entry)).toEqual(['newest']);
    expect(results(stage)).toEqual(['stale 1']);
  });

  it.each([1, 2])('is none if the share is 0: at R = %i the third stays as it is', async (r) => {
    const { stage, entry } = await withStaleThird(0);

    assertTexts(await stage.run(stage.node('n1').get(getOf(entry, { r }))), ['newest']);
    await stage.world.runFor(1_000);

    expect(stage.requests('read').map(({ to }) => to)).toEqual(r === 1 ? [] : ['n2']);
    expect(stage.textsOn('n3', entry)).toEqual([]);
    expect(results(stage)).toEqual([]);
  });

  it.each([1, 2])('answers at R = %i without those that are late', async (r) => {
    const { stage, entry } = await withStaleThird(1);
    for (const node of r === 1 ? ['n2', 'n3'] : ['n3']) stage.mute(node);
    const beganMs = stage.nowMs;

    const { quorum } = assertRead(await stage.run(stage.node('n1').get(getOf(entry, { r }))));

    expect(stage.nowMs - beganMs).toBeLessThan(10);
    expect(quorum).toMatchObject({ required: r, acks: r });
    expect(stage.requests('read').map(({ to }) => to)).toEqual(['n2', 'n3']);
    // What they say afterwards counts all the same.
    stage.world.fabric.healAll();
    await stage.until(() => stage.traced('read-repair').length === 1);
    expect(stage.textsOn('n3', entry)).toEqual(['newest']);
  });

  it('is told the digest of what the own replica holds, so that equal ones send no bytes', async () => {
    const { stage, entry } = await stageOfThree(1);
    for (const node of ['n1', 'n2', 'n3']) stage.placeRecord(node, entry, recordOf(dot('a', 1), 'same'));

    assertTexts(await stage.run(stage.node('n1').get(getOf(entry, { r: 1 }))), ['same']);
    await stage.until(() => results(stage).length === 1);

    expect(stage.requests('read').map(({ request }) => request.known === undefined)).toEqual([false, false]);
    expect(results(stage)).toEqual(['equal 0']);
    expect(stage.requests('store')).toEqual([]);
  });

  it('asks nobody who is not there, and does not say then that all are equal', async () => {
    const { stage, entry } = await withStaleThird(1);
    await stage.crash('n3');
    stage.forget();

    assertTexts(await stage.run(stage.node('n1').get(getOf(entry))), ['newest']);
    await stage.until(() => results(stage).length === 1);

    expect(stage.requests('read').map(({ to }) => to)).toEqual(['n2']);
    expect(results(stage)).toEqual(['incomplete 0']);
  });

  it('ends with its deadline if one that was asked never answers', async () => {
    const { stage, entry } = await withStaleThird(1);
    stage.mute('n3');

    assertTexts(await stage.run(stage.node('n1').get(getOf(entry, { timeoutMs: 500 }))), ['newest']);
    expect(results(stage)).toEqual([]);
    await stage.world.runFor(600);

    expect(results(stage)).toEqual(['incomplete 0']);
  });

  it('is drawn as often as the share says', async () => {
    const { stage, entry } = await stageOfThree(0.25);
    for (let count = 0; count < 400; count += 1)
      assertRead(await stage.run(stage.node('n1').get(getOf(entry, { r: 1 }))));
    await stage.world.runFor(1_000);

    const drawn = results(stage).length;
    expect(drawn).toBeGreaterThan(60);
    expect(drawn).toBeLessThan(140);
    expect(stage.requests('read')).toHaveLength(2 * drawn);
  });

  it('is not what a write asks before it mints', async () => {
    const { stage, entry } = await stageOfThree(1);
    const identity = { id: 'w-1', firstAttempt: false };
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'first', { identity }))));
    await stage.world.runFor(1_000);
    expect(stage.requests('read').map(({ to }) => to)).toEqual(['n2']);
    expect(results(stage)).toEqual([]);
  });
});
