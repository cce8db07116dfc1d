/** PUT and DELETE at W, coordinated by a home replica: what is counted, and what is refused before anything is minted. */
import { describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import { contains, covers, EMPTY_CONTEXT, withDot } from '../../../src/core/causality/causal-context.ts';
import { DEFAULT_LIMITS, MAX_COMMIT_QUEUE_BYTES, MAX_FRAME_BYTES } from '../../../src/core/limits.ts';
import { GetCoordinator } from '../../../src/protocol/coordinator/get-coordinator.ts';
import { WriteCoordinator, type WritePorts } from '../../../src/protocol/coordinator/write-coordinator.ts';
import { simConfig } from '../../sim/world/quiet-world.ts';
import { assertFailed, assertRead, assertTexts, assertWritten, deleteOf, getOf, putOf } from '../requests.ts';
import { Stage, type SentMessage } from '../stage.ts';

async function stageOfThree(): Promise<{ stage: Stage; entry: EntryName }> {
  const stage = await new Stage(3).startAll();
  return { stage, entry: stage.entryAt('n1', 'n2', 'n3') };
}

function isStoreFor(...nodes: readonly string[]): (sent: SentMessage) => boolean {
  return ({ to, message }) =>
    nodes.includes(to) && message.type === 'request' && message.request.type === 'store';
}

describe('a coordinated write', () => {
  it('brings the whole joined record to every home replica, not the request', async () => {
    const { stage, entry } = await stageOfThree();
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
    assertWritten(await stage.run(stage.node('n2').put(putOf(entry, 'two', { w: 3 }))));

    for (const node of ['n1', 'n2', 'n3']) {
      expect(stage.textsOn(node, entry).toSorted()).toEqual(['one', 'two']);
      expect(stage.recordOn(node, entry)).toEqual(stage.recordOn('n1', entry));
    }
  });

  it('brings records that are far larger than a frame', async () => {
    const { stage, entry } = await stageOfThree();
    const text = 'long '.repeat((4 * MAX_FRAME_BYTES) / 5);
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, text, { w: 3 }))));
    stage.disk('n2').wipe();
    assertTexts(await stage.run(stage.node('n2').get(getOf(entry))), [text]);
  });

  it('answers at W durable acknowledgements of distinct nodes', async () => {
    const { stage, entry } = await stageOfThree();
    for (const w of [1, 2, 3]) {
      const { quorum } = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, `w${w}`, { w }))));
      const holders = ['n1', 'n2', 'n3'].filter(
        (node) => stage.disk(node).durableValue(stage.storageKey(entry)) !== undefined,
      );
      expect(quorum).toMatchObject({ n: 3, required: w, sloppy: false, coordinator: 'n1' });
      expect(quorum.acks).toBeGreaterThanOrEqual(w);
      expect(holders.length).toBeGreaterThanOrEqual(w);
    }
  });

  it('waits for W, and is unknown at the deadline, not failed', async () => {
    const { stage, entry } = await stageOfThree();
    stage.lose = isStoreFor('n2', 'n3');

    const failure = assertFailed(await stage.run(stage.node('n1').put(putOf(entry, 'one'))), {
      code: 'quorum-timeout',
      certainty: 'unknown',
      required: 2,
      received: 1,
    });

    expect(failure.replicas?.map(({ node, result }) => `${node} ${result}`)).toEqual([
      'n1 ok',
      'n2 no-answer',
      'n3 no-answer',
    ]);
    // It was applied where it could be.
    expect(stage.textsOn('n1', entry)).toEqual(['one']);
  });

  it('does without the own disk if W others are faster', async () => {
    const { stage, entry } = await stageOfThree();
    stage.slowDisk('n1', 'sync', 400);
    const beganMs = stage.nowMs;
    const { quorum } = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one'))));
    expect(stage.nowMs - beganMs).toBeLessThan(50);
    expect(quorum.acks).toBe(2);
    expect(stage.textsOn('n1', entry)).toEqual([]);
  });

  it('counts no acknowledgement before its sync', async () => {
    const { stage, entry } = await stageOfThree();
    for (const node of ['n2', 'n3']) stage.slowDisk(node, 'sync', 300);
    const beganMs = stage.nowMs;
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one'))));
    expect(stage.nowMs - beganMs).toBeGreaterThanOrEqual(300);
  });

  it('is ordered only if a majority of the home replicas of the bucket stored it', async () => {
    const { stage, entry } = await stageOfThree();
    stage.lose = isStoreFor('n2', 'n3');
    const alone = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 1 }))));
    expect(alone.quorum.ordered).toBe(false);
    stage.lose = () => false;
    const both = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'two', { w: 2 }))));
    expect(both.quorum.ordered).toBe(true);
  });

  it('gives back the context of the request plus exactly its own dot', async () => {
    const { stage, entry } = await stageOfThree();
    const first = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one'))));
    const blind = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'two'))));

    expect(blind).toMatchObject({ created: false, liveSiblings: 2, etag: undefined });
    expect(blind.context).toEqual(withDot(EMPTY_CONTEXT, blind.dot));
    expect(contains(blind.context, first.dot)).toBe(false);

    // So the token of a blind write covers its own value only.
    const third = assertWritten(
      await stage.run(stage.node('n1').put(putOf(entry, 'three', { context: blind.context, w: 3 }))),
    );
    expect(stage.textsOn('n1', entry).toSorted()).toEqual(['one', 'three']);
    expect(covers(third.context, blind.context)).toBe(true);
  });

  it('tells whether it created the value, and names it if it stands alone', async () => {
    const { stage, entry } = await stageOfThree();
    const first = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one'))));
    expect(first).toMatchObject({ created: true, liveSiblings: 1, etag: expect.any(String) });
    const gone = assertWritten(
      await stage.run(stage.node('n1').delete(deleteOf(entry, { context: first.context }))),
    );
    expect(gone).toMatchObject({ created: false, liveSiblings: 0 });
    const again = assertWritten(
      await stage.run(stage.node('n1').put(putOf(entry, 'two', { context: gone.context }))),
    );
    expect(again).toMatchObject({ created: true, liveSiblings: 1 });
    expect(again.etag).not.toBe(first.etag);
  });

  it('carries the record if that was asked for', async () => {
    const { stage, entry } = await stageOfThree();
    const plain = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one'))));
    const asked = assertWritten(
      await stage.run(stage.node('n1').put(putOf(entry, 'two', { returnRecord: true }))),
    );
    expect(plain.record).toBeUndefined();
    expect(asked.record).toEqual(stage.recordOn('n1', entry));
  });
});

describe('a delete without a context', () => {
  it('reads at R, and covers what it saw', async () => {
    const { stage, entry } = await stageOfThree();
    assertWritten(await stage.run(stage.node('n2').put(putOf(entry, 'one', { w: 3 }))));
    stage.forget();
    assertWritten(await stage.run(stage.node('n1').delete(deleteOf(entry))));
    expect(stage.requests('read')).toHaveLength(1);
    assertTexts(await stage.run(stage.node('n3').get(getOf(entry, { r: 3 }))), ['(deleted)']);
  });

  it('writes nothing where nothing is alive', async () => {
    const { stage, entry } = await stageOfThree();
    const outcome = await stage.run(stage.node('n1').delete(deleteOf(entry)));
    expect(outcome).toMatchObject({ type: 'nothing-to-delete', quorum: { required: 2, acks: 2 } });
    expect(stage.written).toEqual([]);
  });

  it('is surely not applied if it cannot read', async () => {
    const { stage, entry } = await stageOfThree();
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
    for (const node of ['n2', 'n3']) stage.mute(node);
    stage.forget();
    assertFailed(await stage.run(stage.node('n1').delete(deleteOf(entry))), {
      code: 'quorum-unavailable',
      certainty: 'not-applied',
    });
    expect(stage.written).toEqual([]);
  });
});

describe('a write with too few home replicas', () => {
  it('is refused: nothing is minted, nothing is sent', async () => {
    const { stage, entry } = await stageOfThree();
    await stage.crash('n2', 'n3');
    stage.forget();

    const failure = assertFailed(await stage.run(stage.node('n1').put(putOf(entry, 'one'))), {
      code: 'quorum-unavailable',
      certainty: 'not-applied',
      required: 2,
      received: 1,
    });

    expect(failure.replicas?.map(({ node, result }) => `${node} ${result}`)).toEqual([
      'n1 not-asked',
      'n2 unreachable',
      'n3 unreachable',
    ]);
    for (const node of ['n2', 'n3']) stage.machine(node).start();
    await stage.world.runFor(10_000);
    expect(stage.written).toEqual([]);
    expect(stage.requests('store')).toEqual([]);
  });

  it('does not count nodes that are no home replicas', async () => {
    const stage = await new Stage(5).startAll();
    const entry = stage.entryAt('n1', 'n2');
    const [, second, third] = stage.preferenceListOf(entry);
    await stage.crash(second as string, third as string);
    assertFailed(await stage.run(stage.node('n1').put(putOf(entry, 'one'))), { code: 'quorum-unavailable' });
    expect(stage.written).toEqual([]);
  });

  it('goes through at a smaller W', async () => {
    const { stage, entry } = await stageOfThree();
    await stage.crash('n2', 'n3');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 1 }))));
  });

  it('waits for those whose connection is being made', async () => {
    const { stage, entry } = await stageOfThree();
    await stage.crash('n2', 'n3');
    // By now the pauses between two dials are long.
    await stage.world.runFor(5_000);
    for (const node of ['n2', 'n3']) stage.machine(node).start();
    expect(stage.member('n1', 'n2').state).toBe('down');
    const beganMs = stage.nowMs;

    const { quorum } = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one'))));
    expect(quorum.acks).toBe(2);
    expect(stage.nowMs - beganMs).toBeLessThan(50);
  });

  it('is refused at the deadline if the connection does not come to stand', async () => {
    const { stage, entry } = await stageOfThree();
    await stage.crash('n2', 'n3');
    // Nothing comes back from the dials that follow: no connection, and no refusal.
    for (const node of ['n2', 'n3']) stage.cut('n1', node);
    await stage.world.runFor(4_000);
    stage.forget();
    const beganMs = stage.nowMs;

    assertFailed(await stage.run(stage.node('n1').put(putOf(entry, 'one', { timeoutMs: 500 }))), {
      code: 'quorum-unavailable',
      certainty: 'not-applied',
    });

    expect(stage.nowMs - beganMs).toBeLessThan(520);
    expect(stage.written).toEqual([]);
  });
});

describe('a write that is refused before any work', () => {
  it('on a disk below its reserve, while reads go on', async () => {
    const stage = await new Stage(3, { limits: { ...DEFAULT_LIMITS, reserveBytes: 1_000 } }).startAll();
    const entry = stage.entryAt('n1');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one'))));
    stage.disk('n1').freeBytes = 999;
    stage.forget();

    for (const outcome of [
      await stage.run(stage.node('n1').put(putOf(entry, 'two'))),
      await stage.run(stage.node('n1').delete(deleteOf(entry))),
    ]) {
      assertFailed(outcome, { code: 'no-space', certainty: 'not-applied' });
    }
    expect(stage.written).toEqual([]);
    assertTexts(await stage.run(stage.node('n1').get(getOf(entry))), ['one']);
  });

  it('when too many bytes wait for the disk', async () => {
    const config = simConfig(3);
    const unused = undefined as never;
    const clock = { nowMs: () => 0, wallMs: () => 0, setTimer: () => ({ cancel: () => {} }) };
    const ports = { replicas: unused, clock, tracer: { trace: () => {} } };
    const coordinator = (commitQueueBytes: number): WriteCoordinator =>
      new WriteCoordinator({
        ...ports,
        config,
        local: unused,
        reads: new GetCoordinator(ports),
        commitQueueBytes: () => commitQueueBytes,
        isLowOnSpace: () => false,
      } satisfies WritePorts);
    const request = putOf({ bucket: 'things', key: 'one' }, 'one');
    const outcome = await coordinator(MAX_COMMIT_QUEUE_BYTES + 1).put(request, []);
    expect(outcome).toMatchObject({ type: 'failed', code: 'overloaded', certainty: 'not-applied' });
  });

  it('when as many operations run on the node as may', async () => {
    const stage = await new Stage(3, {
      limits: { ...DEFAULT_LIMITS, reserveBytes: 0, maxOperationsInFlight: 2 },
    }).startAll();
    const [one, two, three] = stage.entriesAt(3, 'n1') as [EntryName, EntryName, EntryName];
    const node = stage.node('n1');
    const first = node.put(putOf(one, 'one'));
    const second = node.get(getOf(two));
    for (const outcome of [
      await stage.run(node.put(putOf(three, 'three'))),
      await stage.run(node.get(getOf(three))),
      await stage.run(node.delete(deleteOf(three))),
    ]) {
      assertFailed(outcome, { code: 'overloaded', certainty: 'not-applied' });
    }
    assertWritten(await stage.run(first));
    assertRead(await stage.run(second));
    assertWritten(await stage.run(node.put(putOf(three, 'three'))));
    expect(stage.textsOn('n1', three)).toEqual(['three']);
  });

  it('where a blind put would bring a record beyond its siblings, but not where it reduces them', async () => {
    const stage = await new Stage(3, {
      limits: { ...DEFAULT_LIMITS, reserveBytes: 0, maxSiblings: 2 },
    }).startAll();
    const entry = stage.entryAt('n1');
    const node = stage.node('n1');
    for (const text of ['one', 'two']) assertWritten(await stage.run(node.put(putOf(entry, text, { w: 3 }))));

    assertFailed(await stage.run(node.put(putOf(entry, 'three'))), {
      code: 'sibling-limit',
      certainty: 'not-applied',
    });
    const { record } = assertRead(await stage.run(node.get(getOf(entry))));
    assertWritten(await stage.run(node.put(putOf(entry, 'resolved', { context: record?.context, w: 3 }))));
    expect(stage.textsOn('n1', entry)).toEqual(['resolved']);
  });
});
