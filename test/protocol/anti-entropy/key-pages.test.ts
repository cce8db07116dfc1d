import { describe, expect, it } from 'vitest';
import { placementHash } from '../../../src/codec/hash.ts';
import { recordKey } from '../../../src/codec/key-layout.ts';
import { decodeMessage, encodeMessage } from '../../../src/codec/message-codec.ts';
import { encodeRecord } from '../../../src/codec/record-codec.ts';
import { buildRing, partitionOf } from '../../../src/core/ring/ring.ts';
import { DEFAULT_WORK_SIZES } from '../../../src/core/work-sizes.ts';
import type { Storage } from '../../../src/ports/storage.ts';
import { readPartitionPage } from '../../../src/protocol/anti-entropy/key-pages.ts';
import { plain } from '../../core/paxos/stage.ts';
import { simConfig } from '../../sim/world/quiet-world.ts';

describe('a page of keys', () => {
  it('leaves out names that the disk has garbled, which no peer would read', async () => {
    const ring = buildRing(simConfig(3));
    const entry = { bucket: 'things', key: 'whole' };
    const partition = partitionOf(ring, placementHash(entry));
    const record = encodeRecord(entry, plain('one'));
    const garbled = Buffer.from(recordKey(partition, { bucket: 'things', key: 'garbled' }));
    garbled[garbled.indexOf('things')] = 0xff;
    async function* range(): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
      yield* [recordKey(partition, entry), garbled].map((key) => [key, record] as const);
    }
    const request = { type: 'partition-keys', partition, leastN: 1, after: undefined } as const;
    const page = await readPartitionPage(
      { storage: { range } as unknown as Storage, ring, sizes: DEFAULT_WORK_SIZES },
      request,
    );
    expect(page.keys.map(({ key }) => key)).toEqual(['whole']);
    const message = { type: 'reply', id: 1, sequence: 1, reply: { type: 'tree-keys', page } } as const;
    expect(decodeMessage(encodeMessage(message))).toMatchObject({ reply: { page: { keys: [entry] } } });
  });
});
