/** Hinted handoff: what is kept for a node gets there when it is back, and is kept until it is durable there. */
import { describe, expect, it } from 'vitest';
import { HANDOFF_CONCURRENCY } from '../../../src/core/limits.ts';
import { dot, recordOf } from '../../core/causality/sample-records.ts';
import { assertWritten, putOf } from '../requests.ts';
import type { Stage } from '../stage.ts';
import { stageOfFive } from './stage-of-five.ts';

const SLOPPY = { sloppy: true, w: 3 } as const;

function deliveriesTo(stage: Stage, node: string): string[] {
  return stage
    .requests('store')
    .filter(({ to, request }) => to === node && request.hintFor === undefined)
    .map(({ from }) => from);
}

describe('a hint', () => {
  it('is delivered soon after its owner came back; then the fallback holds nothing of it', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n3');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', SLOPPY))));
    expect(stage.member('n4', 'n3').hints).toMatchObject({ count: 1 });
    await stage.start('n3');
    await stage.world.runFor(2_000);

    expect(stage.textsOn('n3', entry)).toEqual(['one']);
    expect(stage.hintsOn('n4')).toEqual([]);
    expect(stage.recordOn('n4', entry)).toBeUndefined();
    expect(stage.member('n4', 'n3').hints).toBeUndefined();
    expect(stage.traced('handoff').map(({ node, event }) => ({ node, ...event }))).toEqual([
      expect.objectContaining({ node: 'n4', owner: 'n3', delivered: 1, failed: 0, left: 0 }),
    ]);
  });

  it('whose record is damaged ends with what the home replicas hold', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n3');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', SLOPPY))));
    stage.damage('n4', entry);
    await stage.start('n3');
    await stage.world.runFor(10_000);

    expect(stage.textsOn('n3', entry)).toEqual(['one']);
    expect(stage.hintsOn('n4')).toEqual([]);
    expect(stage.recordOn('n4', entry)).toBeUndefined();
    expect(stage.traced('record-replaced').map(({ node }) => node)).toEqual(['n4']);
  });

  it('whose record is damaged is kept while nobody else holds one, and does no harm', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n1', 'n2', 'n3');
    assertWritten(await stage.run(stage.node('n4').put(putOf(entry, 'one', { sloppy: true }))));
    for (const node of ['n4', 'n5']) if (stage.recordOn(node, entry) !== undefined) stage.damage(node, entry);
    await stage.start('n1', 'n2', 'n3');
    await stage.world.runFor(20_000);
    expect(stage.hintsOn('n4')).not.toEqual([]);
    expect(stage.recordOn('n1', entry)).toBeUndefined();
    expect(stage.bugs).toEqual([]);
  });

  it('is kept while its owner has not stored the record durably', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n3');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', SLOPPY))));
    await stage.start('n3');
    stage.slowDisk('n3', 'sync', 5_000);
    await stage.world.runFor(2_000);
    expect(deliveriesTo(stage, 'n3')).toEqual(['n4']);
    expect(stage.hintsOn('n4')).toEqual([`n3 ${entry.key}`]);
    await stage.world.runFor(6_000);
    expect(stage.hintsOn('n4')).toEqual([]);
  });

  it('is kept if its owner dies between the delivery and its sync, and delivered again', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n3');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', SLOPPY))));
    await stage.start('n3');
    const disk = stage.disk('n3');
    const usual = disk.latencyUs.bind(disk);
    stage.slowDisk('n3', 'sync', 5_000);
    await stage.world.runFor(2_000);
    stage.machine('n3').crash({ power: true, reason: 'power' });
    await stage.until(() => stage.member('n4', 'n3').state === 'down');
    expect(stage.hintsOn('n4')).toEqual([`n3 ${entry.key}`]);
    disk.latencyUs = usual;
    await stage.start('n3');
    await stage.world.runFor(3_000);
    expect(stage.textsOn('n3', entry)).toEqual(['one']);
    expect(stage.hintsOn('n4')).toEqual([]);
  });

  it('stays if the record changed while it was delivered; what is new is delivered, too', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n3');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', SLOPPY))));
    await stage.start('n3');
    stage.slowDisk('n3', 'sync', 1_000);
    await stage.until(() => deliveriesTo(stage, 'n3').length > 0);
    stage.placeRecord('n4', entry, recordOf(dot('z', 1), 'new'));
    await stage.world.runFor(1_200);
    expect(stage.hintsOn('n4')).toEqual([`n3 ${entry.key}`]);
    expect(stage.textsOn('n4', entry)).toEqual(['new']);
    await stage.world.runFor(20_000);
    expect(stage.textsOn('n3', entry).toSorted()).toEqual(['new', 'one']);
    expect(stage.hintsOn('n4')).toEqual([]);
    expect(stage.recordOn('n4', entry)).toBeUndefined();
  });

  it('survives the end of its keeper, which counts it when it starts', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n3');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', SLOPPY))));
    stage.machine('n4').crash({ power: true, reason: 'power' });
    await stage.until(() => stage.member('n1', 'n4').state === 'down');
    await stage.start('n4');
    expect(stage.traced('hints-loaded').map(({ node, event }) => `${node} ${event.count}`)).toEqual(['n4 1']);
    expect(stage.member('n4', 'n3').hints).toMatchObject({ count: 1 });
    await stage.start('n3');
    await stage.world.runFor(2_000);
    expect(stage.textsOn('n3', entry)).toEqual(['one']);
    expect(stage.hintsOn('n4')).toEqual([]);
  });

  it('of one owner keeps the record of another', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n3', 'n5');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', SLOPPY))));
    await stage.crash('n2');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'two', { sloppy: true, w: 2 }))));
    expect(stage.hintsOn('n4')).toEqual([`n2 ${entry.key}`, `n3 ${entry.key}`]);

    await stage.start('n2');
    await stage.world.runFor(3_000);
    expect(stage.textsOn('n2', entry)).toEqual(['one', 'two']);
    expect(stage.hintsOn('n4')).toEqual([`n3 ${entry.key}`]);
    expect(stage.textsOn('n4', entry)).toEqual(['one', 'two']);

    await stage.start('n3');
    await stage.world.runFor(3_000);
    expect(stage.textsOn('n3', entry)).toEqual(['one', 'two']);
    expect(stage.hintsOn('n4')).toEqual([]);
    expect(stage.recordOn('n4', entry)).toBeUndefined();
  });

  it('is not delivered while its owner is away, and never expires', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n3');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', SLOPPY))));
    stage.forget();
    await stage.world.runFor(48 * 60 * 60 * 1_000);
    expect(stage.requests('store')).toEqual([]);
    expect(stage.member('n4', 'n3').hints?.oldestAgeMs).toBeGreaterThan(47 * 60 * 60 * 1_000);
    await stage.start('n3');
    await stage.world.runFor(3_000);
    expect(stage.textsOn('n3', entry)).toEqual(['one']);
  }, 60_000);

  it('is tried again if its owner refuses', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n3');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', SLOPPY))));
    // What lies there cannot be read, so nothing is put in its place.
    stage.placeRecord('n3', entry, recordOf(dot('z', 1), 'old'));
    const disk = stage.disk('n3');
    await stage.start('n3');
    disk.misread = (key, value) => {
      if (Buffer.compare(key, stage.storageKey(entry)) === 0) throw new Error('Input/output error');
      return value;
    };
    await stage.world.runFor(10_000);
    expect(deliveriesTo(stage, 'n3').length).toBeGreaterThan(2);
    expect(stage.hintsOn('n4')).toEqual([`n3 ${entry.key}`]);
    disk.misread = undefined;
    await stage.world.runFor(120_000);
    expect(stage.hintsOn('n4')).toEqual([]);
    expect(stage.textsOn('n3', entry).toSorted()).toEqual(['old', 'one']);
  });
});

describe('many hints', () => {
  it('are all delivered, few at once', async () => {
    const { stage } = await stageOfFive();
    const entries = stage.entriesAt(1_200, 'n1', 'n2');
    await stage.crash('n2');
    for (let start = 0; start < entries.length; start += 100) {
      const puts = entries
        .slice(start, start + 100)
        .map((entry) => stage.node('n1').put(putOf(entry, 'x', { ...SLOPPY, timeoutMs: 5_000 })));
      for (const outcome of await stage.run(Promise.all(puts))) assertWritten(outcome);
    }
    const keepers = ['n3', 'n4', 'n5'];
    const kept = (): number => keepers.reduce((sum, id) => sum + stage.hintsOn(id).length, 0);
    expect(kept()).toBe(1_200);
    stage.forget();
    let unanswered = 0;
    let most = 0;
    await stage.start('n2');
    await stage.until(() => kept() === 0);
    for (const { to, message } of stage.sent) {
      if (message.type === 'request' && to === 'n2' && message.request.type === 'store') unanswered += 1;
      if (message.type === 'reply' && message.reply.type === 'store') unanswered -= 1;
      most = Math.max(most, unanswered);
    }
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(keepers.length * HANDOFF_CONCURRENCY);
    expect(entries.filter((entry) => stage.textsOn('n2', entry).join() !== 'x')).toEqual([]);
    const astray = entries.flatMap((entry) =>
      stage
        .preferenceListOf(entry)
        .slice(3)
        .filter((node) => stage.recordOn(node, entry) !== undefined),
    );
    expect(astray).toEqual([]);
  }, 60_000);
});

describe('a node that does not hand over', () => {
  it('keeps what it keeps', async () => {
    const { stage, entry } = await stageOfFive({ handoff: false });
    await stage.crash('n3');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', SLOPPY))));
    await stage.start('n3');
    await stage.world.runFor(10_000);
    expect(stage.hintsOn('n4')).toEqual([`n3 ${entry.key}`]);
    // None but the beat by which a node notices that it stood still.
    expect(stage.machine('n4').life?.timers).toBe(1);
  });
});
