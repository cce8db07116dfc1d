/** Reads that come to a node which is no home replica of their key: forwarded, hedged, and tried elsewhere. */
import { describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import {
  FORWARD_HEDGE_DELAY_MS,
  HEDGE_DELAY_MS,
  HEDGE_LATEST_MS,
  HEDGE_SHARE,
  MAX_SAVED_HEDGES,
} from '../../../src/core/limits.ts';
import { assertFailed, assertRead, assertTexts, assertWritten, getOf, putOf, SLACK_MS } from '../requests.ts';
import { Stage } from '../stage.ts';

/** n1, n2 and n3 hold the entry, n4 does not. */
async function stageWithValue(): Promise<{ stage: Stage; entry: EntryName }> {
  const stage = await new Stage(4).startAll();
  const entry = stage.entryAt('n1', 'n2', 'n3');
  assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
  stage.forget();
  return { stage, entry };
}

function forwardsOf(stage: Stage): string[] {
  return stage.requests('coordinate-get').map(({ from, to }) => `${from}>${to}`);
}

describe('a read on a node that is no home replica', () => {
  it('is forwarded to the first home replica, and the answer is that one’s', async () => {
    const { stage, entry } = await stageWithValue();
    const outcome = await stage.run(stage.node('n4').get(getOf(entry)));
    assertTexts(outcome, ['one']);
    expect(assertRead(outcome).quorum.coordinator).toBe('n1');
    expect(forwardsOf(stage)).toEqual(['n4>n1']);
  });

  it('tells "not found" only as the home replicas do', async () => {
    const { stage } = await stageWithValue();
    const [, unwritten] = stage.entriesAt(2, 'n1', 'n2', 'n3') as [EntryName, EntryName];
    const { record } = assertRead(await stage.run(stage.node('n4').get(getOf(unwritten))));
    expect(record).toBeUndefined();
    await stage.crash('n2', 'n3');
    assertFailed(await stage.run(stage.node('n4').get(getOf(unwritten))), { code: 'quorum-unavailable' });
  });

  it('is given to the next one, too, when the first is late, and the first answer counts', async () => {
    const { stage, entry } = await stageWithValue();
    stage.mute('n1');
    const beganMs = stage.nowMs;
    const outcome = await stage.run(stage.node('n4').get(getOf(entry)));
    const tookMs = stage.nowMs - beganMs;
    expect(assertRead(outcome).quorum.coordinator).toBe('n2');
    expect(tookMs).toBeGreaterThanOrEqual(FORWARD_HEDGE_DELAY_MS);
    // n2 in turn waits a little for n1, which is one of its home replicas.
    expect(tookMs).toBeLessThan(FORWARD_HEDGE_DELAY_MS + 60);
    expect(forwardsOf(stage)).toEqual(['n4>n1', 'n4>n2']);
    expect(stage.traced('hedged-read').filter(({ node }) => node === 'n4')).toEqual([
      { node: 'n4', event: { type: 'hedged-read', peer: 'n2' } },
    ]);
  });

  it('is given to another one at once only for a share of many, and for all of them in the end', async () => {
    const { stage, entry } = await stageWithValue();
    stage.mute('n1');
    const reads = Array.from({ length: 200 }, () => stage.node('n4').get(getOf(entry)));
    await stage.world.runFor(FORWARD_HEDGE_DELAY_MS + SLACK_MS);
    const early = forwardsOf(stage).filter((forward) => forward === 'n4>n2').length;
    expect(early).toBeGreaterThanOrEqual(MAX_SAVED_HEDGES);
    expect(early).toBeLessThanOrEqual(MAX_SAVED_HEDGES + 200 * HEDGE_SHARE);
    await stage.world.runFor(HEDGE_LATEST_MS - FORWARD_HEDGE_DELAY_MS);
    expect(forwardsOf(stage).filter((forward) => forward === 'n4>n2')).toHaveLength(200);
    for (const outcome of await stage.run(Promise.all(reads))) assertTexts(outcome, ['one']);
  });

  it('finds no budget for a hedge when reads that are coordinated here have used it up', async () => {
    const { stage, entry } = await stageWithValue();
    const own = stage.entryAt('n4', 'n1', 'n2');
    stage.mute('n1');
    const reads = Array.from({ length: 200 }, () => stage.node('n4').get(getOf(own)));
    await stage.world.runFor(HEDGE_DELAY_MS + SLACK_MS);
    expect(stage.traced('hedged-read').length).toBeGreaterThanOrEqual(MAX_SAVED_HEDGES);
    const read = stage.node('n4').get(getOf(entry));
    await stage.world.runFor(FORWARD_HEDGE_DELAY_MS + SLACK_MS);
    expect(forwardsOf(stage)).toEqual(['n4>n1']);
    const beganMs = stage.nowMs;
    assertTexts(await stage.run(read), ['one']);
    expect(stage.nowMs - beganMs).toBeLessThan(HEDGE_LATEST_MS - FORWARD_HEDGE_DELAY_MS + 60);
    await stage.run(Promise.all(reads));
  });

  it('takes nothing from the budget where there is nobody else to ask', async () => {
    const { stage, entry } = await stageWithValue();
    stage.mute('n1');
    const alone = Array.from({ length: 2 * MAX_SAVED_HEDGES }, () =>
      stage.node('n4').get(getOf(entry, { n: 1, r: 1 })),
    );
    await stage.world.runFor(2 * SLACK_MS);
    const read = stage.node('n4').get(getOf(entry));
    await stage.world.runFor(FORWARD_HEDGE_DELAY_MS + SLACK_MS);
    expect(forwardsOf(stage).at(-1)).toBe('n4>n2');
    assertTexts(await stage.run(read), ['one']);
    for (const outcome of await stage.run(Promise.all(alone)))
      assertFailed(outcome, { code: 'quorum-timeout' });
  });

  it('adds its share to the budget', async () => {
    const { stage, entry } = await stageWithValue();
    const hedges = (): number => stage.traced('hedged-read').filter(({ node }) => node === 'n4').length;
    const many = () => Array.from({ length: 2 * MAX_SAVED_HEDGES }, () => stage.node('n4').get(getOf(entry)));
    stage.mute('n1');
    const exhausted = many();
    await stage.world.runFor(FORWARD_HEDGE_DELAY_MS + SLACK_MS);
    stage.world.fabric.healAll();
    await stage.run(Promise.all(exhausted));
    for (let read = 0; read < 5 / HEDGE_SHARE; read += 1) await stage.run(stage.node('n4').get(getOf(entry)));
    stage.forget();
    stage.mute('n1');
    const again = many();
    await stage.world.runFor(FORWARD_HEDGE_DELAY_MS + SLACK_MS);
    expect(hedges()).toBeGreaterThanOrEqual(5);
    expect(hedges()).toBeLessThan(MAX_SAVED_HEDGES);
    await stage.run(Promise.all(again));
  });

  it('is not hedged while the first is in time', async () => {
    const { stage, entry } = await stageWithValue();
    assertRead(await stage.run(stage.node('n4').get(getOf(entry))));
    await stage.world.runFor(2 * FORWARD_HEDGE_DELAY_MS);
    expect(forwardsOf(stage)).toEqual(['n4>n1']);
  });

  it('is tried elsewhere at once when the connection breaks', async () => {
    const { stage, entry } = await stageWithValue();
    stage.slowDisk('n1', 'read', 10_000);
    stage.slowDisk('n2', 'read', 20);
    stage.slowDisk('n3', 'read', 20);
    const beganMs = stage.nowMs;
    const outcome = stage.node('n4').get(getOf(entry, { r: 3 }));
    await stage.world.runFor(5);
    stage.machine('n1').crash({ power: false, reason: 'killed' });
    await stage.until(() => stage.member('n4', 'n1').state === 'down');
    await stage.until(() => forwardsOf(stage).length === 2);
    expect(stage.nowMs - beganMs).toBeLessThan(FORWARD_HEDGE_DELAY_MS);
    expect(forwardsOf(stage)).toEqual(['n4>n1', 'n4>n2']);
    // R = 3 cannot be had without n1.
    assertFailed(await stage.run(outcome), { code: 'quorum-unavailable', required: 3 });
  });

  it('is tried elsewhere when a home replica is draining', async () => {
    const { stage, entry } = await stageWithValue();
    stage.node('n1').drain();
    const outcome = await stage.run(stage.node('n4').get(getOf(entry)));
    expect(assertRead(outcome).quorum.coordinator).toBe('n2');
  });

  it('is tried elsewhere when a home replica cannot reach the others', async () => {
    const { stage, entry } = await stageWithValue();
    // n1 is cut off from the other home replicas, but not from n4.
    for (const node of ['n2', 'n3']) {
      stage.cut('n1', node);
      stage.cut(node, 'n1');
      stage.world.fabric.reset(stage.machine('n1').id, stage.machine(node).id);
    }
    await stage.until(() => ['n2', 'n3'].every((node) => stage.member('n1', node).state === 'down'));
    const outcome = await stage.run(stage.node('n4').get(getOf(entry, { timeoutMs: 5_000 })));
    expect(assertRead(outcome).quorum.coordinator).toBe('n2');
    assertTexts(outcome, ['one']);
  });

  it('fails as the first of them failed, if they all do', async () => {
    const { stage, entry } = await stageWithValue();
    stage.damage('n2', entry);
    stage.damage('n3', entry);
    const failure = assertFailed(await stage.run(stage.node('n4').get(getOf(entry))), {
      code: 'quorum-unavailable',
      required: 2,
    });
    expect(failure.replicas?.map(({ node }) => node)).toEqual(['n1', 'n2', 'n3']);
    expect(forwardsOf(stage)).toEqual(['n4>n1', 'n4>n2', 'n4>n3']);
  });

  it('times out at its deadline if all are silent', async () => {
    const { stage, entry } = await stageWithValue();
    for (const node of ['n1', 'n2', 'n3']) stage.mute(node);
    const beganMs = stage.nowMs;
    const failure = assertFailed(await stage.run(stage.node('n4').get(getOf(entry, { timeoutMs: 800 }))), {
      code: 'quorum-timeout',
      certainty: 'not-applied',
    });
    expect(stage.nowMs - beganMs).toBeLessThan(800 + SLACK_MS);
    expect(failure.replicas?.map(({ node, result }) => `${node} ${result}`)).toEqual([
      'n1 no-answer',
      'n2 no-answer',
      'n3 no-answer',
    ]);
  });

  it('waits for a connection that is being made', async () => {
    const { stage, entry } = await stageWithValue();
    await stage.crash('n1', 'n2', 'n3');
    await stage.world.runFor(5_000);
    for (const node of ['n1', 'n2', 'n3']) stage.machine(node).start();
    expect(stage.member('n4', 'n1').state).toBe('down');
    assertTexts(await stage.run(stage.node('n4').get(getOf(entry))), ['one']);
  });
});
