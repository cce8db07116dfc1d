/** PUT and DELETE at W, coordinated by a home replica: what is brought where, and what is counted. */
import { describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import { contains, covers, EMPTY_CONTEXT, withDot } from '../../../src/core/causality/causal-context.ts';
import { MAX_FRAME_BYTES } from '../../../src/core/limits.ts';
import { assertFailed, assertTexts, assertWritten, deleteOf, getOf, putOf } from '../requests.ts';
import type { SentMessage } from '../sent-message.ts';
import { Stage } from '../stage.ts';

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
