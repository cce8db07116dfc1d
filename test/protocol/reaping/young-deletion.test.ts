/** How long the tombstone of a deletion is kept at least, whatever was known of an earlier deletion of the same key. */
import { describe, expect, it } from 'vitest';
import { REAP_INTERVAL_MS, REAP_RETRY_MS } from '../../../src/core/limits.ts';
import type { SentMessage } from '../sent-message.ts';
import { assertTexts, assertWritten, deleteOf, getOf, putOf } from '../requests.ts';
import { Stage } from '../stage.ts';

/** Longer than a round takes to come. */
const ROUND_MS = 2 * REAP_INTERVAL_MS;

function isStore({ message }: SentMessage): boolean {
  return message.type === 'request' && message.request.type === 'store';
}

describe('a tombstone that takes the place of another one', () => {
  it('is kept for its own time, though its leader has not seen what was alive between', async () => {
    const reapAfterMs = 60_000;
    const stage = await new Stage(5, { partitions: 1_024 }, { reapAfterMs }).startAll();
    const entry = stage.entryAt('n1', 'n2', 'n3', 'n4', 'n5');
    const first = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
    const gone = assertWritten(
      await stage.run(stage.node('n1').delete(deleteOf(entry, { w: 3, context: first.context }))),
    );
    await stage.world.runFor(reapAfterMs - 5_000);

    // A client writes by a write id, and another one deletes that: the leader hears of the deletion only.
    const identity = { id: 'retried', firstAttempt: true };
    stage.lose = (sent) => sent.to === 'n1' && isStore(sent);
    const written = putOf(entry, 'two', { context: gone.context, identity, sloppy: false });
    const { context } = assertWritten(await stage.run(stage.node('n2').put(written)));
    stage.lose = () => false;
    assertWritten(
      await stage.run(stage.node('n2').delete(deleteOf(entry, { w: 3, context, sloppy: false }))),
    );
    await stage.world.runFor(5_000 + ROUND_MS);

    const retry = { ...written, identity: { ...identity, firstAttempt: false } };
    assertWritten(await stage.run(stage.node('n3').put(retry)));
    assertTexts(await stage.run(stage.node('n3').get(getOf(entry, { r: 3 }))), ['(deleted)']);
    await stage.world.runFor(reapAfterMs + ROUND_MS);
    expect(stage.recordOn('n1', entry)).toBeUndefined();
  });

  it('is kept for its own time, though it came while a round for the other one went on', async () => {
    const reapAfterMs = 5 * REAP_RETRY_MS;
    const stage = await new Stage(5, { partitions: 1_024 }, { reapAfterMs }).startAll();
    const entry = stage.entryAt('n1', 'n2', 'n3', 'n4', 'n5');
    const first = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
    const gone = assertWritten(
      await stage.run(stage.node('n1').delete(deleteOf(entry, { w: 3, context: first.context }))),
    );
    await stage.until(() => stage.requests('reap-watch').length > 0, 2 * reapAfterMs);
    const anew = assertWritten(
      await stage.run(stage.node('n1').put(putOf(entry, 'two', { w: 3, context: gone.context }))),
    );
    assertWritten(await stage.run(stage.node('n1').delete(deleteOf(entry, { w: 3, context: anew.context }))));
    await stage.world.runFor(REAP_RETRY_MS + ROUND_MS);
    expect(stage.recordOn('n1', entry)).toBeDefined();
    await stage.world.runFor(reapAfterMs);
    expect(stage.recordOn('n1', entry)).toBeUndefined();
  });
});

describe('a deletion that its leader has heard of', () => {
  it.each([
    ['the leader is ahead', 'n1', 3_600_000],
    ['who coordinated it is behind', 'n2', -3_600_000],
  ] as const)('is kept for all of its time, though the clock of %s', async (_, node, offsetMs) => {
    const reapAfterMs = 600_000;
    const stage = await new Stage(5, { partitions: 1_024 }, { reapAfterMs }).startAll();
    const entry = stage.entryAt('n1', 'n2', 'n3', 'n4', 'n5');
    stage.machine(node).clockFaults.wallOffsetMs = offsetMs;
    const { context } = assertWritten(await stage.run(stage.node('n2').put(putOf(entry, 'one', { w: 3 }))));
    assertWritten(await stage.run(stage.node('n2').delete(deleteOf(entry, { w: 3, context }))));
    await stage.world.runFor(reapAfterMs - 1_000);
    expect(stage.recordOn('n1', entry)).toBeDefined();
    await stage.world.runFor(ROUND_MS);
    expect(stage.recordOn('n1', entry)).toBeUndefined();
  });
});
