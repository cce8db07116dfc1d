/** A barrier: the own memory first, then everything that was sent, at every other member. */
import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../../src/core/ids.ts';
import { InFlight } from '../../../src/protocol/in-flight.ts';
import type { OnAnswer } from '../../../src/protocol/peers/pending-requests.ts';
import { settleEverywhere, type BarrierPorts } from '../../../src/protocol/reaping/barrier.ts';
import { ScriptedPeer } from '../peers/scripted-peer.ts';
import { startProcess } from '../process.ts';
import { Stage } from '../stage.ts';

function heldPeers(): { readonly ports: BarrierPorts; readonly asked: Map<NodeId, OnAnswer> } {
  const asked = new Map<NodeId, OnAnswer>();
  const peers = {
    others: ['n2', 'n3'] as NodeId[],
    request: (node: NodeId, _: unknown, onAnswer: OnAnswer) => {
      asked.set(node, onAnswer);
      return () => {};
    },
  };
  const clock = { setTimer: () => ({ cancel: () => {} }) };
  const ports = { peers, clock, pace: { isClosed: false }, inFlight: new InFlight() };
  return { ports: ports as unknown as BarrierPorts, asked };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a barrier', () => {
  it('is sent when all that had begun on this node has ended, for that may still be sent', async () => {
    const { ports, asked } = heldPeers();
    const leave = ports.inFlight.enter();
    const settled = settleEverywhere(ports);
    await nextTurn();
    expect(asked.size).toBe(0);
    leave();
    await nextTurn();
    expect([...asked.keys()]).toEqual(['n2', 'n3']);
    for (const onAnswer of asked.values()) onAnswer({ type: 'reply', reply: { type: 'barrier' } });
    await settled;
  });

  it('is broken if one member does not answer it', async () => {
    const { ports, asked } = heldPeers();
    const settled = settleEverywhere(ports);
    await nextTurn();
    asked.get('n2' as NodeId)?.({ type: 'reply', reply: { type: 'barrier' } });
    asked.get('n3' as NodeId)?.({ type: 'lost', reason: 'it is gone' });
    await expect(settled).rejects.toThrow('it is gone');
  });

  it('cuts off what else is open from the peer that sends it, and what has not proved whose it is', async () => {
    const stage = new Stage(3);
    await startProcess(stage, 'n1');
    const peer = new ScriptedPeer(stage, 'n2');
    const [older, other] = [await peer.connect('n1'), await new ScriptedPeer(stage, 'n3').connect('n1')];
    const unproved = await peer.dial('n1');
    const current = await peer.connect('n1');
    current.request(1, { type: 'barrier' });
    await stage.until(() => current.replies.length > 0);
    await stage.world.runFor(1_000);
    expect(current.replies).toMatchObject([{ id: 1, reply: { type: 'barrier' } }]);
    expect([older, unproved].map(({ closed }) => closed !== undefined)).toEqual([true, true]);
    expect([other, current].map(({ closed }) => closed)).toEqual([undefined, undefined]);
  });

  it('is answered when what was sent before it has ended', async () => {
    const stage = new Stage(3);
    await startProcess(stage, 'n1');
    const entry = stage.entryAt('n1', 'n2', 'n3');
    stage.slowDisk('n1', 'read', 2_000);
    const current = await new ScriptedPeer(stage, 'n2').connect('n1');
    current.request(1, { type: 'read', ...entry, known: undefined });
    current.request(2, { type: 'barrier' });
    await stage.world.runFor(1_000);
    expect(current.replies).toEqual([]);
    await stage.world.runFor(2_000);
    expect(current.replies.map(({ id }) => id)).toEqual([1, 2]);
  });
});
