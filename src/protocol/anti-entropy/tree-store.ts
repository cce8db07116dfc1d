/**
 * The digest trees of all partitions of this node, in memory: kept up to date with every change of a record, and built
 * from the data at start, one partition after the other, in small steps. A partition is built anew from time to time, when
 * a record of it could not be read, and when an exchange finds that its trees and its records do not fit: that is how data
 * which the disk lost silently come to be missed. A partition that cannot be read keeps no other from being built.
 */
import { placementHash } from '../../codec/hash.ts';
import { recordKey } from '../../codec/key-layout.ts';
import type { EntryName, Partition } from '../../core/ids.ts';
import { TREE_LIFETIME_MS, TREE_REBUILD_MS } from '../../core/limits.ts';
import type { TreeName, TreeRoots } from '../../core/message.ts';
import { partitionOf, type Ring } from '../../core/ring/ring.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Tracer } from '../../ports/tracer.ts';
import type { RecordTrees } from './record-trees.ts';
import { TreeBuild, type TreeBuildPorts } from './tree-build.ts';

export interface TreeStorePorts extends TreeBuildPorts {
  readonly clock: Clock;
  readonly ring: Ring;
  readonly tracer: Tracer;
}

export class TreeStore {
  readonly #ports: TreeStorePorts;
  readonly #built = new Map<Partition, RecordTrees>();
  /** The one that is being built. */
  #building: { readonly partition: Partition; readonly build: TreeBuild } | undefined;
  /** When each partition is to be built, by the clock: those that were never built, could not be, or are in doubt. */
  readonly #wanted: Map<Partition, number>;
  /** All others, which are built anew only to see whether they still fit; soonest first. */
  readonly #aging = new Map<Partition, { readonly builtAtMs: number; readonly dueMs: number }>();
  /** Those whose trees may not say all that is held, until they have been built anew. */
  readonly #doubtful = new Set<Partition>();

  constructor(ports: TreeStorePorts) {
    this.#ports = ports;
    const partitions = Array.from({ length: ports.ring.partitions }, (_, index) => index as Partition);
    this.#wanted = new Map(partitions.map((partition) => [partition, Number.NEGATIVE_INFINITY]));
  }

  /** A record changed; told in its key's serial section. */
  changed(entry: EntryName, before: Uint8Array | undefined, after: Uint8Array | undefined): void {
    const partition = partitionOf(this.#ports.ring, placementHash(entry));
    this.#built.get(partition)?.replace(entry, before, after);
    if (this.#building?.partition !== partition) return;
    this.#building.build.changed(recordKey(partition, entry), entry, before, after);
  }

  /** Builds the trees of all partitions that are due, one after the other. Never rejects; to be called once at a time. */
  async buildDue(): Promise<void> {
    for (let partition = this.#nextDue(); partition !== undefined; partition = this.#nextDue()) {
      if (this.#ports.pace.isClosed) return;
      this.#wanted.delete(partition);
      this.#aging.delete(partition);
      await this.#build(partition);
    }
  }

  /** The trees of this partition do not fit its records, or a peer's do not: they are built anew, but not again and again. */
  doubt(partition: Partition): void {
    this.#doubtful.add(partition);
    const age = this.#aging.get(partition);
    if (age === undefined) return;
    this.#aging.delete(partition);
    this.#wanted.set(partition, age.builtAtMs + TREE_REBUILD_MS);
  }

  isBuilt(partition: Partition): boolean {
    return this.#built.has(partition);
  }

  roots(): TreeRoots {
    const { partitions } = this.#ports.ring;
    const all = Array.from({ length: partitions }, (_, index) => index as Partition);
    return {
      unbuilt: all.filter((partition) => !this.#built.has(partition)),
      doubtful: all.filter((partition) => this.#doubtful.has(partition)),
      roots: all.flatMap((partition) =>
        (this.#built.get(partition)?.roots() ?? []).map((root) => ({ partition, ...root })),
      ),
    };
  }

  /** All leaves of a tree; undefined if it does not stand yet. */
  leaves({ partition, n }: TreeName): Uint8Array | undefined {
    return this.#built.get(partition)?.leaves(n);
  }

  #nextDue(): Partition | undefined {
    const nowMs = this.#ports.clock.nowMs();
    for (const [partition, dueMs] of this.#wanted) if (dueMs <= nowMs) return partition;
    const [oldest] = this.#aging;
    return oldest !== undefined && oldest[1].dueMs <= nowMs ? oldest[0] : undefined;
  }

  async #build(partition: Partition): Promise<void> {
    const { ring, clock, tracer } = this.#ports;
    const build = new TreeBuild(partition, ring.partitions, this.#ports);
    this.#building = { partition, build };
    try {
      if (!(await build.run())) return;
      const builtAtMs = clock.nowMs();
      this.#aging.set(partition, { builtAtMs, dueMs: builtAtMs + this.#lifetimeMs(partition) });
      this.#built.set(partition, build.trees);
      this.#doubtful.delete(partition);
      // Of a record that could not be read nobody learned that it does not belong here, and no peer may ever ask for it.
      if (!build.couldReadAll) this.doubt(partition);
    } catch (error) {
      // What stood before stands on: it knows of every change.
      this.#wanted.set(partition, clock.nowMs() + TREE_REBUILD_MS);
      tracer.trace({ type: 'trees-not-built', partition, reason: String(error) });
    } finally {
      this.#building = undefined;
    }
  }

  /** The first one is shorter, by another part for each partition, so that they are not all built anew at one time. */
  #lifetimeMs(partition: Partition): number {
    const isFirst = !this.#built.has(partition);
    return isFirst ? (TREE_LIFETIME_MS * (partition + 1)) / this.#ports.ring.partitions : TREE_LIFETIME_MS;
  }
}
