/**
 * The other members as this node reaches them. One place says whether a peer is usable: `up`, `connecting` (a request waits),
 * or `down` (a request fails at once).
 */
import type { Incarnation, NodeId } from '../../core/ids.ts';
import { CLONE_DOUBT_MS } from '../../core/limits.ts';
import type { Hello, PeerReply, PeerRequest } from '../../core/message.ts';
import type { Connection } from '../../ports/network.ts';
import type { MaybeLater } from '../at-once.ts';
import { type HelloRefusal, refuseClone } from './hello.ts';
import { acceptPeer, type InboundHandlers } from './inbound-peer.ts';
import { OutboundPeer } from './outbound-peer.ts';
import type { PeerOptions } from './peer-options.ts';
import type { PeerStatus } from './peer-status.ts';
import type { OnAnswer } from './pending-requests.ts';

/** `onTheWayMs`: see InboundHandlers. */
export type OnRequest = (request: PeerRequest, onTheWayMs: number) => MaybeLater<PeerReply>;

export class Peers {
  readonly #options: PeerOptions;
  readonly #peers: ReadonlyMap<NodeId, OutboundPeer>;
  readonly #watchers = new Set<() => void>();
  /** Connections that peers opened, with what they said of themselves, once they had proved it. */
  readonly #inbound = new Map<Connection, Hello | undefined>();
  #onUp: (node: NodeId) => void = () => {};
  #isStarted = false;

  constructor(options: PeerOptions) {
    this.#options = options;
    const others = [...options.self.members].filter((node) => node !== options.self.nodeId);
    this.#peers = new Map(
      others.map((node) => [node, new OutboundPeer(node, options, () => this.#changed(node))]),
    );
  }

  /** Listens, then dials everybody; `onUp` is told of each peer that is reached. Rejects if the address cannot be listened on. */
  async start(onRequest: OnRequest, onUp: (node: NodeId) => void): Promise<void> {
    this.#onUp = onUp;
    const handlers: InboundHandlers = {
      onRequest: (request, from, onTheWayMs) => {
        if (request.type === 'barrier') this.#endOlder(from);
        return onRequest(request, onTheWayMs);
      },
      onHello: (hello, onSettled) => this.#settleRival(hello, onSettled),
      isDoubtful: (hello) => this.#rivalOf(hello) !== undefined,
      onPeer: (hello, connection) => {
        this.#inbound.set(connection, hello);
        this.#peers.get(hello.nodeId as NodeId)?.heardOf(hello.incarnation as Incarnation);
      },
    };
    await this.#options.network.listen((connection) => {
      this.#inbound.set(connection, undefined);
      const accepted = acceptPeer(connection, this.#options, handlers);
      return {
        ...accepted,
        onClose: (reason, cause) => {
          this.#inbound.delete(connection);
          accepted.onClose(reason, cause);
        },
      };
    });
    this.#isStarted = true;
    for (const peer of this.#peers.values()) peer.start();
  }

  state(node: NodeId): PeerStatus['state'] {
    return this.#peers.get(node)?.state ?? 'down';
  }

  status(node: NodeId): PeerStatus | undefined {
    return this.#peers.get(node)?.status;
  }

  /** See OutboundPeer.dialSoon. */
  dialSoon(node: NodeId): void {
    this.#peers.get(node)?.dialSoon();
  }

  /** See OutboundPeer.request. */
  request(node: NodeId, request: PeerRequest, onAnswer: OnAnswer): () => void {
    return this.#peer(node).request(request, onAnswer);
  }

  /** See OutboundPeer.tell. */
  tell(node: NodeId, request: PeerRequest): void {
    this.#peer(node).tell(request);
  }

  /** Members other than this node. */
  get others(): readonly NodeId[] {
    return [...this.#peers.keys()];
  }

  /** Calls back after every change of some peer's state, until the returned function is called. */
  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  /** Ends every connection and makes new ones, if there are any yet: this node presents itself anew. */
  presentAnew(reason: string): void {
    if (!this.#isStarted) return;
    for (const connection of this.#inbound.keys()) connection.close(reason);
    for (const peer of this.#peers.values()) peer.redial(reason);
  }

  async close(): Promise<void> {
    for (const peer of this.#peers.values()) peer.close();
    await this.#options.network.close();
  }

  #peer(node: NodeId): OutboundPeer {
    const peer = this.#peers.get(node);
    if (peer === undefined) throw new Error(`${node} is no peer of this node`);
    return peer;
  }

  #changed(node: NodeId): void {
    if (this.state(node) === 'up') {
      this.#endRivals(node);
      this.#onUp(node);
    }
    for (const watcher of this.#watchers) watcher();
  }

  /**
   * Two processes must not be one node, nor run on one store. The one that answers at its address is the right one: whoever
   * comes as its second is refused as long as that one lives. A process that has only been started again is none, for the
   * first does not answer any more. Nor is one that has died, whose hello a broken link has held up: nothing comes behind that
   * but the end of its connection.
   */
  #settleRival(hello: Hello, onSettled: (refusal: HelloRefusal | undefined) => void): void {
    const first = this.#rivalOf(hello);
    if (first === undefined) onSettled(undefined);
    else
      first.probe((isAlive) => {
        if (!isAlive) onSettled(undefined);
        else this.#options.clock.setTimer(CLONE_DOUBT_MS, () => onSettled(refuseClone(hello, first.node)));
      });
  }

  #rivalOf(hello: Hello): OutboundPeer | undefined {
    return [...this.#peers.values()].find(({ node, connected }) => isRival(node, connected, hello));
  }

  /**
   * A peer has one connection at a time for its requests. What has not come in on one that it has given up, or that it has not
   * proved to be its own, never will.
   */
  #endOlder(current: Connection): void {
    const node = this.#inbound.get(current)?.nodeId;
    for (const [connection, hello] of this.#inbound) {
      const isOlder = connection !== current && (hello === undefined || hello.nodeId === node);
      if (isOlder) connection.close('a newer connection of this peer has taken its place');
    }
  }

  /** Connections of another process than the one that has just answered at this node's address: if it lives, it is refused. */
  #endRivals(node: NodeId): void {
    const connected = this.#peers.get(node)?.connected;
    for (const [connection, hello] of this.#inbound) {
      if (hello !== undefined && isRival(node, connected, hello))
        connection.close(`another process answers as ${node}`);
    }
  }
}

/** Whether two processes present themselves as one node, or with one store. */
function isRival(node: NodeId, connected: Hello | undefined, hello: Hello): boolean {
  if (connected === undefined) return false;
  const isSameNode = node === hello.nodeId;
  return isSameNode ? connected.opening !== hello.opening : connected.storeId === hello.storeId;
}
