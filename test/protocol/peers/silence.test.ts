/** A peer that owes an answer: kept while it shows signs of life, however long it works, and given up when it is silent. */
import { describe, expect, it } from 'vitest';
import { PEER_SILENCE_MS } from '../../../src/core/limits.ts';
import { assertFailed, assertRead, getOf } from '../requests.ts';
import { Stage } from '../stage.ts';
import { type ScriptedConnection, ScriptedPeer } from './scripted-peer.ts';

/** n1 is real and connected to n2, which is scripted. */
async function connectedStage(): Promise<{
  stage: Stage;
  peer: ScriptedPeer;
  connection: ScriptedConnection;
}> {
  const stage = new Stage(2);
  const peer = await new ScriptedPeer(stage, 'n2').listen();
  stage.machine('n1').start();
  const connection = await peer.accepted();
  await stage.until(() => stage.member('n1', 'n2').state === 'up');
  return { stage, peer, connection };
}

function pingsOf({ received }: ScriptedConnection): number {
  return received.filter((message) => message.type === 'request' && message.request.type === 'ping').length;
}

describe('a peer that owes an answer', () => {
  it('is kept while it answers pings, and its late answer counts', async () => {
    const { stage, connection } = await connectedStage();
    let asked: number | undefined;
    connection.onRequest = (id, request) => {
      if (request.type === 'ping') connection.reply(id, { type: 'ping' });
      else asked = id;
    };
    const read = stage.node('n1').get(getOf(stage.entryAt('n1'), { n: 2, timeoutMs: 60_000 }));
    await stage.world.runFor(45_000);
    expect(connection.closed).toBeUndefined();
    expect(pingsOf(connection)).toBeGreaterThan(0);

    connection.reply(asked as number, { type: 'read', reply: { type: 'absent' } });

    expect(assertRead(await stage.run(read)).quorum.acks).toBe(2);
    expect(stage.traced('peer-down')).toEqual([]);
  });

  it('is given up when it is silent for so long, and its requests count as lost', async () => {
    const { stage, connection } = await connectedStage();
    const beganMs = stage.nowMs;
    const read = stage.node('n1').get(getOf(stage.entryAt('n1'), { n: 2, timeoutMs: 60_000 }));
    const failure = assertFailed(await stage.run(read), { code: 'quorum-unavailable' });
    const tookMs = stage.nowMs - beganMs;

    expect(tookMs).toBeGreaterThanOrEqual(PEER_SILENCE_MS);
    expect(tookMs).toBeLessThan(PEER_SILENCE_MS + 20);
    expect(failure.replicas?.map(({ node, result }) => `${node} ${result}`)).toContain('n2 connection-lost');
    expect(pingsOf(connection)).toBe(1);
    await stage.until(() => connection.closed !== undefined);
    // Nothing says that it is gone for good: it is dialed again.
    await stage.until(() => stage.member('n1', 'n2').state === 'up');
  });

  it('is not asked for a sign of life while its answers come', async () => {
    const { stage, connection } = await connectedStage();
    connection.onRequest = (id, request) => {
      if (request.type === 'read') connection.reply(id, { type: 'read', reply: { type: 'absent' } });
    };
    const entry = stage.entryAt('n1');
    for (let round = 0; round < 30; round += 1) {
      assertRead(await stage.run(stage.node('n1').get(getOf(entry, { n: 2 }))));
      await stage.world.runFor(1_000);
    }
    expect(pingsOf(connection)).toBe(0);
  });

  it('counts as silent also when it was given up by who asked', async () => {
    const { stage, connection } = await connectedStage();
    const read = stage.node('n1').get(getOf(stage.entryAt('n1'), { n: 2, timeoutMs: 100 }));
    assertFailed(await stage.run(read), { code: 'quorum-timeout' });
    await stage.until(() => connection.closed !== undefined, PEER_SILENCE_MS + 20);
  });

  it('may answer after it was given up by who asked: that is no reason to end the connection', async () => {
    const { stage, connection } = await connectedStage();
    let asked: number | undefined;
    connection.onRequest = (id, request) => {
      if (request.type === 'read') asked = id;
    };
    const read = stage.node('n1').get(getOf(stage.entryAt('n1'), { n: 2, timeoutMs: 100 }));
    assertFailed(await stage.run(read), { code: 'quorum-timeout' });
    connection.reply(asked as number, { type: 'read', reply: { type: 'absent' } });
    await stage.world.runFor(30_000);
    expect(connection.closed).toBeUndefined();
    expect(stage.member('n1', 'n2').state).toBe('up');
  });
});

describe('a peer that owes nothing', () => {
  it('may be silent for ever', async () => {
    const { stage, connection } = await connectedStage();
    await stage.world.runFor(600_000);
    expect(connection.closed).toBeUndefined();
    expect(connection.received.map(({ type }) => type)).toEqual(['hello', 'proof']);
  });
});
