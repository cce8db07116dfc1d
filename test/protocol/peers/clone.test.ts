/** Two processes that run on one data directory, or a copy of it: the second is refused while the first one answers. */
import { describe, expect, it } from 'vitest';
import { CLONE_DOUBT_MS } from '../../../src/core/limits.ts';
import { assertWritten, putOf } from '../requests.ts';
import { Stage } from '../stage.ts';
import { ScriptedPeer } from './scripted-peer.ts';

async function stageWithClone(): Promise<{ stage: Stage; clone: ScriptedPeer }> {
  const stage = await new Stage(3).startAll();
  await stage.world.runFor(1_000);
  const storeId = stage.member('n1', 'n3').storeId ?? '';
  // It says that it is n3, with the store of n3, but n3 lives and is another process.
  const clone = new ScriptedPeer(stage, 'n3', { hello: { storeId } });
  stage.forget();
  return { stage, clone };
}

describe('a second process of one node', () => {
  it('is refused with the reason, as often as it comes, and changes nothing', async () => {
    const { stage, clone } = await stageWithClone();
    const before = stage.member('n1', 'n3');
    for (const time of [1, 2, 3]) {
      const connection = await clone.connect('n1');
      await stage.until(() => connection.closed !== undefined);
      expect(connection.received).toEqual([
        { type: 'refused', reason: expect.stringMatching(/another process is "n3", .* Stop one of them/) },
      ]);
      expect(stage.traced('clone-refused')).toHaveLength(time);
      expect(stage.traced('hello-refused')).toHaveLength(time);
      await stage.world.runFor(3_000);
    }
    expect(stage.traced('clone-refused')[0]).toMatchObject({
      node: 'n1',
      event: { peer: 'n3', storeId: before.storeId },
    });
    expect(stage.member('n1', 'n3')).toEqual(before);
    expect(stage.traced('peer-down')).toEqual([]);
    expect(stage.traced('store-lost-something')).toEqual([]);
    const entry = stage.entryAt('n1', 'n2', 'n3');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
  });

  it('is refused under the name of another node, too', async () => {
    const { stage } = await stageWithClone();
    const storeId = stage.member('n1', 'n3').storeId ?? '';
    await stage.crash('n2');
    const clone = new ScriptedPeer(stage, 'n2', { hello: { storeId } });
    const connection = await clone.connect('n1');
    await stage.until(() => connection.closed !== undefined);
    expect(connection.received).toEqual([
      { type: 'refused', reason: expect.stringMatching(/copy of the data directory of "n3"/) },
    ]);
    expect(stage.traced('clone-refused')).toMatchObject([{ node: 'n1', event: { peer: 'n2' } }]);
  });

  it('is not what a process was that has died, and whose hello comes late, just before the end of its connection', async () => {
    const { stage, clone } = await stageWithClone();
    const late = await clone.dial('n1');
    late.sayHello();
    // Long enough for the one that lives to say so.
    await stage.world.runFor(CLONE_DOUBT_MS / 2);
    expect(late.received).toEqual([]);
    late.connection?.close('it has died');
    await stage.world.runFor(2_000);
    expect(stage.traced('hello-refused')).toEqual([]);
    expect(stage.traced('clone-refused')).toEqual([]);
  });

  it('takes its place when the first one does not answer any more', async () => {
    const { stage, clone } = await stageWithClone();
    // The machine is gone, and its connections are half open.
    stage.machine('n3').crash({ power: true, reason: 'power' });
    const beganMs = stage.nowMs;
    const connection = await clone.connect('n1');
    connection.request(1, { type: 'ping' });
    await stage.until(() => connection.replies.length === 1);
    expect(stage.nowMs - beganMs).toBeLessThan(2_000);
    expect(stage.traced('clone-refused')).toEqual([]);
  });

  it('is not remembered in the place of the first one that has come back while it was saying hello', async () => {
    const { stage, clone } = await stageWithClone();
    const { storeId = '' } = stage.member('n1', 'n3');
    await stage.crash('n3');
    // It has lost something, and goes on as the successor of that store.
    clone.script = { hello: { lost: [storeId] } };
    const connection = await clone.dial('n1');
    connection.sayHello();
    await stage.until(() => connection.received.length > 0);
    await stage.start('n3');
    await stage.until(() => stage.member('n1', 'n3').state === 'up');
    connection.proveSecret();
    await stage.until(() => connection.closed !== undefined);
    expect(stage.traced('peer-store-replaced')).toEqual([]);
    // Which of the two it is that lives has not been asked yet.
    expect(stage.traced('clone-refused')).toEqual([]);
    await clone.connect('n1');
    await stage.until(() => stage.traced('clone-refused').length > 0);
  });

  it('is not what a node is that was started again, with or without a word from its first process', async () => {
    const stage = await new Stage(3).startAll();
    for (const power of [false, true]) {
      stage.machine('n3').crash({ power, reason: 'the test' });
      stage.machine('n3').start();
      await stage.world.runFor(5_000);
      for (const node of ['n1', 'n2']) expect(stage.member(node, 'n3').state).toBe('up');
      for (const node of ['n1', 'n2']) expect(stage.member('n3', node).state).toBe('up');
    }
    expect(stage.traced('hello-refused')).toEqual([]);
    expect(stage.traced('clone-refused')).toEqual([]);
  });
});
