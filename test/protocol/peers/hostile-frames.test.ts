/** Bytes that no peer of ours sends: they cost the sender its connection, before and after the handshake, and nothing else. */
import { describe, expect, it } from 'vitest';
import { encodeMessage, type PeerMessage } from '../../../src/codec/message-codec.ts';
import { packFields } from '../../../src/codec/packer.ts';
import type { EntryName } from '../../../src/core/ids.ts';
import { MAX_FRAME_BYTES } from '../../../src/core/limits.ts';
import { acceptPeer } from '../../../src/protocol/peers/inbound-peer.ts';
import { seededDraw } from '../../core/causality/seeded-draw.ts';
import { assertWritten, putOf } from '../requests.ts';
import { Stage } from '../stage.ts';
import { fakeConnection, peerOptions } from './fake-connection.ts';
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

/** n1 has closed this connection for what came on it, told so, and is none the worse for it. */
async function assertClosedAlone(
  stage: Stage,
  connection: ScriptedConnection,
  entry: EntryName,
): Promise<void> {
  await stage.until(() => connection.closed !== undefined);
  expect(stage.traced('malformed-frame').map(({ node, event }) => [node, event.remote])).toEqual([
    ['n1', 'n2'],
  ]);
  expect(stage.written).toEqual([]);
  expect(stage.deaths).toEqual([]);
  expect(stage.member('n1', 'n3').state).toBe('up');
  assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'two'))));
  expect(stage.textsOn('n3', entry)).toContain('one');
}

const PING: PeerMessage = { type: 'request', id: 1, request: { type: 'ping' } };
const random = seededDraw(11);
const RANDOM_BYTES = Uint8Array.from({ length: 64 }, () => random(256));

/** A frame each, as bytes. */
const BEFORE_HELLO: Readonly<Record<string, Uint8Array>> = {
  'random bytes': RANDOM_BYTES,
  'an unknown kind of message': packFields([77]),
  'fields that are missing': packFields([0, 1, 'sim']),
  'a request': encodeMessage(PING),
  'a proof': encodeMessage({ type: 'proof', proof: new Uint8Array(32) }),
  'a refusal': encodeMessage({ type: 'refused', reason: 'no' }),
  'a piece of a longer message': Uint8Array.of(0xc1, 1, 0),
};

const AFTER_HANDSHAKE: Readonly<Record<string, Uint8Array>> = {
  'random bytes': RANDOM_BYTES,
  'a second hello': encodeMessage({
    type: 'hello',
    proof: undefined,
    hello: {
      cluster: 'sim',
      protocolVersion: 1,
      nodeId: 'n2',
      storeId: 's'.repeat(21).concat('A'),
      incarnation: 'i'.repeat(21).concat('A'),
      epoch: '0'.repeat(16),
      nonce: new Uint8Array(16),
      opening: 'o'.repeat(21).concat('A'),
      openedAt: 0,
      earlier: { openings: [], unlistedUpTo: 0 },
      lost: [],
      remembered: undefined,
    },
  }),
  'a second proof': encodeMessage({ type: 'proof', proof: new Uint8Array(32) }),
  'a reply': encodeMessage({ type: 'reply', id: 1, sequence: 0, reply: { type: 'ping' } }),
  'an unknown kind of request': packFields([3, 1, 77]),
  'a bucket with a zero byte': packFields([3, 1, 0, 'a\0b', 'key', null]),
  'an empty key': packFields([3, 1, 0, 'things', '', null]),
  'more replicas than nodes may be': packFields([3, 1, 2, 'things', 'key', 65, 2, true, 1_000]),
  'one field too many': packFields([3, 1, 5, 'more']),
  'a negative number': packFields([3, -1, 5]),
  'a piece that is not full': Uint8Array.of(0xc1, 1, 0),
  'the last piece of nothing that makes sense': Uint8Array.of(0xc1, 0, 0xff),
  'a frame that is cut off': encodeMessage({
    type: 'request',
    id: 1,
    request: { type: 'read', bucket: 'things', key: 'key', known: undefined },
  }).subarray(0, 9),
};

describe('before the handshake', () => {
  it.each(Object.keys(BEFORE_HELLO))('%s closes the connection, and harms nothing else', async (what) => {
    const { stage, peer, entry } = await stageWithValue();
    const connection = await peer.dial('n1');
    connection.sendBytes(BEFORE_HELLO[what] as Uint8Array);
    connection.request(2, { type: 'store', ...entry, record: new Uint8Array(40) });
    await assertClosedAlone(stage, connection, entry);
    expect(connection.received).toEqual([]);
  });

  it('a hello that is far too long closes it, before it is looked at', async () => {
    const { stage, peer, entry } = await stageWithValue();
    peer.script = { hello: { nonce: new Uint8Array(9 * 1024) } };
    const connection = await peer.dial('n1');
    connection.sayHello();
    await assertClosedAlone(stage, connection, entry);
    expect(connection.received).toEqual([]);
  });

  it('a hello in pieces closes it: nothing is put together for a stranger', async () => {
    const { stage, peer, entry } = await stageWithValue();
    const connection = await peer.dial('n1');
    const hello = encodeMessage({ type: 'hello', hello: peer.helloMessage(), proof: undefined });
    connection.sendBytes(Uint8Array.of(0xc1, 0, ...hello));
    await assertClosedAlone(stage, connection, entry);
    expect(connection.received).toEqual([]);
  });

  it('a second hello closes it, too', async () => {
    const { stage, peer, entry } = await stageWithValue();
    const connection = await peer.dial('n1');
    connection.sayHello();
    connection.sayHello();
    await assertClosedAlone(stage, connection, entry);
    expect(connection.received.map(({ type }) => type)).toEqual(['hello']);
  });
});

describe('after the handshake', () => {
  it.each(Object.keys(AFTER_HANDSHAKE))('%s closes the connection, and harms nothing else', async (what) => {
    const { stage, peer, entry } = await stageWithValue();
    const connection = await peer.connect('n1');
    connection.sendBytes(AFTER_HANDSHAKE[what] as Uint8Array);
    // What comes behind it has no meaning any more.
    connection.request(2, { type: 'ping' });
    await assertClosedAlone(stage, connection, entry);
    expect(connection.replies).toEqual([]);
  });

  it.each([
    ['the same number again', 5, 5],
    ['a smaller number', 5, 4],
    ['zero', 0, 1],
  ])('a request with %s closes it: it would be carried out twice', async (_what, first, second) => {
    const { stage, peer, entry } = await stageWithValue();
    const connection = await peer.connect('n1');
    connection.request(first, { type: 'ping' });
    connection.request(second, { type: 'store', ...entry, record: new Uint8Array(40) });
    await assertClosedAlone(stage, connection, entry);
    expect(connection.replies.filter(({ reply }) => reply.type === 'store')).toEqual([]);
  });

  it('no random frame is more than that', async () => {
    const { stage, peer } = await stageWithValue();
    const draw = seededDraw(12);
    for (let round = 0; round < 60; round += 1) {
      const connection = await peer.connect('n1');
      const length = 1 + draw(200);
      const frame = Uint8Array.from({ length }, () => draw(256));
      // Half of them begin as a request does, so that they get further.
      if (round % 2 === 0) frame.set(packFields([3, 1]).subarray(0, length));
      connection.sendBytes(frame);
      await stage.until(() => connection.closed !== undefined);
    }
    expect(stage.bugs).toEqual([]);
    expect(stage.deaths).toEqual([]);
    expect(stage.written).toEqual([]);
  });

  it('a record that is none is refused, and the connection goes on', async () => {
    const { stage, peer, entry } = await stageWithValue();
    const connection = await peer.connect('n1');
    connection.request(1, { type: 'store', ...entry, record: RANDOM_BYTES });
    connection.request(2, { type: 'ping' });
    await stage.until(() => connection.replies.length === 2);
    const refusal = connection.replies.find(({ id }) => id === 1)?.reply;
    expect(refusal).toMatchObject({ type: 'store', reply: { type: 'store-refused' } });
    expect(stage.written).toEqual([]);
  });

  it('a message between the pieces of another one closes it', async () => {
    const { stage, peer, entry } = await stageWithValue();
    const connection = await peer.connect('n1');
    const piece = new Uint8Array(MAX_FRAME_BYTES);
    piece.set([0xc1, 1]);
    connection.sendBytes(piece);
    connection.request(2, { type: 'ping' });
    await assertClosedAlone(stage, connection, entry);
  });
});

describe('a stream that holds no frames at all', () => {
  it('is told of by the network when it closed the connection, and traced', () => {
    const { options, traces } = peerOptions();
    const handlers = acceptPeer(fakeConnection(), options, {
      onRequest: () => Promise.reject(new Error('nothing is asked here')),
      onHello: (_hello, onSettled) => onSettled(undefined),
      isDoubtful: () => false,
      onPeer: () => {},
    });
    handlers.onClose('a frame of 0 bytes', 'malformed');
    expect(traces).toEqual([{ type: 'malformed-frame', remote: 'somewhere', reason: 'a frame of 0 bytes' }]);
  });
});
