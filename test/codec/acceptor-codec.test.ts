import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAcceptorState, encodeAcceptorState } from '../../src/codec/acceptor-codec.ts';
import { EncodedRecord } from '../../src/codec/encoded-record.ts';
import { FormatError } from '../../src/codec/format-error.ts';
import { encodeRecord } from '../../src/codec/record-codec.ts';
import type { EntryName, StoreId } from '../../src/core/ids.ts';
import type { AcceptorState } from '../../src/core/paxos/acceptor-state.ts';
import { ballots, entryNames, incarnations, records } from './arbitraries.ts';
import { comparable } from './comparable.ts';
import { SAMPLE_ENTRY } from './format-samples.ts';
import { mutationsOf, randomBytes, refusedOr } from './hostile-bytes.ts';

const optionalBallots = fc.option(ballots, { nil: undefined });
const objectsOf = (entry: EntryName): fc.Arbitrary<EncodedRecord> =>
  fc
    .tuple(records, fc.option(fc.uint8Array({ minLength: 16, maxLength: 16 }), { nil: undefined }))
    .map(([record, base]) => new EncodedRecord(encodeRecord(entry, record), base));

const statesOf = (entry: EntryName): fc.Arbitrary<AcceptorState<EncodedRecord>> =>
  fc.record({
    promised: optionalBallots,
    accepted: optionalBallots,
    chosen: optionalBallots,
    object: fc.option(objectsOf(entry), { nil: undefined }),
    acceptedIn: fc.option(incarnations, { nil: undefined }),
    admittedAs: fc.option(
      incarnations.map((id) => id as string as StoreId),
      { nil: undefined },
    ),
  });

const states = statesOf(SAMPLE_ENTRY);
const statesOfSome = entryNames.chain((entry) => fc.tuple(fc.constant(entry), statesOf(entry)));

describe('what an acceptor keeps of a key', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(statesOfSome, ([entry, state]) => {
        const decoded = decodeAcceptorState(entry, encodeAcceptorState(entry, state));
        expect(comparable(decoded)).toBe(comparable(state));
      }),
    );
  });

  it('is refused if it is damaged, or can be written again', () => {
    const good = states.map((state) => encodeAcceptorState(SAMPLE_ENTRY, state));
    fc.assert(
      fc.property(fc.oneof(randomBytes, mutationsOf(good)), (bytes) => {
        const state = refusedOr(() => decodeAcceptorState(SAMPLE_ENTRY, bytes));
        if (state === undefined) return;
        const again = decodeAcceptorState(SAMPLE_ENTRY, encodeAcceptorState(SAMPLE_ENTRY, state));
        expect(comparable(again)).toBe(comparable(state));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is refused if a single bit of it is another one', () => {
    fc.assert(
      fc.property(states, fc.nat(), fc.nat(7), (state, place, bit) => {
        const bytes = Uint8Array.from(encodeAcceptorState(SAMPLE_ENTRY, state));
        const at = place % bytes.length;
        bytes[at] = (bytes[at] as number) ^ (1 << bit);
        expect(() => decodeAcceptorState(SAMPLE_ENTRY, bytes)).toThrow(FormatError);
      }),
    );
  });

  it('is refused as that of another key, and is never taken for a record, nor a record for it', () => {
    fc.assert(
      fc.property(entryNames, statesOfSome, records, (other, [entry, state], record) => {
        fc.pre(entry.bucket !== other.bucket || entry.key !== other.key);
        expect(() => decodeAcceptorState(other, encodeAcceptorState(entry, state))).toThrow(FormatError);
        expect(() => decodeAcceptorState(entry, encodeRecord(entry, record))).toThrow(FormatError);
      }),
    );
  });
});
