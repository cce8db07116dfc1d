import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/codec/format-error.ts';
import { DIGEST_BYTES, placementHash, writeDigest } from '../../src/codec/hash.ts';
import { packFields } from '../../src/codec/packer.ts';
import {
  checkRecord,
  decodeRecord,
  encodeRecord,
  largestNOf,
  recordDigest,
  sameBytes,
} from '../../src/codec/record-codec.ts';
import { recordToFields } from '../../src/codec/record-fields.ts';
import { contains } from '../../src/core/causality/causal-context.ts';
import { joinRecords } from '../../src/core/causality/join.ts';
import type { KeyRecord } from '../../src/core/causality/record.ts';
import { MAX_WRITE_IDS } from '../../src/core/limits.ts';
import { dot, identity, recordOf } from '../core/causality/sample-records.ts';
import { entryNames, records } from './arbitraries.ts';
import { comparable } from './comparable.ts';
import { RECORD_SAMPLES, SAMPLE_ENTRY as ENTRY } from './format-samples.ts';
import { mutationsOf, randomBytes, refusedOr } from './hostile-bytes.ts';

const HEADER_BYTES = 1 + DIGEST_BYTES;

/** Bytes with the right version and digest, whatever the payload: what passes for undamaged. */
function sealed(payload: Uint8Array, entry = ENTRY): Uint8Array {
  const bytes = Buffer.concat([new Uint8Array(HEADER_BYTES), payload]);
  bytes[0] = 1;
  writeDigest(payload, placementHash(entry), bytes, 1);
  return bytes;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

describe('a record', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(entryNames, records, (entry, record) => {
        const bytes = encodeRecord(entry, record);
        expect(comparable(decodeRecord(entry, bytes))).toBe(comparable(record));
        expect(() => checkRecord(entry, bytes)).not.toThrow();
      }),
      { numRuns: 300 },
    );
  });

  it('comes back as it was with everything at its bounds', () => {
    const writes = Array.from({ length: MAX_WRITE_IDS }, (_, index) =>
      recordOf(dot('a', index + 1), 'x'.repeat(1_000), { identity: identity(`${index}`.padStart(64, '0')) }),
    );
    const record = writes.reduce(joinRecords);
    expect(record.siblings).toHaveLength(MAX_WRITE_IDS);
    expect(comparable(decodeRecord(ENTRY, encodeRecord(ENTRY, record)))).toBe(comparable(record));
  });

  it('tells N by its last byte', () => {
    fc.assert(
      fc.property(entryNames, records, (entry, record) => {
        expect(largestNOf(encodeRecord(entry, record))).toBe(record.largestN);
      }),
    );
  });

  it('has the same bytes whatever the order in which its context grew', () => {
    const grown = ['a', 'b', 'c'].map((name) => recordOf(dot(name, 1), name));
    const [forth, back] = [grown.reduce(joinRecords), grown.toReversed().reduce(joinRecords)];
    expect(hex(encodeRecord(ENTRY, forth))).toBe(hex(encodeRecord(ENTRY, back)));
  });

  it('has other bytes and another digest if anything in it differs', () => {
    fc.assert(
      fc.property(records, records, (left, right) => {
        const [a, b] = [encodeRecord(ENTRY, left), encodeRecord(ENTRY, right)];
        const isSame = comparable(left) === comparable(right);
        expect(sameBytes(a, b)).toBe(isSame);
        expect(sameBytes(recordDigest(a), recordDigest(b))).toBe(isSame);
      }),
    );
  });

  it('does not change when another one is encoded', () => {
    const bytes = encodeRecord(ENTRY, recordOf(dot('a', 1), 'first'));
    const before = hex(bytes);
    for (let i = 0; i < 100; i += 1) encodeRecord(ENTRY, recordOf(dot('b', i + 1), 'x'.repeat(500)));
    expect(hex(bytes)).toBe(before);
  });
});

describe('what is not a record of this key', () => {
  it('is refused: one of another key', () => {
    fc.assert(
      fc.property(entryNames, entryNames, records, (entry, other, record) => {
        fc.pre(entry.bucket !== other.bucket || entry.key !== other.key);
        const bytes = encodeRecord(entry, record);
        expect(() => checkRecord(other, bytes)).toThrow(FormatError);
        expect(() => decodeRecord(other, bytes)).toThrow(FormatError);
      }),
    );
  });

  it('is refused: one with a bit changed, anywhere', () => {
    const bytes = encodeRecord(ENTRY, RECORD_SAMPLES['siblings and a cloud'] as KeyRecord);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Uint8Array.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(() => checkRecord(ENTRY, changed)).toThrow(FormatError);
    }
  });

  it('is refused: one cut short, anywhere, or made longer', () => {
    const bytes = encodeRecord(ENTRY, RECORD_SAMPLES['siblings and a cloud'] as KeyRecord);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => checkRecord(ENTRY, bytes.subarray(0, length))).toThrow(FormatError);
    }
    expect(() => checkRecord(ENTRY, Buffer.concat([bytes, bytes]))).toThrow(FormatError);
  });

  it('is refused with its version: one of a later program', () => {
    const bytes = Uint8Array.from(encodeRecord(ENTRY, RECORD_SAMPLES['value'] as KeyRecord));
    bytes[0] = 3;
    expect(() => decodeRecord(ENTRY, bytes)).toThrow(
      'record format version 3; this program reads versions 1 and 4',
    );
  });

  it('is refused with its version: the one of records with, or without, a Paxos dot', () => {
    for (const [name, version] of [
      ['value', 4],
      ['a conditional write beside a plain one', 1],
    ] as const) {
      const bytes = Uint8Array.from(encodeRecord(ENTRY, RECORD_SAMPLES[name] as KeyRecord));
      bytes[0] = version;
      expect(() => decodeRecord(ENTRY, bytes)).toThrow('the other format version');
    }
  });

  it('is refused even with the right digest, or is a record that keeps every invariant', () => {
    const good = fc.tuple(entryNames, records).map(([, record]) => packFields(recordToFields(record)));
    fc.assert(
      fc.property(fc.oneof(randomBytes, mutationsOf(good)), (payload) => {
        const record = refusedOr(() => decodeRecord(ENTRY, sealed(payload)));
        if (record === undefined) return;
        for (const sibling of record.siblings) expect(contains(record.context, sibling.dot)).toBe(true);
        const again = decodeRecord(ENTRY, encodeRecord(ENTRY, record));
        expect(comparable(again)).toBe(comparable(record));
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('a payload that no replica writes is refused:', () => {
  const value = recordOf(dot('a', 1), 'x', { identity: identity('id') });
  const other = recordOf(dot('b', 1), 'y', { identity: identity('other'), writtenAtMs: 2 });
  const both = joinRecords(value, other);

  it.each<readonly [string, KeyRecord]>([
    ['siblings that are not sorted', { ...both, siblings: both.siblings.toReversed() }],
    ['a sibling twice', { ...value, siblings: [...value.siblings, ...value.siblings] }],
    ['a sibling that the context does not know', { ...value, context: other.context }],
    ['write ids that are not sorted', { ...both, writes: both.writes.toReversed() }],
    ['a write id twice', { ...both, writes: [...value.writes, ...value.writes] }],
    ['N of nobody', { ...value, largestN: 0 }],
    ['N above any cluster', { ...value, largestN: 65 }],
    ['a counter of 0', { ...value, writes: value.writes.map((write) => ({ ...write, dot: dot('a', 0) })) }],
    ['a fraction', { ...value, writes: value.writes.map((write) => ({ ...write, writtenAtMs: 0.5 })) }],
    [
      'a time before 1970',
      { ...value, writes: value.writes.map((write) => ({ ...write, writtenAtMs: -1 })) },
    ],
  ])('%s', (_, record) => {
    expect(() => decodeRecord(ENTRY, sealed(packFields(recordToFields(record))))).toThrow(FormatError);
  });

  it.each<readonly [string, readonly unknown[]]>([
    ['no fields', []],
    ['a field too few', recordToFields(value).slice(0, 3)],
    ['a field too many', [...recordToFields(value), 1]],
    ['text for a list', ['x', ...recordToFields(value).slice(1)]],
    ['nothing for a context', [[], null, [], 1]],
    ['an actor that is none', [[], ['not an actor', 1, []], [], 1]],
    ['an actor twice', [[], [dot('a', 1).actor, 1, [], dot('a', 1).actor, 2, []], [], 1]],
    ['ranges that overlap', [[], [dot('a', 1).actor, 1, [5, 9, 7, 8]], [], 1]],
  ])('%s', (_, fields) => {
    expect(() => decodeRecord(ENTRY, sealed(packFields(fields)))).toThrow(FormatError);
  });

  it('N in a form that does not end with it: it would be counted among records of another N', () => {
    const payload = packFields(recordToFields(value));
    const asDouble = Buffer.alloc(9, 0xcb);
    asDouble.writeDoubleBE(value.largestN, 1);
    const bytes = sealed(Buffer.concat([payload.subarray(0, -1), asDouble]));
    expect(() => checkRecord(ENTRY, bytes)).not.toThrow();
    expect(() => decodeRecord(ENTRY, bytes)).toThrow(FormatError);
  });

  it('more write ids than the window holds', () => {
    const writes = Array.from({ length: MAX_WRITE_IDS + 1 }, (_, index) => ({
      ...(value.writes[0] as KeyRecord['writes'][number]),
      writtenAtMs: 1_000 - index,
    }));
    expect(() => decodeRecord(ENTRY, sealed(packFields(recordToFields({ ...value, writes }))))).toThrow(
      'too many write ids',
    );
  });
});
