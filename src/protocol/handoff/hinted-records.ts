/**
 * What becomes of a record that this node keeps for others: it goes when they all have it, and what lies here for nobody is
 * given to somebody. Each step runs in the record's serial section, and is one batch.
 */
import { decodeCheckedRecord, largestNOf, recordDigest, sameBytes } from '../../codec/record-codec.ts';
import type { Hint } from '../../codec/hint-codec.ts';
import type { EntryName, NodeId } from '../../core/ids.ts';
import type { StorageWrite } from '../../ports/storage.ts';
import type { Tracer } from '../../ports/tracer.ts';
import type { AcceptorStore } from '../replica/acceptor-store.ts';
import type { IncarnationSource } from '../replica/incarnation.ts';
import type { LocalReplica, OnChanged } from '../replica/local-replica.ts';
import type { RecordStore } from '../replica/record-store.ts';
import type { HintStore } from './hint-store.ts';

export interface HintedRecordsPorts {
  readonly self: NodeId;
  readonly local: LocalReplica;
  readonly records: RecordStore;
  readonly hints: HintStore;
  readonly acceptors: AcceptorStore;
  readonly incarnations: IncarnationSource;
  readonly tracer: Tracer;
  readonly onChanged: OnChanged;
}

/**
 * What has become of a hint whose owner has its record: it is gone; or it stays, because the record has changed since, or because it
 * is not known whether all home replicas hold it.
 */
export type Release = 'gone' | 'changed' | 'not-agreed';

export class HintedRecords {
  readonly #ports: HintedRecordsPorts;

  constructor(ports: HintedRecordsPorts) {
    this.#ports = ports;
  }

  /**
   * The owner holds durably what had this digest here (undefined: nothing was here to deliver). If that is still all that
   * this node holds, its hint goes, and with the last hint the record, unless this node is a home replica of it. A stray
   * record goes only if all home replicas agree (`isAgreed`) with that digest. Rejects if the disk fails.
   */
  release(
    owner: NodeId,
    entry: EntryName,
    digest: Uint8Array | undefined,
    isAgreed = false,
  ): Promise<Release> {
    const { local, hints, records } = this.#ports;
    return local.inSection(entry, async (loaded) => {
      if (loaded.type === 'unreadable') return 'changed';
      const { encoded } = loaded;
      const hint = await hints.find(owner, entry);
      if (hint === undefined) return 'gone';
      // A write that came meanwhile is not at the owner: it is delivered like the first one.
      if (encoded !== undefined && (digest === undefined || !sameBytes(recordDigest(encoded), digest)))
        return 'changed';
      const removal = hints.removal(owner, entry);
      if (encoded === undefined || (await this.#isNeeded(owner, entry, encoded))) {
        await records.write(removal);
      } else {
        if (hint.isStray && !isAgreed) return 'not-agreed';
        await this.#drop(entry, encoded, removal);
      }
      hints.removed(owner, hint);
      return 'gone';
    });
  }

  /**
   * A record that was found where it does not belong is kept for all its home replicas, so that it gets there and goes here.
   * No bound refuses this: nothing grows. Resolves to false if it cannot be read now. Rejects if the disk fails.
   */
  adopt(entry: EntryName): Promise<boolean> {
    const { local, hints, records, tracer } = this.#ports;
    return local.inSection(entry, async (loaded) => {
      if (loaded.type === 'unreadable') return false;
      const { encoded } = loaded;
      if (encoded === undefined || this.isAtHome(entry, encoded)) return true;
      const homes = this.homesOf(entry, encoded);
      if ((await this.#hintsOf(entry, homes)).some(({ hint }) => hint !== undefined)) return true;
      tracer.trace({ type: 'stray-record', ...entry });
      await records.write(
        ...homes.map((owner) => hints.add(owner, entry, { bytes: encoded.length, isStray: true })),
      );
      for (const owner of homes) {
        tracer.trace({ type: 'hint-stored', owner });
        hints.stored(owner);
      }
      return true;
    });
  }

  /** Whether this node is a home replica of an encoded record. */
  isAtHome(entry: EntryName, encoded: Uint8Array): boolean {
    return this.homesOf(entry, encoded).includes(this.#ports.self);
  }

  /** The home replicas of an encoded record. */
  homesOf(entry: EntryName, encoded: Uint8Array): readonly NodeId[] {
    return this.#ports.records.homesOf(entry, largestNOf(encoded));
  }

  /** Whether the record has to stay when the hint for this owner goes. */
  async #isNeeded(owner: NodeId, entry: EntryName, encoded: Uint8Array): Promise<boolean> {
    const others = this.homesOf(entry, encoded).filter((home) => home !== owner);
    return (
      this.isAtHome(entry, encoded) ||
      (await this.#ports.acceptors.has(entry)) ||
      (await this.#hintsOf(entry, others)).some(({ hint }) => hint !== undefined)
    );
  }

  async #drop(entry: EntryName, encoded: Uint8Array, removal: StorageWrite): Promise<void> {
    const { records, incarnations, onChanged } = this.#ports;
    incarnations.forget(decodeCheckedRecord(encoded).context);
    await records.delete(entry, removal);
    onChanged(entry, encoded, undefined);
  }

  #hintsOf(
    entry: EntryName,
    owners: readonly NodeId[],
  ): Promise<readonly { readonly owner: NodeId; readonly hint: Hint | undefined }[]> {
    return Promise.all(
      owners.map(async (owner) => ({ owner, hint: await this.#ports.hints.find(owner, entry) })),
    );
  }
}
