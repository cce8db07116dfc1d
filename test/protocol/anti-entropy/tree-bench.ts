/** One replica with its digest trees on a simulated disk, without the rest of a node. */
import { placementHash } from '../../../src/codec/hash.ts';
import { encodeRecord } from '../../../src/codec/record-codec.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import type { EntryName, NodeId, Partition, StoreId } from '../../../src/core/ids.ts';
import { DEFAULT_LIMITS } from '../../../src/core/limits.ts';
import { buildRing, partitionOf, type Ring } from '../../../src/core/ring/ring.ts';
import { DEFAULT_WORK_SIZES, type WorkSizes } from '../../../src/core/work-sizes.ts';
import type { TraceEvent } from '../../../src/ports/tracer.ts';
import { Pace } from '../../../src/protocol/background/pace.ts';
import { TreeStore } from '../../../src/protocol/anti-entropy/tree-store.ts';
import { HintStore } from '../../../src/protocol/handoff/hint-store.ts';
import { InFlight } from '../../../src/protocol/in-flight.ts';
import { AcceptorStore } from '../../../src/protocol/replica/acceptor-store.ts';
import { GroupCommit } from '../../../src/protocol/replica/group-commit.ts';
import { IncarnationSource } from '../../../src/protocol/replica/incarnation.ts';
import { LocalReplica } from '../../../src/protocol/replica/local-replica.ts';
import { NO_LOSSES } from '../replica/replica-bench.ts';
import { RecordStore } from '../../../src/protocol/replica/record-store.ts';
import { recordKey } from '../../../src/codec/key-layout.ts';
import { value } from '../../core/causality/sample-records.ts';
import { EventLoop } from '../../sim/world/event-loop.ts';
import { Life } from '../../sim/world/life.ts';
import { simConfig } from '../../sim/world/quiet-world.ts';
import { SimClock } from '../../sim/world/sim-clock.ts';
import { SimDisk } from '../../sim/world/sim-disk.ts';
import { SimRandom } from '../../sim/world/sim-random.ts';
import { hexOf, type Trees } from './rebuilt-trees.ts';

const PARTITIONS = 8;

export class TreeBench {
  readonly ring: Ring = buildRing(simConfig(3, { partitions: PARTITIONS }));
  readonly loop: EventLoop;
  readonly disk: SimDisk;
  readonly life: Life;
  readonly replica: LocalReplica;
  readonly pace: Pace;
  readonly trees: TreeStore;
  readonly traces: TraceEvent[] = [];
  /** How many changes were told so far. */
  changes = 0;
  #running = 0;

  /** Accesses to the disk take their time, reads of single records and of pages, too. */
  constructor(seed: number, sizes: WorkSizes = DEFAULT_WORK_SIZES) {
    this.loop = new EventLoop(seed);
    this.life = new Life('bench', () => {});
    this.disk = new SimDisk(seed, 'bench', this.loop, {
      meanSyncUs: 400,
      meanWriteUs: 100,
      meanReadUs: 150,
      stallChance: 0.02,
      stallUs: 20_000,
      segmentBytes: 64 * 1024,
    });
    const clock = new SimClock(seed, this.loop, this.life, {
      drift: 0,
      wallOffsetMs: 0,
      stallChance: 0,
      stallMs: 0,
      lateMs: 0,
    });
    const tracer = { trace: (event: TraceEvent): unknown => this.traces.push(event) };
    const storage = this.disk.opened(this.life);
    const parts = { storage, clock, tracer, sizes };
    const commit = new GroupCommit({ ...parts, sync: true, sequence: 0, onFatal: () => {} });
    const records = new RecordStore(this.ring, storage, commit);
    this.replica = new LocalReplica({
      records,
      acceptors: new AcceptorStore(records, parts),
      incarnations: new IncarnationSource(
        's'.repeat(21).concat('A') as StoreId,
        new SimRandom(seed, 'bench'),
      ),
      hints: new HintStore({
        ...parts,
        ring: this.ring,
        limits: DEFAULT_LIMITS,
        isLowOnSpace: () => false,
        onStored: () => {},
      }),
      self: 'n1' as NodeId,
      limits: DEFAULT_LIMITS,
      tracer,
      losses: NO_LOSSES,
      inFlight: new InFlight(),
      onChanged: (entry, before, after) => {
        this.changes += 1;
        this.trees.changed(entry, before, after);
      },
    });
    this.pace = new Pace(clock, () => 0);
    this.trees = new TreeStore({
      ...parts,
      ring: this.ring,
      pace: this.pace,
      look: (entry, use) => this.replica.look(entry, use),
    });
  }

  /** Writes that were begun here and have not ended. */
  get running(): number {
    return this.#running;
  }

  /** A client's write; resolves when it is durable, and told. */
  mint(entry: EntryName, text: string, n: number): void {
    const write = { content: value(text), seen: undefined, writtenAtMs: 1, identity: undefined, n };
    this.#run(this.replica.mint(entry, write, { isGivenUp: () => false, onMinted: () => {} }));
  }

  /** A peer's record. */
  store(entry: EntryName, record: KeyRecord): void {
    this.#run(this.replica.store({ type: 'store', ...entry, record: encodeRecord(entry, record) }));
  }

  /** Puts records on the disk behind the back of the replica. */
  place(entries: readonly EntryName[], record: KeyRecord): void {
    this.disk.takeEffect(
      entries.map((entry) => ({
        type: 'put',
        key: this.storageKey(entry),
        value: encodeRecord(entry, record),
      })),
      true,
    );
  }

  storageKey(entry: EntryName): Uint8Array {
    return recordKey(this.partitionOf(entry), entry);
  }

  partitionOf(entry: EntryName): Partition {
    return partitionOf(this.ring, placementHash(entry));
  }

  /** Entries of one partition, with the numbers from `first` on. */
  entriesIn(partition: number, count: number, first = 0): readonly EntryName[] {
    const entries: EntryName[] = [];
    for (let number = first; entries.length < count; number += 1) {
      const entry = { bucket: 'b', key: `key-${number}` };
      if (this.partitionOf(entry) === partition) entries.push(entry);
    }
    return entries;
  }

  /** Virtual milliseconds. */
  get nowMs(): number {
    return this.loop.nowUs / 1_000;
  }

  runFor(ms: number): Promise<void> {
    return this.loop.run(this.loop.nowUs + ms * 1_000);
  }

  /** Lets writes come to their end; builds go on. */
  async settle(): Promise<void> {
    await this.loop.run(this.loop.nowUs + 60_000_000, () => this.#running === 0);
    if (this.#running > 0) throw new Error('a write did not come to its end');
  }

  /** Builds what is due, to the end. */
  async build(): Promise<void> {
    let isBuilt = false;
    void this.trees.buildDue().then(() => {
      isBuilt = true;
    });
    // Nothing may be due; then no time goes by.
    await this.loop.run(this.loop.nowUs);
    if (!isBuilt) await this.loop.run(this.loop.nowUs + 600_000_000, () => isBuilt);
    if (!isBuilt) throw new Error('the trees were not built');
  }

  /** What the trees say, of partitions that are built. */
  told(): Trees {
    return new Map(
      this.trees
        .roots()
        .roots.map((tree) => [
          `${tree.partition}/${tree.n}`,
          hexOf(this.trees.leaves(tree) ?? new Uint8Array(0)),
        ]),
    );
  }

  #run(promise: Promise<unknown>): void {
    this.#running += 1;
    promise.then(
      () => (this.#running -= 1),
      () => (this.#running -= 1),
    );
  }
}
