/** A GET that has to be as new as what its client has seen already. */
import { describe, expect, it } from 'vitest';
import type { CausalContext } from '../../../src/core/causality/causal-context.ts';
import { dot, recordOf } from '../../core/causality/sample-records.ts';
import { assertFailed, assertRead, assertTexts, assertWritten, getOf, putOf } from '../requests.ts';
import { Stage } from '../stage.ts';

/** n1 coordinates; n2 and n3 are the other home replicas; only n3 holds the value. */
async function stageWithNewestLast(): Promise<{
  stage: Stage;
  entry: ReturnType<Stage['entryAt']>;
  seen: CausalContext;
}> {
  const stage = await new Stage(4).startAll();
  const entry = stage.entryAt('n1', 'n2', 'n3');
  const newest = recordOf(dot('a', 2), 'new', { seen: recordOf(dot('a', 1), 'old').context });
  for (const node of ['n1', 'n2']) stage.placeRecord(node, entry, recordOf(dot('a', 1), 'old'));
  stage.placeRecord('n3', entry, newest);
  return { stage, entry, seen: newest.context };
}

describe('a session read', () => {
  it('asks further replicas until what they hold is as new as its context', async () => {
    const { stage, entry, seen } = await stageWithNewestLast();
    assertTexts(await stage.run(stage.node('n1').get(getOf(entry, { r: 1 }))), ['old']);
    const newEnough = await stage.run(stage.node('n1').get(getOf(entry, { r: 1, atLeast: seen })));
    assertTexts(newEnough, ['new']);
    expect(assertRead(newEnough).quorum.acks).toBeGreaterThan(1);
  });

  it('asks nobody else where the own replica is new enough', async () => {
    const { stage, entry, seen } = await stageWithNewestLast();
    stage.placeRecord('n1', entry, recordOf(dot('a', 2), 'new', { seen }));
    stage.forget();
    assertTexts(await stage.run(stage.node('n1').get(getOf(entry, { r: 1, atLeast: seen }))), ['new']);
    expect(stage.requests('read')).toEqual([]);
  });

  it('takes the join of several replicas for new enough', async () => {
    const stage = await new Stage(4).startAll();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    const [left, right] = [recordOf(dot('a', 1), 'left'), recordOf(dot('b', 1), 'right')];
    stage.placeRecord('n1', entry, left);
    stage.placeRecord('n2', entry, right);
    const both = { vector: new Map([...left.context.vector, ...right.context.vector]), cloud: new Map() };
    const outcome = await stage.run(stage.node('n1').get(getOf(entry, { r: 1, atLeast: both })));
    assertTexts(outcome, ['left', 'right']);
  });

  it('is `session-too-new` while a replica that may be new enough does not answer', async () => {
    const { stage, entry, seen } = await stageWithNewestLast();
    await stage.crash('n3');
    const outcome = await stage.run(stage.node('n1').get(getOf(entry, { r: 1, atLeast: seen })));
    assertFailed(outcome, { code: 'session-too-new', certainty: 'not-applied', required: 1, received: 2 });
  });

  it('is `session-too-new` at its deadline if that replica hangs', async () => {
    const { stage, entry, seen } = await stageWithNewestLast();
    stage.mute('n3');
    const startMs = stage.nowMs;
    const outcome = await stage.run(
      stage.node('n1').get(getOf(entry, { r: 1, atLeast: seen, timeoutMs: 400 })),
    );
    assertFailed(outcome, { code: 'session-too-new' });
    expect(stage.nowMs - startMs).toBeLessThan(450);
  });

  it('is what all home replicas hold if none of them is as new', async () => {
    const { stage, entry, seen } = await stageWithNewestLast();
    stage.placeRecord('n3', entry, recordOf(dot('a', 1), 'old'));
    const outcome = await stage.run(stage.node('n1').get(getOf(entry, { r: 1, atLeast: seen })));
    assertTexts(outcome, ['old']);
    expect(assertRead(outcome).quorum.acks).toBe(3);
  });

  it('finds a record that goes home after its owner was asked, and before its keeper was', async () => {
    const stage = await new Stage(4).startAll();
    const entry = stage.entryAt('n1', 'n2', 'n3', 'n4');
    const mine = recordOf(dot('a', 1), 'mine');
    stage.placeRecord('n4', entry, mine);
    // Once n3 has said that it has nothing, n4 has handed its record over.
    stage.lose = ({ from, message }) => {
      const isAnswer = from === 'n3' && message.type === 'reply' && message.reply.type === 'read';
      if (isAnswer && stage.recordOn('n3', entry) === undefined) {
        stage.placeRecord('n3', entry, mine);
        stage.disk('n4').takeEffect([{ type: 'delete', key: stage.storageKey(entry) }], true);
      }
      return false;
    };
    const request = getOf(entry, { r: 1, sloppy: true, atLeast: mine.context });
    assertTexts(await stage.run(stage.node('n1').get(request)), ['mine']);
  });

  it('keeps its context when it is forwarded', async () => {
    const { stage, entry, seen } = await stageWithNewestLast();
    assertTexts(await stage.run(stage.node('n4').get(getOf(entry, { r: 1, atLeast: seen }))), ['new']);
  });

  it('reads its own write at R = 1 through every node, though one replica missed it', async () => {
    const stage = await new Stage(4).startAll();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    stage.cut('n1', 'n3');
    stage.cut('n3', 'n1');
    const { context } = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'mine'))));
    for (const node of ['n1', 'n2', 'n3', 'n4']) {
      assertTexts(await stage.run(stage.node(node).get(getOf(entry, { r: 1, atLeast: context }))), ['mine']);
    }
  });
});
