/**
 * xxHash64 with seed 0, as the nodes place keys by it (https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md).
 *
 * The nodes use a kept library for this. The client has no dependencies and runs in browsers, so it carries its own
 * copy, tested against that library. The client's copy only chooses which node to ask first: a wrong hash could cost a
 * forward from one node to another, never a wrong answer.
 */
const PRIME_1 = 0x9e3779b185ebca87n;
const PRIME_2 = 0xc2b2ae3d27d4eb4fn;
const PRIME_3 = 0x165667b19e3779f9n;
const PRIME_4 = 0x85ebca77c2b2ae63n;
const PRIME_5 = 0x27d4eb2f165667c5n;

const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);
const rotateLeft = (value: bigint, bits: bigint): bigint => wrap((value << bits) | (value >> (64n - bits)));
const round = (accumulator: bigint, lane: bigint): bigint =>
  wrap(rotateLeft(wrap(accumulator + lane * PRIME_2), 31n) * PRIME_1);

/** The 64-bit hash of `input`, as an unsigned BigInt. */
export function xxHash64(input: Uint8Array): bigint {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const striped = input.length - (input.length % 32);
  const start = striped === 0 ? PRIME_5 : hashStripes(view, striped);
  return avalanche(hashTail(view, striped, wrap(start + BigInt(input.length))));
}

/** Steps 1 to 3 of the specification: four accumulators over stripes of 32 bytes. */
function hashStripes(view: DataView, end: number): bigint {
  let one = wrap(PRIME_1 + PRIME_2);
  let two = PRIME_2;
  let three = 0n;
  let four = wrap(-PRIME_1);
  for (let offset = 0; offset < end; offset += 32) {
    one = round(one, view.getBigUint64(offset, true));
    two = round(two, view.getBigUint64(offset + 8, true));
    three = round(three, view.getBigUint64(offset + 16, true));
    four = round(four, view.getBigUint64(offset + 24, true));
  }
  const sum = rotateLeft(one, 1n) + rotateLeft(two, 7n) + rotateLeft(three, 12n) + rotateLeft(four, 18n);
  return [one, two, three, four].reduce(
    (hash, accumulator) => wrap((hash ^ round(0n, accumulator)) * PRIME_1 + PRIME_4),
    wrap(sum),
  );
}

/** Step 5: what is left after the stripes, by 8 bytes, then 4, then 1. */
function hashTail(view: DataView, start: number, seed: bigint): bigint {
  let hash = seed;
  let offset = start;
  for (; offset + 8 <= view.byteLength; offset += 8) {
    const lane = round(0n, view.getBigUint64(offset, true));
    hash = wrap(rotateLeft(hash ^ lane, 27n) * PRIME_1 + PRIME_4);
  }
  if (offset + 4 <= view.byteLength) {
    const lane = wrap(BigInt(view.getUint32(offset, true)) * PRIME_1);
    hash = wrap(rotateLeft(hash ^ lane, 23n) * PRIME_2 + PRIME_3);
    offset += 4;
  }
  for (; offset < view.byteLength; offset += 1) {
    const lane = wrap(BigInt(view.getUint8(offset)) * PRIME_5);
    hash = wrap(rotateLeft(hash ^ lane, 11n) * PRIME_1);
  }
  return hash;
}

/** Step 6. */
function avalanche(value: bigint): bigint {
  let hash = value;
  hash = wrap((hash ^ (hash >> 33n)) * PRIME_2);
  hash = wrap((hash ^ (hash >> 29n)) * PRIME_3);
  return hash ^ (hash >> 32n);
}
