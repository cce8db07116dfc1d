import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EncodedRecord, EncodedRecords } from '../../src/codec/encoded-record.ts';
import { encodeRecord } from '../../src/codec/record-codec.ts';
import { isWithin, joinIfAny } from '../../src/core/causality/record-order.ts';
import type { KeyRecord } from '../../src/core/causality/record.ts';
import { records } from './arbitraries.ts';
import { SAMPLE_ENTRY } from './format-samples.ts';

const ORDER = new EncodedRecords(SAMPLE_ENTRY);

function encoded(record: KeyRecord, base?: KeyRecord): EncodedRecord {
  const bytes = encodeRecord(SAMPLE_ENTRY, record);
  return new EncodedRecord(bytes, base === undefined ? undefined : encoded(base).digest);
}

/** Undecodable, so that looking into it fails. */
function closed(digestOf: EncodedRecord, base?: Uint8Array): EncodedRecord {
  return new EncodedRecord(digestOf.bytes.subarray(0, 17), base);
}

describe('records as bytes', () => {
  it('are compared and joined as their values are', () => {
    fc.assert(
      fc.property(records, records, (left, right) => {
        expect(ORDER.isWithin(encoded(left), encoded(right))).toBe(isWithin(left, right));
        const joined = joinIfAny(left, right) as KeyRecord;
        expect(ORDER.join(encoded(left), encoded(right))?.bytes).toEqual(encoded(joined).bytes);
        expect(ORDER.isWithin(encoded(left), encoded(joined, left))).toBe(isWithin(left, joined));
      }),
    );
  });

  it('are not decoded where it is known that one was made of the other, or is the same', () => {
    fc.assert(
      fc.property(records, records, (found, other) => {
        const before = encoded(found);
        const after = encoded(joinIfAny(found, other) as KeyRecord);
        const [part, whole] = [closed(before), closed(after, before.digest)];
        expect(ORDER.isWithin(part, whole)).toBe(true);
        expect(ORDER.join(part, whole)?.bytes).toEqual(whole.bytes);
        expect(ORDER.join(whole, part)?.bytes).toEqual(whole.bytes);
        expect(ORDER.isWithin(part, closed(before))).toBe(true);
      }),
    );
  });

  it('may be missing', () => {
    fc.assert(
      fc.property(records, (record) => {
        const some = encoded(record);
        expect([ORDER.isWithin(undefined, some), ORDER.isWithin(some, undefined)]).toEqual([true, false]);
        expect([ORDER.join(undefined, some), ORDER.join(some, undefined)]).toEqual([some, some]);
        expect(ORDER.join(undefined, undefined)).toBeUndefined();
      }),
    );
  });
});
