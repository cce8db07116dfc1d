/** Every operation answers at its deadline, whoever is silent; and what it said then stays true. */
import { describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import type { DeleteOutcome, PutOutcome, ReadOutcome } from '../../../src/core/outcome.ts';
import type { StorageNode } from '../../../src/protocol/storage-node.ts';
import { assertFailed, assertWritten, deleteOf, getOf, putOf, SLACK_MS } from '../requests.ts';
import { Stage } from '../stage.ts';

const TIMEOUT_MS = 700;

async function stageOfThree(): Promise<{ stage: Stage; entry: EntryName }> {
  const stage = await new Stage(3).startAll();
  return { stage, entry: stage.entryAt('n1', 'n2', 'n3') };
}

/** Runs an operation and sees that it took until its deadline, and not longer. */
async function runToDeadline<Outcome extends ReadOutcome | PutOutcome | DeleteOutcome>(
  stage: Stage,
  operation: (node: StorageNode) => Promise<Outcome>,
): Promise<Outcome> {
  const beganMs = stage.nowMs;
  const outcome = await stage.run(operation(stage.node('n1')));
  const tookMs = stage.nowMs - beganMs;
  expect(tookMs).toBeGreaterThanOrEqual(TIMEOUT_MS);
  expect(tookMs).toBeLessThan(TIMEOUT_MS + SLACK_MS);
  return outcome;
}

describe('with silent replicas', () => {
  it('a get times out', async () => {
    const { stage, entry } = await stageOfThree();
    for (const node of ['n2', 'n3']) stage.mute(node);
    const outcome = await runToDeadline(stage, (node) => node.get(getOf(entry, { timeoutMs: TIMEOUT_MS })));
    const failure = assertFailed(outcome, { code: 'quorum-timeout', required: 2, received: 1 });
    expect(failure.replicas?.map(({ node, result }) => `${node} ${result}`)).toEqual([
      'n1 not-found',
      'n2 no-answer',
      'n3 no-answer',
    ]);
  });

  it('a put is unknown', async () => {
    const { stage, entry } = await stageOfThree();
    for (const node of ['n2', 'n3']) stage.mute(node);
    const outcome = await runToDeadline(stage, (node) =>
      node.put(putOf(entry, 'one', { timeoutMs: TIMEOUT_MS })),
    );
    assertFailed(outcome, { code: 'quorum-timeout', certainty: 'unknown', received: 1 });
    // They were told, and only their answers were held up: so it had to be unknown.
    for (const node of ['n1', 'n2', 'n3']) expect(stage.textsOn(node, entry)).toEqual(['one']);
  });

  it('a delete is unknown with a context, and surely not applied where it had to read first', async () => {
    const { stage, entry } = await stageOfThree();
    const put = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
    for (const node of ['n2', 'n3']) stage.mute(node);
    const blind = await runToDeadline(stage, (node) =>
      node.delete(deleteOf(entry, { timeoutMs: TIMEOUT_MS })),
    );
    assertFailed(blind, { certainty: 'not-applied' });
    for (const node of ['n1', 'n2', 'n3']) expect(stage.textsOn(node, entry)).toEqual(['one']);

    const { context } = put;
    const seen = await runToDeadline(stage, (node) =>
      node.delete(deleteOf(entry, { context, timeoutMs: TIMEOUT_MS })),
    );
    assertFailed(seen, { code: 'quorum-timeout', certainty: 'unknown' });
  });
});

describe('with a disk that hangs', () => {
  it('a get times out', async () => {
    const { stage, entry } = await stageOfThree();
    for (const node of ['n1', 'n2']) stage.slowDisk(node, 'read', 600_000);
    const outcome = await runToDeadline(stage, (node) => node.get(getOf(entry, { timeoutMs: TIMEOUT_MS })));
    assertFailed(outcome, { code: 'quorum-timeout', received: 1 });
  });

  it('a put is given up at its deadline, and not minted when the disk answers', async () => {
    const { stage, entry } = await stageOfThree();
    stage.slowDisk('n1', 'read', 3 * TIMEOUT_MS);
    const outcome = await runToDeadline(stage, (node) =>
      node.put(putOf(entry, 'one', { timeoutMs: TIMEOUT_MS })),
    );
    assertFailed(outcome, { code: 'overloaded', certainty: 'not-applied' });

    await stage.world.runFor(10 * TIMEOUT_MS);
    expect(stage.written).toEqual([]);
    expect(stage.requests('store')).toEqual([]);
  });

  it('a put whose turn comes in the very moment of its deadline is not minted, either', async () => {
    const { stage, entry } = await stageOfThree();
    // The coordinator's clock has passed the deadline when the disk answers, but its timer has not fired yet.
    stage.slowDisk('n1', 'read', TIMEOUT_MS + 0.002);
    const outcome = await stage.run(stage.node('n1').put(putOf(entry, 'one', { timeoutMs: TIMEOUT_MS })));
    assertFailed(outcome, { code: 'overloaded', certainty: 'not-applied' });
    await stage.world.runFor(10 * TIMEOUT_MS);
    expect(stage.written).toEqual([]);
  });

  it('a delete is surely not applied', async () => {
    const { stage, entry } = await stageOfThree();
    const { context } = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
    stage.slowDisk('n1', 'read', 3 * TIMEOUT_MS);
    const outcome = await runToDeadline(stage, (node) =>
      node.delete(deleteOf(entry, { context, timeoutMs: TIMEOUT_MS })),
    );
    assertFailed(outcome, { code: 'overloaded', certainty: 'not-applied' });
    await stage.world.runFor(10 * TIMEOUT_MS);
    for (const node of ['n1', 'n2', 'n3']) expect(stage.textsOn(node, entry)).toEqual(['one']);
  });

  it('a put whose sync hangs is answered by the others, or unknown', async () => {
    const { stage, entry } = await stageOfThree();
    stage.slowDisk('n1', 'sync', 600_000);
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { timeoutMs: TIMEOUT_MS }))));
    const [, other] = stage.entriesAt(2, 'n1', 'n2', 'n3') as [EntryName, EntryName];
    const outcome = await runToDeadline(stage, (node) =>
      node.put(putOf(other, 'one', { w: 3, timeoutMs: TIMEOUT_MS })),
    );
    assertFailed(outcome, { code: 'quorum-timeout', certainty: 'unknown', received: 2 });
  });
});

describe('a write behind a slow one of the same key', () => {
  it('is given up at its deadline, and never appears', async () => {
    const { stage, entry } = await stageOfThree();
    stage.slowDisk('n1', 'sync', 3 * TIMEOUT_MS);
    const first = stage.node('n1').put(putOf(entry, 'slow', { w: 3, timeoutMs: 10_000 }));
    await stage.world.runFor(5);

    const second = await runToDeadline(stage, (node) =>
      node.put(putOf(entry, 'late', { timeoutMs: TIMEOUT_MS })),
    );

    assertFailed(second, { code: 'overloaded', certainty: 'not-applied' });
    assertWritten(await stage.run(first));
    await stage.world.runFor(10 * TIMEOUT_MS);
    for (const node of ['n1', 'n2', 'n3']) expect(stage.textsOn(node, entry)).toEqual(['slow']);
  });

  it('is minted when its turn comes in time', async () => {
    const { stage, entry } = await stageOfThree();
    stage.slowDisk('n1', 'sync', 300);
    const first = stage.node('n1').put(putOf(entry, 'slow'));
    const second = stage.node('n1').put(putOf(entry, 'next', { timeoutMs: TIMEOUT_MS }));
    const dots = [assertWritten(await stage.run(first)).dot, assertWritten(await stage.run(second)).dot];
    expect(dots[0]).not.toEqual(dots[1]);
  });

  it('does not hold up writes of other keys', async () => {
    const { stage } = await stageOfThree();
    const [one, two] = stage.entriesAt(2, 'n1', 'n2', 'n3') as [EntryName, EntryName];
    stage.slowDisk('n1', 'sync', 10_000);
    void stage.node('n1').put(putOf(one, 'slow', { timeoutMs: 20_000 }));
    await stage.world.runFor(5);
    const beganMs = stage.nowMs;
    assertWritten(await stage.run(stage.node('n1').put(putOf(two, 'other'))));
    expect(stage.nowMs - beganMs).toBeLessThan(50);
  });
});
