/** A round of reaping is no reason for a node not to end, or to end otherwise than it should. */
import { describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import { REAP_INTERVAL_MS } from '../../../src/core/limits.ts';
import { assertWritten, deleteOf } from '../requests.ts';
import { type Process, startProcess } from '../process.ts';
import { Stage } from '../stage.ts';

const REAP_AFTER_MS = 5_000;
const SOON_MS = REAP_AFTER_MS + 2 * REAP_INTERVAL_MS;

/** n1 leads for entries with tombstones; it outlives its store, so that it can be seen what it does. */
async function stageWithLeader(count: number): Promise<{
  readonly stage: Stage;
  readonly n1: Process;
  readonly entries: readonly EntryName[];
}> {
  const reapAfterMs = REAP_AFTER_MS;
  const stage = new Stage(3, {}, { reapAfterMs });
  const n1 = await startProcess(stage, 'n1', { reapAfterMs });
  for (const node of ['n2', 'n3']) stage.machine(node).start();
  await stage.until(
    () =>
      n1.node.members().every(({ state }) => state !== 'down') &&
      ['n2', 'n3'].every((node) => stage.machine(node).isUp && stage.member(node, 'n1').state === 'up'),
  );
  const entries = stage.entriesAt(count, 'n1');
  const identity = { id: 'deleted', firstAttempt: false };
  for (const entry of entries)
    assertWritten(await stage.run(n1.node.delete(deleteOf(entry, { w: 3, identity }))));
  stage.forget();
  return { stage, n1, entries };
}

describe('a leader', () => {
  it('whose disk fails when it is to let a record go ends as with any other failed write', async () => {
    const { stage, n1 } = await stageWithLeader(1);
    await stage.until(() => stage.requests('reap-check').length > 0, SOON_MS);
    stage.disk('n1').writeFault = 'fail';
    await stage.world.runFor(1_000);
    expect(n1.fatal).toMatchObject([{ message: expect.stringContaining('the store failed on a write') }]);
    await stage.run(n1.node.close(0));
  });

  it('that is closed while it lets records go makes up no failure', async () => {
    const { stage, n1, entries } = await stageWithLeader(50);
    // The others do not say that they are ready, so that the round ends with their connections, in the middle.
    stage.lose = ({ from, message }) =>
      from !== 'n1' && message.type === 'reply' && message.reply.type === 'reap-drop';
    stage.slowDisk('n1', 'sync', 300);
    await stage.until(() => stage.requests('reap-drop').length > 0, SOON_MS);
    await stage.world.runFor(100);
    await stage.run(n1.node.close(0));
    await stage.world.runFor(5_000);
    expect(n1.fatal).toEqual([]);
    expect(n1.life.timers).toBe(0);
    expect(entries.filter((entry) => stage.recordOn('n1', entry) === undefined).length).toBeLessThan(50);
  });

  it.each(['reap-watch', 'reap-settle', 'reap-check'] as const)(
    'that is closed after %s is closed at once',
    async (step) => {
      const { stage, n1 } = await stageWithLeader(1);
      stage.lose = ({ from, message }) =>
        from !== 'n1' && message.type === 'reply' && message.reply.type === step;
      await stage.until(() => stage.requests(step).length > 0, SOON_MS);
      await stage.world.runFor(500);
      const beganMs = stage.nowMs;
      await stage.run(n1.node.close(0));
      expect(stage.nowMs - beganMs).toBeLessThan(100);
      expect(n1.fatal).toEqual([]);
      expect(n1.life.timers).toBe(0);
    },
  );
});
