/**
 * A network between simulated processes: connections that are ordered, slow, cut, reset or half-open, and in the hostile
 * profile also lossy, reordering and duplicating. Faults stay silent: nothing is told to a node that a real network would
 * not tell it.
 *
 * A link is directed. A cut link holds what is sent (TCP sends again) until it heals or the connection ends.
 */
import type { NodeId } from '../../../src/core/ids.ts';
import type { Connection, ConnectionHandlers, Network } from '../../../src/ports/network.ts';
import { draw, exponential } from './draw.ts';
import type { EventLoop } from './event-loop.ts';
import { type Life, never, slowed } from './life.ts';

export interface NetworkOptions {
  /** Microseconds of delay: a minimum, and an exponential part with this mean. */
  readonly minDelayUs: number;
  readonly meanDelayUs: number;
  /** Probability that a delay is a hundred times as long. */
  readonly slowChance: number;
  /** All zero in the profile `tcp`. */
  readonly lossChance: number;
  readonly duplicateChance: number;
  readonly reorderChance: number;
}

/** A frame on its way, for whoever watches or filters. */
export interface FrameInFlight {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly frame: Uint8Array;
}

const CONNECT_TIMEOUT_US = 3_000_000;
/** After this long TCP's keep-alive finds out that the machine at the other end is gone. */
const KEEP_ALIVE_US = 30_000_000;

interface Listener {
  readonly life: Life;
  readonly accept: (connection: Connection) => ConnectionHandlers;
}

export class Fabric {
  readonly seed: number;
  readonly loop: EventLoop;
  /** May change in the course of a run. */
  options: NetworkOptions;
  readonly #listeners = new Map<NodeId, Listener>();
  readonly #cut = new Set<string>();
  readonly #ends = new Set<ConnectionEnd>();
  readonly #counts = new Map<string, number>();
  /** Frames for which this is true are lost, whatever the profile. */
  filter: ((inFlight: FrameInFlight) => boolean) | undefined;
  /** Told of every frame that is delivered. */
  onDelivery: ((inFlight: FrameInFlight) => void) | undefined;
  delivered = 0;

  constructor(seed: number, loop: EventLoop, options: NetworkOptions) {
    this.seed = seed;
    this.loop = loop;
    this.options = options;
  }

  /** The network port of one process. */
  networkOf(node: NodeId, life: Life): Network {
    let isClosed = false;
    return {
      listen: (accept) => {
        if (!life.isCalling()) return never();
        if (isClosed) return Promise.reject(new Error('The network is closed'));
        this.#listeners.set(node, { life, accept });
        return Promise.resolve();
      },
      connect: (peer, handlers) => {
        const connection = this.#connect(node, life, peer, handlers);
        if (isClosed) connection.close('this node is shutting down');
        return connection;
      },
      close: () => {
        if (!life.isCalling()) return never();
        isClosed = true;
        if (this.#listeners.get(node)?.life === life) this.#listeners.delete(node);
        for (const end of [...this.#ends]) if (end.life === life) end.close('this node is shutting down');
        // After the events in which the handlers hear of it.
        return new Promise((resolve) => {
          this.loop.schedule(1, life, 'network-closed', resolve);
        });
      },
    };
  }

  isCut(from: NodeId, to: NodeId): boolean {
    return this.#cut.has(`${from}>${to}`);
  }

  cut(from: NodeId, to: NodeId): void {
    this.#cut.add(`${from}>${to}`);
  }

  heal(from: NodeId, to: NodeId): void {
    if (!this.#cut.delete(`${from}>${to}`)) return;
    for (const end of this.#ends) if (end.node === from && end.peer === to) end.resume();
  }

  healAll(): void {
    for (const link of [...this.#cut]) {
      const [from, to] = link.split('>') as [NodeId, NodeId];
      this.heal(from, to);
    }
  }

  /** Breaks every connection between two nodes. Each side notices in its own time. */
  reset(left: NodeId, right: NodeId): void {
    for (const end of [...this.#ends]) {
      if ((end.node === left && end.peer === right) || (end.node === right && end.peer === left)) end.break();
    }
  }

  /** A process died. `quietly`: its machine is gone, too, and nobody is told. */
  died(life: Life, quietly: boolean): void {
    for (const [node, listener] of this.#listeners) if (listener.life === life) this.#listeners.delete(node);
    for (const end of [...this.#ends]) {
      if (end.life !== life) continue;
      this.#ends.delete(end);
      end.other?.breakLater(quietly ? KEEP_ALIVE_US : 0);
    }
  }

  /** Breaks every connection on which a frame was lost: TCP keeps none of them, it was a fault of ours that they stood. */
  breakLossy(): void {
    for (const end of [...this.#ends]) if (end.hasLost) end.break();
  }

  /** Delivers a frame of a request long after it was sent. Answers false if there is no connection that it could come on. */
  deliverLate({ from, to, frame }: FrameInFlight): boolean {
    const end = [...this.#ends].find(
      ({ node, peer, isDialer, isOpen, isClosed }) =>
        node === from && peer === to && isDialer && isOpen && !isClosed,
    );
    end?.deliverLate(frame);
    return end !== undefined;
  }

  /** Whether a new process of this node is there, so that its machine answers what belongs to an old one with a reset. */
  isListening(node: NodeId): boolean {
    return this.#listeners.get(node)?.life.alive === true;
  }

  /** Connections of a process, those that it opened and those that it took. */
  connectionsOf(life: Life): number {
    return [...this.#ends].filter((end) => end.life === life).length;
  }

  remove(end: ConnectionEnd): void {
    this.#ends.delete(end);
  }

  /** The n-th draw for a link and a purpose. */
  draw(purpose: string, from: NodeId, to: NodeId): number {
    const name = `${purpose} ${from}>${to}`;
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    return draw(this.seed, name, count);
  }

  delayUs(from: NodeId, to: NodeId): number {
    const { minDelayUs, meanDelayUs, slowChance } = this.options;
    const uniform = this.draw('delay', from, to);
    const delay = minDelayUs + exponential(meanDelayUs, uniform);
    // The digits of the draw that the exponential hardly uses decide whether it is a slow one.
    return (uniform * 65_536) % 1 < slowChance ? delay * 100 : delay;
  }

  #connect(from: NodeId, life: Life, to: NodeId, handlers: ConnectionHandlers): Connection {
    const dialer = new ConnectionEnd(this, from, to, life, handlers);
    if (!life.isCalling()) return dialer;
    this.#ends.add(dialer);
    this.loop.schedule(CONNECT_TIMEOUT_US, life, 'connect-timeout', () => {
      if (!dialer.isOpen) dialer.finish('no connection within 3000 ms');
    });
    const delay = this.delayUs(from, to);
    // The other machine answers, not the other process: nobody's pause holds it up, and the dialer's crash ends it.
    this.loop.schedule(delay, life, 'connect', () => this.#arrive(dialer));
    return dialer;
  }

  #arrive(dialer: ConnectionEnd): void {
    const { node: from, peer: to } = dialer;
    if (dialer.isClosed || this.isCut(from, to) || this.isCut(to, from)) return;
    const listener = this.#listeners.get(to);
    if (listener === undefined || !listener.life.alive) {
      dialer.finish('connection refused: nothing listens there');
      return;
    }
    const openDelayUs = this.delayUs(to, from);
    this.loop.schedule(0, listener.life, 'accept', () => {
      if (dialer.isClosed) return;
      const acceptor = new ConnectionEnd(this, to, from, listener.life, undefined);
      this.#ends.add(acceptor);
      dialer.join(acceptor, this.loop.nowUs + openDelayUs);
      acceptor.handlers = listener.accept(acceptor);
    });
    this.loop.schedule(openDelayUs, dialer.life, 'open', () => dialer.open());
  }
}

/** One side of a connection. */
export class ConnectionEnd implements Connection {
  readonly remote: string;
  readonly node: NodeId;
  readonly peer: NodeId;
  readonly life: Life;
  readonly isDialer: boolean;
  readonly #fabric: Fabric;
  handlers: ConnectionHandlers | undefined;
  other: ConnectionEnd | undefined;
  isOpen = false;
  isClosed = false;
  /** Whether a frame that this side sent was lost although the connection stood. */
  hasLost = false;
  #lastArrivalUs = 0;
  #inFlightBytes = 0;
  #held: Uint8Array[] = [];
  #isBroken = false;

  constructor(
    fabric: Fabric,
    node: NodeId,
    peer: NodeId,
    life: Life,
    handlers: ConnectionHandlers | undefined,
  ) {
    this.#fabric = fabric;
    this.node = node;
    this.peer = peer;
    this.life = life;
    this.handlers = handlers;
    this.isDialer = handlers !== undefined;
    this.remote = peer;
  }

  get queuedBytes(): number {
    return this.isClosed ? 0 : this.#inFlightBytes;
  }

  /** What the acceptor sends does not arrive before the dialer knows that the connection stands. */
  join(acceptor: ConnectionEnd, openAtUs: number): void {
    this.other = acceptor;
    acceptor.other = this;
    acceptor.isOpen = true;
    acceptor.#lastArrivalUs = openAtUs;
    // It was lost while it was being made: the dialer knows by now or soon, and so does the other side.
    if (this.#isBroken) acceptor.breakLater();
  }

  open(): void {
    if (this.isClosed || this.other === undefined) return;
    this.isOpen = true;
    this.resume();
    this.handlers?.onOpen?.();
  }

  send(frame: Uint8Array): void {
    if (!this.life.isCalling() || this.isClosed) return;
    const copy = new Uint8Array(frame);
    this.#inFlightBytes += copy.length;
    if (!this.isOpen || this.#fabric.isCut(this.node, this.peer)) this.#held.push(copy);
    else this.#transmit(copy);
  }

  deliverLate(frame: Uint8Array): void {
    this.#inFlightBytes += frame.length;
    this.#arriveLater(frame, false);
  }

  close(reason: string): void {
    if (!this.life.isCalling() || this.isClosed) return;
    const { other } = this;
    this.finish(reason);
    if (other === undefined || this.#isBroken) return;
    const fabric = this.#fabric;
    const delay = Math.max(fabric.delayUs(this.node, this.peer), this.#lastArrivalUs - fabric.loop.nowUs + 1);
    fabric.loop.schedule(delay, other.life, 'peer-close', () => other.finish('closed by the peer'));
  }

  /** What is held is gone with a close, too; what is on its way lies with the other machine. */
  reset(reason: string): void {
    this.close(reason);
  }

  /** The connection stands, or the link carries again: what was held goes out. */
  resume(): void {
    if (!this.isOpen || this.#fabric.isCut(this.node, this.peer)) return;
    const held = this.#held;
    this.#held = [];
    if (!this.isClosed) for (const frame of held) this.#transmit(frame);
  }

  /** The connection is lost; what is on its way is lost or not; each side notices in its own time. */
  break(): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.breakLater();
    this.other?.break();
  }

  /** This side notices after a while, and at least after `minUs`. */
  breakLater(minUs = 0): void {
    this.#isBroken = true;
    const fabric = this.#fabric;
    const isHalfOpen = fabric.draw('half-open', this.node, this.peer) < 0.1;
    const delay =
      minUs +
      fabric.delayUs(this.peer, this.node) +
      (isHalfOpen ? fabric.draw('half-open-for', this.node, this.peer) * KEEP_ALIVE_US : 0);
    fabric.loop.schedule(delay, this.life, 'break', () => this.finish('connection reset by the peer'));
  }

  /** This side is closed now; its handler hears of it in an event of its own. */
  finish(reason: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#held = [];
    this.#fabric.remove(this);
    this.#fabric.loop.schedule(0, this.life, 'close', () => this.handlers?.onClose(reason, 'closed'));
  }

  #transmit(frame: Uint8Array): void {
    const fabric = this.#fabric;
    const { node, peer } = this;
    const { lossChance, duplicateChance, reorderChance } = fabric.options;
    const isLost =
      fabric.filter?.({ from: node, to: peer, frame }) === true || this.#drawn('loss', lossChance);
    if (isLost) {
      this.hasLost = true;
      this.#inFlightBytes -= frame.length;
      return;
    }
    this.#arriveLater(frame, this.#drawn('reorder', reorderChance));
    if (this.#drawn('duplicate', duplicateChance)) this.#arriveLater(frame, true);
  }

  #drawn(purpose: string, chance: number): boolean {
    return chance > 0 && this.#fabric.draw(purpose, this.node, this.peer) < chance;
  }

  #arriveLater(frame: Uint8Array, outOfOrder: boolean): void {
    const fabric = this.#fabric;
    const { loop } = fabric;
    const target = this.other;
    if (target === undefined) return;
    const slowness = Math.max(this.life.slowness, target.life.slowness);
    let delay = slowed(fabric.delayUs(this.node, this.peer), slowness);
    if (outOfOrder) delay += fabric.draw('lateness', this.node, this.peer) * 200_000;
    else {
      delay = Math.max(delay, this.#lastArrivalUs - loop.nowUs + 1);
      this.#lastArrivalUs = loop.nowUs + Math.round(delay);
    }
    if (!target.life.alive) {
      if (fabric.isListening(this.peer)) this.breakLater();
      return;
    }
    loop.schedule(delay, target.life, 'frame', () => this.#arrive(frame, target));
  }

  #arrive(frame: Uint8Array, target: ConnectionEnd): void {
    const fabric = this.#fabric;
    this.#inFlightBytes = Math.max(0, this.#inFlightBytes - frame.length);
    if (target.isClosed || target.handlers === undefined) return;
    if (this.#isBroken && fabric.draw('lost-in-break', this.node, this.peer) < 0.5) return;
    fabric.delivered += 1;
    fabric.onDelivery?.({ from: this.node, to: this.peer, frame });
    target.handlers.onFrame(frame);
  }
}
