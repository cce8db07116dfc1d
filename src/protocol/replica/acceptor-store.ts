/**
 * What this node's acceptors keep, by bucket and key, on the node's store; and which keys have something accepted that is not
 * known to be chosen. The latter is an index on the disk, too, because a plain read has to know it of its key at once, and
 * what looks for rounds to finish of all keys.
 */
import { decodeAcceptorState, encodeAcceptorState } from '../../codec/acceptor-codec.ts';
import { acceptorKey, ALL_UNFINISHED, entryOfRecordKey, unfinishedKey } from '../../codec/key-layout.ts';
import type { EntryName } from '../../core/ids.ts';
import { type AcceptorState, isUnfinished } from '../../core/paxos/acceptor-state.ts';
import type { Ballot } from '../../core/paxos/ballot.ts';
import type { Storage, StorageWrite } from '../../ports/storage.ts';
import type { Tracer } from '../../ports/tracer.ts';
import type { RecordStore } from './record-store.ts';

/** Its value is nothing: that it is there says it all. */
const NOTED = new Uint8Array(0);

export interface UnfinishedRound {
  readonly entry: EntryName;
  /** The last one that was accepted, as far as it is known: after a start it is not. */
  readonly ballot: Ballot | undefined;
}

export class AcceptorStore {
  readonly #records: RecordStore;
  readonly #storage: Storage;
  readonly #tracer: Tracer;
  readonly #unfinished = new Map<string, UnfinishedRound>();
  #onUnfinished: () => void = () => {};

  constructor(records: RecordStore, storage: Storage, tracer: Tracer) {
    this.#records = records;
    this.#storage = storage;
    this.#tracer = tracer;
  }

  /** Reads the index of unfinished rounds, once, before anything is changed. Rejects if the disk cannot be read. */
  async load(): Promise<void> {
    for await (const [key] of this.#storage.range(ALL_UNFINISHED)) {
      const entry = entryOfRecordKey(key);
      this.#unfinished.set(nameOf(entry), { entry, ballot: undefined });
    }
    if (this.#unfinished.size > 0) this.#traceCount();
  }

  /** Undefined if no round has ever reached the key. Rejects, with FormatError if it is damaged, if it cannot be known. */
  async get(entry: EntryName): Promise<AcceptorState | undefined> {
    this.#records.assertSound();
    const bytes = await this.#storage.get(acceptorKey(this.#records.partitionOf(entry), entry));
    return bytes === undefined ? undefined : decodeAcceptorState(entry, bytes);
  }

  /** Whether a round has ever reached the key, be its state damaged or not. Rejects if that cannot be known. */
  async has(entry: EntryName): Promise<boolean> {
    this.#records.assertSound();
    return (await this.#storage.get(acceptorKey(this.#records.partitionOf(entry), entry))) !== undefined;
  }

  /** Whether something was accepted for the key that is not known to be chosen. */
  hasUnfinishedRound(entry: EntryName): boolean {
    return this.#unfinished.size > 0 && this.#unfinished.has(nameOf(entry));
  }

  /** Calls back whenever something was accepted, or is about to be. */
  watch(onUnfinished: () => void): void {
    this.#onUnfinished = onUnfinished;
  }

  /** All of those. */
  get unfinished(): Iterable<UnfinishedRound> {
    return this.#unfinished.values();
  }

  /** What to write for another state of the key. A plain read is told of the round from now on, not only when it is durable. */
  writes({ bucket, key }: EntryName, before: AcceptorState, after: AcceptorState): readonly StorageWrite[] {
    const entry = { bucket, key };
    const partition = this.#records.partitionOf(entry);
    const state: StorageWrite = {
      type: 'put',
      key: acceptorKey(partition, entry),
      value: encodeAcceptorState(entry, after),
    };
    if (isUnfinished(after)) {
      const { size } = this.#unfinished;
      this.#unfinished.set(nameOf(entry), { entry, ballot: after.accepted });
      if (this.#unfinished.size !== size) this.#traceCount();
      this.#onUnfinished();
    }
    if (isUnfinished(after) === isUnfinished(before)) return [state];
    const note = unfinishedKey(partition, entry);
    return [
      state,
      isUnfinished(after) ? { type: 'put', key: note, value: NOTED } : { type: 'delete', key: note },
    ];
  }

  /** What `writes` gave is durable. */
  stored(entry: EntryName, after: AcceptorState): void {
    if (!isUnfinished(after) && this.#unfinished.delete(nameOf(entry))) this.#traceCount();
  }

  #traceCount(): void {
    this.#tracer.trace({ type: 'unfinished-rounds', count: this.#unfinished.size });
  }
}

function nameOf({ bucket, key }: EntryName): string {
  return `${bucket}\0${key}`;
}
