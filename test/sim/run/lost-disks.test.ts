/** What is expected of nodes whose disks lost something: what they cannot know is not held against them, and nothing else. */
import { describe, expect, it } from 'vitest';
import { metaKey } from '../../../src/codec/key-layout.ts';
import { encodeStoreIdentity } from '../../../src/codec/store-identity.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import type { TraceEvent } from '../../../src/ports/tracer.ts';
import { STORE_SAMPLE } from '../../codec/format-samples.ts';
import type { SimCluster } from '../world/sim-cluster.ts';
import { LostDisks } from './lost-disks.ts';

const N1 = 'n1' as NodeId;
const ROLLED_BACK: TraceEvent = {
  type: 'store-lost-something',
  kind: 'rolled-back',
  toldBy: 'n2' as NodeId,
  lost: undefined,
  storeId: STORE_SAMPLE.storeId,
};

/** Of one node that is down, whose disk holds this alone, and which nobody remembers. */
function lostDisks(store: Uint8Array | undefined): LostDisks {
  const identityKey = Buffer.from(metaKey('store'));
  const disk = {
    visibleValue: (key: Uint8Array) => (identityKey.equals(key) ? store : undefined),
    entries: () => [],
    durableValue: () => undefined,
  };
  const node = { id: N1, isUp: false, disk };
  return new LostDisks({ nodes: new Map([[N1, node]]), node: () => node } as unknown as SimCluster);
}

describe('a node whose disk lost something', () => {
  it('may take an old state for the newest if just the end is missing, until it meets who remembers better', () => {
    const disks = lostDisks(encodeStoreIdentity(STORE_SAMPLE));
    expect(disks.isOldStateTrusted).toBe(false);
    disks.add(N1, false);
    expect(disks.isOldStateTrusted).toBe(true);
    expect(disks.traced(N1, ROLLED_BACK)).toEqual([]);
    expect(disks.isOldStateTrusted).toBe(false);
  });

  it('may not if what is missing shows, or nothing is left', () => {
    const withGap = lostDisks(encodeStoreIdentity(STORE_SAMPLE));
    withGap.add(N1, true);
    expect(withGap.isOldStateTrusted).toBe(false);
    expect(withGap.check()).toMatchObject([{ invariant: 'loss-unnoticed' }]);
    const wiped = lostDisks(undefined);
    wiped.add(N1, false);
    expect(wiped.isOldStateTrusted).toBe(false);
  });

  it('is not believed if its disk lost nothing', () => {
    const disks = lostDisks(encodeStoreIdentity(STORE_SAMPLE));
    const said = disks.traced(N1, ROLLED_BACK);
    expect(said).toMatchObject([{ invariant: 'no-false-alarm' }]);
  });
});
