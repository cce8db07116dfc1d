/**
 * One connection that a peer opened: the other half of the handshake, then its requests, each answered when it is done, in
 * any order. Nothing a stranger sends gets beyond the hello.
 */
import type { Handshake } from '../../codec/hello-proof.ts';
import { proveSecret } from '../../codec/hello-proof.ts';
import type { PeerMessage } from '../../codec/message-codec.ts';
import type { NodeId, StoreId } from '../../core/ids.ts';
import {
  HELLO_TIMEOUT_MS,
  MAX_CLOCK_DOUBT_MS,
  MAX_PEER_QUEUE_BYTES,
  MAX_PEER_REQUESTS,
} from '../../core/limits.ts';
import type { Hello, PeerReply, PeerRequest } from '../../core/message.ts';
import type { Timer } from '../../ports/clock.ts';
import type { Connection, ConnectionHandlers } from '../../ports/network.ts';
import type { MaybeLater } from '../at-once.ts';
import { helloOf, provesSecret, refuseHello, SECRET_REFUSAL, type HelloRefusal } from './hello.ts';
import { MessageChannel } from './message-channel.ts';
import type { PeerOptions } from './peer-options.ts';

export interface InboundHandlers {
  /**
   * Rejects if no truthful reply can be given; the connection is closed then. `onTheWayMs`: how long it took from when the request
   * was made until it was read, at most; 0 if it does not say.
   */
  readonly onRequest: (request: PeerRequest, from: Connection, onTheWayMs: number) => MaybeLater<PeerReply>;
  /**
   * A peer has said who it is: calls back, at once or soon, with a refusal if another process that lives has its place. Until
   * then nothing is answered.
   */
  readonly onHello: (hello: Hello, onSettled: (refusal: HelloRefusal | undefined) => void) => void;
  /**
   * Whether another process has come up in the place of a peer since that one said hello. It must not be remembered then, for the
   * other one does not say hello again.
   */
  readonly isDoubtful: (hello: Hello) => boolean;
  /** A peer is let in. */
  readonly onPeer: (hello: Hello, connection: Connection) => void;
}

type Phase = 'hello' | 'doubt' | 'proof' | 'open' | 'closed';

/** Takes a connection that a peer opened. */
export function acceptPeer(
  connection: Connection,
  options: PeerOptions,
  handlers: InboundHandlers,
): ConnectionHandlers {
  const inbound = new InboundPeer(connection, options, handlers);
  return {
    onFrame: (frame) => inbound.receive(frame),
    onClose: (reason, cause) => {
      inbound.closed();
      if (cause === 'malformed') {
        options.tracer.trace({ type: 'malformed-frame', remote: connection.remote, reason });
      }
    },
  };
}

class InboundPeer {
  readonly #options: PeerOptions;
  readonly #handlers: InboundHandlers;
  readonly #channel: MessageChannel;
  readonly #helloTimer: Timer;
  #phase: Phase = 'hello';
  #handshake: Handshake | undefined;
  #running = 0;
  #runningBytes = 0;
  #lastId = 0;

  constructor(connection: Connection, options: PeerOptions, handlers: InboundHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#channel = new MessageChannel(connection, options.tracer, (reason) => this.#close(reason));
    this.#helloTimer = options.clock.setTimer(HELLO_TIMEOUT_MS, () =>
      this.#close(`no hello within ${HELLO_TIMEOUT_MS} ms`),
    );
  }

  closed(): void {
    this.#phase = 'closed';
    this.#helloTimer.cancel();
  }

  receive(frame: Uint8Array): void {
    if (this.#phase === 'closed') return;
    const message = this.#channel.receive(frame);
    if (message === undefined) return;
    if (this.#phase === 'open' && message.type === 'request') this.#take(message);
    else if (this.#phase === 'hello' && message.type === 'hello') this.#greet(message.hello);
    else if (this.#phase === 'proof' && message.type === 'proof') this.#admit(message);
    else this.#channel.reject(`a ${message.type} that has no place here`);
  }

  #greet(theirs: Hello): void {
    const refusal = refuseHello(this.#options.self, theirs);
    if (refusal !== undefined) {
      this.#refuse(refusal);
      return;
    }
    this.#phase = 'doubt';
    this.#handlers.onHello(theirs, (doubt) => {
      if (this.#phase !== 'doubt') return;
      if (doubt === undefined) this.#answerHello(theirs);
      else this.#refuse(doubt, theirs);
    });
  }

  #answerHello(theirs: Hello): void {
    const { self, random, memory, clock } = this.#options;
    const own = helloOf(self, random, memory.markOf(theirs.nodeId as NodeId));
    this.#handshake = { dialer: theirs, listener: own };
    this.#channel.send({
      type: 'hello',
      hello: own,
      proof: proveSecret(self.secret, 'listener', this.#handshake),
      clockMs: clock.nowMs(),
    });
    this.#phase = 'proof';
  }

  #admit({ proof }: Extract<PeerMessage, { type: 'proof' }>): void {
    const handshake = this.#handshake;
    if (handshake === undefined || !provesSecret(this.#options.self, proof, 'dialer', handshake)) {
      this.#refuse(SECRET_REFUSAL);
      return;
    }
    if (this.#handlers.isDoubtful(handshake.dialer)) {
      // That one may be gone, too. When the peer says hello once more, it is found out first.
      this.#close('another process has come up in the place of this peer');
      return;
    }
    this.#helloTimer.cancel();
    this.#phase = 'open';
    this.#channel.trust();
    // Before any request of this peer: what it remembers may mean that nothing can be said of what lies here.
    this.#options.memory.met(handshake.dialer.nodeId as NodeId, handshake.dialer);
    this.#handlers.onPeer(handshake.dialer, this.#channel.connection);
  }

  #refuse(refusal: HelloRefusal, theirs?: Hello): void {
    const { tracer } = this.#options;
    const { remote } = this.#channel.connection;
    const { isClone = false, ...facts } = refusal;
    tracer.trace({ type: 'hello-refused', remote, ...facts });
    if (isClone && theirs !== undefined) {
      const { nodeId: peer, storeId } = theirs;
      tracer.trace({ type: 'clone-refused', peer: peer as NodeId, storeId: storeId as StoreId, remote });
    }
    this.#channel.send({ type: 'refused', reason: refusal.reason });
    this.#close(`refused: ${refusal.reason}`);
  }

  /** Whoever asks counts on what its own store holds, too: it is remembered how far that has come. */
  #take(message: Extract<PeerMessage, { type: 'request' }>): void {
    const { sequence, madeAtMs } = message;
    const peer = this.#handshake?.dialer;
    if (peer !== undefined && sequence !== undefined)
      this.#options.memory.heard(peer.nodeId as NodeId, peer, sequence);
    const onTheWayMs = madeAtMs === undefined ? 0 : this.#options.clock.nowMs() - madeAtMs;
    // On a new connection it learns better.
    if (onTheWayMs < -MAX_CLOCK_DOUBT_MS)
      this.#close("the peer takes this node's clock for later than it is");
    else this.#serve(message, Math.max(0, onTheWayMs));
  }

  #serve({ id, request, isNotice }: Extract<PeerMessage, { type: 'request' }>, onTheWayMs: number): void {
    // Numbers rise on one connection. A repeated one would be carried out twice, and the second answer might deny the first.
    if (id <= this.#lastId) {
      this.#channel.reject(`request ${id} after request ${this.#lastId}`);
      return;
    }
    this.#lastId = id;
    // Refusals are replies, too.
    if (this.#channel.connection.queuedBytes > 2 * MAX_PEER_QUEUE_BYTES) {
      this.#close('the peer takes no replies');
      return;
    }
    const reply = (answer: PeerReply): void => {
      if (isNotice !== true) this.#reply(id, answer);
    };
    if (this.#isOverloaded()) {
      reply({ type: 'request-refused', reason: 'too much of this peer is being worked on' });
      return;
    }
    try {
      const answer = this.#handlers.onRequest(request, this.#channel.connection, onTheWayMs);
      if (answer instanceof Promise) this.#await(answer, bytesOf(request), reply);
      else reply(answer);
    } catch (error) {
      this.#close(`a request could not be answered: ${String(error)}`);
    }
  }

  #await(answer: Promise<PeerReply>, bytes: number, onReply: (reply: PeerReply) => void): void {
    this.#running += 1;
    this.#runningBytes += bytes;
    const ended = (): void => {
      this.#running -= 1;
      this.#runningBytes -= bytes;
    };
    answer.then(
      (reply) => {
        ended();
        if (this.#phase === 'open') onReply(reply);
      },
      (error: unknown) => {
        ended();
        this.#close(`a request could not be answered: ${String(error)}`);
      },
    );
  }

  #reply(id: number, reply: PeerReply): void {
    const { self, clock } = this.#options;
    this.#channel.send({ type: 'reply', id, sequence: self.sequence, clockMs: clock.nowMs(), reply });
  }

  /** Requests being worked on, and replies that the peer has not taken yet, are bounded in number and bytes. */
  #isOverloaded(): boolean {
    return (
      this.#running >= MAX_PEER_REQUESTS ||
      this.#runningBytes > MAX_PEER_QUEUE_BYTES ||
      this.#channel.connection.queuedBytes > MAX_PEER_QUEUE_BYTES
    );
  }

  /** Nothing is taken or answered from now on. */
  #close(reason: string): void {
    this.#phase = 'closed';
    this.#channel.connection.close(reason);
  }
}

/** What a request keeps in memory while it is worked on, as far as that can be much. */
function bytesOf(request: PeerRequest): number {
  if (request.type === 'store') return request.record.length;
  if ('object' in request) return request.object instanceof Uint8Array ? request.object.length : 0;
  return request.type === 'coordinate-put' ? request.request.value.length : 0;
}
