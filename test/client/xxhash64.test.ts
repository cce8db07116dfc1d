import fc from 'fast-check';
import { expect, test } from 'vitest';
import xxhash from 'xxhash-wasm';
import { xxHash64 } from '../../src/client/xxhash64.ts';

const reference = await xxhash();

test('every length from 0 to 200 hashes like the library', () => {
  for (let length = 0; length <= 200; length += 1) {
    const input = Uint8Array.from({ length }, (_none, index) => (index * 167 + length * 31) % 256);
    expect(xxHash64(input)).toBe(reference.h64Raw(input, 0n));
  }
});

test('random bytes hash like the library, also as a view into a larger buffer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 40 }), (input, skipped) => {
      const view = input.subarray(Math.min(skipped, input.length));
      expect(xxHash64(view)).toBe(reference.h64Raw(view, 0n));
    }),
    { numRuns: 3_000 },
  );
});
