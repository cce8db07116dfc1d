/** How a node comes to a peer again: backoff while it is away, at once when it is heard of, and never by a dead connection. */
import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../../src/core/ids.ts';
import {
  HELLO_TIMEOUT_MS,
  PEER_PROBE_MS,
  RECONNECT_FIRST_MS,
  RECONNECT_LAST_MS,
} from '../../../src/core/limits.ts';
import { assertFailed, assertRead, assertTexts, getOf, putOf } from '../requests.ts';
import { portsOf, startProcess, type Process } from '../process.ts';
import { Stage } from '../stage.ts';
import { ScriptedPeer } from './scripted-peer.ts';

/** n1 alone, with the moments of its dials to n2, which is not there. */
async function stageOfDials(): Promise<{ stage: Stage; n1: Process; dialsMs: number[] }> {
  const stage = new Stage(2);
  const dialsMs: number[] = [];
  const { life: _life, network, ...ports } = portsOf(stage, 'n1');
  const n1 = await startProcess(stage, 'n1', {
    ...ports,
    network: {
      listen: (accept) => network.listen(accept),
      close: () => network.close(),
      connect: (peer, handlers) => {
        dialsMs.push(stage.nowMs);
        return network.connect(peer, handlers);
      },
    },
  });
  return { stage, n1, dialsMs };
}

/** n1 is real, n2 is scripted and takes connections. */
async function stageOfTwo(script: ConstructorParameters<typeof ScriptedPeer>[2] = {}): Promise<{
  stage: Stage;
  peer: ScriptedPeer;
}> {
  const stage = new Stage(2);
  const peer = await new ScriptedPeer(stage, 'n2', script).listen();
  stage.machine('n1').start();
  await stage.until(() => stage.machine('n1').isUp);
  return { stage, peer };
}

describe('a peer that is away', () => {
  it('is dialed with pauses that double up to their bound, with jitter', async () => {
    const { stage, dialsMs } = await stageOfDials();
    await stage.world.runFor(30_000);
    const pauses = dialsMs.slice(1).map((ms, index) => ms - (dialsMs[index] as number));
    for (const [index, pause] of pauses.entries()) {
      const full = Math.min(RECONNECT_FIRST_MS * 2 ** index, RECONNECT_LAST_MS);
      expect(pause).toBeGreaterThanOrEqual(full / 2);
      expect(pause).toBeLessThan(full + 2);
    }
    const long = pauses.slice(7);
    expect(Math.max(...long) - Math.min(...long)).toBeGreaterThan(RECONNECT_LAST_MS / 8);
  });

  it('is not dialed for every operation that would need it', async () => {
    const { stage, n1, dialsMs } = await stageOfDials();
    await stage.world.runFor(10_000);
    dialsMs.length = 0;
    const beganMs = stage.nowMs;
    const entry = stage.entryAt('n1');
    for (let index = 0; index < 100; index += 1) {
      assertFailed(await stage.run(n1.node.get(getOf(entry, { n: 2, r: 2 }))), {
        code: 'quorum-unavailable',
      });
      await stage.world.runFor(1);
    }
    expect(dialsMs.length).toBeGreaterThan(0);
    expect(dialsMs.length).toBeLessThanOrEqual((stage.nowMs - beganMs) / RECONNECT_FIRST_MS + 1);
    expect(stage.nowMs - beganMs).toBeLessThan(200);
  });

  it('is up again soon after it is back, whatever the pause was, because it makes itself heard', async () => {
    const { stage, n1 } = await stageOfDials();
    const stateOfN2 = (): string | undefined => n1.node.members()[1]?.state;
    await stage.world.runFor(30_000);
    for (let round = 0; round < 5; round += 1) {
      stage.machine('n2').start();
      const beganMs = stage.nowMs;
      await stage.until(() => stateOfN2() === 'up');
      expect(stage.nowMs - beganMs).toBeLessThan(20);
      stage.machine('n2').crash({ power: false, reason: 'killed' });
      await stage.until(() => stateOfN2() === 'down');
      await stage.world.runFor(10_000);
    }
  });

  it('shows as down, with the reason and the time, and as up with what it runs on', async () => {
    const stage = await new Stage(2).startAll();
    await stage.until(() => stage.member('n1', 'n2').state === 'up');
    const before = stage.member('n1', 'n2');
    expect(before).toMatchObject({
      state: 'up',
      reason: undefined,
      storeId: stage.member('n2', 'n2').storeId,
    });
    expect(before.incarnation).toBe(stage.member('n2', 'n2').incarnation);
    await stage.world.runFor(1_000);
    await stage.crash('n2');

    const away = stage.member('n1', 'n2');
    expect(away).toMatchObject({ state: 'down', reason: expect.stringMatching(/./) });
    expect(away.sinceMs - before.sinceMs).toBeGreaterThanOrEqual(1_000);
    // Failed dials do not make it look as if it had gone later.
    await stage.world.runFor(5_000);
    expect(stage.member('n1', 'n2').sinceMs).toBe(away.sinceMs);

    stage.machine('n2').start();
    await stage.until(() => stage.member('n1', 'n2').state === 'up');
    const back = stage.member('n1', 'n2');
    expect(back.storeId).toBe(before.storeId);
    expect(back.incarnation).not.toBe(before.incarnation);
    expect(back.sinceMs).toBeGreaterThan(away.sinceMs);
  });
});

describe('while a connection is being made', () => {
  it('requests wait for it, and are sent when the handshake is over', async () => {
    const { stage, peer } = await stageOfTwo({ greets: false });
    const connection = await peer.accepted();
    connection.onRequest = (id) => connection.reply(id, { type: 'read', reply: { type: 'absent' } });
    const read = stage.node('n1').get(getOf(stage.entryAt('n1'), { n: 2, timeoutMs: 2_000 }));
    await stage.world.runFor(500);
    expect(connection.received.map(({ type }) => type)).toEqual(['hello']);

    connection.greet();

    expect(assertRead(await stage.run(read)).quorum.acks).toBe(2);
    expect(connection.received.map(({ type }) => type)).toEqual(['hello', 'proof', 'request']);
  });

  it('requests that were given up meanwhile are never sent', async () => {
    const { stage, peer } = await stageOfTwo({ greets: false });
    const connection = await peer.accepted();
    assertFailed(
      await stage.run(stage.node('n1').get(getOf(stage.entryAt('n1'), { n: 2, timeoutMs: 500 }))),
      {
        code: 'quorum-timeout',
      },
    );
    connection.greet();
    await stage.world.runFor(1_000);
    expect(connection.received.map(({ type }) => type)).toEqual(['hello', 'proof']);
  });

  it('requests fail as never sent when it does not come to stand', async () => {
    const { stage, peer } = await stageOfTwo({ greets: false });
    await peer.accepted();
    const read = stage.node('n1').get(getOf(stage.entryAt('n1'), { n: 2, timeoutMs: 10_000 }));
    const failure = assertFailed(await stage.run(read), { code: 'quorum-unavailable' });
    expect(failure.replicas?.map(({ result }) => result).toSorted()).toEqual(['not-found', 'unreachable']);
    expect(stage.nowMs).toBeLessThan(HELLO_TIMEOUT_MS + 50);
  });
});

describe('a connection to an earlier life of a peer', () => {
  it('is probed when the peer is heard of as another incarnation, and ended if nothing comes', async () => {
    const { stage, peer } = await stageOfTwo();
    const old = await peer.accepted();
    await stage.until(() => stage.member('n1', 'n2').state === 'up');
    peer.script = { hello: { incarnation: 'reborn'.padEnd(21, 'x').concat('A') } };
    const beganMs = stage.nowMs;
    await peer.connect('n1');
    await stage.until(() => old.closed !== undefined);
    expect(stage.nowMs - beganMs).toBeGreaterThanOrEqual(PEER_PROBE_MS);
    expect(stage.nowMs - beganMs).toBeLessThan(PEER_PROBE_MS + 20);
    await stage.until(() => stage.member('n1', 'n2').state === 'up');
    expect(stage.member('n1', 'n2').incarnation).toBe('rebornxxxxxxxxxxxxxxxA');
  });

  it('is kept if it shows a sign of life', async () => {
    const { stage, peer } = await stageOfTwo();
    const old = await peer.accepted();
    old.onRequest = (id, request) => {
      if (request.type === 'ping') old.reply(id, { type: 'ping' });
    };
    await stage.until(() => stage.member('n1', 'n2').state === 'up');
    peer.script = { hello: { incarnation: 'reborn'.padEnd(21, 'x').concat('A') } };
    await peer.connect('n1');
    await stage.world.runFor(60_000);
    expect(old.closed).toBeUndefined();
  });

  it('is not doubted when the same incarnation is heard of', async () => {
    const { stage, peer } = await stageOfTwo();
    const old = await peer.accepted();
    await stage.until(() => stage.member('n1', 'n2').state === 'up');
    await peer.connect('n1');
    await stage.world.runFor(10_000);
    expect(old.received.map(({ type }) => type)).toEqual(['hello', 'proof']);
    expect(old.closed).toBeUndefined();
  });

  it('costs no more than a probe after a machine went away without a word', async () => {
    const stage = await new Stage(2).startAll();
    const entry = stage.entryAt('n1');
    stage.machine('n2').crash({ power: true, reason: 'power' });
    // Nobody tells n1: it sends into the void, and is owed an answer.
    const lost = stage.node('n1').put(putOf(entry, 'one', { n: 2, timeoutMs: 500 }));
    assertFailed(await stage.run(lost), { certainty: 'unknown' });
    expect(stage.member('n1', 'n2').state).toBe('up');

    stage.machine('n2').start();
    const { incarnation } = stage.member('n1', 'n2');
    await stage.until(() => {
      const seen = stage.member('n1', 'n2');
      return seen.state === 'up' && seen.incarnation !== incarnation;
    }, 2 * PEER_PROBE_MS);
    assertTexts(await stage.run(stage.node('n1').get(getOf(entry, { n: 2 }))), ['one']);
  });
});

describe('a reset connection', () => {
  it('is made again by itself', async () => {
    const stage = await new Stage(2).startAll();
    for (let round = 0; round < 5; round += 1) {
      stage.world.fabric.reset('n1' as NodeId, 'n2' as NodeId);
      await stage.until(() => stage.member('n1', 'n2').state === 'down');
      await stage.until(() => stage.member('n1', 'n2').state === 'up', 2 * RECONNECT_FIRST_MS);
      // What it is used for makes it count as one that works: the pauses begin anew.
      assertRead(await stage.run(stage.node('n1').get(getOf(stage.entryAt('n1'), { n: 2 }))));
    }
  });
});
