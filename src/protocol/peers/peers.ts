/**
 * The other members as this node reaches them. One place says whether a peer is usable: `up`, `connecting` (a request waits),
 * or `down` (a request fails at once).
 */
import type { NodeId } from '../../core/ids.ts';
import type { PeerRequest } from '../../core/message.ts';
import { acceptPeer, type InboundHandlers } from './inbound-peer.ts';
import { OutboundPeer, type PeerOptions, type PeerStatus } from './outbound-peer.ts';
import type { OnAnswer } from './pending-requests.ts';

export class Peers {
  readonly #options: PeerOptions;
  readonly #peers: ReadonlyMap<NodeId, OutboundPeer>;
  readonly #watchers = new Set<() => void>();
  #onUp: (node: NodeId) => void = () => {};

  constructor(options: PeerOptions) {
    this.#options = options;
    const others = [...options.self.members].filter((node) => node !== options.self.nodeId);
    this.#peers = new Map(
      others.map((node) => [node, new OutboundPeer(node, options, () => this.#changed(node))]),
    );
  }

  /** Listens, then dials everybody; `onUp` is told of each peer that is reached. Rejects if the address cannot be listened on. */
  async start(onRequest: InboundHandlers['onRequest'], onUp: (node: NodeId) => void): Promise<void> {
    this.#onUp = onUp;
    const handlers: InboundHandlers = {
      onRequest,
      onPeer: (node, incarnation) => this.#peers.get(node)?.heardOf(incarnation),
    };
    await this.#options.network.listen((connection) => acceptPeer(connection, this.#options, handlers));
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
    const peer = this.#peers.get(node);
    if (peer === undefined) throw new Error(`${node} is no peer of this node`);
    return peer.request(request, onAnswer);
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

  async close(): Promise<void> {
    for (const peer of this.#peers.values()) peer.close();
    await this.#options.network.close();
  }

  #changed(node: NodeId): void {
    if (this.state(node) === 'up') this.#onUp(node);
    for (const watcher of this.#watchers) watcher();
  }
}
