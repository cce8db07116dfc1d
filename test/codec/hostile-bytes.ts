/** Bytes that no node of ours has written, and what may come of them: a FormatError, and nothing else. */
import fc from 'fast-check';
import { FormatError } from '../../src/codec/format-error.ts';

/** Heads of MessagePack values that our formats do not use, each with something that the library would make of it. */
const FOREIGN_HEADS = [
  'c1',
  '80',
  '81a16101',
  'de0001a16101',
  'df00000001a16101',
  'c70500',
  'd40001',
  'd4720191a16101',
  'd6690000000191',
  'd67000000001',
  'd6ff00000000',
  'c70c42ffffffffffffffffffffffff',
  'd4650092a5457272a161',
  'd4780092a128a0',
  'd473009101',
  'c7057400000000',
  'd66200000004a161a162',
  'dd7fffffff',
  'ddffffffff00',
  'dcffff',
  'dbffffffff61',
  'c6ffffffff00',
].map((hex) => Buffer.from(hex, 'hex'));

/** A change to the middle of some bytes. */
type Change = (bytes: Uint8Array, at: number) => Uint8Array;

function replaceAt(bytes: Uint8Array, at: number, head: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), head, bytes.subarray(at + 1)]);
}

const changes: fc.Arbitrary<Change> = fc.oneof(
  fc.nat(255).map<Change>((byte) => (bytes, at) => replaceAt(bytes, at, Uint8Array.of(byte))),
  fc.constantFrom(...FOREIGN_HEADS).map<Change>((head) => (bytes, at) => replaceAt(bytes, at, head)),
  fc.constant<Change>((bytes, at) => bytes.subarray(0, at)),
  fc
    .uint8Array({ minLength: 1, maxLength: 4 })
    .map<Change>((more) => (bytes) => Buffer.concat([bytes, more])),
  fc.constant<Change>((bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes])),
);

/** What was made from good bytes by one to three changes. */
export function mutationsOf(good: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const steps = fc.array(fc.tuple(changes, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })), {
    minLength: 1,
    maxLength: 3,
  });
  return fc
    .tuple(good, steps)
    .map(([bytes, list]) =>
      list.reduce((changed, [change, where]) => change(changed, Math.floor(where * changed.length)), bytes),
    );
}

export const randomBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  mutationsOf(
    fc
      .uint8Array({ maxLength: 20 })
      .map((tail) => Buffer.concat([Uint8Array.of(0x90 + (tail.length % 16)), tail])),
  ),
);

/** What reading gives; undefined if it refuses with a FormatError. Anything else that is thrown goes through. */
export function refusedOr<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
