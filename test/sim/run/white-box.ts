/**
 * What is checked inside the cluster, each time a disk takes a record and each time a node answers: dots, contexts that only
 * grow, acknowledgements that really are on W disks, and hints that are there as long as they are needed.
 */
import { placementHash } from '../../../src/codec/hash.ts';
import {
  acceptorKey,
  hintKey,
  nameOfHintKey,
  recordKey,
  unfinishedKey,
} from '../../../src/codec/key-layout.ts';
import { decodeAcceptorState } from '../../../src/codec/acceptor-codec.ts';
import { decodeRecord, encodeRecord, largestNOf, recordDigest } from '../../../src/codec/record-codec.ts';
import { contains } from '../../../src/core/causality/causal-context.ts';
import { type Dot, formatDot } from '../../../src/core/causality/dot.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import type { EntryName, NodeId } from '../../../src/core/ids.ts';
import { buildRing, homeReplicas, partitionOf, type Ring } from '../../../src/core/ring/ring.ts';
import type { StorageWrite } from '../../../src/ports/storage.ts';
import { checkRetriesAreOneEvent, DotRegistry, eventOf } from '../checkers/dots.ts';
import type { History, Violation, WriteEvent } from '../checkers/history.ts';
import { checkNotApplied } from '../checkers/knowledge.ts';
import {
  checkDurable,
  checkHintServed,
  checkNotStray,
  checkReplicaGrew,
  type DurableCopy,
} from '../checkers/replicas.ts';
import type { SimCluster, SimNode } from '../world/sim-cluster.ts';
import { entryOf, isHintKey, isRecordKey } from './record-keys.ts';
import type { RunLog } from './run-log.ts';

export class WhiteBox {
  readonly dots: DotRegistry;
  readonly #world: SimCluster;
  readonly #history: History;
  readonly #log: RunLog;
  readonly #ring: Ring;
  /** Whether disks have kept all that was durable on them so far. */
  readonly #keptAll: () => boolean;
  /** Writes of each key that were answered as not applied. */
  readonly #denied = new Map<string, number[]>();
  /** Records by their bytes on a disk, which no one changes. */
  readonly #decoded = new WeakMap<Uint8Array, KeyRecord>();
  /** What each disk held last, by node and key. */
  readonly #last = new Map<string, KeyRecord>();
  /** Digests of records that some node has let go, because they told of deletions only. */
  readonly #reapedRecords = new Set<string>();

  constructor(world: SimCluster, history: History, log: RunLog, keptAll: () => boolean) {
    this.#keptAll = keptAll;
    this.#world = world;
    this.#history = history;
    this.#log = log;
    this.dots = new DotRegistry((id) => {
      const write = history.write(id);
      if (write === undefined) return undefined;
      // A conditional write happens once, however often it is sent.
      const attempts = write.condition === undefined ? Math.max(1, write.attemptsById) : 1;
      return { key: write.key, attempts };
    });
    this.#ring = buildRing(world.options.config);
    for (const node of world.nodes.values()) {
      node.disk.observer = {
        onAttempt: (writes) =>
          this.#eachRecord(node.id, writes, ({ key }, record) =>
            this.#log.report(this.dots.observe(key, record)),
          ),
        onEffect: (writes) => this.#tookEffect(node, writes),
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

  /** A node lets go of what it holds of a key: nothing but deletions, which are over with that. */
  reaps(node: NodeId, { bucket, key }: EntryName): void {
    const record = this.#last.get(`${node} ${key}`);
    const alive = record?.siblings.find(({ content }) => content.type === 'value');
    if (alive !== undefined) {
      const detail = `${node} reaps ${key}, although ${eventOf(alive) ?? '?'} is alive there`;
      this.#log.report([{ invariant: 'live-value-reaped', detail }]);
    }
    this.#history.reaped(key, record?.siblings.map(eventOf).filter((event) => event !== undefined) ?? []);
    this.#reapedRecords.add(digestName({ bucket, key }, record));
  }

  /** As they are, but for records that are being reaped: some nodes may still have them, and others not. */
  withoutReaped(
    entry: EntryName,
    copies: ReadonlyMap<NodeId, Uint8Array | undefined>,
  ): ReadonlyMap<NodeId, Uint8Array | undefined> {
    const isReaped = (bytes: Uint8Array): boolean =>
      this.#reapedRecords.has(digestName(entry, this.#decode(entry, bytes)));
    return new Map(
      [...copies].map(([node, bytes]) => [node, bytes === undefined || isReaped(bytes) ? undefined : bytes]),
    );
  }

  /** Whether a node that holds these bytes is no home replica of them, by the N that they were written with. */
  isKeptForOthers(entry: EntryName, node: NodeId, bytes: Uint8Array | undefined): boolean {
    return bytes !== undefined && !this.homesOf(entry, largestNOf(bytes)).includes(node);
  }

  /** The bytes that each home replica shows now. */
  visibleCopies(entry: EntryName, n: number): ReadonlyMap<NodeId, Uint8Array | undefined> {
    const key = this.storageKey(entry);
    return new Map(
      this.homesOf(entry, n).map((node) => [node, this.#world.node(node).disk.visibleValue(key)]),
    );
  }

  /** The bytes that all nodes show now. */
  allCopies(entry: EntryName): ReadonlyMap<NodeId, Uint8Array | undefined> {
    const key = this.storageKey(entry);
    return new Map([...this.#world.nodes.values()].map(({ id, disk }) => [id, disk.visibleValue(key)]));
  }

  /** What lies on a disk for others: hints, and keys of records that the node is no home replica of. */
  keptForOthers({ id, disk }: SimNode): { readonly hints: number; readonly records: readonly string[] } {
    let hints = 0;
    const records: string[] = [];
    for (const [key, value] of disk.entries()) {
      if (isHintKey(key)) hints += 1;
      if (!isRecordKey(key)) continue;
      const entry = entryOf(key);
      const { largestN } = this.#decode(entry, value);
      if (!this.homesOf(entry, largestN).includes(id)) records.push(entry.key);
    }
    return { hints, records };
  }

  /** An acknowledged write is on W disks, and would survive a loss of power there. */
  checkDurable(entry: EntryName, dot: Dot, n: number, w: number): void {
    const storageKey = this.storageKey(entry);
    const durable = new Map(
      [...this.#world.nodes.values()].map(({ id, disk }): [NodeId, DurableCopy] => {
        const bytes = disk.durableValue(storageKey);
        const record = bytes === undefined ? undefined : this.#decode(entry, bytes);
        return [id, { record, hintsFor: this.#hintsFor(entry, (key) => disk.durableValue(key)) }];
      }),
    );
    const homes = this.homesOf(entry, n);
    this.#log.report(checkDurable({ key: entry.key, dot, w, homes }, durable));
  }

  /** A conditional write that was answered as written is with a majority of its key's voters, who would keep it without power. */
  checkChosen(entry: EntryName, dot: Dot, n: number): void {
    const [record, state] = [this.storageKey(entry), this.#acceptorKey(entry)];
    const holders = this.homesOf(entry, n).filter((home) => {
      const { disk } = this.#world.node(home);
      const [bytes, voted] = [disk.durableValue(record), disk.durableValue(state)];
      const accepted = voted === undefined ? undefined : decodeAcceptorState(entry, voted).object?.decoded();
      const stored = bytes === undefined ? undefined : this.#decode(entry, bytes);
      return [accepted, stored].some((held) => held !== undefined && contains(held.context, dot));
    });
    const majority = Math.floor(n / 2) + 1;
    if (holders.length >= majority) return;
    const detail = `${formatDot(dot)} of ${entry.key} was answered as written, but only ${holders.join(', ') || 'nobody'} holds it durably`;
    this.#log.report([{ invariant: 'answered-before-chosen', detail }]);
  }

  /** The dot of an answer names the event that was asked for, as far as any disk was given it. */
  checkNamed(key: string, dot: Dot, event: number): readonly Violation[] {
    const named = this.dots.eventAt(key, dot);
    if (named === undefined || named === event) return [];
    const detail = `the answer to event ${event} of ${key} has the dot ${formatDot(dot)}, which names ${named}`;
    return [{ invariant: 'dot-collision', detail }];
  }

  /** Rounds of a key that somebody has accepted and does not know to be chosen: nodes that note them on their disks. */
  unfinished(entry: EntryName): readonly NodeId[] {
    const note = unfinishedKey(partitionOf(this.#ring, placementHash(entry)), entry);
    return [...this.#world.nodes.values()]
      .filter(({ disk }) => disk.visibleValue(note) !== undefined)
      .map(({ id }) => id);
  }

  #acceptorKey(entry: EntryName): Uint8Array {
    return acceptorKey(partitionOf(this.#ring, placementHash(entry)), entry);
  }

  /** Owners of the hints of an entry, as far as `read` gives them. */
  #hintsFor(entry: EntryName, read: (key: Uint8Array) => Uint8Array | undefined): readonly NodeId[] {
    const partition = partitionOf(this.#ring, placementHash(entry));
    return [...this.#world.nodes.keys()].filter(
      (owner) => read(hintKey(owner, partition, entry)) !== undefined,
    );
  }

  #tookEffect(node: SimNode, writes: readonly StorageWrite[]): void {
    const { sync } = this.#world.options;
    for (const { type, key } of writes) {
      if (type === 'delete' && isHintKey(key) && sync && this.#keptAll()) this.#hintGoes(node, key);
    }
    for (const { type, key } of writes) {
      if (type === 'delete' && isRecordKey(key)) this.#last.delete(`${node.id} ${entryOf(key).key}`);
    }
    this.#eachRecord(node.id, writes, (entry, record) => {
      this.#stored(node.id, entry, record);
      const hintsFor = this.#hintsFor(entry, (key) => node.disk.visibleValue(key));
      const homes = this.homesOf(entry, record.largestN);
      this.#log.report(checkNotStray({ node: node.id, key: entry.key }, homes, hintsFor));
    });
  }

  #hintGoes({ id }: SimNode, storageKey: Uint8Array): void {
    const { owner, entry } = nameOfHintKey(storageKey);
    const bytes = this.#world.node(owner).disk.durableValue(this.storageKey(entry));
    const owned = bytes === undefined ? undefined : this.#decode(entry, bytes);
    const kept = this.#last.get(`${id} ${entry.key}`);
    this.#log.report(checkHintServed({ node: id, owner, key: entry.key }, kept, owned));
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

function digestName(entry: EntryName, record: KeyRecord | undefined): string {
  if (record === undefined) return '';
  return Buffer.from(recordDigest(encodeRecord(entry, record))).toString('hex');
}
