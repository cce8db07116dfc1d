/**
 * Disks that lost something on purpose, and whether their nodes noticed it: they have to if what is missing shows, or if some other
 * disk remembers it, whatever they write and however often they start before they meet it; and nobody may who has lost nothing.
 */
import { metaKey, sequenceOfKey } from '../../../src/codec/key-layout.ts';
import { decodeStoreMark } from '../../../src/codec/store-meta.ts';
import { decodeStoreIdentity } from '../../../src/codec/store-identity.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import type { TraceEvent } from '../../../src/ports/tracer.ts';
import type { Violation } from '../checkers/history.ts';
import type { SimCluster } from '../world/sim-cluster.ts';
import type { SimDisk } from '../world/sim-disk.ts';

export class LostDisks {
  readonly #world: SimCluster;
  readonly #losers = new Set<NodeId>();
  /** Losses that have to be noticed, and are not yet. */
  readonly #unnoticed = new Set<NodeId>();
  /** Disks that are as they were once, whose nodes cannot tell that before they meet somebody who remembers, and have not yet. */
  readonly #asBefore = new Set<NodeId>();

  constructor(world: SimCluster) {
    this.#world = world;
  }

  get isEmpty(): boolean {
    return this.#losers.size === 0;
  }

  /** Whether some node may take an old state for its newest. */
  get isOldStateTrusted(): boolean {
    return this.#asBefore.size > 0;
  }

  /** The disk has lost something; its process does not run, unless it goes on without noticing. `hasGap`: what is missing shows. */
  add(node: NodeId, hasGap: boolean): void {
    this.#losers.add(node);
    if (!hasGap && stateOf(this.#world.node(node).disk).storeId !== undefined) this.#asBefore.add(node);
    if ((hasGap || this.#isRemembered(node)) && !this.#world.node(node).isUp) this.#unnoticed.add(node);
  }

  traced(node: NodeId, event: TraceEvent): readonly Violation[] {
    if (event.type === 'store-lost-something') {
      this.#unnoticed.delete(node);
      this.#asBefore.delete(node);
      if (!this.#losers.has(node))
        return [alarm(`${node} says that its store is ${event.kind}, but its disk has lost nothing`)];
    }
    if (event.type === 'incarnation-renewed' && this.isEmpty)
      return [alarm(`${node} took a new incarnation for ${event.key}, but no disk had lost anything`)];
    return [];
  }

  /** Whether another disk knows of more than this one holds. Compared here, not as the nodes do it: what they do may be wrong. */
  #isRemembered(node: NodeId): boolean {
    const now = stateOf(this.#world.node(node).disk);
    return [...this.#world.nodes.values()].some(({ id, disk }) => {
      const bytes = id === node ? undefined : disk.durableValue(metaKey(`peer:${node}`));
      if (bytes === undefined) return false;
      const { storeId, sequence } = decodeStoreMark(bytes);
      return storeId !== now.storeId || sequence > now.sequence;
    });
  }

  /** Once everybody has met everybody. */
  check(): readonly Violation[] {
    return [...this.#unnoticed].map((node) => ({
      invariant: 'loss-unnoticed',
      detail: `the disk of ${node} lost what it shows, or other disks remember, and ${node} never said so`,
    }));
  }
}

function alarm(detail: string): Violation {
  return { invariant: 'no-false-alarm', detail };
}

function stateOf(disk: SimDisk): { readonly storeId: string | undefined; readonly sequence: number } {
  const identity = disk.visibleValue(metaKey('store'));
  const decoded = identity === undefined ? undefined : decodeStoreIdentity(identity);
  const sequences = [...disk.entries()].flatMap(([key]) => sequenceOfKey(key) ?? []);
  return {
    storeId: decoded?.type === 'identity' ? decoded.identity.storeId : undefined,
    sequence: Math.max(0, ...sequences),
  };
}
