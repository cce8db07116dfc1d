/** What a peer may cost at most: requests that wait or are worked on, and bytes that are queued, on either side. */
import { describe, expect, it } from 'vitest';
import { encodeMessage } from '../../../src/codec/message-codec.ts';
import { MAX_PEER_QUEUE_BYTES, MAX_PEER_REQUESTS } from '../../../src/core/limits.ts';
import type { PeerReply, PeerRequest } from '../../../src/core/message.ts';
import type { ConnectionHandlers } from '../../../src/ports/network.ts';
import { acceptPeer } from '../../../src/protocol/peers/inbound-peer.ts';
import { type PeerAnswer, PendingRequests } from '../../../src/protocol/peers/pending-requests.ts';
import { portsOf, startProcess } from '../process.ts';
import { assertFailed, assertWritten, getOf, putOf } from '../requests.ts';
import { Stage } from '../stage.ts';
import { type FakeConnection, fakeConnection, peerOptions, shakeHands } from './fake-connection.ts';

const ONE_BYTE = Uint8Array.of(0);
const ignore = (): void => {};

describe('requests to one peer', () => {
  it('are bounded in number, also those that wait for the connection', () => {
    const pending = new PendingRequests();
    for (let id = 1; id <= MAX_PEER_REQUESTS; id += 1) {
      expect(pending.isFull).toBe(false);
      if (id % 2 === 0) pending.addSent(id, 'ping', 1, ignore);
      else pending.addWaiting(id, 'ping', () => ONE_BYTE, ignore);
    }
    expect(pending.isFull).toBe(true);
    pending.settle(2, { type: 'ping' });
    expect(pending.isFull).toBe(false);
  });

  it('are bounded in bytes, until they are answered', () => {
    const pending = new PendingRequests();
    pending.addSent(1, 'store', MAX_PEER_QUEUE_BYTES, ignore);
    expect(pending.isFull).toBe(false);
    pending.addSent(2, 'ping', 1, ignore);
    expect(pending.isFull).toBe(true);
    pending.settle(2, { type: 'ping' });
    expect(pending.isFull).toBe(false);
  });

  it('count still after they were given up, for the peer holds them', () => {
    const pending = new PendingRequests();
    const giveUp = pending.addSent(1, 'store', MAX_PEER_QUEUE_BYTES + 1, ignore);
    giveUp();
    expect(pending.isFull).toBe(true);
    expect(pending.isOwed).toBe(true);
    expect(pending.settle(1, { type: 'store', reply: { type: 'stored' } })).toBe(true);
    expect(pending.isFull).toBe(false);
    expect(pending.isOwed).toBe(false);
  });

  it('do not count once they were given up before they were sent', () => {
    const pending = new PendingRequests();
    const giveUp = pending.addWaiting(1, 'store', () => new Uint8Array(MAX_PEER_QUEUE_BYTES + 1), ignore);
    pending.addWaiting(2, 'ping', () => ONE_BYTE, ignore);
    giveUp();
    expect(pending.takeWaiting()).toEqual([ONE_BYTE]);
    expect(pending.isFull).toBe(false);
    expect(pending.settle(1, { type: 'store', reply: { type: 'stored' } })).toBe(false);
  });

  it('end as lost if they were sent, as not sent if they waited, each once', () => {
    const pending = new PendingRequests();
    const answers: string[] = [];
    const note =
      (name: string) =>
      (answer: PeerAnswer): void => {
        answers.push(`${name} ${answer.type}`);
      };
    pending.addSent(1, 'ping', 1, note('sent'));
    pending.addWaiting(2, 'ping', () => ONE_BYTE, note('waiting'));
    pending.addSent(3, 'ping', 1, note('given up'))();
    pending.failAll('the connection broke');
    pending.failAll('again');
    expect(answers).toEqual(['sent lost', 'waiting not-sent']);
    expect(pending.isOwed).toBe(false);
    expect(pending.settle(1, { type: 'ping' })).toBe(false);
  });

  it('are refused before they are sent when too many bytes wait to be written, and then they go again', async () => {
    const stage = new Stage(2);
    let queuedBytes = 0;
    const { life: _life, network, ...ports } = portsOf(stage, 'n1');
    const n1 = await startProcess(stage, 'n1', {
      ...ports,
      network: {
        listen: (accept) => network.listen(accept),
        close: () => network.close(),
        connect: (peer, handlers) => {
          const inner = network.connect(peer, handlers);
          return {
            remote: inner.remote,
            get queuedBytes() {
              return queuedBytes;
            },
            send: (frame) => inner.send(frame),
            close: (reason) => inner.close(reason),
            reset: (reason) => inner.reset(reason),
          };
        },
      },
    });
    stage.machine('n2').start();
    await stage.until(() => n1.node.members().every(({ state }) => state !== 'down'));
    const entry = stage.entryAt('n1');
    stage.forget();

    queuedBytes = MAX_PEER_QUEUE_BYTES + 1;
    const failure = assertFailed(await stage.run(n1.node.get(getOf(entry, { n: 2 }))), {
      code: 'quorum-unavailable',
    });
    expect(failure.replicas?.map(({ result }) => result)).toEqual(['not-found', 'unreachable']);
    expect(stage.requests('read')).toEqual([]);

    queuedBytes = MAX_PEER_QUEUE_BYTES;
    assertWritten(await stage.run(n1.node.put(putOf(entry, 'one', { n: 2 }))));
  });
});

describe('requests of one peer', () => {
  function openPeer(onRequest: (request: PeerRequest) => Promise<PeerReply> = () => new Promise(() => {})): {
    connection: FakeConnection;
    handlers: ConnectionHandlers;
    send: (id: number, request: PeerRequest) => void;
  } {
    const connection = fakeConnection();
    const handlers = acceptPeer(connection, peerOptions().options, {
      onRequest,
      onHello: (_hello, onSettled) => onSettled(undefined),
      isDoubtful: () => false,
      onPeer: ignore,
    });
    shakeHands(connection, handlers);
    connection.sent.length = 0;
    const send = (id: number, request: PeerRequest): void => {
      handlers.onFrame(encodeMessage({ type: 'request', id, request }));
    };
    return { connection, handlers, send };
  }

  const OVERLOADED: PeerReply = {
    type: 'request-refused',
    reason: 'too much of this peer is being worked on',
  };

  it('are bounded in number while they are worked on', () => {
    const { connection, send } = openPeer();
    for (let id = 1; id <= MAX_PEER_REQUESTS; id += 1) send(id, { type: 'ping' });
    expect(connection.sent).toEqual([]);
    send(MAX_PEER_REQUESTS + 1, { type: 'ping' });
    expect(connection.sent).toEqual([
      { type: 'reply', id: MAX_PEER_REQUESTS + 1, sequence: 0, clockMs: 0, reply: OVERLOADED },
    ]);
    expect(connection.closed).toBeUndefined();
  });

  it('are bounded in bytes while they are worked on', async () => {
    const done: ((reply: PeerReply) => void)[] = [];
    const { connection, send } = openPeer(() => new Promise((resolve) => done.push(resolve)));
    const record = new Uint8Array(250_000);
    const store: PeerRequest = { type: 'store', bucket: 'things', key: 'key', record };
    const fit = Math.floor(MAX_PEER_QUEUE_BYTES / record.length) + 1;
    for (let id = 1; id <= fit; id += 1) send(id, store);
    expect(connection.sent).toEqual([]);
    send(fit + 1, { type: 'ping' });
    expect(connection.sent).toEqual([
      { type: 'reply', id: fit + 1, sequence: 0, clockMs: 0, reply: OVERLOADED },
    ]);

    // What is done makes room.
    connection.sent.length = 0;
    done[0]?.({ type: 'store', reply: { type: 'stored' } });
    await Promise.resolve();
    send(fit + 2, { type: 'ping' });
    expect(connection.sent).toEqual([
      { type: 'reply', id: 1, sequence: 0, clockMs: 0, reply: { type: 'store', reply: { type: 'stored' } } },
    ]);
    expect(done).toHaveLength(fit + 1);
  });

  it('are refused while the peer does not take the replies', () => {
    const { connection, send } = openPeer();
    connection.queuedBytes = MAX_PEER_QUEUE_BYTES + 1;
    send(1, { type: 'ping' });
    expect(connection.sent).toEqual([{ type: 'reply', id: 1, sequence: 0, clockMs: 0, reply: OVERLOADED }]);
  });

  it('end the connection if it does not take the refusals either', () => {
    const { connection, send } = openPeer();
    connection.queuedBytes = 2 * MAX_PEER_QUEUE_BYTES + 1;
    send(1, { type: 'ping' });
    expect(connection.sent).toEqual([]);
    expect(connection.closed).toBe('the peer takes no replies');
  });

  it('that cannot be answered truthfully close the connection', async () => {
    const { connection, send } = openPeer(() => Promise.reject(new Error('the store failed')));
    send(1, { type: 'ping' });
    await Promise.resolve();
    await Promise.resolve();
    expect(connection.closed).toMatch(/could not be answered: Error: the store failed/);
    expect(connection.sent).toEqual([]);
  });

  it('are not answered on a connection that is closed', async () => {
    let answer: (reply: PeerReply) => void = ignore;
    const { connection, handlers, send } = openPeer(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    send(1, { type: 'ping' });
    handlers.onClose('gone', 'closed');
    answer({ type: 'ping' });
    await Promise.resolve();
    expect(connection.sent).toEqual([]);
    send(2, { type: 'ping' });
    expect(connection.sent).toEqual([]);
  });
});
