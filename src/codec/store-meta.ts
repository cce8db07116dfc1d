/**
 * What a store remembers beside its records (key layout: `m`): how far it has come and when it was opened, what its node has lost
 * and not yet got back, and what it knows of the stores of its peers.
 */
import type { Incarnation, NodeId, Partition, StoreId } from '../core/ids.ts';
import { MAX_LOST_STORES, MAX_NODES, MAX_OPENINGS, MAX_PARTITIONS } from '../core/limits.ts';
import type { PartitionDebts } from '../core/membership/partition-debts.ts';
import type { OpeningList, StoreMark, StoreOpening } from '../core/membership/store-mark.ts';
import { type FieldReader, FormatError, packFields, unpackFields } from './packer.ts';

const FORMAT_VERSION = 1;
const SEQUENCE_BYTES = 8;
const ID = /^[A-Za-z0-9_-]{22}$/;

/** What a node has lost, and what of it is still to be got back. */
export interface RecoveryState {
  /** Stores whose place this one has taken, the newest last. */
  readonly lost: readonly StoreId[];
  /** The largest number of copies of a record that this node has met. */
  readonly widestN: number;
  readonly debts: PartitionDebts;
}

/** 8 bytes, big-endian: how a program before this one kept how far its store had come. Throws FormatError for anything else. */
export function decodeSequence(bytes: Uint8Array): number {
  if (bytes.length !== SEQUENCE_BYTES) throw new FormatError(`a sequence number of ${bytes.length} bytes`);
  const sequence = Number(Buffer.from(bytes).readBigUInt64BE());
  if (!Number.isSafeInteger(sequence)) throw new FormatError('a sequence number beyond all bounds');
  return sequence;
}

export function encodeStoreMark(mark: StoreMark): Uint8Array {
  return packFields([FORMAT_VERSION, ...storeMarkToFields(mark)]);
}

/** Throws FormatError. */
export function decodeStoreMark(bytes: Uint8Array): StoreMark {
  const fields = versioned(bytes);
  const mark = readStoreMark(fields);
  fields.end();
  return mark;
}

export function storeMarkToFields({ storeId, opening, sequence }: StoreMark): readonly unknown[] {
  return [storeId, opening, sequence];
}

/** Throws FormatError. */
export function readStoreMark(fields: FieldReader): StoreMark {
  return {
    storeId: readId(fields) as StoreId,
    opening: readId(fields) as Incarnation,
    sequence: fields.integer(0),
  };
}

export function encodeOpenings(list: OpeningList): Uint8Array {
  return packFields([FORMAT_VERSION, ...openingsToFields(list)]);
}

/** Throws FormatError. */
export function decodeOpenings(bytes: Uint8Array): OpeningList {
  const fields = versioned(bytes);
  const list = readOpenings(fields);
  fields.end();
  return list;
}

export function openingsToFields({ openings, unlistedUpTo }: OpeningList): readonly unknown[] {
  return [unlistedUpTo, openings.map(({ opening, openedAt }) => [opening, openedAt])];
}

/** Throws FormatError. */
export function readOpenings(fields: FieldReader): OpeningList {
  const unlistedUpTo = fields.integer(0);
  const listed = fields.fields();
  if (listed.remaining > MAX_OPENINGS) throw new FormatError(`${listed.remaining} openings`);
  return { openings: listed.each((reader) => readOpening(reader.fields())), unlistedUpTo };
}

function readOpening(fields: FieldReader): StoreOpening {
  const opening = { opening: readId(fields) as Incarnation, openedAt: fields.integer(0) };
  fields.end();
  return opening;
}

export function encodeRecoveryState({ lost, widestN, debts }: RecoveryState): Uint8Array {
  const partitions = [...debts].map(([partition, done]) => [partition, ...done]);
  return packFields([FORMAT_VERSION, lost, widestN, partitions]);
}

/** Throws FormatError. */
export function decodeRecoveryState(bytes: Uint8Array): RecoveryState {
  const fields = versioned(bytes);
  const lost = readLostStores(fields.fields());
  const widestN = fields.integer(0, MAX_NODES);
  const debts = new Map(fields.fields().each((partitions) => readDebt(partitions.fields())));
  fields.end();
  return { lost, widestN, debts };
}

/** Throws FormatError. */
export function readLostStores(fields: FieldReader): readonly StoreId[] {
  if (fields.remaining > MAX_LOST_STORES) throw new FormatError(`${fields.remaining} lost stores`);
  return fields.each((reader) => readId(reader) as StoreId);
}

function readDebt(fields: FieldReader): readonly [Partition, ReadonlySet<NodeId>] {
  const partition = fields.integer(0, MAX_PARTITIONS - 1) as Partition;
  return [partition, new Set(fields.each((reader) => reader.string(256) as NodeId))];
}

function versioned(bytes: Uint8Array): FieldReader {
  const fields = unpackFields(bytes);
  const version = fields.integer(1);
  if (version !== FORMAT_VERSION) throw new FormatError(`format version ${version}`);
  return fields;
}

function readId(fields: FieldReader): string {
  const id = fields.string(64);
  if (!ID.test(id)) throw new FormatError('not an id');
  return id;
}
