/**
 * The nodes that a client knows, and which to ask next.
 *
 * Nodes come from the caller (seeds) and from the ring, which names the addresses that nodes advertise. An advertised
 * address may not be reachable from here (containers, address translation), so it is on trial until it answered once:
 * when one such address fails, all that are on trial step back behind the seeds.
 *
 * A node that failed is suspected for a while: it is asked only when no other is left. That costs at most a detour; no
 * node is ever given up.
 */
interface KnownNode {
  readonly url: string;
  readonly seed: boolean;
  answered: boolean;
  failuresInRow: number;
  suspectUntilMs: number;
}

const FIRST_SUSPICION_MS = 250;
const LAST_SUSPICION_MS = 10_000;

/** Monotonic milliseconds. */
type Now = () => number;

export class NodeDirectory {
  readonly #nodes = new Map<string, KnownNode>();
  readonly #now: Now;
  #rotation = 0;

  /** `seeds`: base URLs, at least one. */
  constructor(seeds: readonly string[], now: Now) {
    this.#now = now;
    for (const url of seeds) this.#add(url, true);
  }

  /** Takes over the addresses of a ring: new ones join, those no longer in it leave; seeds stay. */
  advertise(urls: readonly string[]): void {
    for (const [url, node] of this.#nodes) {
      if (!node.seed && !urls.includes(url)) this.#nodes.delete(url);
    }
    for (const url of urls) {
      if (!this.#nodes.has(url)) this.#add(url, false);
    }
  }

  /** Base URLs in the order to ask them: `preferred` first, the others in turn, so that load spreads. */
  order(preferred: readonly string[]): readonly string[] {
    const home = preferred.filter((url) => this.#nodes.has(url));
    const others = [...this.#nodes.keys()].filter((url) => !home.includes(url));
    this.#rotation += 1;
    return [...home, ...rotated(others, this.#rotation)];
  }

  /** The next node of an order (not empty): unsuspected ones first, then those this call tried least. */
  next(order: readonly string[], tries: ReadonlyMap<string, number>): string {
    const rank = (url: string): number => (this.isSuspect(url) ? 1_000 : 0) + (tries.get(url) ?? 0);
    return order.reduce((best, url) => (rank(url) < rank(best) ? url : best));
  }

  isSuspect(url: string): boolean {
    return (this.#nodes.get(url)?.suspectUntilMs ?? 0) > this.#now();
  }

  isOnTrial(url: string): boolean {
    const node = this.#nodes.get(url);
    return node !== undefined && !node.seed && !node.answered;
  }

  answered(url: string): void {
    const node = this.#nodes.get(url);
    if (node === undefined) return;
    node.answered = true;
    node.failuresInRow = 0;
    node.suspectUntilMs = 0;
  }

  failed(url: string): void {
    const failed = this.isOnTrial(url)
      ? [...this.#nodes.values()].filter((node) => this.isOnTrial(node.url))
      : [...this.#nodes.values()].filter((node) => node.url === url);
    for (const node of failed) {
      const suspicionMs = Math.min(LAST_SUSPICION_MS, FIRST_SUSPICION_MS * 2 ** node.failuresInRow);
      node.failuresInRow += 1;
      node.suspectUntilMs = this.#now() + suspicionMs;
    }
  }

  #add(url: string, seed: boolean): void {
    this.#nodes.set(url, { url, seed, answered: false, failuresInRow: 0, suspectUntilMs: 0 });
  }
}

/** The same items, starting with the one at `by` (counted round). */
export function rotated<Item>(items: readonly Item[], by: number): readonly Item[] {
  if (items.length === 0) return items;
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
