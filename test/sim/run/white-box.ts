/**
 * What is checked inside the cluster, each time a disk takes a record and each time a node answers: dots, contexts that only
 * grow, and acknowledgements that really are on W disks.
 */
import { placementHash } from '../../../src/codec/hash.ts';
import { recordKey } from '../../../src/codec/key-layout.ts';
import { decodeRecord } from '../../../src/codec/record-codec.ts';
import type { Dot } from '../../../src/core/causality/dot.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import type { EntryName, NodeId } from '../../../src/core/ids.ts';
import { buildRing, homeReplicas, partitionOf, type Ring } from '../../../src/core/ring/ring.ts';
import type { StorageWrite } from '../../../src/ports/storage.ts';
import { checkRetriesAreOneEvent, DotRegistry } from '../checkers/dots.ts';
import type { History, WriteEvent } from '../checkers/history.ts';
import { checkNotApplied } from '../checkers/knowledge.ts';
import { checkDurable, checkReplicaGrew } from '../checkers/replicas.ts';
import type { SimCluster } from '../world/sim-cluster.ts';
import { entryOf, isRecordKey } from './record-keys.ts';
import type { RunLog } from './run-log.ts';

export class WhiteBox {
  readonly dots: DotRegistry;
  readonly #world: SimCluster;
  readonly #history: History;
  readonly #log: RunLog;
  readonly #ring: Ring;
  /** Writes of each key that were answered as not applied. */
  readonly #denied = new Map<string, number[]>();
  /** Records by their bytes on a disk, which no one changes. */
  readonly #decoded = new WeakMap<Uint8Array, KeyRecord>();
  /** What each disk held last, by node and key. */
  readonly #last = new Map<string, KeyRecord>();

  constructor(world: SimCluster, history: History, log: RunLog) {
    this.#world = world;
    this.#history = history;
    this.#log = log;
    this.dots = new DotRegistry((id) => {
      const write = history.write(id);
      return write === undefined ? undefined : { key: write.key, attempts: Math.max(1, write.attemptsById) };
    });
    this.#ring = buildRing(world.options.config);
    for (const node of world.nodes.values()) {
      node.disk.observer = {
        onAttempt: (writes) =>
          this.#eachRecord(node.id, writes, ({ key }, record) =>
            this.#log.report(this.dots.observe(key, record)),
          ),
        onEffect: (writes) =>
          this.#eachRecord(node.id, writes, (entry, record) => this.#stored(node.id, entry, record)),
      };
    }
  }

  homesOf(entry: EntryName, n: number): readonly NodeId[] {
    return homeReplicas(this.#ring, partitionOf(this.#ring, placementHash(entry)), n);
  }

  storageKey(entry: EntryName): Uint8Array {
    return recordKey(partitionOf(this.#ring, placementHash(entry)), entry);
  }

  /** A write was answered as not applied: no disk may ever take it. */
  denied({ id, key }: WriteEvent): void {
    this.#denied.set(key, [...(this.#denied.get(key) ?? []), id]);
    if (this.dots.stored.has(id)) this.#log.report(checkNotApplied(this.#history, [id]));
  }

  /** This disk lost something on purpose: what it holds may be less than before. */
  forget(node: NodeId): void {
    for (const name of this.#last.keys()) if (name.startsWith(`${node} `)) this.#last.delete(name);
  }

  /** The bytes that each home replica shows now. */
  visibleCopies(entry: EntryName, n: number): ReadonlyMap<NodeId, Uint8Array | undefined> {
    const key = this.storageKey(entry);
    return new Map(
      this.homesOf(entry, n).map((node) => [node, this.#world.node(node).disk.visibleValue(key)]),
    );
  }

  /** An acknowledged write is on the disks of W distinct home replicas, and would survive a loss of power there. */
  checkDurable(entry: EntryName, dot: Dot, n: number, w: number): void {
    const storageKey = this.storageKey(entry);
    const durable = new Map(
      this.homesOf(entry, n).map((node) => {
        const bytes = this.#world.node(node).disk.durableValue(storageKey);
        return [node, bytes === undefined ? undefined : this.#decode(entry, bytes)] as const;
      }),
    );
    this.#log.report(checkDurable({ key: entry.key, dot, w }, durable));
  }

  #eachRecord(
    node: NodeId,
    writes: readonly StorageWrite[],
    use: (entry: EntryName, record: KeyRecord) => void,
  ): void {
    for (const write of writes) {
      if (write.type !== 'put' || !isRecordKey(write.key)) continue;
      const entry = entryOf(write.key);
      try {
        use(entry, this.#decode(entry, write.value));
      } catch (error) {
        const detail = `${node} writes a record of ${entry.key}: ${String(error)}`;
        this.#log.report([{ invariant: 'unreadable-record-stored', detail }]);
      }
    }
  }

  #stored(node: NodeId, { key }: EntryName, record: KeyRecord): void {
    this.dots.observeStored(record);
    const name = `${node} ${key}`;
    const before = this.#last.get(name);
    this.#last.set(name, record);
    this.#log.report(checkReplicaGrew({ node, key }, before, record));
    this.#log.report(checkRetriesAreOneEvent(key, record));
    // Of those hardly any has ever been minted, so that the events of a whole context are asked for now and then only.
    if (this.#denied.get(key)?.some((event) => this.dots.isNamed(event)) === true)
      this.#log.report(checkNotApplied(this.#history, this.dots.eventsOf(key, record.context).events));
  }

  #decode(entry: EntryName, bytes: Uint8Array): KeyRecord {
    const record = this.#decoded.get(bytes) ?? decodeRecord(entry, bytes);
    this.#decoded.set(bytes, record);
    return record;
  }
}
