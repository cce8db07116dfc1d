/** An orderly end: what was begun is finished or left unknown, nothing acknowledged is lost, and no failure is made up. */
import { describe, expect, it } from 'vitest';
import type { EntryName } from '../../src/core/ids.ts';
import type { PutOutcome } from '../../src/core/outcome.ts';
import { assertFailed, assertRead, assertTexts, assertWritten, getOf, putOf } from './requests.ts';
import { type Process, startProcess } from './process.ts';
import { Stage } from './stage.ts';

/** n1 is a process of its own, so that its end can be watched. */
async function stageWithProcess(): Promise<{ stage: Stage; n1: Process }> {
  const stage = new Stage(3);
  const n1 = await startProcess(stage, 'n1');
  for (const node of ['n2', 'n3']) stage.machine(node).start();
  await stage.until(
    () =>
      n1.node.members().every(({ state }) => state !== 'down') &&
      ['n2', 'n3'].every((node) => stage.machine(node).isUp && stage.member(node, 'n1').state === 'up'),
  );
  stage.forget();
  return { stage, n1 };
}

describe('closing a node', () => {
  it('under load loses nothing that was acknowledged, and finishes what was begun', async () => {
    const { stage, n1 } = await stageWithProcess();
    const entries = stage.entriesAt(60, 'n1');
    const outcomes: Promise<PutOutcome>[] = [];
    for (const entry of entries.slice(0, 40)) {
      outcomes.push(n1.node.put(putOf(entry, 'begun')));
      await stage.world.runFor(0.05);
    }
    // Others write through this node's replica all the while.
    for (const entry of entries.slice(40)) outcomes.push(stage.node('n2').put(putOf(entry, 'begun')));
    await stage.world.runFor(0.3);

    const closed = n1.node.close(5_000);
    const late = await stage.run(n1.node.put(putOf(entries[0] as EntryName, 'late')));
    await stage.run(closed);

    assertFailed(late, { code: 'draining', certainty: 'not-applied' });
    for (const outcome of await stage.run(Promise.all(outcomes))) assertWritten(outcome);
    for (const entry of entries) {
      assertTexts(await stage.run(stage.node('n2').get(getOf(entry))), ['begun']);
    }
    expect(stage.traced('storage-failed')).toEqual([]);
    expect(n1.fatal).toEqual([]);

    // And its own disk holds all that it acknowledged, for its next life.
    n1.end();
    const reborn = await startProcess(stage, 'n1');
    for (const entry of entries.slice(0, 40)) {
      const { record } = assertRead(await stage.run(reborn.node.get(getOf(entry, { n: 1, r: 1 }))));
      expect(record?.siblings).toHaveLength(1);
    }
  });

  it('waits for what a peer had begun to store here', async () => {
    const { stage, n1 } = await stageWithProcess();
    const entry = stage.entryAt('n2');
    stage.slowDisk('n1', 'sync', 300);
    const put = stage.node('n2').put(putOf(entry, 'one'));
    await stage.world.runFor(5);
    const beganMs = stage.nowMs;
    await stage.run(n1.node.close(0));
    expect(stage.nowMs - beganMs).toBeGreaterThan(250);
    assertWritten(await stage.run(put));
    expect(stage.textsOn('n1', entry)).toEqual(['one']);
    expect(stage.traced('storage-failed')).toEqual([]);
    expect(n1.fatal).toEqual([]);
  });

  it('waits for running operations no longer than it may, and leaves them unknown', async () => {
    const { stage, n1 } = await stageWithProcess();
    const entry = stage.entryAt('n1');
    stage.lose = ({ message }) => message.type === 'request' && message.request.type === 'store';
    const put = n1.node.put(putOf(entry, 'one', { timeoutMs: 60_000 }));
    const beganMs = stage.nowMs;
    await stage.run(n1.node.close(700));
    expect(stage.nowMs - beganMs).toBeGreaterThanOrEqual(700);
    expect(stage.nowMs - beganMs).toBeLessThan(720);

    const failure = assertFailed(await stage.run(put), { code: 'quorum-timeout', certainty: 'unknown' });
    expect(failure.replicas?.map(({ result }) => result)).toEqual([
      'ok',
      'connection-lost',
      'connection-lost',
    ]);
    expect(n1.fatal).toEqual([]);
  });

  it('is quick when nothing runs', async () => {
    const { stage, n1 } = await stageWithProcess();
    const beganMs = stage.nowMs;
    await stage.run(n1.node.close(60_000));
    expect(stage.nowMs - beganMs).toBeLessThan(10);
  });

  it('can be asked for twice', async () => {
    const { stage, n1 } = await stageWithProcess();
    stage.slowDisk('n1', 'sync', 100);
    const put = n1.node.put(putOf(stage.entryAt('n1'), 'one', { w: 3 }));
    const closings = [n1.node.close(1_000), n1.node.close(0)];
    let done = 0;
    for (const closing of closings) void closing.then(() => (done += 1));
    await stage.world.runFor(50);
    expect(done).toBe(0);
    assertWritten(await stage.run(put));
    await stage.run(Promise.all(closings));
    await stage.run(n1.node.close(0));
  });

  it('closes every connection: the others see it go, and nobody is dialed any more', async () => {
    const { stage, n1 } = await stageWithProcess();
    await stage.run(n1.node.close(0));
    await stage.until(() => ['n2', 'n3'].every((node) => stage.member(node, 'n1').state === 'down'));
    expect(n1.node.members().map(({ state }) => state)).toEqual(['self', 'down', 'down']);
    stage.forget();
    await stage.world.runFor(30_000);
    expect(stage.sent.filter(({ from }) => from === 'n1')).toEqual([]);
  });

  it('leaves no timer running, whatever time was allowed to its operations: the process can end', async () => {
    const { stage, n1 } = await stageWithProcess();
    const [done, cut, waiting] = stage.entriesAt(3, 'n1') as [EntryName, EntryName, EntryName];
    assertWritten(await stage.run(n1.node.put(putOf(done, 'one', { timeoutMs: 60_000 }))));
    assertRead(await stage.run(n1.node.get(getOf(done, { r: 3, timeoutMs: 50_000 }))));
    stage.lose = ({ message }) => message.type === 'request';
    const unfinished = [
      n1.node.put(putOf(cut, 'one', { timeoutMs: 60_000 })),
      n1.node.get(getOf(waiting, { r: 3, timeoutMs: 40_000 })),
    ];
    await stage.world.runFor(5);
    await stage.run(n1.node.close(10));
    await stage.run(Promise.all(unfinished));
    expect(n1.life.timers).toBe(0);
  });

  it('refuses everything afterwards, without a throw', async () => {
    const { stage, n1 } = await stageWithProcess();
    await stage.run(n1.node.close(0));
    const entry = stage.entryAt('n1');
    assertFailed(await stage.run(n1.node.get(getOf(entry))), { code: 'draining' });
    assertFailed(await stage.run(n1.node.put(putOf(entry, 'one'))), { code: 'draining' });
    const { replicas } = await stage.run(n1.node.inspect(entry, 100));
    expect(replicas.map(({ result }) => result)).toEqual(['unreadable', 'unreachable', 'unreachable']);
  });

  it('works while the disk fails', async () => {
    const { stage, n1 } = await stageWithProcess();
    stage.disk('n1').writeFault = 'fail';
    const put = n1.node.put(putOf(stage.entryAt('n1'), 'one'));
    await stage.run(n1.node.close(1_000));
    assertWritten(await stage.run(put));
    expect(n1.fatal).toHaveLength(1);
  });
});
