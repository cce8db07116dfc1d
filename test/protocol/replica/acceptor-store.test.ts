/** What acceptors keep of many keys: page by page, and of some of them in memory. */
import { describe, expect, it } from 'vitest';
import { placementHash } from '../../../src/codec/hash.ts';
import { acceptorKey } from '../../../src/codec/key-layout.ts';
import type { EntryName } from '../../../src/core/ids.ts';
import type { TreeKeysPage } from '../../../src/core/message.ts';
import { UNTOUCHED } from '../../../src/core/paxos/acceptor-state.ts';
import { buildRing, partitionOf } from '../../../src/core/ring/ring.ts';
import { DEFAULT_WORK_SIZES } from '../../../src/core/work-sizes.ts';
import { RememberedStates } from '../../../src/protocol/replica/remembered-states.ts';
import { simConfig } from '../../sim/world/quiet-world.ts';
import { ReplicaBench } from './replica-bench.ts';

const RING = buildRing(simConfig(3));
const ENTRIES = [0, 1, 2, 3, 4].map((index): EntryName => ({ bucket: 'things', key: `key-${index}` }));

describe('the keys that some round has reached', () => {
  it.each([
    { treePageKeys: 1, treePageRecords: 1 },
    { treePageKeys: 1, treePageRecords: 2 },
    { treePageKeys: 2, treePageRecords: 1 },
    { treePageKeys: 2, treePageRecords: 5 },
  ])('are all told, on pages of $treePageKeys of $treePageRecords', async (sizes) => {
    const { storage, acceptors } = new ReplicaBench({}, { ...DEFAULT_WORK_SIZES, ...sizes });
    for (const entry of ENTRIES) {
      const partition = partitionOf(RING, placementHash(entry));
      storage.place(acceptorKey(partition, entry), new Uint8Array(0));
    }
    const isWanted = ({ key }: EntryName): boolean => key !== 'key-2';
    const told: string[] = [];
    let page: TreeKeysPage | undefined;
    do {
      page = await acceptors.page(page?.next, isWanted);
      expect(page.keys.length).toBeLessThanOrEqual(sizes.treePageKeys);
      told.push(...page.keys.map(({ key }) => key));
    } while (page.next !== undefined);
    expect(told.toSorted()).toEqual(['key-0', 'key-1', 'key-3', 'key-4']);
  });
});

describe('states that are remembered', () => {
  it('make room for newer ones, be it for one alone', () => {
    const states = new RememberedStates(1);
    states.remember('a', UNTOUCHED);
    expect(states.get('a')).toBe(UNTOUCHED);
    states.remember('b', UNTOUCHED);
    expect([states.get('a'), states.get('b')]).toEqual([undefined, UNTOUCHED]);
    states.forget('b');
    expect(states.get('b')).toBeUndefined();
  });
});
