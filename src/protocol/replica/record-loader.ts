/** Reads the own records from the disk, and tells what is damaged from what only could not be read. */
import { FormatError } from '../../codec/packer.ts';
import { checkRecord, decodeCheckedRecord } from '../../codec/record-codec.ts';
import type { KeyRecord } from '../../core/causality/record.ts';
import type { EntryName, NodeId } from '../../core/ids.ts';
import { DAMAGE_READS } from '../../core/limits.ts';
import type { Tracer } from '../../ports/tracer.ts';
import { afterwards, type MaybeLater } from '../at-once.ts';
import type { RecordStore } from './record-store.ts';
import type { StandIn } from './stand-in.ts';

export interface Unreadable {
  readonly type: 'unreadable';
  /** What lies there is no whole record of the key; else it is not known what lies there. */
  readonly isDamaged: boolean;
  readonly reason: string;
}

/** The own record as it lies on the disk; undefined if there is none. */
export type Loaded = { readonly type: 'loaded'; readonly encoded: Uint8Array | undefined } | Unreadable;

type LoadedRecord =
  | {
      readonly type: 'loaded';
      readonly encoded: Uint8Array | undefined;
      readonly record: KeyRecord | undefined;
      /** Whether there is no hint to be set. */
      readonly isNoted: boolean;
    }
  | Unreadable;

export class RecordLoader {
  readonly #ports: { readonly records: RecordStore; readonly standIn: StandIn; readonly tracer: Tracer };

  constructor(ports: { readonly records: RecordStore; readonly standIn: StandIn; readonly tracer: Tracer }) {
    this.#ports = ports;
  }

  /** The record as it lies on the disk, found to be whole. */
  encoded(entry: EntryName): MaybeLater<Loaded> {
    try {
      const found = this.#ports.records.get(entry);
      if (!(found instanceof Promise)) return checked(entry, found);
      return found
        .then((encoded) => checked(entry, encoded))
        .catch((error: unknown) => this.#unreadable(entry, error));
    } catch (error) {
      return this.#unreadable(entry, error);
    }
  }

  /** `hintFor`: whom this node is to keep it for. A hint that cannot be read is no better than such a record. */
  record(entry: EntryName, hintFor: NodeId | undefined): MaybeLater<LoadedRecord> {
    return afterwards(this.encoded(entry), (loaded) =>
      loaded.type === 'unreadable' ? loaded : this.#decoded(entry, loaded.encoded, hintFor),
    );
  }

  #decoded(
    entry: EntryName,
    encoded: Uint8Array | undefined,
    hintFor: NodeId | undefined,
  ): MaybeLater<LoadedRecord> {
    try {
      const record = encoded === undefined ? undefined : decodeCheckedRecord(encoded);
      const loaded = (isNoted: boolean): LoadedRecord => ({ type: 'loaded', encoded, record, isNoted });
      if (hintFor === undefined) return loaded(true);
      const isNoted = this.#ports.standIn.isNoted(entry, hintFor);
      return isNoted.then(loaded).catch((error: unknown) => this.#unreadable(entry, error));
    } catch (error) {
      return this.#unreadable(entry, error);
    }
  }

  /** Whether it is read alike again and again: what was garbled on its way from the disk is not. */
  async isDamagedForGood(entry: EntryName): Promise<boolean> {
    for (let reads = 0; reads < DAMAGE_READS; reads += 1) {
      const loaded = await this.record(entry, undefined);
      if (loaded.type === 'loaded' || !loaded.isDamaged) return false;
    }
    return true;
  }

  #unreadable({ bucket, key }: EntryName, error: unknown): Unreadable {
    const reason = error instanceof Error ? error.message : String(error);
    const { records, tracer } = this.#ports;
    if (!records.isClosed) tracer.trace({ type: 'unreadable-record', bucket, key, reason });
    return { type: 'unreadable', reason, isDamaged: error instanceof FormatError };
  }
}

function checked(entry: EntryName, encoded: Uint8Array | undefined): Loaded {
  if (encoded !== undefined) checkRecord(entry, encoded);
  return { type: 'loaded', encoded };
}
