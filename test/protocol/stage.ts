/**
 * A simulated cluster with its events written down: what left for whom, what was traced, what each disk was told to write.
 * Faults are made by hand, on the world or on the messages.
 */
import { setImmediate } from 'node:timers/promises';
import { placementHash } from '../../src/codec/hash.ts';
import { nameOfHintKey, recordKey } from '../../src/codec/key-layout.ts';
import { decodeRecord, encodeRecord } from '../../src/codec/record-codec.ts';
import type { KeyRecord } from '../../src/core/causality/record.ts';
import type { ClusterConfig } from '../../src/core/cluster-config.ts';
import type { EntryName, NodeId } from '../../src/core/ids.ts';
import type { PeerRequest } from '../../src/core/message.ts';
import { buildRing, partitionOf, preferenceList, type Ring } from '../../src/core/ring/ring.ts';
import type { StorageWrite } from '../../src/ports/storage.ts';
import type { TraceEvent } from '../../src/ports/tracer.ts';
import type { MemberStatus, StorageNode } from '../../src/protocol/storage-node.ts';
import { textsOf } from '../core/causality/sample-records.ts';
import { quietWorld, simConfig } from '../sim/world/quiet-world.ts';
import type { SimCluster, SimNode, WorldOptions } from '../sim/world/sim-cluster.ts';
import type { SimDisk } from '../sim/world/sim-disk.ts';
import { messageIn, type SentMessage } from './sent-message.ts';

/** First byte of the storage keys of records. */
const RECORD = 0x64;
/** First byte of those of hints. */
const HINT = 0x68;

export interface Traced<Event extends TraceEvent = TraceEvent> {
  readonly node: string;
  readonly event: Event;
}

export class Stage {
  readonly config: ClusterConfig;
  readonly world: SimCluster;
  /** Every message that left a node, in order; what is no message, or only a piece of one, is left out. */
  readonly sent: SentMessage[] = [];
  readonly traces: Traced[] = [];
  readonly deaths: { readonly node: string; readonly reason: string }[] = [];
  readonly bugs: unknown[] = [];
  /** Records that disks were told to write, by node. */
  readonly written: { readonly node: string; readonly write: StorageWrite }[] = [];
  /** Messages for which this is true are lost on their way. */
  lose: (sent: SentMessage) => boolean = () => false;
  readonly #ring: Ring;
  #processes = 0;

  /** Without anti-entropy, which would mend what a test is about, unless it is asked for. */
  constructor(nodes: number, overrides: Partial<ClusterConfig> = {}, world: Partial<WorldOptions> = {}) {
    // So many partitions that every order of home replicas occurs.
    this.config = simConfig(nodes, { partitions: 64, ...overrides });
    this.#ring = buildRing(this.config);
    this.world = quietWorld(
      this.config,
      { antiEntropy: false, ...world },
      {
        onTrace: (node, event) => this.traces.push({ node, event }),
        onDeath: (node, reason) => this.deaths.push({ node, reason }),
        onBug: (_node, error) => this.bugs.push(error),
      },
    );
    this.world.fabric.filter = ({ from, to, frame }) => this.#leaves(from, to, frame);
    for (const { id, disk } of this.world.nodes.values()) {
      disk.observer = {
        onAttempt: (writes) => {
          for (const write of writes) if (write.key[0] === RECORD) this.written.push({ node: id, write });
        },
      };
    }
  }

  /** All nodes, connected to one another. */
  async startAll(): Promise<this> {
    this.world.startAll();
    await this.until(() => [...this.world.nodes.values()].every((node) => isConnected(node)));
    this.forget();
    return this;
  }

  /** Another number for each process that a test starts itself: the same ones in every run. */
  countProcess(): number {
    this.#processes += 1;
    return this.#processes;
  }

  /** Forgets what was written down so far. */
  forget(): void {
    this.sent.length = 0;
    this.traces.length = 0;
    this.written.length = 0;
  }

  machine(id: string): SimNode {
    return this.world.node(id as NodeId);
  }

  disk(id: string): SimDisk {
    return this.machine(id).disk;
  }

  /** The running process of a node. */
  node(id: string): StorageNode {
    const node = this.machine(id).storageNode;
    if (node === undefined) throw new Error(`${id} does not run`);
    return node;
  }

  member(seenBy: string, id: string): MemberStatus {
    const status = this.node(seenBy)
      .members()
      .find(({ node }) => node === id);
    if (status === undefined) throw new Error(`${seenBy} knows no ${id}`);
    return status;
  }

  /** Virtual milliseconds. */
  get nowMs(): number {
    return this.world.loop.nowUs / 1_000;
  }

  /** Runs until the promise has settled; not at all if no time has to pass for that. */
  async run<Result>(promise: Promise<Result>): Promise<Result> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    await setImmediate();
    return settled ? promise : this.world.runUntil(promise);
  }

  /** Runs until the condition holds. */
  async until(condition: () => boolean, maxMs = 60_000): Promise<void> {
    const { loop } = this.world;
    if (condition()) return;
    await loop.run(loop.nowUs + maxMs * 1_000, condition);
    if (!condition()) throw new Error(`what was waited for did not come in ${maxMs} virtual ms`);
  }

  /** Ends a process; others hear of it as the network tells them. Resolves when they all count it as down. */
  async crash(...ids: readonly string[]): Promise<void> {
    for (const id of ids) this.machine(id).crash({ power: false, reason: 'killed' });
    const survivors = [...this.world.nodes.values()].filter(({ isUp }) => isUp);
    await this.until(() =>
      survivors.every(({ id: survivor }) => ids.every((id) => this.member(survivor, id).state === 'down')),
    );
  }

  /** Starts processes that had ended. Resolves when all that run are connected to one another. */
  async start(...ids: readonly string[]): Promise<void> {
    for (const id of ids) this.machine(id).start();
    const isUp = (node: string): boolean => this.machine(node).isUp;
    await this.until(() => {
      const running = [...this.world.nodes.values()].filter(({ storageNode }) => storageNode !== undefined);
      const sees = ({ id: by }: SimNode): boolean =>
        running.every(({ id }) => id === by || this.member(by, id).state === 'up');
      return ids.every(isUp) && running.every(sees);
    });
  }

  cut(from: string, to: string): void {
    this.world.fabric.cut(from as NodeId, to as NodeId);
  }

  heal(from: string, to: string): void {
    this.world.fabric.heal(from as NodeId, to as NodeId);
  }

  /** What a node says is held up until `healAll`; what it is told arrives. */
  mute(id: string): void {
    for (const other of this.world.nodes.keys()) if (other !== id) this.cut(id, other);
  }

  /** The requests of one kind that left, optionally only those of one node. */
  requests<Type extends PeerRequest['type']>(
    type: Type,
    from?: string,
  ): {
    readonly from: string;
    readonly to: string;
    readonly request: Extract<PeerRequest, { type: Type }>;
  }[] {
    return this.sent.flatMap(({ from: sender, to, message }) => {
      if (message.type !== 'request' || message.request.type !== type) return [];
      if (from !== undefined && sender !== from) return [];
      return [{ from: sender, to, request: message.request as Extract<PeerRequest, { type: Type }> }];
    });
  }

  traced<Type extends TraceEvent['type']>(type: Type): Traced<Extract<TraceEvent, { type: Type }>>[] {
    return this.traces.filter((traced): traced is Traced<Extract<TraceEvent, { type: Type }>> =>
      isOfType(traced.event, type),
    );
  }

  /** An entry whose preference list begins with these nodes. */
  entryAt(...homes: readonly string[]): EntryName {
    const [entry] = this.entriesAt(1, ...homes);
    return entry as EntryName;
  }

  entriesAt(count: number, ...homes: readonly string[]): readonly EntryName[] {
    const entries: EntryName[] = [];
    for (let index = 0; entries.length < count; index += 1) {
      if (index === 100_000) throw new Error(`no key has ${homes.join(', ')} first`);
      const entry = { bucket: 'things', key: `key-${index}` };
      const list = this.preferenceListOf(entry);
      if (homes.every((home, place) => list[place] === home)) entries.push(entry);
    }
    return entries;
  }

  preferenceListOf(entry: EntryName): readonly NodeId[] {
    return preferenceList(this.#ring, partitionOf(this.#ring, placementHash(entry)));
  }

  /** What a read on that machine would find now. */
  recordOn(id: string, entry: EntryName): KeyRecord | undefined {
    const bytes = this.disk(id).visibleValue(this.storageKey(entry));
    return bytes === undefined ? undefined : decodeRecord(entry, bytes);
  }

  /** The hints on a disk, each as `owner key`. */
  hintsOn(id: string): readonly string[] {
    return [...this.disk(id).entries()]
      .filter(([key]) => key[0] === HINT)
      .map(([key]) => {
        const { owner, entry } = nameOfHintKey(key);
        return `${owner} ${entry.key}`;
      });
  }

  textsOn(id: string, entry: EntryName): readonly string[] {
    return textsOf(this.recordOn(id, entry));
  }

  /** Puts a record on a disk behind the back of its node. */
  placeRecord(id: string, entry: EntryName, record: KeyRecord): void {
    this.placeBytes(id, entry, encodeRecord(entry, record));
  }

  placeBytes(id: string, entry: EntryName, value: Uint8Array): void {
    this.disk(id).takeEffect([{ type: 'put', key: this.storageKey(entry), value }], true);
  }

  /** Flips a bit of the record on a disk. */
  damage(id: string, entry: EntryName): void {
    const bytes = this.disk(id).visibleValue(this.storageKey(entry));
    if (bytes === undefined) throw new Error(`${id} holds nothing of ${entry.key}`);
    this.placeBytes(
      id,
      entry,
      Uint8Array.from(bytes, (byte, index) => (index === bytes.length - 1 ? byte ^ 1 : byte)),
    );
  }

  /** From now on, disk accesses of this kind take so long. */
  slowDisk(id: string, kind: 'read' | 'sync', ms: number): void {
    const disk = this.disk(id);
    const usual = disk.latencyUs.bind(disk);
    disk.latencyUs = (accessed) => (accessed === kind ? ms * 1_000 : usual(accessed));
  }

  storageKey(entry: EntryName): Uint8Array {
    return recordKey(partitionOf(this.#ring, placementHash(entry)), entry);
  }

  #leaves(from: string, to: string, frame: Uint8Array): boolean {
    const message = messageIn(frame);
    if (message === undefined) return false;
    const sent = { from, to, message };
    this.sent.push(sent);
    return this.lose(sent);
  }
}

function isConnected({ storageNode }: SimNode): boolean {
  return storageNode !== undefined && storageNode.members().every(({ state }) => state !== 'down');
}

function isOfType<Type extends TraceEvent['type']>(
  event: TraceEvent,
  type: Type,
): event is Extract<TraceEvent, { type: Type }> {
  return event.type === type;
}
