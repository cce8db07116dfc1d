import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/codec/format-error.ts';
import { packRoundWrites, unpackRoundWrites } from '../../src/codec/round-writes.ts';
import { paxosDot } from '../../src/core/causality/dot.ts';
import type { RememberedWrite } from '../../src/core/causality/record.ts';
import { refusedWrite } from '../../src/core/causality/remembered-writes.ts';
import type { Incarnation, NodeId } from '../../src/core/ids.ts';
import { ballotOf } from '../../src/core/paxos/ballot.ts';
import { dot } from '../core/causality/sample-records.ts';
import { records } from './arbitraries.ts';
import { mutationsOf, randomBytes, refusedOr } from './hostile-bytes.ts';

const UUID = '7f3c1a52-9d0e-4b6a-8c11-0123456789ab';
const DRAWN = 'AAECAwQFBgcICQoLDA0ODw';
const TIME_MS = 1_760_000_000_000;

function ballotBy(node: string, timeMs = TIME_MS): ReturnType<typeof ballotOf> {
  return ballotOf({ timeMs, logical: 3, node: node as NodeId, incarnation: DRAWN as Incarnation });
}

function write(id: string, node = 'n1', changes: Partial<RememberedWrite> = {}): RememberedWrite {
  return {
    ...{ id, dot: paxosDot(ballotBy(node)), requestDigest: '00ff1234567890ab', seenDigest: 7 },
    ...{ writtenAtMs: TIME_MS, created: true, ...changes },
  };
}

function lengthOf(...writes: readonly RememberedWrite[]): number {
  return packRoundWrites(writes).bytes.length;
}

describe('what rounds remember', () => {
  it('comes back as it was, what has no short form by another way', () => {
    fc.assert(
      fc.property(records, ({ writes }) => {
        const { bytes, others } = packRoundWrites(writes);
        expect(unpackRoundWrites(bytes)).toEqual(writes.filter((one) => !others.includes(one)));
      }),
      { numRuns: 300 },
    );
  });

  it('takes 38 bytes, and its proposer once', () => {
    for (const id of [UUID, DRAWN]) expect(lengthOf(write(id))).toBe(38 + 1 + 2 + 16);
    expect(lengthOf(write(UUID), write(DRAWN), write(UUID))).toBe(3 * 38 + 19);
    expect(lengthOf(write(UUID), write(DRAWN, 'n2'), write(UUID))).toBe(3 * (38 + 19));
  });

  it.each(['id-1', UUID.toUpperCase(), `${UUID}0`, DRAWN.replace(/w$/, 'x'), '!', '~'.repeat(64)])(
    'has ids of any kind: %s',
    (id) => {
      expect(lengthOf(write(id))).toBe(38 + 19 - 16 + 1 + id.length);
      expect(unpackRoundWrites(packRoundWrites([write(id)]).bytes)).toEqual([write(id)]);
    },
  );

  it('has the same bytes whether it was read or made here', () => {
    const made = [write(UUID), refusedWrite('id', paxosDot(ballotBy('n2')), TIME_MS), write(DRAWN)];
    const { bytes } = packRoundWrites(made);
    expect(packRoundWrites(unpackRoundWrites(bytes)).bytes).toEqual(bytes);
  });

  it('has the same bytes whether its list was made of another one, or anew', () => {
    const kinds = fc.record({
      node: fc.constantFrom('n1', 'n2', 'node-3'),
      id: fc.constantFrom(UUID, DRAWN, 'id', 'another id of this key'),
      isPlain: fc.nat(30).map((drawn) => drawn === 0),
    });
    fc.assert(
      fc.property(fc.array(kinds, { maxLength: 30 }), fc.nat(8), (drawn, size) => {
        let list: readonly RememberedWrite[] = [];
        for (const { node, id, isPlain } of drawn) {
          list = [isPlain ? { ...write(id), dot: dot('a', 1) } : write(id, node), ...list.slice(0, size)];
          const anew = list.map((one) => ({ ...one }));
          expect(Buffer.from(packRoundWrites(list).bytes)).toEqual(Buffer.from(packRoundWrites(anew).bytes));
          expect(packRoundWrites(list).others).toHaveLength(packRoundWrites(anew).others.length);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('does not rest on the bytes that it was read from', () => {
    const list = [write(DRAWN), write('id', 'n2')];
    const source = Buffer.from(packRoundWrites(list).bytes);
    const read = unpackRoundWrites(source);
    source.fill(0);
    const next = [write(UUID), ...read];
    expect(packRoundWrites(next).bytes).toEqual(packRoundWrites(next.map((one) => ({ ...one }))).bytes);
  });

  it('keeps no list that has gone, however the next ones were made of it', async () => {
    const gone: WeakRef<readonly RememberedWrite[]>[] = [];
    let list: readonly RememberedWrite[] = [];
    for (let round = 0; round < 400; round += 1) {
      const one = write(`id-${round}`);
      const refused = refusedWrite(`no-${round}`, one.dot, TIME_MS);
      list = [one, ...(round % 20 === 0 ? [refused] : []), ...list].slice(0, 64);
      packRoundWrites(list);
      gone.push(new WeakRef(list));
    }
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    expect(gone.filter((one) => one.deref() !== undefined).length).toBeLessThan(3);
    expect(list).toHaveLength(64);
  });

  it.each<readonly [string, RememberedWrite]>([
    ['a plain write', { ...write(UUID), dot: dot('a', 1) }],
    ['a time that is not that of its ballot', write(UUID, 'n1', { writtenAtMs: TIME_MS + 1 })],
    ['a digest of another kind', write(UUID, 'n1', { requestDigest: 'd' })],
    ['an id with a space', write('a b')],
    ['an id that is too long', write('x'.repeat(65))],
    ['a refusal that has created something', write(UUID, 'n1', { requestDigest: 'refused' })],
  ])('leaves as it is %s', (_, one) => {
    expect(packRoundWrites([one])).toEqual({ bytes: new Uint8Array(0), others: [one] });
  });
});

describe('bytes that nobody has packed', () => {
  const { bytes } = packRoundWrites([write(UUID), write('id'), write(DRAWN, 'n2')]);

  it('are refused: cut short, anywhere but between two', () => {
    const whole = [38 + 19, 38 + 19 + 38 - 16 + 3];
    for (let length = 1; length < bytes.length; length += 1) {
      if (whole.includes(length)) continue;
      expect(() => unpackRoundWrites(bytes.subarray(0, length))).toThrow(FormatError);
    }
  });

  it.each<readonly [string, Uint8Array]>([
    ['flags that mean nothing', changed(bytes, 0, 0b10_0101)],
    ['an id of no form', changed(bytes, 0, 0b111)],
    ['a proposer that was not said', changed(bytes, 0, 0b1_0101)],
    ['a node that is none', changed(bytes, 39, 0x20)],
    ['a time that no ballot has', changed(bytes, 29, 0xff)],
    ['a counter that no ballot has', changed(bytes, 35, 0xff)],
  ])('are refused: %s', (_, wrong) => {
    expect(() => unpackRoundWrites(wrong)).toThrow(FormatError);
  });

  it('are refused: more than a window holds', () => {
    const ids = Array.from({ length: 65 }, (_, index) => write(`id-${index}`));
    expect(unpackRoundWrites(packRoundWrites(ids.slice(1)).bytes)).toHaveLength(64);
    expect(() => unpackRoundWrites(packRoundWrites(ids).bytes)).toThrow('too many write ids');
  });

  it('are refused: a proposer twice, and an id in another form', () => {
    const one = packRoundWrites([write(UUID)]).bytes;
    expect(() => unpackRoundWrites(Buffer.concat([one, one]))).toThrow('said twice');
    const asText = Buffer.concat([Uint8Array.of(0b100, 36), Buffer.from(UUID), one.subarray(17)]);
    expect(() => unpackRoundWrites(asText)).toThrow('another form');
  });

  it('are refused, or packed to the same bytes again', () => {
    const good = records.map(({ writes }) => packRoundWrites(writes).bytes);
    fc.assert(
      fc.property(fc.oneof(randomBytes, mutationsOf(good)), (drawn) => {
        const writes = refusedOr(() => unpackRoundWrites(drawn));
        if (writes === undefined) return;
        const again = packRoundWrites(writes);
        expect(again.others).toEqual([]);
        expect(Buffer.from(again.bytes).equals(drawn)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });
});

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

function changed(bytes: Uint8Array, at: number, byte: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = byte;
  return copy;
}
