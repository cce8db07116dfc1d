/**
 * This node's own connection to one member: dials, says hello, sends requests, takes replies, and dials again with backoff
 * when it breaks. Each node dials each other, so between two nodes there are two connections, one for the requests of each
 * side; no tie has to be broken, and a link that works one way only is seen as such.
 *
 * `connecting` lasts from a dial to its handshake: requests wait for its end. `waiting` is the pause before the next dial:
 * requests fail at once. A peer that owes a reply and is silent for PEER_SILENCE_MS is taken for gone.
 */
import { type Handshake, proveSecret } from '../../codec/hello-proof.ts';
import { encodeMessage, type PeerMessage } from '../../codec/message-codec.ts';
import type { Incarnation, NodeId, StoreId } from '../../core/ids.ts';
import {
  HELLO_TIMEOUT_MS,
  MAX_PEER_QUEUE_BYTES,
  PEER_SILENCE_MS,
  RECONNECT_FIRST_MS,
  RECONNECT_LAST_MS,
} from '../../core/limits.ts';
import type { Hello, PeerRequest } from '../../core/message.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { Network } from '../../ports/network.ts';
import type { Random } from '../../ports/random.ts';
import type { Tracer } from '../../ports/tracer.ts';
import { helloOf, type LocalIdentity, provesSecret, refuseHello, SECRET_REFUSAL } from './hello.ts';
import { MessageChannel } from './message-channel.ts';
import { type OnAnswer, PendingRequests } from './pending-requests.ts';

export interface PeerOptions {
  readonly self: LocalIdentity;
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly tracer: Tracer;
}

export interface PeerStatus {
  readonly state: 'up' | 'connecting' | 'down';
  /** Wall clock, milliseconds since 1970: since when it is up, or is not. */
  readonly sinceMs: number;
  readonly storeId: StoreId | undefined;
  readonly incarnation: Incarnation | undefined;
  /** Why it is not up, as far as known. */
  readonly reason: string | undefined;
}

type Phase = 'connecting' | 'up' | 'waiting' | 'closed';

export class OutboundPeer {
  readonly node: NodeId;
  readonly #options: PeerOptions;
  readonly #onChange: () => void;
  readonly #pending = new PendingRequests();
  #phase: Phase = 'waiting';
  #channel: MessageChannel | undefined;
  #hello: Hello | undefined;
  #theirs: Hello | undefined;
  #timer: Timer | undefined;
  #silenceTimer: Timer | undefined;
  #heardAtMs = 0;
  #failures = 0;
  #endedAtMs = Number.NEGATIVE_INFINITY;
  #sinceMs: number;
  #reason: string | undefined = 'not connected yet';

  /** `onChange` is told of every change of the state. */
  constructor(node: NodeId, options: PeerOptions, onChange: () => void) {
    this.node = node;
    this.#options = options;
    this.#onChange = onChange;
    this.#sinceMs = options.clock.wallMs();
  }

  get state(): PeerStatus['state'] {
    if (this.#phase === 'up' || this.#phase === 'connecting') return this.#phase;
    return 'down';
  }

  get status(): PeerStatus {
    return {
      state: this.state,
      sinceMs: this.#sinceMs,
      storeId: this.#theirs?.storeId as StoreId | undefined,
      incarnation: this.#theirs?.incarnation as Incarnation | undefined,
      reason: this.#phase === 'up' ? undefined : this.#reason,
    };
  }

  start(): void {
    this.#dial();
  }

  /**
   * Sends a request, or keeps it while a connection is being made. `onAnswer` is called once, later than this returns
   * except for `not-sent`; not after the returned function was called.
   */
  request(request: PeerRequest, onAnswer: OnAnswer): () => void {
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      onAnswer({ type: 'not-sent', reason: refusal });
      return ignore;
    }
    const id = this.#pending.takeId();
    const message = encodeMessage({ type: 'request', id, request });
    if (this.#phase === 'connecting') return this.#pending.addWaiting(id, request.type, message, onAnswer);
    this.#channel?.sendEncoded(message);
    this.#watchSilence();
    return this.#pending.addSent(id, request.type, onAnswer);
  }

  /** The peer was heard of as this incarnation: no reason to wait any longer, or to trust a connection to an earlier one. */
  heardOf(incarnation: Incarnation): void {
    if (this.#phase === 'waiting') {
      this.#timer?.cancel();
      this.#dial();
    } else if (this.#phase === 'up' && this.#theirs?.incarnation !== incarnation) {
      this.#failures = 0;
      this.#channel?.connection.close('the peer has started again');
    }
  }

  /**
   * Ends the pause before the next dial, because an operation needs this peer now. Not sooner than RECONNECT_FIRST_MS
   * after the last connection ended, so that a node that is down does not cost a dial for every request.
   */
  dialSoon(): void {
    if (this.#phase !== 'waiting') return;
    if (this.#options.clock.nowMs() - this.#endedAtMs < RECONNECT_FIRST_MS) return;
    this.#timer?.cancel();
    this.#dial();
  }

  close(): void {
    if (this.#phase === 'closed') return;
    this.#timer?.cancel();
    this.#silenceTimer?.cancel();
    this.#phase = 'closed';
    this.#reason = 'this node is shutting down';
    this.#channel?.connection.close(this.#reason);
    this.#pending.failAll(this.#reason);
  }

  #refusal(): string | undefined {
    if (this.#phase === 'waiting' || this.#phase === 'closed') return this.#reason ?? 'not connected';
    const queuedBytes = this.#channel?.connection.queuedBytes ?? 0;
    if (this.#pending.isFull || queuedBytes > MAX_PEER_QUEUE_BYTES)
      return 'too much is waiting for this peer';
    return undefined;
  }

  #dial(): void {
    const { network, clock, tracer } = this.#options;
    this.#phase = 'connecting';
    this.#timer = clock.setTimer(HELLO_TIMEOUT_MS, () =>
      this.#channel?.connection.close(`no hello within ${HELLO_TIMEOUT_MS} ms`),
    );
    const connection = network.connect(this.node, {
      onOpen: () => this.#sayHello(),
      onFrame: (frame) => this.#receive(frame),
      onClose: (reason, cause) => {
        if (cause === 'malformed') {
          tracer.trace({ type: 'malformed-frame', remote: connection.remote, reason });
        }
        this.#closed(reason);
      },
    });
    this.#channel = new MessageChannel(connection, tracer);
    this.#onChange();
  }

  #sayHello(): void {
    this.#hello = helloOf(this.#options.self, this.#options.random);
    this.#channel?.send({ type: 'hello', hello: this.#hello, proof: undefined });
  }

  #receive(frame: Uint8Array): void {
    this.#heardAtMs = this.#options.clock.nowMs();
    const message = this.#channel?.receive(frame);
    if (message === undefined) return;
    if (this.#phase === 'up') this.#receiveReply(message);
    else if (this.#phase === 'connecting') this.#receiveHello(message);
  }

  #receiveReply(message: PeerMessage): void {
    if (message.type === 'reply' && this.#pending.settle(message.id, message.reply)) return;
    this.#channel?.reject(`a ${message.type} that nobody asked for`);
  }

  #receiveHello(message: PeerMessage): void {
    if (message.type === 'refused') {
      this.#channel?.connection.close(`refused by the peer: ${message.reason}`);
      return;
    }
    const own = this.#hello;
    if (message.type !== 'hello' || own === undefined) {
      this.#channel?.reject(`a ${message.type} before the hello`);
      return;
    }
    const { self, tracer } = this.#options;
    const { hello, proof } = message;
    const handshake: Handshake = { dialer: own, listener: hello };
    const refusal =
      refuseHello(self, hello, this.node) ??
      (provesSecret(self, proof, 'listener', handshake) ? undefined : SECRET_REFUSAL);
    if (refusal !== undefined) {
      tracer.trace({
        type: 'hello-refused',
        remote: this.#channel?.connection.remote ?? this.node,
        ...refusal,
      });
      this.#channel?.connection.close(`refused: ${refusal.reason}`);
      return;
    }
    this.#channel?.send({ type: 'proof', proof: proveSecret(self.secret, 'dialer', handshake) });
    this.#open(hello);
  }

  #open(theirs: Hello): void {
    this.#timer?.cancel();
    this.#theirs = theirs;
    this.#failures = 0;
    this.#enter('up', undefined);
    for (const message of this.#pending.takeWaiting()) this.#channel?.sendEncoded(message);
    this.#watchSilence();
    const { tracer } = this.#options;
    const { storeId, incarnation } = this.status;
    if (storeId !== undefined && incarnation !== undefined) {
      tracer.trace({ type: 'peer-up', peer: this.node, incarnation, storeId });
    }
    this.#onChange();
  }

  #closed(reason: string): void {
    if (this.#phase === 'closed') return;
    const wasUp = this.#phase === 'up';
    this.#timer?.cancel();
    this.#silenceTimer?.cancel();
    this.#silenceTimer = undefined;
    this.#channel = undefined;
    this.#endedAtMs = this.#options.clock.nowMs();
    if (wasUp) this.#enter('waiting', reason);
    else {
      this.#phase = 'waiting';
      this.#reason = reason;
    }
    this.#timer = this.#options.clock.setTimer(this.#backoffMs(), () => this.#dial());
    if (wasUp) this.#options.tracer.trace({ type: 'peer-down', peer: this.node, reason });
    this.#pending.failAll(reason);
    this.#onChange();
  }

  #enter(phase: Phase, reason: string | undefined): void {
    this.#phase = phase;
    this.#reason = reason;
    this.#sinceMs = this.#options.clock.wallMs();
  }

  /** Doubles from the first to the last delay; half of it is drawn, so that nodes do not dial in step. */
  #backoffMs(): number {
    const fullMs = Math.min(RECONNECT_FIRST_MS * 2 ** Math.min(this.#failures, 16), RECONNECT_LAST_MS);
    this.#failures += 1;
    return fullMs / 2 + (this.#options.random.fraction() * fullMs) / 2;
  }

  /** One timer for all requests: it closes the connection if a reply is owed and nothing was heard for too long. */
  #watchSilence(): void {
    if (this.#silenceTimer !== undefined) return;
    const { clock } = this.#options;
    const fromMs = clock.nowMs();
    this.#heardAtMs = Math.max(this.#heardAtMs, fromMs);
    this.#silenceTimer = clock.setTimer(PEER_SILENCE_MS, () => {
      this.#silenceTimer = undefined;
      if (!this.#pending.isOwed) return;
      if (this.#heardAtMs <= fromMs) this.#channel?.connection.close(`silent for ${PEER_SILENCE_MS} ms`);
      else this.#watchSilence();
    });
  }
}

function ignore(): void {}
