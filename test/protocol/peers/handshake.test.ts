/** Whom a node talks to: what is refused in a handshake, on either side of it, and that nothing else comes of it. */
import { describe, expect, it } from 'vitest';
import { PROTOCOL_VERSION } from '../../../src/codec/message-codec.ts';
import { HELLO_TIMEOUT_MS } from '../../../src/core/limits.ts';
import type { Hello } from '../../../src/core/message.ts';
import { assertWritten, putOf } from '../requests.ts';
import { startProcess } from '../process.ts';
import { Stage } from '../stage.ts';
import { type Script, ScriptedPeer } from './scripted-peer.ts';

/** n1 and n3 are real; n2 is scripted. */
async function stageWith(script: Script = {}): Promise<{ stage: Stage; peer: ScriptedPeer }> {
  const stage = new Stage(3);
  for (const node of ['n1', 'n3']) stage.machine(node).start();
  await stage.until(() => ['n1', 'n3'].every((node) => stage.machine(node).isUp));
  await stage.until(() => stage.member('n1', 'n3').state === 'up');
  return { stage, peer: new ScriptedPeer(stage, 'n2', script) };
}

interface Refusal {
  readonly what: string;
  readonly script: (stage: Stage) => Script;
  readonly reason: RegExp;
}

function refusalOf(what: string, hello: Partial<Hello>, reason: RegExp): Refusal {
  return { what, script: () => ({ hello }), reason };
}

/** Mistakes that both sides look for. */
const REFUSALS: readonly Refusal[] = [
  refusalOf(
    'another cluster',
    { cluster: 'elsewhere' },
    /belongs to the cluster "elsewhere", this node to "sim"/,
  ),
  refusalOf(
    'another protocol version',
    { protocolVersion: PROTOCOL_VERSION + 1 },
    new RegExp(`protocol version ${PROTOCOL_VERSION + 1}, this node ${PROTOCOL_VERSION}`),
  ),
  refusalOf(
    'another configuration',
    { epoch: 'f'.repeat(16) },
    /"n2" has another configuration \(epoch f{16}, here /,
  ),
  refusalOf('a nonce that is too short to be one', { nonce: new Uint8Array(4) }, /nonce is not 16 bytes/),
  {
    what: 'a copy of this node’s data directory',
    script: (stage) => ({ hello: { storeId: stage.member('n1', 'n1').storeId as string } }),
    reason: /"n2" runs on a copy of this node's data directory/,
  },
  {
    what: 'another secret',
    script: () => ({ secret: 'wrong' }),
    reason: /did not prove that it knows the peer secret/,
  },
];

describe('a node that is dialed', () => {
  it.each([
    ...REFUSALS,
    refusalOf('a stranger', { nodeId: 'n9' }, /"n9" is no member/),
    refusalOf('one that says it is this node', { nodeId: 'n1' }, /says that it is "n1", which is this node/),
  ])('refuses $what, and says why', async ({ script, reason }) => {
    const { stage, peer } = await stageWith();
    peer.script = script(stage);
    stage.forget();

    const connection = await peer.connect('n1');
    connection.request(1, { type: 'ping' });
    await stage.until(() => connection.closed !== undefined);

    const refused = connection.received.find((message) => message.type === 'refused');
    expect(refused?.reason).toMatch(reason);
    expect(connection.replies).toEqual([]);
    expect(stage.traced('hello-refused').map(({ node, event }) => [node, event.remote])).toEqual([
      ['n1', 'n2'],
    ]);
    expect(stage.traced('hello-refused')[0]?.event.reason).toMatch(reason);
  });

  it('tells what configuration the peer named', async () => {
    const { stage, peer } = await stageWith({ hello: { epoch: 'f'.repeat(16) } });
    const connection = await peer.connect('n1');
    await stage.until(() => connection.closed !== undefined);
    expect(stage.traced('hello-refused')[0]?.event.theirEpoch).toBe('f'.repeat(16));
  });

  it('serves a good member', async () => {
    const { stage, peer } = await stageWith();
    const connection = await peer.connect('n1');
    connection.request(1, { type: 'ping' });
    await stage.until(() => connection.replies.length === 1);
    expect(connection.replies).toMatchObject([{ id: 1, sequence: 0, reply: { type: 'ping' } }]);
  });

  it('waits for a hello so long, and no longer', async () => {
    const { stage, peer } = await stageWith();
    for (const speak of [false, true]) {
      const beganMs = stage.nowMs;
      const connection = await peer.dial('n1');
      // Half of the handshake is none.
      if (speak) connection.sayHello();
      await stage.until(() => connection.closed !== undefined);
      expect(stage.nowMs - beganMs).toBeGreaterThanOrEqual(HELLO_TIMEOUT_MS);
      expect(stage.nowMs - beganMs).toBeLessThan(HELLO_TIMEOUT_MS + 5);
    }
  });
});

describe('a node that dials', () => {
  it.each([
    ...REFUSALS,
    refusalOf('another member at the address', { nodeId: 'n3' }, /"n3" answers where "n2" was looked for/),
    refusalOf('itself at the address', { nodeId: 'n1' }, /"n1" answers where "n2" was looked for/),
  ])('refuses $what, and does not count it as up', async ({ script, reason }) => {
    const { stage, peer } = await stageWith();
    peer.script = script(stage);
    await peer.listen();
    const refusedByN1 = (): ReturnType<typeof refusals> => refusals(stage, 'n1');
    stage.forget();
    await stage.until(() => refusedByN1().length > 0);

    expect(refusedByN1()[0]?.event).toMatchObject({ remote: 'n2', reason: expect.stringMatching(reason) });
    expect(stage.member('n1', 'n2')).toMatchObject({ state: 'down', reason: expect.stringMatching(reason) });
    const [connection] = peer.inbound;
    await stage.until(() => connection?.closed !== undefined);
    expect(connection?.received.map(({ type }) => type)).toEqual(['hello']);
    expect(stage.traced('peer-up').filter(({ event }) => event.peer === 'n2')).toEqual([]);

    // It may have been put right: it is dialed again.
    peer.script = {};
    await stage.until(() => stage.member('n1', 'n2').state === 'up');
  });

  it('believes the other side that it is refused', async () => {
    const { stage, peer } = await stageWith({ greets: false });
    await peer.listen();
    const connection = await peer.accepted();
    await stage.until(() => connection.received.length === 1);
    connection.send({ type: 'refused', reason: 'not today' });
    await stage.until(() => connection.closed !== undefined);
    expect(stage.member('n1', 'n2')).toMatchObject({
      state: 'down',
      reason: 'refused by the peer: not today',
    });
  });

  it('gives up a listener that does not greet, and dials again', async () => {
    const { stage, peer } = await stageWith({ greets: false });
    await peer.listen();
    const connection = await peer.accepted();
    await stage.until(() => connection.closed !== undefined);
    expect(stage.member('n1', 'n2').reason).toBe(`no hello within ${HELLO_TIMEOUT_MS} ms`);
    peer.script = {};
    await stage.until(() => stage.member('n1', 'n2').state === 'up');
  });

  it('proves the secret before it asks anything', async () => {
    const { stage, peer } = await stageWith();
    await peer.listen();
    await stage.until(() => stage.member('n1', 'n2').state === 'up');
    assertWritten(await stage.run(stage.node('n1').put(putOf(stage.entryAt('n1'), 'one'))));
    const [connection] = peer.inbound.filter(({ received }) => received.length > 2);
    expect(connection?.received.slice(0, 3).map(({ type }) => type)).toEqual(['hello', 'proof', 'request']);
  });
});

describe('two nodes', () => {
  it.each([
    ['the same secret', 'swordfish', 'swordfish', 'up'],
    ['different secrets', 'swordfish', 'marlin', 'down'],
    ['a secret on one side only', 'swordfish', undefined, 'down'],
  ] as const)('with %s are %s to each other', async (_what, left, right, state) => {
    const stage = new Stage(2);
    const n1 = await startProcess(stage, 'n1', { peerSecret: left });
    const n2 = await startProcess(stage, 'n2', { peerSecret: right });
    // Long enough for several dials, which all must end the same.
    await stage.world.runFor(5_000);
    const ends = (): string[] =>
      [n1, n2].map(({ node }) =>
        node
          .members()
          .map((member) => member.state)
          .join(),
      );
    expect(ends()).toEqual([`self,${state}`, `${state},self`]);
    const refused = stage.traced('hello-refused').map(({ event }) => event.reason);
    expect(new Set(refused)).toEqual(
      new Set(state === 'up' ? [] : ['it did not prove that it knows the peer secret']),
    );
  });
});

function refusals(stage: Stage, node: string): ReturnType<typeof stage.traced<'hello-refused'>> {
  return stage.traced('hello-refused').filter((traced) => traced.node === node);
}
