/** Answers that no peer of ours gives: they end the connection on which they came, and count for nothing. */
import { describe, expect, it } from 'vitest';
import type { PeerMessage } from '../../../src/codec/message-codec.ts';
import type { EntryName } from '../../../src/core/ids.ts';
import { assertFailed, assertTexts, assertWritten, getOf, putOf } from '../requests.ts';
import { Stage } from '../stage.ts';
import { type ScriptedConnection, ScriptedPeer } from './scripted-peer.ts';

/** n1 and n3 are real and have a value; n2 is scripted. */
async function stageWithValue(): Promise<{ stage: Stage; peer: ScriptedPeer; entry: EntryName }> {
  const stage = new Stage(3);
  for (const node of ['n1', 'n3']) stage.machine(node).start();
  await stage.until(() => ['n1', 'n3'].every((node) => stage.machine(node).isUp));
  await stage.until(() => stage.member('n1', 'n3').state === 'up' && stage.member('n3', 'n1').state === 'up');
  const entry = stage.entryAt('n1', 'n3');
  assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one'))));
  stage.forget();
  return { stage, peer: new ScriptedPeer(stage, 'n2'), entry };
}

const PING: PeerMessage = { type: 'request', id: 1, request: { type: 'ping' } };
const RANDOM_BYTES = new Uint8Array(64).map((_, index) => (index * 37 + 201) % 256);

describe('on a connection that a node opened', () => {
  const REPLIES: Readonly<Record<string, (connection: ScriptedConnection, id: number) => void>> = {
    'random bytes': (connection) => connection.sendBytes(RANDOM_BYTES),
    'a request': (connection) => connection.send(PING),
    'a reply to a number that was never asked': (connection, id) =>
      connection.reply(id + 100, { type: 'ping' }),
    'a reply of another kind': (connection, id) =>
      connection.reply(id, { type: 'store', reply: { type: 'stored' } }),
    'a hello': (connection) => connection.greet(),
  };

  it.each(Object.keys(REPLIES))(
    '%s ends it: what was asked is lost, and the peer is dialed again',
    async (what) => {
      const { stage, peer, entry } = await stageWithValue();
      await peer.listen();
      await stage.until(
        () => stage.member('n1', 'n2').state === 'up' && stage.member('n3', 'n2').state === 'up',
      );
      for (const connection of peer.inbound) {
        connection.onRequest = (id) => REPLIES[what]?.(connection, id);
      }
      const read = stage.node('n1').get(getOf(entry, { r: 3, timeoutMs: 5_000 }));

      const failure = assertFailed(await stage.run(read), { code: 'quorum-unavailable' });

      expect(failure.replicas?.map(({ node, result }) => `${node} ${result}`)).toContain(
        'n2 connection-lost',
      );
      expect(stage.traced('malformed-frame').map(({ node, event }) => [node, event.remote])).toContainEqual([
        'n1',
        'n2',
      ]);
      await stage.until(() => stage.member('n1', 'n2').state === 'up');
      expect(stage.bugs).toEqual([]);
      assertTexts(await stage.run(stage.node('n1').get(getOf(entry))), ['one']);
    },
  );

  it('a second reply to one request ends it, and counts for nothing', async () => {
    const { stage, peer, entry } = await stageWithValue();
    await peer.listen();
    await stage.until(() => stage.member('n1', 'n2').state === 'up');
    stage.mute('n3');
    for (const connection of peer.inbound) {
      connection.onRequest = (id) => {
        for (let times = 0; times < 2; times += 1) {
          connection.reply(id, { type: 'read', reply: { type: 'absent' } });
        }
      };
    }
    const read = stage.node('n1').get(getOf(entry, { r: 3, timeoutMs: 500 }));
    assertFailed(await stage.run(read), { code: 'quorum-timeout', received: 2 });
    expect(stage.traced('malformed-frame')).toHaveLength(1);
  });

  it('a reply that cannot be decoded as a record counts as unreadable, not as absent', async () => {
    const { stage, peer, entry } = await stageWithValue();
    await peer.listen();
    await stage.until(() => stage.member('n1', 'n2').state === 'up');
    await stage.crash('n3');
    for (const connection of peer.inbound) {
      connection.onRequest = (id) => {
        connection.reply(id, { type: 'read', reply: { type: 'found', record: RANDOM_BYTES } });
      };
    }
    const read = stage.node('n1').get(getOf(entry, { timeoutMs: 5_000 }));
    const failure = assertFailed(await stage.run(read), { code: 'quorum-unavailable', received: 1 });
    expect(failure.replicas?.map(({ node, result }) => `${node} ${result}`)).toContain('n2 unreadable');
    expect(stage.requests('store', 'n1')).toEqual([]);
  });
});
