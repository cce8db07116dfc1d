/**
 * This node's own copy of the records. Reads see what is durable. Every read-modify-write of a key (a client's write,
 * a peer's record) runs in that key's serial section and leaves it only when its result is durable.
 *
 * A record that this node keeps for a home replica which is away lies and is joined like any other. The hint that says so
 * is set in the same batch, so that no crash leaves the one without the other.
 */
import {
  decodeCheckedRecord,
  decodeRecord,
  encodeRecord,
  recordDigest,
  sameBytes,
} from '../../codec/record-codec.ts';
import { decideWrite, type ProposedWrite, type WriteDecision } from '../../core/causality/decide-write.ts';
import { joinRecords } from '../../core/causality/join.ts';
import { isAheadOn } from '../../core/causality/mint.ts';
import type { KeyRecord } from '../../core/causality/record.ts';
import { findDotCollision } from '../../core/causality/visible-siblings.ts';
import { type EntryName, type NodeId, nameOf } from '../../core/ids.ts';
import type { Limits } from '../../core/limits.ts';
import type { ReadReplica, ReadReply, StoreReplica, StoreReply } from '../../core/message.ts';
import type { StorageWrite } from '../../ports/storage.ts';
import type { Tracer } from '../../ports/tracer.ts';
import type { HintStore } from '../handoff/hint-store.ts';
import { afterwards, type MaybeLater } from '../at-once.ts';
import type { InFlight } from '../in-flight.ts';
import type { AcceptorStore, Collect, VoteLosses } from './acceptor-store.ts';
import type { IncarnationSource } from './incarnation.ts';
import { KeyLock } from './key-lock.ts';
import { type Loaded, RecordLoader, type Unreadable } from './record-loader.ts';
import type { MintHandlers, MintOutcome } from './minting.ts';
import type { RecordStore } from './record-store.ts';
import { type HeldReply, heldReply, recovering } from './read-reply.ts';
import { StandIn } from './stand-in.ts';

/** Told of every change of a record, in the key's serial section, when it is durable. */
export type OnChanged = (
  entry: EntryName,
  before: Uint8Array | undefined,
  after: Uint8Array | undefined,
) => void;

export interface LocalReplicaOptions {
  readonly records: RecordStore;
  readonly acceptors: AcceptorStore;
  readonly incarnations: IncarnationSource;
  readonly hints: HintStore;
  readonly self: NodeId;
  readonly limits: Limits;
  readonly tracer: Tracer;
  readonly onChanged: OnChanged;
  readonly losses: Losses;
  readonly inFlight: InFlight;
}

/** What is known of what this replica has lost. */
export interface Losses extends VoteLosses {
  /** Whether it may lack something of this entry that was acknowledged. */
  readonly mayLack: (entry: EntryName) => boolean;
  /** Whether all are there without whom it would not get back what it may lack of this entry, if that were more from now on. */
  readonly canRecover: (entry: EntryName) => boolean;
  /** From now on it may. Gives what has to be written down together with what is put in the place of a damaged record. */
  readonly damaged: (entry: EntryName) => StorageWrite;
}

export class LocalReplica {
  readonly #options: LocalReplicaOptions;
  readonly #lock: KeyLock;
  readonly #standIn: StandIn;
  readonly #loader: RecordLoader;

  constructor(options: LocalReplicaOptions) {
    this.#options = options;
    this.#lock = new KeyLock(() => options.records.hurry());
    this.#standIn = new StandIn(options);
    this.#loader = new RecordLoader({ ...options, standIn: this.#standIn });
  }

  mayLack(entry: EntryName): boolean {
    return this.#options.losses.mayLack(entry);
  }

  /** What this replica can say of a key. Where it has lost something, what it holds is no answer. */
  read(request: ReadReplica): MaybeLater<ReadReply> {
    // Asked for before, too: it may have been got back between the look at the disk and the answer.
    const lacked = this.mayLack(request);
    return afterwards(this.held(request, request.known), (reply) => {
      if ((!lacked && !this.mayLack(request)) || reply.type === 'unreadable') return reply;
      return afterwards(reply.type === 'same' ? this.held(request) : reply, recovering);
    });
  }

  /** What lies here, whether or not there should be more. `known`: digest of a record that is answered by `same`. */
  held(entry: EntryName, known?: Uint8Array): MaybeLater<HeldReply> {
    // What is chosen may be on its way into the record: then there is no round to finish.
    const isFinishing = this.#options.acceptors.hasUnfinishedRound(entry);
    const settled = isFinishing ? this.#lock.settled(nameOf(entry)) : undefined;
    return settled === undefined ? this.#seen(entry, known) : settled.then(() => this.#seen(entry, known));
  }

  #seen(entry: EntryName, known: Uint8Array | undefined): MaybeLater<HeldReply> {
    const { acceptors } = this.#options;
    const isUnfinished = acceptors.hasUnfinishedRound(entry);
    return afterwards(this.#loader.encoded(entry), (loaded) => {
      // Asked for before, too: what was accepted may have got into the record after the look at the disk.
      const hasRound = isUnfinished || acceptors.hasUnfinishedRound(entry);
      return heldReply(loaded, known, hasRound);
    });
  }

  /**
   * Shows a record while nothing can change it: undefined if there is none, or if it cannot be read. Resolves to whether it could
   * be read.
   */
  look(entry: EntryName, use: (encoded: Uint8Array | undefined) => void): Promise<boolean> {
    return this.inSection(entry, async (loaded) => {
      use(loaded.type === 'loaded' ? loaded.encoded : undefined);
      return loaded.type === 'loaded';
    });
  }

  /** Runs a section with the record as it is, while nothing else can change it. */
  inSection<Result>(entry: EntryName, section: (loaded: Loaded) => Promise<Result>): Promise<Result> {
    return this.#lock.run(nameOf(entry), async () => {
      const found = this.#loader.encoded(entry);
      return section(found instanceof Promise ? await found : found);
    });
  }

  /** Whether something waits for the section that runs. */
  isAwaited(entry: EntryName): boolean {
    return this.#lock.isAwaited(nameOf(entry));
  }

  /** Joins a record into this replica's own. Answers `stored` only when the result is durable. */
  store(request: StoreReplica): Promise<StoreReply> {
    return this.#options.inFlight.track(() => this.#store(request));
  }

  async #store(request: StoreReplica): Promise<StoreReply> {
    if (this.#options.records.isCongested)
      return { type: 'store-refused', reason: 'too many writes wait for the disk' };
    let incoming: KeyRecord;
    try {
      incoming = decodeRecord(request, request.record);
    } catch (error) {
      return { type: 'store-refused', reason: `the record is not valid: ${(error as Error).message}` };
    }
    const refusal = this.#standIn.refusal(request, incoming.largestN);
    if (refusal !== undefined) return { type: 'store-refused', reason: refusal };
    return this.#lock.run(nameOf(request), () => this.#join(request, incoming));
  }

  /**
   * Lets a record go, if it is still the one with this digest, and `collect` lets go what is kept of the key beside it. Answers
   * whether it did. That nobody needs it any more is for the caller to know. Rejects with StorageFailed.
   */
  drop(entry: EntryName, digest: Uint8Array, collect?: Collect): Promise<boolean> {
    const { records, acceptors, incarnations, tracer, onChanged } = this.#options;
    return this.inSection(entry, async (loaded) => {
      const encoded = loaded.type === 'loaded' ? loaded.encoded : undefined;
      if (encoded === undefined || !sameBytes(recordDigest(encoded), digest)) return false;
      const makeWrites = (await acceptors.has(entry)) ? await collect?.(encoded) : () => [];
      if (makeWrites === undefined) return false;
      incarnations.forget(decodeCheckedRecord(encoded).context);
      tracer.trace({ type: 'tombstone-reaped', bucket: entry.bucket, key: entry.key });
      await records.delete(entry, ...makeWrites());
      onChanged(entry, encoded, undefined);
      return true;
    });
  }

  /**
   * Makes a client's write an event of this node. `onMinted` is called before the local sync, so that the record can
   * travel to the other replicas meanwhile; resolves when it is durable here. Rejects with StorageFailed.
   *
   * Sending before the local sync is safe: if this process dies in between, the dot belongs to an incarnation that
   * never comes back, and what the others stored is a whole record.
   *
   * It is under way for as long as that takes: the operation that it belongs to may be over long before a slow disk is.
   */
  mint(entry: EntryName, write: ProposedWrite, handlers: MintHandlers): Promise<MintOutcome> {
    return this.#options.inFlight.track(() => this.#mint(entry, write, handlers));
  }

  #mint(
    entry: EntryName,
    write: ProposedWrite,
    { isGivenUp, onMinted, hintFor }: MintHandlers,
  ): Promise<MintOutcome> {
    return this.#lock.run(nameOf(entry), async () => {
      const found = this.#loader.record(entry, hintFor);
      const loaded = found instanceof Promise ? await found : found;
      // From here to `onMinted` nothing waits: a write that is given up is not minted, and one that is minted is not given up.
      if (isGivenUp()) return { type: 'given-up' };
      if (loaded.type === 'unreadable') return { type: 'unreadable', reason: loaded.reason };
      // The dot of a write that failed may have left for the others; a second write must not mint it again.
      const { failure } = this.#options.records;
      if (failure !== undefined) return { type: 'unreadable', reason: failure.message };
      const { record: before } = loaded;
      const decision = this.#decide(entry, before, write);
      if (decision.type !== 'minted') return decision;
      const minted = { ...decision, before, encoded: encodeRecord(entry, decision.record) };
      const hint = this.#standIn.writes(entry, hintFor, {
        isNoted: loaded.isNoted,
        bytes: minted.encoded.length,
      });
      if (hint.type === 'hint-refused') return hint;
      // Queued first: whatever happens while the record leaves, its dot is one that this store has taken.
      const durable = this.#options.records.put(entry, minted.encoded, ...hint.writes);
      onMinted(minted);
      await durable;
      this.#standIn.noted(hintFor, hint.writes);
      this.#options.onChanged(entry, loaded.encoded, minted.encoded);
      return minted;
    });
  }

  #decide(
    entry: EntryName,
    before: KeyRecord | undefined,
    write: ProposedWrite,
  ): Exclude<WriteDecision, { type: 'local-store-lost-something' }> {
    const { incarnations, limits } = this.#options;
    for (;;) {
      const minter = { incarnation: incarnations.current, openEpoch: () => incarnations.openEpoch() };
      const decision = decideWrite(before, write, minter, limits);
      if (decision.type !== 'local-store-lost-something') return decision;
      this.#renewIncarnation(entry);
    }
  }

  async #join(entry: StoreReplica, incoming: KeyRecord): Promise<StoreReply> {
    const { record: encodedIncoming, hintFor } = entry;
    const found = this.#loader.record(entry, hintFor);
    const loaded = found instanceof Promise ? await found : found;
    if (loaded.type === 'unreadable') return this.#replaceDamaged(entry, loaded);
    const { encoded, record: local, isNoted } = loaded;
    const isSame = encoded !== undefined && sameBytes(recordDigest(encoded), recordDigest(encodedIncoming));
    if (isSame && isNoted) return { type: 'stored' };
    if (isAheadOn(this.#options.incarnations.current, incoming.context, local)) this.#renewIncarnation(entry);
    const joined = local === undefined ? encodedIncoming : this.#encodeJoin(entry, local, incoming);
    const hint = this.#standIn.writes(entry, hintFor, { isNoted, bytes: joined.length });
    if (hint.type === 'hint-refused') return { type: 'store-refused', reason: hint.reason };
    await this.#keep(entry, { before: encoded, joined }, hint.writes);
    this.#standIn.noted(hintFor, hint.writes);
    return { type: 'stored' };
  }

  /**
   * Puts a peer's record in the place of one that is damaged for good. What it held is lost: this node goes on as somebody else,
   * because it may have minted dots that nobody here knows, and does not count until it has met what all others hold. While one of
   * those is away the damaged record stays, and it alone counts for nothing: in its place the whole partition would, for as long. Who
   * compares trees finds it again.
   */
  async #replaceDamaged(entry: StoreReplica, { isDamaged, reason }: Unreadable): Promise<StoreReply> {
    const { acceptors, losses, records, tracer, onChanged } = this.#options;
    const mayBeReplaced = entry.hintFor === undefined && isDamaged && losses.canRecover(entry);
    if (!mayBeReplaced || !(await this.#loader.isDamagedForGood(entry)))
      return { type: 'store-refused', reason };
    // What this node has accepted and knows to be chosen is in the record alone: its vote would deny that it ever was.
    const voteless = await acceptors.withdraw(entry, losses);
    if (voteless === undefined) return { type: 'store-refused', reason };
    const { bucket, key, record } = entry;
    this.#renewIncarnation(entry);
    await records.put(entry, record, losses.damaged(entry), ...voteless);
    tracer.trace({ type: 'record-replaced', bucket, key });
    onChanged(entry, undefined, record);
    return { type: 'stored' };
  }

  /** Makes a joined record durable, and in the same batch what belongs to it; nothing if nothing is new. */
  async #keep(
    entry: EntryName,
    { before, joined }: { readonly before: Uint8Array | undefined; readonly joined: Uint8Array },
    together: readonly StorageWrite[],
  ): Promise<void> {
    const { records, onChanged } = this.#options;
    if (before !== undefined && sameBytes(recordDigest(before), recordDigest(joined))) {
      if (together.length > 0) await records.write(...together);
      return;
    }
    await records.put(entry, joined, ...together);
    onChanged(entry, before, joined);
  }

  #encodeJoin({ bucket, key }: EntryName, local: KeyRecord, incoming: KeyRecord): Uint8Array {
    const joined = joinRecords(local, incoming);
    const dot = findDotCollision(joined);
    if (dot !== undefined) this.#options.tracer.trace({ type: 'dot-collision', bucket, key, dot });
    return encodeRecord({ bucket, key }, joined);
  }

  #renewIncarnation({ bucket, key }: EntryName): void {
    const { incarnations, tracer } = this.#options;
    const from = incarnations.current;
    tracer.trace({ type: 'incarnation-renewed', bucket, key, from, to: incarnations.renew() });
  }
}
