/**
 * What this node's acceptors keep, by bucket and key, on the node's store; and which keys have something accepted that is not
 * known to be chosen. The latter is an index on the disk, too, because a plain read has to know it of its key at once, and
 * what looks for rounds to finish of all keys.
 *
 * A key on which this node has lost its vote is in that index as well, though nothing may be accepted for it: a round that meets
 * the node without its vote is what gives it back, so the sweeper heals the key, also after a restart, and as long as it takes. But
 * plain reads do not wait for that. Where nothing was accepted they miss nothing by this node, and where too many have lost
 * their votes no round can end, so they would fail for ever on a key that may hold nothing but plain writes.
 */
import { decodeAcceptorState, encodeAcceptorState } from '../../codec/acceptor-codec.ts';
import type { EncodedRecord } from '../../codec/encoded-record.ts';
import {
  acceptorKey,
  ALL_ACCEPTORS,
  ALL_UNFINISHED,
  entryOfRecordKey,
  keyAfter,
  unfinishedKey,
} from '../../codec/key-layout.ts';
import { FormatError } from '../../codec/packer.ts';
import { type EntryName, nameOf } from '../../core/ids.ts';
import { DAMAGE_READS } from '../../core/limits.ts';
import type { TreeKey, TreeKeysPage } from '../../core/message.ts';
import { type AcceptorState, isUnfinished, needsRound, NO_STORE } from '../../core/paxos/acceptor-state.ts';
import { type Ballot, highestBallot } from '../../core/paxos/ballot.ts';
import type { WorkSizes } from '../../core/work-sizes.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Storage, StorageWrite } from '../../ports/storage.ts';
import type { Tracer } from '../../ports/tracer.ts';
import type { RecordStore } from './record-store.ts';
import { RememberedStates } from './remembered-states.ts';

/** The value of a note of something accepted is nothing: that it is there says it all. */
const ACCEPTED = new Uint8Array(0);
/** That of a note of a lost vote alone. */
const VOTE_LOST = Uint8Array.of(1);

export type StoredState = AcceptorState<EncodedRecord>;

export interface UnfinishedRound {
  readonly entry: EntryName;
  /** Whether something may have been accepted. If not, this node has lost its vote on the key. */
  readonly hasAccepted: boolean;
  /** The last one that was accepted, as far as it is known: after a start it is not. */
  readonly ballot: Ballot | undefined;
  /** When that was, by the monotonic clock, milliseconds; undefined if that is not known. */
  readonly acceptedAtMs: number | undefined;
}

export interface AcceptorStorePorts {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly sizes: Pick<WorkSizes, 'treePageKeys' | 'treePageRecords' | 'rememberedStates'>;
}

/** What a node can do about a vote that it has lost. */
export interface VoteLosses {
  /** Whether the other home replicas of the key are a majority by themselves, which can let this node vote again. */
  readonly hasOtherMajority: (entry: EntryName) => boolean;
  /** Makes the whole store another one, of which nobody has a promise. Resolves to whether that is written down. */
  readonly losePromises: () => Promise<boolean>;
}

/**
 * Gives what makes the writes by which goes what is kept of a key beside this record; undefined: all of it stays. They count from the
 * moment at which they are made, so no await may come before they are written.
 */
export type Collect = (encoded: Uint8Array) => Promise<(() => readonly StorageWrite[]) | undefined>;

export class AcceptorStore {
  readonly #records: RecordStore;
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #tracer: Tracer;
  readonly #unfinished = new Map<string, UnfinishedRound>();
  readonly #remembered: RememberedStates;
  readonly #sizes: AcceptorStorePorts['sizes'];
  #onUnfinished: () => void = () => {};

  constructor(records: RecordStore, { storage, clock, tracer, sizes }: AcceptorStorePorts) {
    this.#records = records;
    this.#storage = storage;
    this.#clock = clock;
    this.#tracer = tracer;
    this.#sizes = sizes;
    this.#remembered = new RememberedStates(sizes.rememberedStates);
  }

  /** Reads the index of unfinished rounds, once, before anything is changed. Rejects if the disk cannot be read. */
  async load(): Promise<void> {
    for await (const [key, value] of this.#storage.range(ALL_UNFINISHED)) {
      const entry = entryOfRecordKey(key);
      const hasAccepted = value.length === ACCEPTED.length;
      const unknown = { ballot: undefined, acceptedAtMs: undefined };
      this.#unfinished.set(nameOf(entry), { entry, hasAccepted, ...unknown });
    }
    if (this.#unfinished.size > 0) this.#traceCount();
  }

  /** Undefined if no round has ever reached the key. Rejects, with FormatError if it is damaged, if it cannot be known. */
  async get(entry: EntryName): Promise<StoredState | undefined> {
    this.#records.assertSound();
    const remembered = this.#remembered.get(nameOf(entry));
    if (remembered !== undefined) return remembered;
    const bytes = await this.#storage.get(acceptorKey(this.#records.partitionOf(entry), entry));
    return bytes === undefined ? undefined : decodeAcceptorState(entry, bytes);
  }

  /** Whether a round has ever reached the key, be its state damaged or not. Rejects if that cannot be known. */
  async has(entry: EntryName): Promise<boolean> {
    this.#records.assertSound();
    if (this.#remembered.get(nameOf(entry)) !== undefined) return true;
    return (await this.#storage.get(acceptorKey(this.#records.partitionOf(entry), entry))) !== undefined;
  }

  /** The page of the keys that some round has reached, in storage order. Rejects if the store cannot be read. */
  async page(after: Uint8Array | undefined, isWanted: (entry: EntryName) => boolean): Promise<TreeKeysPage> {
    this.#records.assertSound();
    const from = after === undefined ? ALL_ACCEPTORS.from : keyAfter(after);
    const keys: TreeKey[] = [];
    let seen = 0;
    const { treePageKeys, treePageRecords } = this.#sizes;
    const range = { from, to: ALL_ACCEPTORS.to, limit: treePageRecords };
    for await (const [storageKey] of this.#storage.range(range)) {
      const entry = entryOfRecordKey(storageKey);
      if (isWanted(entry)) keys.push({ ...entry, digest: undefined });
      seen += 1;
      if (keys.length === treePageKeys || seen === treePageRecords) return { keys, next: storageKey };
    }
    return { keys, next: undefined };
  }

  /**
   * The record of the key is lost, and with it what was known to be chosen: gives what has to be written together with another
   * one, so that this node does not vote on the key until the others let it. Undefined: it must not be replaced. Rejects if the
   * store cannot be read.
   */
  async withdraw(entry: EntryName, losses: VoteLosses): Promise<readonly StorageWrite[] | undefined> {
    let state: StoredState | undefined;
    try {
      state = await this.get(entry);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return this.abandon(entry, losses);
    }
    if (state === undefined) return [];
    if (!losses.hasOtherMajority(entry)) return this.#forgotten(entry, losses);
    // What is not known to be chosen any more counts as unfinished: plain reads have it finished first, and so does the sweeper.
    const promised = highestBallot(state.promised, state.accepted, state.chosen);
    return this.writes(entry, state, { ...state, promised, chosen: undefined, admittedAs: NO_STORE });
  }

  /**
   * As `withdraw`, of a key whose state could not be read. What it had promised is not known any more, and may be what a round
   * counts on; so it is the whole store that has no vote any more. Undefined: it can be read now and then.
   */
  async abandon(entry: EntryName, losses: VoteLosses): Promise<readonly StorageWrite[] | undefined> {
    for (let reads = 0; reads < DAMAGE_READS; reads += 1) {
      try {
        await this.get(entry);
        return undefined;
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
    }
    return this.#forgotten(entry, losses);
  }

  async #forgotten(
    entry: EntryName,
    { losePromises }: VoteLosses,
  ): Promise<readonly StorageWrite[] | undefined> {
    return (await losePromises()) ? this.forget(entry) : undefined;
  }

  /** What to write so that nothing is left of what is kept of the key. */
  forget(entry: EntryName): readonly StorageWrite[] {
    const partition = this.#records.partitionOf(entry);
    this.#remembered.forget(nameOf(entry));
    if (this.#unfinished.delete(nameOf(entry))) this.#traceCount();
    return [
      { type: 'delete', key: acceptorKey(partition, entry) },
      { type: 'delete', key: unfinishedKey(partition, entry) },
    ];
  }

  /** Whether something was accepted for the key that is not known to be chosen. */
  hasUnfinishedRound(entry: EntryName): boolean {
    return this.#unfinished.size > 0 && this.#unfinished.get(nameOf(entry))?.hasAccepted === true;
  }

  /** Calls back whenever a key needs a round, or is about to. */
  watch(onUnfinished: () => void): void {
    this.#onUnfinished = onUnfinished;
  }

  /** All keys that need a round. */
  get unfinished(): Iterable<UnfinishedRound> {
    return this.#unfinished.values();
  }

  /** What to write for another state of the key. A plain read is told of the round from now on, not only when it is durable. */
  writes({ bucket, key }: EntryName, before: StoredState, after: StoredState): readonly StorageWrite[] {
    const entry = { bucket, key };
    const partition = this.#records.partitionOf(entry);
    const state: StorageWrite = {
      type: 'put',
      key: acceptorKey(partition, entry),
      value: encodeAcceptorState(entry, after),
    };
    const note = unfinishedKey(partition, entry);
    const name = nameOf(entry);
    this.#remembered.forget(name);
    if (!needsRound(after)) {
      // A disk may have lost the removal of the note and kept the state that came after it; then only the note says that it is there.
      const isNoted = needsRound(before) || this.#unfinished.has(name);
      return isNoted ? [state, { type: 'delete', key: note }] : [state];
    }
    const { size } = this.#unfinished;
    // What was accepted is in the record, if it is chosen now, only when that is durable.
    const hasAccepted = isUnfinished(after) || this.hasUnfinishedRound(entry);
    const isNew = after.accepted !== before.accepted;
    const acceptedAtMs = isNew ? this.#clock.nowMs() : this.#unfinished.get(name)?.acceptedAtMs;
    this.#unfinished.set(name, { entry, hasAccepted, ballot: after.accepted, acceptedAtMs });
    if (this.#unfinished.size !== size) this.#traceCount();
    this.#onUnfinished();
    // With each such state, be it noted already: a disk may lose one batch and keep the next.
    return [state, { type: 'put', key: note, value: isUnfinished(after) ? ACCEPTED : VOTE_LOST }];
  }

  /** What `writes` gave is durable. */
  stored({ bucket, key }: EntryName, after: StoredState): void {
    const entry = { bucket, key };
    const name = nameOf(entry);
    this.#remembered.remember(name, after);
    if (isUnfinished(after)) return;
    if (needsRound(after)) {
      const unfinished = { hasAccepted: false, ballot: after.accepted, acceptedAtMs: undefined };
      this.#unfinished.set(name, { entry, ...unfinished });
    } else this.#finished(name, after);
  }

  #finished(name: string, { chosen }: StoredState): void {
    const round = this.#unfinished.get(name);
    if (round === undefined) return;
    this.#unfinished.delete(name);
    this.#traceCount();
    // Of what was overtaken nobody knows whether it was chosen.
    if (round.acceptedAtMs !== undefined && round.ballot === chosen)
      this.#tracer.trace({ type: 'round-committed', ms: this.#clock.nowMs() - round.acceptedAtMs });
  }

  #traceCount(): void {
    this.#tracer.trace({ type: 'unfinished-rounds', count: this.#unfinished.size });
  }
}
