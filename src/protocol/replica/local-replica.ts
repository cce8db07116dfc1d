/**
 * This node's own copy of the records. Reads see what is durable. Every read-modify-write of a key (a client's write,
 * a peer's record) runs in that key's serial section and leaves it only when its result is durable.
 */
import {
  checkRecord,
  decodeCheckedRecord,
  decodeRecord,
  encodeRecord,
  recordDigest,
  sameBytes,
} from '../../codec/record-codec.ts';
import { decideWrite, type ProposedWrite, type WriteDecision } from '../../core/causality/decide-write.ts';
import type { Dot } from '../../core/causality/dot.ts';
import { joinRecords } from '../../core/causality/join.ts';
import { isAheadOn } from '../../core/causality/mint.ts';
import type { KeyRecord } from '../../core/causality/record.ts';
import { findDotCollision } from '../../core/causality/visible-siblings.ts';
import type { EntryName } from '../../core/ids.ts';
import type { Limits } from '../../core/limits.ts';
import type { ReadReplica, ReadReply, StoreReplica, StoreReply } from '../../core/message.ts';
import type { Tracer } from '../../ports/tracer.ts';
import type { IncarnationSource } from './incarnation.ts';
import { KeyLock } from './key-lock.ts';
import type { RecordStore } from './record-store.ts';

export interface MintedWrite {
  readonly dot: Dot;
  readonly before: KeyRecord | undefined;
  readonly record: KeyRecord;
  readonly encoded: Uint8Array;
}

export type MintOutcome =
  | ({ readonly type: 'minted' } & MintedWrite)
  | Exclude<WriteDecision, { type: 'minted' | 'local-store-lost-something' }>
  /** Nothing was done, because it cannot be known what this replica holds: another replica has to coordinate. */
  | Unreadable
  /** The write was given up before its turn came. Nothing was done. */
  | { readonly type: 'given-up' };

export interface MintHandlers {
  /** Asked when the write's turn has come: whether nobody waits for it any more. */
  readonly isGivenUp: () => boolean;
  /** Told before the local sync. */
  readonly onMinted: (minted: MintedWrite) => void;
}

/** Told of every change of a record, in the key's serial section, when it is durable. */
export type OnChanged = (entry: EntryName, before: Uint8Array | undefined, after: Uint8Array) => void;

export interface LocalReplicaOptions {
  readonly records: RecordStore;
  readonly incarnations: IncarnationSource;
  readonly limits: Limits;
  readonly tracer: Tracer;
  readonly onChanged: OnChanged;
}

interface Unreadable {
  readonly type: 'unreadable';
  readonly reason: string;
}

type Loaded = { readonly type: 'loaded'; readonly encoded: Uint8Array | undefined } | Unreadable;

type LoadedRecord =
  | {
      readonly type: 'loaded';
      readonly encoded: Uint8Array | undefined;
      readonly record: KeyRecord | undefined;
    }
  | Unreadable;

export class LocalReplica {
  readonly #options: LocalReplicaOptions;
  readonly #lock = new KeyLock();

  constructor(options: LocalReplicaOptions) {
    this.#options = options;
  }

  async read(request: ReadReplica): Promise<ReadReply> {
    const loaded = await this.#load(request);
    if (loaded.type === 'unreadable') return loaded;
    if (loaded.encoded === undefined) return { type: 'absent' };
    const same = request.known !== undefined && sameBytes(recordDigest(loaded.encoded), request.known);
    return same ? { type: 'same' } : { type: 'found', record: loaded.encoded };
  }

  /** Shows a record while nothing can change it: undefined if there is none, or if it cannot be read. */
  async look(entry: EntryName, use: (encoded: Uint8Array | undefined) => void): Promise<void> {
    await this.#lock.run(lockName(entry), async () => {
      const loaded = await this.#load(entry);
      use(loaded.type === 'loaded' ? loaded.encoded : undefined);
    });
  }

  /** Joins a record into this replica's own. Answers `stored` only when the result is durable. */
  async store(request: StoreReplica): Promise<StoreReply> {
    if (this.#options.records.isCongested)
      return { type: 'store-refused', reason: 'too many writes wait for the disk' };
    let incoming: KeyRecord;
    try {
      incoming = decodeRecord(request, request.record);
    } catch (error) {
      return { type: 'store-refused', reason: `the record is not valid: ${(error as Error).message}` };
    }
    return this.#lock.run(lockName(request), () => this.#join(request, incoming));
  }

  /**
   * Makes a client's write an event of this node. `onMinted` is called before the local sync, so that the record can
   * travel to the other replicas meanwhile; resolves when it is durable here. Rejects with StorageFailed.
   *
   * Sending before the local sync is safe: if this process dies in between, the dot belongs to an incarnation that
   * never comes back, and what the others stored is a whole record.
   */
  async mint(
    entry: EntryName,
    write: ProposedWrite,
    { isGivenUp, onMinted }: MintHandlers,
  ): Promise<MintOutcome> {
    return this.#lock.run(lockName(entry), async () => {
      const loaded = await this.#loadRecord(entry);
      // From here to `onMinted` nothing waits: a write that is given up is not minted, and one that is minted is not given up.
      if (isGivenUp()) return { type: 'given-up' };
      if (loaded.type === 'unreadable') return loaded;
      // The dot of a write that failed may have left for the others; a second write must not mint it again.
      this.#options.records.assertSound();
      const before = loaded.record;
      const decision = this.#decide(entry, before, write);
      if (decision.type !== 'minted') return decision;
      const { dot, record } = decision;
      const minted = { dot, before, record, encoded: encodeRecord(entry, record) };
      // Queued first: whatever happens while the record leaves, its dot is one that this store has taken.
      const durable = this.#options.records.put(entry, minted.encoded);
      onMinted(minted);
      await durable;
      this.#options.onChanged(entry, loaded.encoded, minted.encoded);
      return { type: 'minted', ...minted };
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
    const { record: encodedIncoming } = entry;
    const loaded = await this.#loadRecord(entry);
    if (loaded.type === 'unreadable') return { type: 'store-refused', reason: loaded.reason };
    const { encoded, record: local } = loaded;
    if (encoded !== undefined && sameBytes(recordDigest(encoded), recordDigest(encodedIncoming))) {
      return { type: 'stored' };
    }
    if (isAheadOn(this.#options.incarnations.current, incoming.context, local)) this.#renewIncarnation(entry);
    const joined = local === undefined ? encodedIncoming : this.#encodeJoin(entry, local, incoming);
    if (encoded !== undefined && sameBytes(recordDigest(encoded), recordDigest(joined)))
      return { type: 'stored' };
    await this.#options.records.put(entry, joined);
    this.#options.onChanged(entry, encoded, joined);
    return { type: 'stored' };
  }

  #encodeJoin({ bucket, key }: EntryName, local: KeyRecord, incoming: KeyRecord): Uint8Array {
    const joined = joinRecords(local, incoming);
    const dot = findDotCollision(joined);
    if (dot !== undefined) this.#options.tracer.trace({ type: 'dot-collision', bucket, key, dot });
    return encodeRecord({ bucket, key }, joined);
  }

  /** The record as it lies on the disk, found to be whole. */
  async #load(entry: EntryName): Promise<Loaded> {
    try {
      const encoded = await this.#options.records.get(entry);
      if (encoded !== undefined) checkRecord(entry, encoded);
      return { type: 'loaded', encoded };
    } catch (error) {
      return this.#unreadable(entry, error);
    }
  }

  async #loadRecord(entry: EntryName): Promise<LoadedRecord> {
    const loaded = await this.#load(entry);
    if (loaded.type === 'unreadable') return loaded;
    try {
      const { encoded } = loaded;
      const record = encoded === undefined ? undefined : decodeCheckedRecord(encoded);
      return { type: 'loaded', encoded, record };
    } catch (error) {
      return this.#unreadable(entry, error);
    }
  }

  #unreadable({ bucket, key }: EntryName, error: unknown): Unreadable {
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.tracer.trace({ type: 'unreadable-record', bucket, key, reason });
    return { type: 'unreadable', reason };
  }

  #renewIncarnation({ bucket, key }: EntryName): void {
    const { incarnations, tracer } = this.#options;
    const from = incarnations.current;
    tracer.trace({ type: 'incarnation-renewed', bucket, key, from, to: incarnations.renew() });
  }
}

function lockName({ bucket, key }: EntryName): string {
  return `${bucket}\0${key}`;
}
