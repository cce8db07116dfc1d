import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError, packFields } from '../../src/codec/packer.ts';
import {
  decodeOpenings,
  decodeRecoveryState,
  decodeSequence,
  decodeStoreMark,
  encodeOpenings,
  encodeRecoveryState,
  encodeStoreMark,
  type RecoveryState,
} from '../../src/codec/store-meta.ts';
import type { Incarnation, NodeId, Partition, StoreId } from '../../src/core/ids.ts';
import { MAX_LOST_STORES, MAX_OPENINGS, MAX_PARTITIONS } from '../../src/core/limits.ts';
import type { OpeningList, StoreMark } from '../../src/core/membership/store-mark.ts';
import { mutationsOf, randomBytes, refusedOr } from './hostile-bytes.ts';

const ids = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('base64url'));
const marks: fc.Arbitrary<StoreMark> = fc.record({
  storeId: ids.map((id) => id as StoreId),
  opening: ids.map((id) => id as Incarnation),
  sequence: fc.maxSafeNat(),
});
const openings: fc.Arbitrary<OpeningList> = fc.record({
  openings: fc.array(fc.record({ opening: ids.map((id) => id as Incarnation), openedAt: fc.maxSafeNat() }), {
    maxLength: MAX_OPENINGS,
  }),
  unlistedUpTo: fc.maxSafeNat(),
});
const nodes = fc.constantFrom('n1', 'n2', 'n3').map((id) => id as NodeId);
const states: fc.Arbitrary<RecoveryState> = fc.record({
  lost: fc.array(
    ids.map((id) => id as StoreId),
    { maxLength: MAX_LOST_STORES },
  ),
  widestN: fc.integer({ min: 0, max: 64 }),
  debts: fc
    .array(
      fc.tuple(
        fc.nat(MAX_PARTITIONS - 1).map((partition) => partition as Partition),
        fc.array(nodes),
      ),
    )
    .map((debts) => new Map(debts.map(([partition, done]) => [partition, new Set(done)]))),
});

describe('what a store remembers beside its records', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(marks, states, openings, (mark, state, list) => {
        expect(decodeStoreMark(encodeStoreMark(mark))).toEqual(mark);
        expect(decodeRecoveryState(encodeRecoveryState(state))).toEqual(state);
        expect(decodeOpenings(encodeOpenings(list))).toEqual(list);
      }),
    );
  });

  it('is refused if it is damaged, or can be written again', () => {
    const good = fc.oneof(
      marks.map(encodeStoreMark),
      states.map(encodeRecoveryState),
      openings.map(encodeOpenings),
    );
    fc.assert(
      fc.property(fc.oneof(randomBytes, mutationsOf(good)), (bytes) => {
        const mark = refusedOr(() => decodeStoreMark(bytes));
        if (mark !== undefined) expect(decodeStoreMark(encodeStoreMark(mark))).toEqual(mark);
        const list = refusedOr(() => decodeOpenings(bytes));
        if (list !== undefined) expect(decodeOpenings(encodeOpenings(list))).toEqual(list);
        const state = refusedOr(() => decodeRecoveryState(bytes));
        if (state !== undefined) expect(decodeRecoveryState(encodeRecoveryState(state))).toEqual(state);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is refused in sequence numbers that are none', () => {
    for (const bytes of [
      new Uint8Array(0),
      new Uint8Array(7),
      new Uint8Array(9),
      new Uint8Array(8).fill(255),
    ])
      expect(() => decodeSequence(bytes)).toThrow(FormatError);
  });

  it('is refused in another version, or with more lost stores or openings than there may be', () => {
    const id = 'A'.repeat(22);
    expect(() => decodeStoreMark(packFields([2, id, id, 0]))).toThrow(FormatError);
    expect(() => decodeRecoveryState(packFields([2, [], 3, []]))).toThrow(FormatError);
    const many = Array.from({ length: MAX_LOST_STORES + 1 }, () => id);
    expect(() => decodeRecoveryState(packFields([1, many, 3, []]))).toThrow(FormatError);
    const opened = Array.from({ length: MAX_OPENINGS + 1 }, () => [id, 0]);
    expect(() => decodeOpenings(packFields([1, 0, opened]))).toThrow(FormatError);
    expect(() => decodeOpenings(packFields([2, 0, []]))).toThrow(FormatError);
    expect(() => decodeOpenings(packFields([1, 0, [[id, 0, 0]]]))).toThrow(FormatError);
  });
});
