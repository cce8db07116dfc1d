import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packFields } from '../../src/codec/packer.ts';
import {
  decodeStoreIdentity,
  encodeStoreIdentity,
  STORE_FORMAT_VERSION,
  type StoreIdentity,
} from '../../src/codec/store-identity.ts';
import type { NodeId, StoreId } from '../../src/core/ids.ts';
import { STORE_SAMPLE } from './format-samples.ts';
import { mutationsOf, randomBytes, refusedOr } from './hostile-bytes.ts';

const identities: fc.Arbitrary<StoreIdentity> = fc.record({
  storeId: fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .map((bytes) => Buffer.from(bytes).toString('base64url') as StoreId),
  cluster: fc.string({ unit: 'grapheme' }),
  nodeId: fc.string({ minLength: 1, maxLength: 64 }).map((id) => id as NodeId),
  placement: fc.string({ maxLength: 5_000 }),
});

describe('what a store says about itself', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(identities, (identity) => {
        expect(decodeStoreIdentity(encodeStoreIdentity(identity))).toEqual({ type: 'identity', identity });
      }),
    );
  });

  it('of a later version is known by its version, whatever follows', () => {
    expect(decodeStoreIdentity(packFields([3]))).toEqual({ type: 'other-version', version: 3 });
    expect(decodeStoreIdentity(packFields([7, 'x', null, [1]]))).toEqual({
      type: 'other-version',
      version: 7,
    });
  });

  it('is refused if it is damaged, and otherwise is an identity that can be written again', () => {
    const good = identities.map(encodeStoreIdentity);
    fc.assert(
      fc.property(fc.oneof(randomBytes, mutationsOf(good)), (bytes) => {
        const decoded = refusedOr(() => decodeStoreIdentity(bytes));
        if (decoded?.type !== 'identity') return;
        expect(decodeStoreIdentity(encodeStoreIdentity(decoded.identity))).toEqual(decoded);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each<readonly [string, readonly unknown[]]>([
    ['version 0', [0]],
    ['no version', []],
    ['a store id that is none', [STORE_FORMAT_VERSION, 'short', 'local', 'n1', '{}']],
    ['a field too few', [STORE_FORMAT_VERSION, STORE_SAMPLE.storeId, 'local', 'n1']],
    ['a field too many', [STORE_FORMAT_VERSION, STORE_SAMPLE.storeId, 'local', 'n1', '{}', 1]],
    [
      'a node id that is too long',
      [STORE_FORMAT_VERSION, STORE_SAMPLE.storeId, 'local', 'n'.repeat(65), '{}'],
    ],
  ])('is refused for %s', (_, fields) => {
    expect(refusedOr(() => decodeStoreIdentity(packFields(fields)))).toBeUndefined();
  });
});
