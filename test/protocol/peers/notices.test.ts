/** Requests whose sender wants no answer: they are carried out as all others, and nobody says so. */
import { describe, expect, it } from 'vitest';
import { framesOf } from '../../../src/codec/chunk.ts';
import { encodeMessage } from '../../../src/codec/message-codec.ts';
import {
  MAX_NOTICE_QUEUE_BYTES,
  MAX_PEER_QUEUE_BYTES,
  MAX_PEER_REQUESTS,
  PEER_PATIENCE_MS,
} from '../../../src/core/limits.ts';
import type { Incarnation, NodeId } from '../../../src/core/ids.ts';
import { ballotOf } from '../../../src/core/paxos/ballot.ts';
import type { PeerReply, PeerRequest } from '../../../src/core/message.ts';
import { acceptPeer } from '../../../src/protocol/peers/inbound-peer.ts';
import { OutboundPeer } from '../../../src/protocol/peers/outbound-peer.ts';
import type { Connection, ConnectionHandlers } from '../../../src/ports/network.ts';
import type { MaybeLater } from '../../../src/protocol/at-once.ts';
import { assertWritten, casOf } from '../requests.ts';
import { Stage } from '../stage.ts';
import {
  type FakeConnection,
  fakeConnection,
  greetDialer,
  peerOptions,
  shakeHands,
} from './fake-connection.ts';

const PING: PeerRequest = { type: 'ping' };
const BALLOT = ballotOf({
  timeMs: 1,
  logical: 0,
  node: 'n2' as NodeId,
  incarnation: 'then'.padEnd(21, 'x').concat('A') as Incarnation,
});

describe('whoever takes a notice', () => {
  function openPeer(onRequest: (request: PeerRequest) => MaybeLater<PeerReply>): {
    connection: FakeConnection;
    handlers: ConnectionHandlers;
    tell: (id: number) => void;
    ask: (id: number) => void;
  } {
    const connection = fakeConnection();
    const handlers = acceptPeer(connection, peerOptions().options, {
      onRequest,
      onHello: (_hello, onSettled) => onSettled(undefined),
      isDoubtful: () => false,
      onPeer: () => {},
    });
    shakeHands(connection, handlers);
    connection.sent.length = 0;
    const request = { type: 'request', sequence: 0, request: PING } as const;
    return {
      connection,
      handlers,
      tell: (id) => handlers.onFrame(encodeMessage({ ...request, id, isNotice: true })),
      ask: (id) => handlers.onFrame(encodeMessage({ ...request, id })),
    };
  }

  it.each([
    ['at once', (): MaybeLater<PeerReply> => PING],
    ['later', (): MaybeLater<PeerReply> => Promise.resolve(PING)],
  ])('does what it says, and answers nothing, be it done %s', async (_when, answer) => {
    let done = 0;
    const { connection, tell, ask } = openPeer(() => {
      done += 1;
      return answer();
    });
    tell(1);
    ask(2);
    await Promise.resolve();
    expect(done).toBe(2);
    expect(connection.sent).toEqual([{ type: 'reply', id: 2, sequence: 0, clockMs: 0, reply: PING }]);
  });

  it('counts it among what it works on, and drops what is too much', () => {
    let begun = 0;
    const { connection, tell, ask } = openPeer(() => {
      begun += 1;
      return new Promise(() => {});
    });
    for (let id = 1; id <= MAX_PEER_REQUESTS + 1; id += 1) tell(id);
    expect(begun).toBe(MAX_PEER_REQUESTS);
    expect(connection.sent).toEqual([]);
    ask(MAX_PEER_REQUESTS + 2);
    expect(connection.sent).toMatchObject([{ reply: { type: 'request-refused' } }]);
  });

  it('counts what it holds of them, too', () => {
    let begun = 0;
    const { connection, handlers } = openPeer(() => {
      begun += 1;
      return new Promise(() => {});
    });
    const object = new Uint8Array(256 * 1024);
    const request = { type: 'paxos-commit', bucket: 'things', key: 'key', ballot: BALLOT, object } as const;
    for (let id = 1; id <= 300; id += 1) {
      const notice = { type: 'request', id, sequence: 0, isNotice: true, request } as const;
      for (const frame of framesOf(encodeMessage(notice))) handlers.onFrame(frame);
    }
    expect(begun).toBe(MAX_PEER_QUEUE_BYTES / object.length + 1);
    expect(connection.closed).toBeUndefined();
  });

  it('takes none twice', () => {
    const { connection, tell } = openPeer(() => PING);
    tell(7);
    tell(7);
    expect(connection.closed).toMatch(/request 7 after request 7/);
  });
});

describe('whoever sends a notice', () => {
  function dial(): {
    peer: OutboundPeer;
    connection: FakeConnection;
    greet: () => void;
    wait: (ms: number) => void;
  } {
    const connection = fakeConnection();
    let handlers: ConnectionHandlers | undefined;
    const { options } = peerOptions();
    let nowMs = 0;
    const clock = { ...options.clock, nowMs: () => nowMs };
    const wait = (ms: number): void => {
      nowMs += ms;
    };
    const connect = (_peer: unknown, made: ConnectionHandlers): Connection => {
      handlers = made;
      return connection;
    };
    const peer = new OutboundPeer(
      'n2' as never,
      { ...options, clock, network: { ...options.network, connect } },
      () => {},
    );
    peer.start();
    return { peer, connection, greet: () => greetDialer(connection, handlers as ConnectionHandlers), wait };
  }

  const requests = ({ sent }: FakeConnection): unknown[] => sent.filter(({ type }) => type === 'request');

  it('sends it on a connection that stands, and is owed nothing', () => {
    const { peer, connection, greet } = dial();
    greet();
    peer.tell(PING);
    expect(requests(connection)).toEqual([
      { type: 'request', id: 1, sequence: 0, isNotice: true, request: PING },
    ]);
    // What is owed is bounded in number.
    for (let count = 0; count < MAX_PEER_REQUESTS; count += 1) peer.tell(PING);
    let hasRefused = false;
    peer.request(PING, ({ type }) => {
      hasRefused = type === 'not-sent';
    });
    expect(hasRefused).toBe(false);
  });

  it('keeps it while the connection is being made', () => {
    const { peer, connection, greet } = dial();
    peer.tell(PING);
    expect(requests(connection)).toEqual([]);
    greet();
    expect(requests(connection)).toMatchObject([{ request: PING }]);
  });

  it('wants an answer from a peer that was not heard of for a while', () => {
    const { peer, connection, greet, wait } = dial();
    greet();
    wait(PEER_PATIENCE_MS - 1);
    peer.tell(PING);
    wait(1);
    peer.tell(PING);
    expect(requests(connection)).toEqual([
      { type: 'request', id: 1, sequence: 0, isNotice: true, request: PING },
      { type: 'request', id: 2, sequence: 0, request: PING },
    ]);
  });

  it('wants an answer from a peer that takes slowly what is sent, and lets it go if that is too much', () => {
    const { peer, connection, greet } = dial();
    greet();
    connection.queuedBytes = MAX_NOTICE_QUEUE_BYTES + 1;
    peer.tell(PING);
    connection.queuedBytes = MAX_PEER_QUEUE_BYTES + 1;
    peer.tell(PING);
    expect(requests(connection)).toEqual([{ type: 'request', id: 1, sequence: 0, request: PING }]);
  });

  it('notices that a peer is silent, though nobody else asks it for anything', async () => {
    const stage = await new Stage(3).startAll();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    stage.mute('n3');
    let ifMatch = 'absent';
    for (let round = 0; round < 8; round += 1) {
      const written = await stage.run(stage.node('n1').conditional(casOf(entry, 'one', { ifMatch })));
      ifMatch = assertWritten(written).etag as string;
      await stage.world.runFor(300);
    }
    expect(stage.traced('peer-suspected').map(({ node, event }) => `${node} ${event.peer}`)).toContain(
      'n1 n3',
    );
  });
});

describe('what a round has chosen', () => {
  it('is told to all home replicas, which say nothing to that', async () => {
    const stage = await new Stage(3).startAll();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    stage.forget();
    assertWritten(await stage.run(stage.node('n1').conditional(casOf(entry, 'one', { ifMatch: 'absent' }))));
    await stage.until(() => stage.traced('round-committed').length === 2, 500);
    await stage.world.runFor(100);
    expect(stage.requests('paxos-commit').map(({ to }) => to)).toEqual(['n2', 'n3']);
    const replies = stage.sent.flatMap(({ message }) =>
      message.type === 'reply' ? [message.reply.type] : [],
    );
    expect(replies.filter((type) => type === 'paxos-accept')).toHaveLength(1);
    expect(replies).not.toContain('paxos-commit');
    expect(stage.bugs).toEqual([]);
  });
});
