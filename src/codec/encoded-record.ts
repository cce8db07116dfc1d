/**
 * A record as bytes, decoded only if somebody looks into it; and the order and the join of such records. An acceptor keeps and
 * passes on most of what it is given without a look: that a record is within another is known, as a rule, by what that one says
 * it was made of.
 */
import { isWithin, joinIfAny, type RecordOrder } from '../core/causality/record-order.ts';
import type { KeyRecord } from '../core/causality/record.ts';
import type { EntryName } from '../core/ids.ts';
import { decodeCheckedRecord, encodeRecord, recordDigest, sameBytes } from './record-codec.ts';

export class EncodedRecord {
  /** As it lies on the disk and travels. checkRecord has let it through. */
  readonly bytes: Uint8Array;
  /**
   * Digest of the one record that this one was made of, by adding a conditional write to it and nothing else; undefined: not known. So
   * that one is within this one, and this one's context knows no other plain dots.
   */
  readonly base: Uint8Array | undefined;
  #record: KeyRecord | undefined;

  constructor(bytes: Uint8Array, base?: Uint8Array) {
    this.bytes = bytes;
    this.base = base;
  }

  /** Of a record at hand. `base`: as above. */
  static of(entry: EntryName, record: KeyRecord, base?: Uint8Array): EncodedRecord {
    const encoded = new EncodedRecord(encodeRecord(entry, record), base);
    encoded.#record = record;
    return encoded;
  }

  get digest(): Uint8Array {
    return recordDigest(this.bytes);
  }

  isMadeOf(other: EncodedRecord): boolean {
    return this.base !== undefined && sameBytes(this.base, other.digest);
  }

  equals(other: EncodedRecord): boolean {
    return sameBytes(this.digest, other.digest);
  }

  /** Whether this very value was decoded or encoded. */
  isOf(record: KeyRecord | undefined): boolean {
    return record !== undefined && this.#record === record;
  }

  /** The same value at each call. Throws FormatError for what no replica holds. */
  decoded(): KeyRecord {
    this.#record ??= decodeCheckedRecord(this.bytes);
    return this.#record;
  }
}

/** Of records of one entry. Throws FormatError where they have to be decoded, and are not what a replica holds. */
export class EncodedRecords implements RecordOrder<EncodedRecord> {
  readonly #entry: EntryName;

  constructor(entry: EntryName) {
    this.#entry = entry;
  }

  isWithin(part: EncodedRecord | undefined, whole: EncodedRecord | undefined): boolean {
    if (part === undefined) return true;
    if (whole === undefined) return false;
    return part.equals(whole) || whole.isMadeOf(part) || isWithin(part.decoded(), whole.decoded());
  }

  join(left: EncodedRecord | undefined, right: EncodedRecord | undefined): EncodedRecord | undefined {
    if (left === undefined) return right;
    if (right === undefined || right.equals(left) || left.isMadeOf(right)) return left;
    if (right.isMadeOf(left)) return right;
    const joined = joinIfAny(left.decoded(), right.decoded()) as KeyRecord;
    return EncodedRecord.of(this.#entry, joined);
  }
}
