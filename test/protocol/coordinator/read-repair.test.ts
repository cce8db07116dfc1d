/** What a read does about replicas that were seen to differ, once the client has its answer. */
import { describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import { MAX_READ_REPAIRS } from '../../../src/core/limits.ts';
import { dot, recordOf } from '../../core/causality/sample-records.ts';
import { assertRead, assertTexts, getOf } from '../requests.ts';
import { Stage } from '../stage.ts';

async function stageOfThree(): Promise<{ stage: Stage; entry: EntryName }> {
  const stage = await new Stage(3).startAll();
  return { stage, entry: stage.entryAt('n1', 'n2', 'n3') };
}

describe('read repair', () => {
  it('sends the join to those replicas of the read that are behind, the own one included', async () => {
    const { stage, entry } = await stageOfThree();
    stage.placeRecord('n1', entry, recordOf(dot('a', 1), 'left'));
    stage.placeRecord('n2', entry, recordOf(dot('b', 1), 'right'));

    assertTexts(await stage.run(stage.node('n1').get(getOf(entry, { r: 3 }))), ['left', 'right']);
    await stage.until(() => stage.traced('read-repair').length === 3);

    for (const node of ['n1', 'n2', 'n3']) expect(stage.textsOn(node, entry)).toEqual(['left', 'right']);
    expect(stage.traced('read-repair').map(({ node, event }) => [node, event.target, event.result])).toEqual(
      expect.arrayContaining([
        ['n1', 'n1', 'stored'],
        ['n1', 'n2', 'stored'],
        ['n1', 'n3', 'stored'],
      ]),
    );
  });

  it('leaves alone who holds the join, and who was not asked', async () => {
    const { stage, entry } = await stageOfThree();
    stage.placeRecord('n1', entry, recordOf(dot('a', 1), 'newest'));

    assertTexts(await stage.run(stage.node('n1').get(getOf(entry))), ['newest']);
    await stage.world.runFor(1_000);

    expect(stage.requests('store').map(({ to }) => to)).toEqual(['n2']);
    expect(stage.textsOn('n3', entry)).toEqual([]);
  });

  it('sends nothing where all are equal, be it in holding nothing', async () => {
    const { stage, entry } = await stageOfThree();
    assertRead(await stage.run(stage.node('n1').get(getOf(entry, { r: 3 }))));
    for (const node of ['n1', 'n2', 'n3']) stage.placeRecord(node, entry, recordOf(dot('a', 1), 'same'));
    assertRead(await stage.run(stage.node('n1').get(getOf(entry, { r: 3 }))));
    await stage.world.runFor(1_000);
    expect(stage.requests('store')).toEqual([]);
  });

  it('is not waited for', async () => {
    const { stage, entry } = await stageOfThree();
    stage.placeRecord('n1', entry, recordOf(dot('a', 1), 'newest'));
    stage.lose = ({ message }) => message.type === 'request' && message.request.type === 'store';
    const beganMs = stage.nowMs;

    assertTexts(await stage.run(stage.node('n1').get(getOf(entry))), ['newest']);

    expect(stage.nowMs - beganMs).toBeLessThan(10);
    expect(stage.requests('store')).toHaveLength(1);
    expect(stage.textsOn('n2', entry)).toEqual([]);
  });

  it('counts what a late replica answered after the client had its answer', async () => {
    const { stage, entry } = await stageOfThree();
    for (const node of ['n1', 'n3']) stage.placeRecord(node, entry, recordOf(dot('a', 1), 'newest'));
    stage.mute('n2');

    assertTexts(await stage.run(stage.node('n1').get(getOf(entry))), ['newest']);
    expect(stage.requests('store')).toEqual([]);
    stage.world.fabric.healAll();
    await stage.until(() => stage.traced('read-repair').length === 1);

    expect(stage.textsOn('n2', entry)).toEqual(['newest']);
  });

  it('joins, so that a record which is newer by then stays', async () => {
    const { stage, entry } = await stageOfThree();
    const old = recordOf(dot('a', 1), 'old');
    stage.placeRecord('n1', entry, old);
    assertTexts(await stage.run(stage.node('n1').get(getOf(entry))), ['old']);
    // The repair is on its way when the replica gets something that supersedes it.
    expect(stage.requests('store')).toHaveLength(1);
    stage.placeRecord('n2', entry, recordOf(dot('b', 1), 'new', { seen: old.context }));
    await stage.until(() => stage.traced('read-repair').length === 1);

    expect(stage.textsOn('n2', entry)).toEqual(['new']);
  });

  it('is dropped beyond its bound, and found again by the next read', async () => {
    const { stage } = await stageOfThree();
    const entries = stage.entriesAt(MAX_READ_REPAIRS + 3, 'n1', 'n2', 'n3');
    for (const entry of entries) stage.placeRecord('n1', entry, recordOf(dot('a', 1), 'newest'));
    stage.lose = ({ message }) => message.type === 'request' && message.request.type === 'store';

    await stage.run(Promise.all(entries.map((entry) => stage.node('n1').get(getOf(entry)))));
    expect(stage.traced('read-repair').map(({ event }) => event.result)).toEqual(Array(3).fill('dropped'));

    // The lost ones end with the connection, and make room.
    stage.lose = () => false;
    await stage.crash('n2');
    expect(stage.traced('read-repair').filter(({ event }) => event.result === 'failed')).toHaveLength(
      MAX_READ_REPAIRS,
    );
    stage.machine('n2').start();
    await stage.until(() => stage.member('n1', 'n2').state === 'up');
    for (const entry of entries.slice(-3)) assertRead(await stage.run(stage.node('n1').get(getOf(entry))));
    await stage.world.runFor(100);
    for (const entry of entries.slice(-3)) expect(stage.textsOn('n2', entry)).toEqual(['newest']);
  });

  it('goes on for the other replicas while one of them answers none', async () => {
    const { stage } = await stageOfThree();
    const entries = stage.entriesAt(MAX_READ_REPAIRS + 1, 'n1', 'n2', 'n3');
    for (const entry of entries) stage.placeRecord('n1', entry, recordOf(dot('a', 1), 'newest'));
    stage.lose = ({ to, message }) =>
      to === 'n2' && message.type === 'request' && message.request.type === 'store';

    const read = (some: typeof entries): Promise<unknown> =>
      stage.run(Promise.all(some.map((entry) => stage.node('n1').get(getOf(entry, { r: 3 })))));
    await read(entries.slice(0, MAX_READ_REPAIRS));
    await stage.world.runFor(200);
    await read(entries.slice(MAX_READ_REPAIRS));
    await stage.world.runFor(200);
    expect(stage.traced('read-repair').filter(({ event }) => event.result === 'dropped')).toHaveLength(1);
    for (const entry of entries) expect(stage.textsOn('n3', entry)).toEqual(['newest']);
  });
});
