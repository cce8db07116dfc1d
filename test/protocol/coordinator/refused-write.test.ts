/** Writes that a coordinator refuses before anything is minted: surely not applied, now or later. */
import { describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import { DEFAULT_LIMITS, MAX_COMMIT_QUEUE_BYTES } from '../../../src/core/limits.ts';
import { HedgePolicy } from '../../../src/core/quorum/hedge-policy.ts';
import { GetCoordinator } from '../../../src/protocol/coordinator/get-coordinator.ts';
import { WriteCoordinator, type WritePorts } from '../../../src/protocol/coordinator/write-coordinator.ts';
import { InFlight } from '../../../src/protocol/in-flight.ts';
import { simConfig } from '../../sim/world/quiet-world.ts';
import { assertFailed, assertRead, assertTexts, assertWritten, deleteOf, getOf, putOf } from '../requests.ts';
import { Stage } from '../stage.ts';

async function stageOfThree(): Promise<{ stage: Stage; entry: EntryName }> {
  const stage = await new Stage(3).startAll();
  return { stage, entry: stage.entryAt('n1', 'n2', 'n3') };
}

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
    const ports = {
      replicas: unused,
      clock,
      tracer: { trace: () => {} },
      inFlight: new InFlight(),
    };
    const coordinator = (commitQueueBytes: number): WriteCoordinator =>
      new WriteCoordinator({
        ...ports,
        config,
        local: unused,
        reads: new GetCoordinator({
          ...ports,
          config,
          hedging: new HedgePolicy(),
          linearizableRead: unused,
          random: unused,
          askAllShare: 0,
        }),
        commitQueueBytes: () => commitQueueBytes,
        isLowOnSpace: () => false,
      } satisfies WritePorts);
    const request = putOf({ bucket: 'things', key: 'one' }, 'one');
    const outcome = await coordinator(MAX_COMMIT_QUEUE_BYTES + 1).put(request, { homes: [], fallbacks: [] });
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
