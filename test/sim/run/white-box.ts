/**
 * What is checked inside the cluster, each time a disk takes a record and each time a node answers: dots, contexts that only
 * grow, and acknowledgements that really are on W disks.
 */
import { placementHash } from '../../../src/codec/hash.ts';
import { recordKey } from '../../../src/codec/key-layout.ts';
import { decodeRecord } from '../../../src/codec/record-codec.ts';
import { contains, covers } from '../../../src/core/causality/causal-context.ts';
import { type Dot, formatDot } from '../../../src/core/causality/dot.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import type { EntryName, NodeId } from '../../../src/core/ids.ts';
import { buildRing, homeReplicas, partitionOf, type Ring } from '../../../src/core/ring/ring.ts';
import type { StorageWrite } from '../../../src/ports/storage.ts';
import type { History, Violation } from '../checkers/history.ts';
import { checkNotApplied } from '../checkers/knowledge.ts';
import { DotRegistry } from '../checkers/dots.ts';
import type { SimCluster } from '../world/sim-cluster.ts';

const RECORD = 0x64;
const RECORD_HEADER_BYTES = 3;

export class WhiteBox {
  readonly dots = new DotRegistry();
  readonly #world: SimCluster;
  readonly #history: History;
  readonly #report: (violation: Violation) => void;
  readonly #ring: Ring;
  /** What each disk held last, by node and key. */
  readonly #last = new Map<string, KeyRecord>();

  constructor(world: SimCluster, history: History, report: (violation: Violation) => void) {
    this.#world = world;
    this.#history = history;
    this.#report = report;
    this.#ring = buildRing(world.options.config);
    for (const node of world.nodes.values()) {
      node.disk.observer = {
        onAttempt: (writes) =>
          this.#eachRecord(node.id, writes, (entry, record) => this.#attempted(entry, record)),
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

  /** This disk lost something on purpose: what it holds may be less than before. */
  forget(node: NodeId): void {
    for (const name of this.#last.keys()) if (name.startsWith(`${node} `)) this.#last.delete(name);
  }

  /** The record that a node shows now. */
  visibleRecord(node: NodeId, entry: EntryName): KeyRecord | undefined {
    const bytes = this.#world.node(node).disk.visibleValue(this.storageKey(entry));
    return bytes === undefined ? undefined : decodeRecord(entry, bytes);
  }

  /** An acknowledged write is on the disks of W distinct home replicas, and would survive a loss of power there. */
  checkDurable(entry: EntryName, dot: Dot, n: number, w: number): void {
    const key = this.storageKey(entry);
    const holders = this.homesOf(entry, n).filter((node) => {
      const bytes = this.#world.node(node).disk.durableValue(key);
      return bytes !== undefined && contains(decodeRecord(entry, bytes).context, dot);
    });
    if (holders.length >= w) return;
    this.#report({
      invariant: 'acknowledged-before-durable',
      detail: `${formatDot(dot)} of ${entry.key} was acknowledged at W=${w}, but only ${holders.join(', ') || 'no disk'} holds it durably`,
    });
  }

  #eachRecord(
    node: NodeId,
    writes: readonly StorageWrite[],
    use: (entry: EntryName, record: KeyRecord) => void,
  ): void {
    for (const write of writes) {
      if (write.type !== 'put' || write.key[0] !== RECORD) continue;
      const entry = entryOf(write.key);
      try {
        use(entry, decodeRecord(entry, write.value));
      } catch (error) {
        const detail = `${node} writes a record of ${entry.key}: ${String(error)}`;
        this.#report({ invariant: 'unreadable-record-stored', detail });
      }
    }
  }

  #attempted({ key }: EntryName, record: KeyRecord): void {
    const collision = this.dots.observe(key, record);
    if (collision !== undefined) this.#report(collision);
  }

  #stored(node: NodeId, entry: EntryName, record: KeyRecord): void {
    this.dots.observeStored(record);
    this.#checkGrows(node, entry, record);
    for (const violation of checkNotApplied(
      this.#history,
      this.dots.eventsOf(entry.key, record.context).events,
    )) {
      this.#report(violation);
    }
  }

  #checkGrows(node: NodeId, { key }: EntryName, record: KeyRecord): void {
    const name = `${node} ${key}`;
    const before = this.#last.get(name);
    this.#last.set(name, record);
    if (before === undefined || covers(record.context, before.context)) return;
    this.#report({
      invariant: 'replica-went-back',
      detail: `the context of ${key} on ${node} lost something that it had`,
    });
  }
}

function entryOf(storageKey: Uint8Array): EntryName {
  const name = Buffer.from(storageKey.subarray(RECORD_HEADER_BYTES)).toString('utf8');
  const end = name.indexOf('\0');
  return { bucket: name.slice(0, end), key: name.slice(end + 1) };
}
