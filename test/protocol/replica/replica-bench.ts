/** A local replica on a store that a test holds up, with what it told written down. */
import { placementHash } from '../../../src/codec/hash.ts';
import { recordKey } from '../../../src/codec/key-layout.ts';
import { decodeRecord, encodeRecord } from '../../../src/codec/record-codec.ts';
import type { ProposedWrite } from '../../../src/core/causality/decide-write.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import type { EntryName, NodeId, StoreId } from '../../../src/core/ids.ts';
import { DEFAULT_LIMITS, type Limits } from '../../../src/core/limits.ts';
import type { ReadReply, StoreReply } from '../../../src/core/message.ts';
import { buildRing, partitionOf } from '../../../src/core/ring/ring.ts';
import { DEFAULT_WORK_SIZES } from '../../../src/core/work-sizes.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { TraceEvent } from '../../../src/ports/tracer.ts';
import { HintStore } from '../../../src/protocol/handoff/hint-store.ts';
import { InFlight } from '../../../src/protocol/in-flight.ts';
import { AcceptorStore } from '../../../src/protocol/replica/acceptor-store.ts';
import { GroupCommit } from '../../../src/protocol/replica/group-commit.ts';
import { IncarnationSource } from '../../../src/protocol/replica/incarnation.ts';
import { LocalReplica, type Losses } from '../../../src/protocol/replica/local-replica.ts';
import type { MintedWrite, MintOutcome } from '../../../src/protocol/replica/minting.ts';
import { RecordStore } from '../../../src/protocol/replica/record-store.ts';
import { value } from '../../core/causality/sample-records.ts';
import { simConfig } from '../../sim/world/quiet-world.ts';
import { SimRandom } from '../../sim/world/sim-random.ts';
import { HeldStorage } from './held-storage.ts';

export const ENTRY: EntryName = { bucket: 'things', key: 'key' };
const RING = buildRing(simConfig(3));
export const STORAGE_KEY = recordKey(partitionOf(RING, placementHash(ENTRY)), ENTRY);

/** A store that has never lost anything. */
export const NO_LOSSES: Losses = {
  mayLack: () => false,
  canRecover: () => true,
  damaged: () => ({ type: 'delete', key: Buffer.from('damaged') }),
  hasOtherMajority: () => true,
  losePromises: async () => true,
};

/** A local replica of `ENTRY`. */
export class ReplicaBench {
  readonly storage = new HeldStorage();
  readonly traces: TraceEvent[] = [];
  readonly incarnations = new IncarnationSource(
    's'.repeat(21).concat('A') as StoreId,
    new SimRandom(1, 'bench'),
  );
  readonly records: RecordStore;
  readonly acceptors: AcceptorStore;
  readonly replica: LocalReplica;
  readonly minted: MintedWrite[] = [];

  /** Whom hints were stored for. */
  readonly hintedFor: string[] = [];
  /** Changes of the record that were told. */
  readonly changes: { readonly before: Uint8Array | undefined; readonly after: Uint8Array | undefined }[] =
    [];
  isLowOnSpace = false;
  /** Whether no timer ever fires; else each does at once. */
  areTimersHeld = false;
  losses: Losses = NO_LOSSES;
  readonly hints: HintStore;
  readonly clock: Clock = {
    nowMs: () => 0,
    wallMs: () => 0,
    setTimer: (_ms, onFire) => {
      if (!this.areTimersHeld) void Promise.resolve().then(onFire);
      return { cancel: () => {} };
    },
  };

  constructor(limits: Partial<Limits> = {}, sizes = DEFAULT_WORK_SIZES) {
    const tracer = { trace: (event: TraceEvent): unknown => this.traces.push(event) };
    const { clock } = this;
    const commit = new GroupCommit({
      storage: this.storage,
      clock,
      tracer,
      sync: true,
      sequence: 0,
      sizes,
      onFatal: () => {},
    });
    this.records = new RecordStore(RING, this.storage, commit);
    const { records, incarnations } = this;
    this.hints = new HintStore({
      storage: this.storage,
      ring: RING,
      clock,
      tracer,
      limits: { ...DEFAULT_LIMITS, ...limits },
      sizes,
      isLowOnSpace: () => this.isLowOnSpace,
      onStored: (owner) => this.hintedFor.push(owner),
    });
    this.acceptors = new AcceptorStore(records, { storage: this.storage, clock, tracer, sizes });
    this.replica = new LocalReplica({
      records,
      acceptors: this.acceptors,
      incarnations,
      hints: this.hints,
      self: 'n1' as NodeId,
      limits: DEFAULT_LIMITS,
      tracer,
      inFlight: new InFlight(),
      onChanged: (_entry, before, after) => this.changes.push({ before, after }),
      losses: {
        mayLack: (entry) => this.losses.mayLack(entry),
        canRecover: (entry) => this.losses.canRecover(entry),
        damaged: (entry) => this.losses.damaged(entry),
        hasOtherMajority: (entry) => this.losses.hasOtherMajority(entry),
        losePromises: () => this.losses.losePromises(),
      },
    });
  }

  place(record: KeyRecord): void {
    this.storage.place(STORAGE_KEY, encodeRecord(ENTRY, record));
  }

  async held(): Promise<KeyRecord | undefined> {
    const bytes = await this.storage.get(STORAGE_KEY);
    return bytes === undefined ? undefined : decodeRecord(ENTRY, bytes);
  }

  async read(known?: Uint8Array): Promise<ReadReply> {
    return this.replica.read({ type: 'read', ...ENTRY, known });
  }

  store(record: KeyRecord): Promise<StoreReply> {
    return this.replica.store({ type: 'store', ...ENTRY, record: encodeRecord(ENTRY, record) });
  }

  /** As a fallback that stands in for an owner. */
  storeFor(owner: string, record: KeyRecord, entry = ENTRY): Promise<StoreReply> {
    const hintFor = owner as NodeId;
    return this.replica.store({ type: 'store', ...entry, record: encodeRecord(entry, record), hintFor });
  }

  /** Owners whose hints of an entry are on the disk. */
  async hintsOf(entry = ENTRY): Promise<readonly string[]> {
    const owners = ['n1', 'n2', 'n3'] as NodeId[];
    const found = await Promise.all(owners.map((owner) => this.hints.find(owner, entry)));
    return owners.filter((_, index) => found[index] !== undefined);
  }

  mint(text: string, seen?: KeyRecord['context'], isGivenUp = (): boolean => false): Promise<MintOutcome> {
    const write: ProposedWrite = { content: value(text), seen, writtenAtMs: 1, identity: undefined, n: 3 };
    return this.replica.mint(ENTRY, write, { isGivenUp, onMinted: (minted) => this.minted.push(minted) });
  }

  renewals(): TraceEvent[] {
    return this.traces.filter(({ type }) => type === 'incarnation-renewed');
  }
}
