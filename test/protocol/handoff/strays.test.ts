/** Records that lie on a node that is no home replica of them: they go home, and stay until all home replicas agree. */
import { describe, expect, it } from 'vitest';
import { dot, recordOf } from '../../core/causality/sample-records.ts';
import { assertWritten, putOf } from '../requests.ts';
import { stageOfFive } from './stage-of-five.ts';

describe('a record on a node that it does not belong to', () => {
  it('is handed to its home replicas, and goes', async () => {
    const { stage, entry } = await stageOfFive({ antiEntropy: true });
    await stage.crash('n5');
    stage.placeRecord('n5', entry, recordOf(dot('z', 1), 'astray'));
    await stage.start('n5');
    await stage.world.runFor(20_000);
    expect(stage.traced('stray-record')).toHaveLength(1);
    for (const node of ['n1', 'n2', 'n3']) expect(stage.textsOn(node, entry)).toEqual(['astray']);
    expect(stage.recordOn('n5', entry)).toBeUndefined();
    expect(stage.hintsOn('n5')).toEqual([]);
  });

  it.each([0, 1])('is found again if %i reads of it are good when it is come across', async (goodReads) => {
    const { stage, entry } = await stageOfFive({ antiEntropy: true });
    await stage.crash('n5');
    stage.placeRecord('n5', entry, recordOf(dot('z', 1), 'astray'));
    const disk = stage.disk('n5');
    let reads = 0;
    disk.misread = (key, bytes) => {
      if (Buffer.compare(key, stage.storageKey(entry)) !== 0) return bytes;
      reads += 1;
      if (reads <= goodReads) return bytes;
      throw new Error('Input/output error');
    };
    await stage.start('n5');
    await stage.world.runFor(20_000);
    expect(reads).toBeGreaterThan(goodReads);
    expect(stage.recordOn('n5', entry)).toBeDefined();
    disk.misread = undefined;
    await stage.world.runFor(120_000);
    for (const node of ['n1', 'n2', 'n3']) expect(stage.textsOn(node, entry)).toEqual(['astray']);
    expect(stage.recordOn('n5', entry)).toBeUndefined();
    expect(stage.hintsOn('n5')).toEqual([]);
  });

  it('goes to a home replica again that lost it after it had acknowledged it', async () => {
    const { stage, entry } = await strayFor('n3');
    stage.disk('n1').lose((key) => Buffer.compare(key, stage.storageKey(entry)) === 0);
    await stage.start('n3');
    await stage.world.runFor(20_000);
    for (const node of ['n1', 'n2', 'n3']) expect(stage.textsOn(node, entry)).toEqual(['astray']);
    expect(stage.recordOn('n5', entry)).toBeUndefined();
  });

  it('stays while a home replica does not say what it holds', async () => {
    const { stage, entry } = await strayFor('n3');
    stage.lose = ({ from, to, message }) =>
      from === 'n1' && to === 'n5' && message.type === 'reply' && message.reply.type === 'read';
    await stage.start('n3');
    await stage.world.runFor(60_000);
    expect(stage.textsOn('n3', entry)).toEqual(['astray']);
    expect(stage.hintsOn('n5')).toEqual([`n3 ${entry.key}`]);
    expect(stage.textsOn('n5', entry)).toEqual(['astray']);
    stage.lose = () => false;
    await stage.world.runFor(120_000);
    expect(stage.hintsOn('n5')).toEqual([]);
    expect(stage.recordOn('n5', entry)).toBeUndefined();
  });

  it('stays if it changes while its home replicas are asked', async () => {
    const { stage, entry } = await strayFor('n3');
    stage.slowDisk('n1', 'read', 3_000);
    await stage.start('n3');
    await stage.until(() => stage.requests('read', 'n5').length > 0);
    stage.placeRecord('n5', entry, recordOf(dot('z', 2), 'newer'));
    await stage.world.runFor(3_500);
    expect(stage.textsOn('n5', entry)).toEqual(['newer']);
    await stage.world.runFor(120_000);
    for (const node of ['n1', 'n2', 'n3']) expect(stage.textsOn(node, entry)).toEqual(['astray', 'newer']);
    expect(stage.recordOn('n5', entry)).toBeUndefined();
  });
});

describe('a record that stood in for one', () => {
  it('goes with the acknowledgement of its owner, and others are not asked', async () => {
    const { stage, entry } = await stageOfFive();
    await stage.crash('n3');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { sloppy: true, w: 3 }))));
    await stage.crash('n2');
    stage.forget();
    await stage.start('n3');
    await stage.world.runFor(3_000);
    expect(stage.requests('read', 'n4')).toEqual([]);
    expect(stage.recordOn('n4', entry)).toBeUndefined();
  });
});

/** n5 has come across a record that all but this home replica have acknowledged since. */
async function strayFor(away: string): ReturnType<typeof stageOfFive> {
  const { stage, entry } = await stageOfFive({ antiEntropy: true });
  await stage.crash('n5', away);
  stage.placeRecord('n5', entry, recordOf(dot('z', 1), 'astray'));
  await stage.start('n5');
  await stage.until(() => stage.hintsOn('n5').length === 1);
  expect(stage.hintsOn('n5')).toEqual([`${away} ${entry.key}`]);
  stage.forget();
  return { stage, entry };
}
