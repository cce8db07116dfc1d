/**
 * This node's own connection to one member: dials, says hello, sends requests, takes replies, and dials again with backoff
 * when it breaks. Each node dials each other, so between two nodes there are two connections, one for the requests of each
 * side; no tie has to be broken, and a link that works one way only is seen as such. A peer that owes a reply and is silent is
 * suspected after a while, and later taken for gone.
 */
import { type Handshake, proveSecret } from '../../codec/hello-proof.ts';
import { encodeMessage, type PeerMessage } from '../../codec/message-codec.ts';
import type { Incarnation, NodeId, StoreId } from '../../core/ids.ts';
import { HELLO_TIMEOUT_MS, MAX_PEER_QUEUE_BYTES, RECONNECT_FIRST_MS } from '../../core/limits.ts';
import { RemoteClock } from '../../core/membership/remote-clock.ts';
import type { Hello, PeerRequest } from '../../core/message.ts';
import type { Timer } from '../../ports/clock.ts';
import { backoffMs } from './backoff.ts';
import { helloOf, provesSecret, refuseHello, SECRET_REFUSAL } from './hello.ts';
import { MessageChannel } from './message-channel.ts';
import type { PeerOptions } from './peer-options.ts';
import type { PeerStatus, Phase } from './peer-status.ts';
import { type OnAnswer, PendingRequests } from './pending-requests.ts';
import { SilenceWatch } from './silence-watch.ts';

export class OutboundPeer {
  readonly node: NodeId;
  readonly #options: PeerOptions;
  readonly #onChange: () => void;
  readonly #pending = new PendingRequests();
  readonly #silence: SilenceWatch;
  #phase: Phase = 'waiting';
  #channel: MessageChannel | undefined;
  #hello: Hello | undefined;
  #theirs: Hello | undefined;
  /** Of the process at the other end of the connection. */
  #theirClock = new RemoteClock();
  #timer: Timer | undefined;
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
    this.#silence = new SilenceWatch(options.clock, {
      isOwed: () => this.#pending.isOwed,
      ping: () => this.request({ type: 'ping' }, ignore),
      onSuspicion: (isSuspected) => this.#suspicionChanged(isSuspected),
      onGone: (reason) => this.#drop(reason),
    });
  }

  get state(): PeerStatus['state'] {
    if (this.#phase === 'up') return this.#silence.isSuspected ? 'suspected' : 'up';
    return this.#phase === 'connecting' ? 'connecting' : 'down';
  }

  get status(): PeerStatus {
    return {
      state: this.state,
      sinceMs: this.#sinceMs,
      storeId: this.#theirs?.storeId as StoreId | undefined,
      incarnation: this.#theirs?.incarnation as Incarnation | undefined,
      reason: this.state === 'up' ? undefined : this.#reason,
    };
  }

  start(): void {
    if (this.#phase === 'waiting' && this.#timer === undefined) this.#dial();
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
    const madeAtMs = this.#options.clock.nowMs();
    const encode = (): Uint8Array => this.#encode(id, request, madeAtMs);
    if (this.#phase === 'connecting') return this.#pending.addWaiting(id, request.type, encode, onAnswer);
    const message = encode();
    this.#channel?.sendEncoded(message);
    this.#silence.watch();
    return this.#pending.addSent(id, request.type, message.length, onAnswer);
  }

  /**
   * As `request`, for what may get lost. A peer that was heard of just now, and takes what it is sent, need not answer; from any other
   * one an answer is wanted, by which it shows that it lives, and how much it has not worked off yet.
   */
  tell(request: PeerRequest): void {
    const channel = this.connected === undefined ? undefined : this.#channel;
    const isPrompt = this.#silence.hasHeardLately && !this.#pending.isFull;
    if (channel === undefined || channel.isSlow || !isPrompt) this.request(request, ignore);
    else {
      const { sequence } = this.#options.self;
      channel.send({ type: 'request', id: this.#pending.takeId(), sequence, isNotice: true, request });
    }
  }

  /** An operation that the peer shall coordinate has a time limit, which runs while it is on its way. */
  #encode(id: number, request: PeerRequest, madeAtMs: number): Uint8Array {
    const { sequence } = this.#options.self;
    const time = 'request' in request ? this.#theirClock.atLeast(madeAtMs) : undefined;
    return encodeMessage({ type: 'request', id, sequence, madeAtMs: time, request });
  }

  /** The peer was heard of as this incarnation: no reason to wait any longer, or to trust a connection to an earlier one. */
  heardOf(incarnation: Incarnation): void {
    if (this.#phase === 'waiting') this.#dial();
    else if (this.#phase === 'up' && this.#theirs?.incarnation !== incarnation) this.#silence.probe();
  }

  /** The peer as it presented itself on the connection that stands; undefined if none does. */
  get connected(): Hello | undefined {
    return this.#phase === 'up' ? this.#theirs : undefined;
  }

  /** Asks for a sign of life where the connection is in doubt; calls back with whether there is one. */
  probe(onSettled: (isAlive: boolean) => void): void {
    this.request({ type: 'ping' }, ({ type }) => onSettled(type === 'reply' || this.#phase === 'up'));
    if (this.#phase === 'up') this.#silence.probe();
  }

  /** Ends the connection and makes another: this node presents itself anew. */
  redial(reason: string): void {
    if (this.#phase === 'closed') return;
    this.#drop(reason);
    this.#dial();
  }

  /**
   * Ends the pause before the next dial, because an operation needs this peer now. Not sooner than RECONNECT_FIRST_MS
   * after the last connection ended, so that a node that is down does not cost a dial for every request.
   */
  dialSoon(): void {
    if (this.#phase !== 'waiting') return;
    if (this.#options.clock.nowMs() - this.#endedAtMs >= RECONNECT_FIRST_MS) this.#dial();
  }

  close(): void {
    if (this.#phase === 'closed') return;
    const reason = 'this node is shutting down';
    this.#stopTimers();
    this.#enter('closed', reason);
    this.#channel?.connection.close(reason);
    this.#channel = undefined;
    this.#pending.failAll(reason);
    this.#onChange();
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
    this.#stopTimers();
    this.#phase = 'connecting';
    this.#timer = clock.setTimer(HELLO_TIMEOUT_MS, () =>
      this.#drop(`no hello within ${HELLO_TIMEOUT_MS} ms`),
    );
    const connection = network.connect(this.node, {
      onOpen: () => {
        if (this.#channel === channel) this.#sayHello(channel);
      },
      onFrame: (frame) => {
        if (this.#channel === channel) this.#receive(channel, frame);
      },
      onClose: (reason, cause) => {
        if (cause === 'malformed')
          tracer.trace({ type: 'malformed-frame', remote: connection.remote, reason });
        if (this.#channel === channel) this.#ended(reason);
      },
    });
    const channel = new MessageChannel(connection, tracer, (reason) => this.#drop(reason));
    this.#channel = channel;
    this.#theirClock = new RemoteClock();
    this.#onChange();
  }

  #sayHello(channel: MessageChannel): void {
    const { self, random, memory } = this.#options;
    this.#hello = helloOf(self, random, memory.markOf(this.node));
    channel.send({ type: 'hello', hello: this.#hello, proof: undefined });
  }

  #receive(channel: MessageChannel, frame: Uint8Array): void {
    this.#silence.heard();
    const message = channel.receive(frame);
    if (message === undefined) return;
    if ('clockMs' in message && message.clockMs !== undefined)
      this.#theirClock.heard(message.clockMs, this.#options.clock.nowMs());
    if (this.#phase === 'up') this.#receiveReply(channel, message);
    else this.#receiveHello(channel, message);
  }

  #receiveReply(channel: MessageChannel, message: PeerMessage): void {
    this.#failures = 0;
    if (message.type === 'reply' && this.#pending.settle(message.id, message.reply)) {
      if (this.#theirs !== undefined) this.#options.memory.heard(this.node, this.#theirs, message.sequence);
    } else channel.reject(`a ${message.type} that nobody asked for`);
  }

  #receiveHello(channel: MessageChannel, message: PeerMessage): void {
    const own = this.#hello;
    if (message.type === 'refused') this.#drop(`refused by the peer: ${message.reason}`);
    else if (message.type !== 'hello' || own === undefined)
      channel.reject(`a ${message.type} before the hello`);
    else this.#greeted(channel, message.hello, message.proof, own);
  }

  #greeted(channel: MessageChannel, theirs: Hello, proof: Uint8Array | undefined, own: Hello): void {
    const { self, tracer } = this.#options;
    const handshake: Handshake = { dialer: own, listener: theirs };
    const refusal =
      refuseHello(self, theirs, this.node) ??
      (provesSecret(self, proof, 'listener', handshake) ? undefined : SECRET_REFUSAL);
    if (refusal !== undefined) {
      tracer.trace({ type: 'hello-refused', remote: channel.connection.remote, ...refusal });
      this.#drop(`refused: ${refusal.reason}`);
      return;
    }
    channel.trust();
    channel.send({ type: 'proof', proof: proveSecret(self.secret, 'dialer', handshake) });
    this.#options.memory.met(this.node, theirs);
    this.#open(channel, theirs);
  }

  #open(channel: MessageChannel, theirs: Hello): void {
    this.#stopTimers();
    this.#theirs = theirs;
    this.#enter('up', undefined);
    for (const message of this.#pending.takeWaiting()) channel.sendEncoded(message);
    if (this.#pending.isOwed) this.#silence.watch();
    this.#options.tracer.trace({
      type: 'peer-up',
      peer: this.node,
      incarnation: theirs.incarnation as Incarnation,
      storeId: theirs.storeId as StoreId,
    });
    this.#onChange();
  }

  /** Closes the connection; what comes from it later concerns nobody any more. */
  #drop(reason: string): void {
    const channel = this.#channel;
    this.#ended(reason);
    channel?.connection.reset(reason);
  }

  #ended(reason: string): void {
    if (this.#phase === 'closed') return;
    const wasUp = this.#phase === 'up';
    this.#stopTimers();
    this.#channel = undefined;
    this.#endedAtMs = this.#options.clock.nowMs();
    if (wasUp) this.#enter('waiting', reason);
    this.#phase = 'waiting';
    this.#reason = reason;
    const { clock, random } = this.#options;
    this.#timer = clock.setTimer(backoffMs(this.#failures, random), () => this.#dial());
    this.#failures += 1;
    if (wasUp) this.#options.tracer.trace({ type: 'peer-down', peer: this.node, reason });
    this.#pending.failAll(reason);
    this.#onChange();
  }

  #enter(phase: Phase, reason: string | undefined): void {
    this.#phase = phase;
    this.#reason = reason;
    this.#sinceMs = this.#options.clock.wallMs();
  }

  #stopTimers(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#silence.stop();
  }

  #suspicionChanged(isSuspected: boolean): void {
    const { clock, tracer } = this.#options;
    this.#sinceMs = clock.wallMs();
    if (isSuspected) this.#reason = 'it does not answer';
    tracer.trace({ type: isSuspected ? 'peer-suspected' : 'peer-trusted', peer: this.node });
    this.#onChange();
  }
}

function ignore(): void {}
