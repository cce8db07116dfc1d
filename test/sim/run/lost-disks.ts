/**
 * Disks that lost something on purpose, and whether their nodes noticed it: they have to if some other disk remembers what was
 * lost, and nobody may who has lost nothing.
 */
import { metaKey } from '../../../src/codec/key-layout.ts';
import { decodeRecoveryState, decodeSequence, decodeStoreMark } from '../../../src/codec/store-meta.ts';
import { decodeStoreIdentity } from '../../../src/codec/store-identity.ts';
import type { Incarnation, NodeId, StoreId } from '../../../src/core/ids.ts';
import { judgeStore, type PresentedStore } from '../../../src/core/membership/store-mark.ts';
import type { TraceEvent } from '../../../src/ports/tracer.ts';
import type { Violation } from '../checkers/history.ts';
import type { SimCluster } from '../world/sim-cluster.ts';
import type { SimDisk } from '../world/sim-disk.ts';

export class LostDisks {
  readonly #world: SimCluster;
  readonly #losers = new Set<NodeId>();
  /** Losses that have to be noticed, and are not yet. */
  readonly #unnoticed = new Set<NodeId>();

  constructor(world: SimCluster) {
    this.#world = world;
  }

  get isEmpty(): boolean {
    return this.#losers.size === 0;
  }

  /** The disk has lost something; its process does not run, unless it goes on without noticing. */
  add(node: NodeId): void {
    this.#losers.add(node);
    const machine = this.#world.node(node);
    const presented = presentedBy(machine.disk);
    const others = [...this.#world.nodes.values()].filter(({ id }) => id !== node);
    const isKnown = others.some(({ disk }) => {
      const bytes = disk.durableValue(metaKey(`peer:${node}`));
      const verdict = judgeStore(bytes === undefined ? undefined : decodeStoreMark(bytes), presented);
      return verdict === 'replaced' || verdict === 'rolled-back';
    });
    if (isKnown && !machine.isUp) this.#unnoticed.add(node);
  }

  traced(node: NodeId, event: TraceEvent): readonly Violation[] {
    if (event.type === 'store-lost-something') {
      this.#unnoticed.delete(node);
      if (!this.#losers.has(node))
        return [alarm(`${node} says that its store is ${event.kind}, but its disk has lost nothing`)];
    }
    if (event.type === 'incarnation-renewed' && this.isEmpty)
      return [alarm(`${node} took a new incarnation for ${event.key}, but no disk had lost anything`)];
    return [];
  }

  /** Once everybody has met everybody. */
  check(): readonly Violation[] {
    return [...this.#unnoticed].map((node) => ({
      invariant: 'loss-unnoticed',
      detail: `the disk of ${node} lost what other disks remember, and ${node} never said so`,
    }));
  }
}

function alarm(detail: string): Violation {
  return { invariant: 'no-false-alarm', detail };
}

function presentedBy(disk: SimDisk): PresentedStore {
  const [identity, sequence, recovery] = (['store', 'sequence', 'recovery'] as const).map((name) =>
    disk.visibleValue(metaKey(name)),
  );
  const decoded = identity === undefined ? undefined : decodeStoreIdentity(identity);
  return {
    storeId: decoded?.type === 'identity' ? decoded.identity.storeId : ('none' as StoreId),
    opening: 'none yet' as Incarnation,
    openedAt: sequence === undefined ? 0 : decodeSequence(sequence),
    lost: recovery === undefined ? [] : decodeRecoveryState(recovery).lost,
  };
}
