/**
 * Operations that a node forwards, and that lie in a socket, or before a paused process, until others have long been told what
 * became of them.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import { MAX_WRITE_IDS } from '../../../src/core/limits.ts';
import {
  assertFailed,
  assertRead,
  assertTexts,
  assertWritten,
  casOf,
  getOf,
  linearizableOf,
  putOf,
  settlementOf,
} from '../requests.ts';
import { Stage } from '../stage.ts';

let stage: Stage;
let entry: EntryName;

/** Four nodes, and an entry of the first three. */
async function begin(): Promise<void> {
  stage = await new Stage(4, { partitions: 1_024 }).startAll();
  entry = stage.entryAt('n1', 'n2', 'n3');
}

afterEach(() => {
  expect(stage.bugs).toEqual([]);
});

async function create(text: string): Promise<string> {
  const request = casOf(entry, text, { ifMatch: 'absent', id: `creates ${text}` });
  return assertWritten(await stage.run(stage.node('n2').conditional(request))).etag as string;
}

/** As many writes as make the record forget all ids before them; the last one deletes the key. */
async function forgetIds(first: string): Promise<void> {
  let etag = first;
  for (let count = 1; count <= MAX_WRITE_IDS; count += 1) {
    const text = count === MAX_WRITE_IDS ? undefined : `write ${count}`;
    const request = casOf(entry, text, { ifMatch: etag, id: `overwrites ${count}`, timeoutMs: 5_000 });
    etag = assertWritten(await stage.run(stage.node('n2').conditional(request))).etag as string;
  }
}

async function expectNothingThere(): Promise<void> {
  const { record } = assertRead(await stage.run(stage.node('n3').conditional(linearizableOf(entry))));
  expect(record?.siblings).toMatchObject([{ content: { type: 'tombstone' } }]);
}

/** What was refused at the other end, and why. */
function refusals(): readonly string[] {
  return stage.sent.flatMap(({ message }) =>
    message.type === 'reply' && message.reply.type === 'request-refused' ? [message.reply.reason] : [],
  );
}

describe('a conditional write that is held up on its way to its coordinator', () => {
  it("is not begun once another one has been asked, though that one's answer is forgotten", async () => {
    await begin();
    const etag = await create('there');
    stage.cut('n4', 'n1');
    const held = casOf(entry, 'held', { ifMatch: 'absent', id: 'held', timeoutMs: 30_000 });
    // Its answer comes from n2, which was given it as a retry.
    expect(await stage.run(stage.node('n4').conditional(held))).toMatchObject({
      type: 'precondition-failed',
      quorum: { coordinator: 'n2' },
    });
    await forgetIds(etag);
    stage.forget();
    stage.heal('n4', 'n1');
    await stage.until(() => refusals().length === 1);
    expect(refusals()[0]).toMatch(/on its way for up to \d{4} ms/);
    await expectNothingThere();
  });

  it('is not begun by a node that was paused, either', async () => {
    await begin();
    const etag = await create('there');
    const { life } = stage.machine('n1');
    if (life === undefined) throw new Error('n1 does not run');
    life.pausedUntilUs = stage.world.loop.nowUs + 6_000_000;
    const held = casOf(entry, 'held', { ifMatch: 'absent', id: 'held', timeoutMs: 30_000 });
    expect(await stage.run(stage.node('n4').conditional(held))).toMatchObject({
      type: 'precondition-failed',
    });
    await forgetIds(etag);
    expect(stage.nowMs).toBeLessThan(life.pausedUntilUs / 1_000);
    stage.forget();
    await stage.until(() => refusals().length > 0);
    await stage.world.runFor(1_000);
    await expectNothingThere();
  });

  it.each([
    ['right', 0],
    ['wrong by days', 3 * 86_400_000],
  ])(
    "counts as taken when it left, if its client has sent it again meanwhile; its coordinator's clock is %s",
    async (_, offsetMs) => {
      await begin();
      stage.machine('n1').clockFaults.wallOffsetMs = offsetMs;
      const etag = await create('there');
      stage.cut('n4', 'n1');
      const held = casOf(entry, 'held', { ifMatch: 'absent', id: 'held', timeoutMs: 30_000 });
      const outcome = stage.node('n4').conditional(held);
      await stage.until(() => stage.nowMs > 20);
      const beganMs = stage.nowMs;
      const again = casOf(entry, 'held', { ifMatch: 'absent', id: 'held', firstAttempt: false });
      expect(await stage.run(stage.node('n2').conditional(again))).toMatchObject({
        type: 'precondition-failed',
      });
      await forgetIds(etag);
      stage.heal('n4', 'n1');
      expect(stage.nowMs - beganMs).toBeLessThan(900);
      assertFailed(await stage.run(outcome), { code: 'cas-contention', certainty: 'not-applied' });
      await expectNothingThere();
    },
  );

  it('is not written once it is settled elsewhere, though the clock of its coordinator is ahead of all that came since', async () => {
    await begin();
    const etag = await create('there');
    stage.machine('n1').clockFaults.wallOffsetMs = 30_000;
    for (const other of ['n2', 'n3', 'n4']) stage.cut('n1', other);
    const held = stage
      .node('n1')
      .conditional(casOf(entry, 'held', { ifMatch: 'absent', id: 'held', timeoutMs: 30_000 }));
    await stage.world.runFor(100);
    const settled = await stage.run(stage.node('n2').conditional(settlementOf(entry, 'held')));
    expect(settled).toMatchObject({ type: 'settled', state: 'never-applied' });
    await forgetIds(etag);
    for (const other of ['n2', 'n3', 'n4']) stage.heal('n1', other);
    assertFailed(await stage.run(held), { certainty: 'not-applied' });
    await expectNothingThere();
  });

  it('takes place on a key with many writes, though the clock of its coordinator is an hour behind', async () => {
    await begin();
    await forgetIds(await create('there'));
    stage.machine('n1').clockFaults.wallOffsetMs = -3_600_000;
    const outcome = stage.node('n4').conditional(casOf(entry, 'late', { ifMatch: 'absent' }));
    expect(await stage.run(outcome)).toMatchObject({ type: 'written', quorum: { coordinator: 'n1' } });
  });

  it('takes place if it comes soon enough', async () => {
    await begin();
    stage.cut('n4', 'n1');
    const outcome = stage.node('n4').conditional(casOf(entry, 'held', { ifMatch: 'absent' }));
    await stage.world.runFor(400);
    stage.heal('n4', 'n1');
    expect(await stage.run(outcome)).toMatchObject({ type: 'written', quorum: { coordinator: 'n1' } });
  });
});

describe('a plain write that is held up on its way to its coordinator', () => {
  it('is not begun once its time limit is over', async () => {
    await begin();
    stage.cut('n4', 'n1');
    const outcome = stage.node('n4').put(putOf(entry, 'held', { timeoutMs: 600 }));
    assertFailed(await stage.run(outcome), { certainty: 'unknown' });
    stage.forget();
    stage.heal('n4', 'n1');
    await stage.until(() => refusals().length === 1);
    await stage.world.runFor(100);
    expect(stage.textsOn('n1', entry)).toEqual([]);
  });

  it('is looked for like a retry, if somebody may have asked what became of it', async () => {
    await begin();
    const etag = await create('there');
    stage.cut('n4', 'n1');
    const identity = { id: 'held', firstAttempt: true };
    const outcome = stage.node('n4').put(putOf(entry, 'held', { timeoutMs: 30_000, identity }));
    await stage.world.runFor(1_100);
    expect(await stage.run(stage.node('n2').conditional(settlementOf(entry, 'held')))).toMatchObject({
      type: 'settled',
      state: 'never-applied',
    });
    await forgetIds(etag);
    stage.heal('n4', 'n1');
    assertFailed(await stage.run(outcome), { code: 'write-id-expired', certainty: 'unknown' });
    await expectNothingThere();
  });

  it('has what is left of its time limit', async () => {
    await begin();
    stage.cut('n4', 'n1');
    for (const node of ['n2', 'n3']) stage.slowDisk(node, 'sync', 10_000);
    const beganMs = stage.nowMs;
    const outcome = stage.node('n4').put(putOf(entry, 'held', { timeoutMs: 900 }));
    await stage.world.runFor(400);
    stage.heal('n4', 'n1');
    assertFailed(await stage.run(outcome), { code: 'quorum-timeout', certainty: 'unknown' });
    // That n1 says so itself, before n4 gives up.
    expect(stage.nowMs - beganMs).toBeLessThan(900);
    assertTexts(await stage.run(stage.node('n1').get(getOf(entry, { n: 1, r: 1 }))), ['held']);
  });
});
