/**
 * The network between the nodes of a bench cluster: one TCP proxy for each directed link, so that two sides can be parted and
 * links be slowed down while all processes run. The proxy is that of the cluster tests; what it does is proven there.
 *
 * A partition here is silent, as one of a real network is: bytes are lost and nobody is told. Connections that break are the
 * easier case, for the nodes notice at once.
 */
import { type LinkProxy, startLinkProxy } from '../../test/cluster/link-proxy.ts';

/** A node as its links see it. */
interface LinkedNode {
  readonly id: string;
  readonly peerPort: number;
}

/** All links of one cluster. Made by {@link startLinks}. */
export class ClusterLinks {
  readonly #proxies: ReadonlyMap<string, LinkProxy>;

  constructor(proxies: ReadonlyMap<string, LinkProxy>) {
    this.#proxies = proxies;
  }

  /** The port at which `from` finds `to`. */
  portOf(from: string, to: string): number {
    return this.#proxy(from, to).port;
  }

  /** Nothing arrives any more between a node of one side and one of the other. */
  part(side: readonly string[], other: readonly string[]): void {
    for (const one of side) {
      for (const two of other) for (const proxy of this.#between(one, two)) stall(proxy);
    }
  }

  /** Whatever a node says or hears from now on arrives so many milliseconds later. */
  slow(node: string, delayMs: number): void {
    for (const [name, proxy] of this.#proxies) {
      if (name.split('->').includes(node)) delay(proxy, delayMs);
    }
  }

  /** Whatever any node says arrives so many milliseconds later. */
  slowAll(delayMs: number): void {
    for (const proxy of this.#proxies.values()) delay(proxy, delayMs);
  }

  /** Ends all of it. What was on its way arrives now. */
  heal(): void {
    for (const proxy of this.#proxies.values()) proxy.heal();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.close()));
  }

  #between(one: string, two: string): readonly LinkProxy[] {
    return [this.#proxy(one, two), this.#proxy(two, one)];
  }

  #proxy(from: string, to: string): LinkProxy {
    const proxy = this.#proxies.get(nameOf(from, to));
    if (proxy === undefined) throw new Error(`there is no link from ${from} to ${to}`);
    return proxy;
  }
}

/** Starts a proxy for each pair of nodes and direction. `ports`: as many free ones as there are links. */
export async function startLinks(
  nodes: readonly LinkedNode[],
  ports: readonly number[],
): Promise<ClusterLinks> {
  const pairs = nodes.flatMap((from) => nodes.flatMap((to) => (from === to ? [] : [{ from, to }])));
  const proxies = new Map<string, LinkProxy>();
  for (const [index, { from, to }] of pairs.entries()) {
    proxies.set(nameOf(from.id, to.id), await startLinkProxy(ports[index] ?? 0, to.peerPort));
  }
  return new ClusterLinks(proxies);
}

function nameOf(from: string, to: string): string {
  return `${from}->${to}`;
}

function stall({ there, back }: LinkProxy): void {
  there.stall();
  back.stall();
}

function delay({ there, back }: LinkProxy, delayMs: number): void {
  there.delay(delayMs);
  back.delay(delayMs);
}
