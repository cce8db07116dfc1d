/** Writes that come to a node which is no home replica of their key: forwarded, and only once if they may have arrived. */
import { describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import type { PeerReply } from '../../../src/core/message.ts';
import { ScriptedPeer } from '../peers/scripted-peer.ts';
import { assertFailed, assertTexts, assertWritten, deleteOf, getOf, putOf, SLACK_MS } from '../requests.ts';
import { Stage } from '../stage.ts';

/** n1, n2 and n3 are the home replicas of the entry, n4 is none. */
async function stageOfFour(): Promise<{ stage: Stage; entry: EntryName }> {
  const stage = await new Stage(4).startAll();
  return { stage, entry: stage.entryAt('n1', 'n2', 'n3') };
}

function forwardsOf(stage: Stage): string[] {
  return [...stage.requests('coordinate-put'), ...stage.requests('coordinate-delete')].map(
    ({ from, to }) => `${from}>${to}`,
  );
}

describe('a write on a node that is no home replica', () => {
  it('is forwarded to the first home replica, which coordinates it; this node stores and sends nothing else', async () => {
    const { stage, entry } = await stageOfFour();
    const { quorum, context } = assertWritten(await stage.run(stage.node('n4').put(putOf(entry, 'one'))));
    expect(quorum.coordinator).toBe('n1');
    const gone = assertWritten(await stage.run(stage.node('n4').delete(deleteOf(entry, { context }))));
    expect(gone.quorum.coordinator).toBe('n1');

    expect(forwardsOf(stage)).toEqual(['n4>n1', 'n4>n1']);
    expect(stage.written.filter(({ node }) => node === 'n4')).toEqual([]);
    expect(stage.requests('store', 'n4')).toEqual([]);
  });

  it('goes to the next home replica if the first is known to be down', async () => {
    const { stage, entry } = await stageOfFour();
    await stage.crash('n1');
    const { quorum } = assertWritten(await stage.run(stage.node('n4').put(putOf(entry, 'one'))));
    expect(quorum.coordinator).toBe('n2');
    expect(forwardsOf(stage)).toEqual(['n4>n2']);
  });

  it('goes to the next one if the first is draining', async () => {
    const { stage, entry } = await stageOfFour();
    stage.node('n1').drain();
    const { quorum } = assertWritten(await stage.run(stage.node('n4').put(putOf(entry, 'one'))));
    expect(quorum.coordinator).toBe('n2');
    expect(forwardsOf(stage)).toEqual(['n4>n1', 'n4>n2']);
  });

  it('goes to the next one if the first cannot tell what it holds', async () => {
    const { stage, entry } = await stageOfFour();
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
    stage.damage('n1', entry);
    stage.forget();
    const { quorum } = assertWritten(await stage.run(stage.node('n4').put(putOf(entry, 'two'))));
    expect(quorum.coordinator).toBe('n2');
    expect(forwardsOf(stage)).toEqual(['n4>n1', 'n4>n2']);
  });

  it('is surely not applied if none of them takes it', async () => {
    const { stage, entry } = await stageOfFour();
    for (const node of ['n1', 'n2', 'n3']) stage.node(node).drain();
    const failure = assertFailed(await stage.run(stage.node('n4').put(putOf(entry, 'one'))), {
      code: 'quorum-unavailable',
      certainty: 'not-applied',
    });
    expect(failure.replicas?.map(({ node, result }) => `${node} ${result}`)).toEqual([
      'n1 refused',
      'n2 refused',
      'n3 refused',
    ]);
    expect(stage.written).toEqual([]);
  });

  it('is surely not applied if none of them can be reached', async () => {
    const { stage, entry } = await stageOfFour();
    await stage.crash('n1', 'n2', 'n3');
    assertFailed(await stage.run(stage.node('n4').put(putOf(entry, 'one'))), {
      code: 'quorum-unavailable',
      certainty: 'not-applied',
    });
  });

  it('is surely not applied if no connection stood until the deadline', async () => {
    const { stage, entry } = await stageOfFour();
    for (const node of ['n1', 'n2', 'n3']) {
      stage.cut('n4', node);
      stage.world.fabric.reset(stage.machine('n4').id, stage.machine(node).id);
    }
    await stage.until(() => ['n1', 'n2', 'n3'].every((node) => stage.member('n4', node).state === 'down'));
    await stage.world.runFor(2_000);
    stage.forget();
    const beganMs = stage.nowMs;

    assertFailed(await stage.run(stage.node('n4').put(putOf(entry, 'one', { timeoutMs: 500 }))), {
      code: 'quorum-unavailable',
      certainty: 'not-applied',
      received: 0,
    });

    expect(stage.nowMs - beganMs).toBeLessThan(500 + SLACK_MS);
    stage.world.fabric.healAll();
    await stage.world.runFor(10_000);
    expect(forwardsOf(stage)).toEqual([]);
    expect(stage.written).toEqual([]);
  });

  it('passes a failure on as the home replica answered it, and asks no other', async () => {
    const { stage, entry } = await stageOfFour();
    stage.lose = ({ message }) => message.type === 'request' && message.request.type === 'store';
    const failure = assertFailed(await stage.run(stage.node('n4').put(putOf(entry, 'one'))), {
      code: 'quorum-timeout',
      certainty: 'unknown',
      required: 2,
      received: 1,
    });
    expect(failure.replicas?.map(({ node }) => node)).toEqual(['n1', 'n2', 'n3']);
    expect(forwardsOf(stage)).toEqual(['n4>n1']);
  });
});

describe('a forwarded write that may have arrived', () => {
  it('is unknown when the connection breaks, and not tried elsewhere', async () => {
    const { stage, entry } = await stageOfFour();
    stage.slowDisk('n1', 'sync', 10_000);
    stage.slowDisk('n2', 'sync', 10_000);
    stage.slowDisk('n3', 'sync', 10_000);
    const outcome = stage.node('n4').put(putOf(entry, 'one', { timeoutMs: 30_000 }));
    await stage.world.runFor(5);
    stage.machine('n1').crash({ power: false, reason: 'killed' });
    stage.machine('n1').start();

    const failure = assertFailed(await stage.run(outcome), { code: 'quorum-timeout', certainty: 'unknown' });

    expect(failure.replicas).toMatchObject([{ node: 'n1', result: 'connection-lost' }]);
    expect(forwardsOf(stage)).toEqual(['n4>n1']);
  });

  it('is unknown at the deadline, and not tried elsewhere', async () => {
    const { stage, entry } = await stageOfFour();
    stage.mute('n1');
    const beganMs = stage.nowMs;
    const failure = assertFailed(
      await stage.run(stage.node('n4').put(putOf(entry, 'one', { timeoutMs: 600 }))),
      {
        code: 'quorum-timeout',
        certainty: 'unknown',
      },
    );
    expect(stage.nowMs - beganMs).toBeLessThan(600 + SLACK_MS);
    expect(failure.replicas).toMatchObject([{ node: 'n1', result: 'no-answer' }]);
    expect(forwardsOf(stage)).toEqual(['n4>n1']);
    // It was applied, indeed.
    expect(stage.textsOn('n1', entry)).toEqual(['one']);
  });

  it('is never hedged, however late its answer is', async () => {
    const { stage, entry } = await stageOfFour();
    for (const node of ['n1', 'n2', 'n3']) stage.slowDisk(node, 'sync', 700);
    const { quorum } = assertWritten(await stage.run(stage.node('n4').put(putOf(entry, 'one'))));
    expect(quorum.coordinator).toBe('n1');
    expect(forwardsOf(stage)).toEqual(['n4>n1']);
  });

  it('is found by a retry with its write id', async () => {
    const { stage, entry } = await stageOfFour();
    stage.mute('n1');
    const request = putOf(entry, 'one', { identity: { id: 'a', firstAttempt: true } });
    assertFailed(await stage.run(stage.node('n4').put(request)), { certainty: 'unknown' });
    stage.world.fabric.healAll();
    const retry = { ...request, identity: { id: 'a', firstAttempt: false } };
    assertWritten(await stage.run(stage.node('n3').put({ ...retry, w: 3 })));
    assertTexts(await stage.run(stage.node('n2').get(getOf(entry, { r: 3 }))), ['one']);
  });
});

describe('the time limit of a forwarded operation', () => {
  it('is shorter by a margin for the answer to come back', async () => {
    const { stage, entry } = await stageOfFour();
    for (const [timeoutMs, margin] of [
      [5_000, 50],
      [100, 10],
    ] as const) {
      stage.forget();
      assertWritten(await stage.run(stage.node('n4').put(putOf(entry, 'one', { timeoutMs }))));
      const [forwarded] = stage.requests('coordinate-put');
      expect(forwarded?.request.request.timeoutMs).toBeCloseTo(timeoutMs - margin, 3);
    }
  });

  it('is what is left of it, when it is given to the next one', async () => {
    const { stage, entry } = await stageOfFour();
    // n1 says only after 400 ms that it cannot read its record.
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
    stage.damage('n1', entry);
    stage.slowDisk('n1', 'read', 400);
    stage.forget();

    assertWritten(await stage.run(stage.node('n4').put(putOf(entry, 'two', { timeoutMs: 1_000 }))));

    const limits = stage.requests('coordinate-put').map(({ request }) => request.request.timeoutMs);
    expect(limits[0]).toBeCloseTo(950, 3);
    expect(limits[1]).toBeLessThan(600 - 50);
    expect(limits[1]).toBeGreaterThan(500);
  });

  it('is what is left of it, too, where a home replica cannot coordinate', async () => {
    const { stage, entry } = await stageOfFour();
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
    stage.damage('n1', entry);
    stage.slowDisk('n1', 'read', 400);
    stage.forget();
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'two', { timeoutMs: 1_000 }))));
    const [forwarded] = stage.requests('coordinate-put');
    expect(forwarded?.request.request.timeoutMs).toBeLessThan(600);
  });
});

describe('what a peer forwards', () => {
  it('is refused by a node that is no home replica, and never forwarded again', async () => {
    const stage = new Stage(4);
    for (const node of ['n1', 'n2', 'n3']) stage.machine(node).start();
    await stage.world.runFor(100);
    const peer = new ScriptedPeer(stage, 'n4');
    const connection = await peer.connect('n1');
    const elsewhere = stage.entryAt('n2', 'n3', 'n4');
    stage.forget();

    connection.request(1, { type: 'coordinate-put', request: putOf(elsewhere, 'one') });
    connection.request(2, { type: 'coordinate-get', request: getOf(elsewhere) });
    connection.request(3, { type: 'coordinate-delete', request: deleteOf(elsewhere) });
    await stage.until(() => connection.replies.length === 3);

    const refused: PeerReply = { type: 'request-refused', reason: 'n1 is no home replica of this key' };
    expect(connection.replies.map(({ reply }) => reply)).toEqual([refused, refused, refused]);
    expect(stage.requests('coordinate-put', 'n1')).toEqual([]);
    expect(stage.written).toEqual([]);
  });

  it('is refused by a home replica that cannot read its own, and not forwarded again', async () => {
    const { stage, entry } = await stageOfFour();
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
    for (const node of ['n1', 'n2', 'n3']) stage.damage(node, entry);
    stage.forget();
    assertFailed(await stage.run(stage.node('n4').put(putOf(entry, 'two'))), { certainty: 'not-applied' });
    expect(forwardsOf(stage)).toEqual(['n4>n1', 'n4>n2', 'n4>n3']);
  });
});
