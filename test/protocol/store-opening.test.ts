/** A node starts on its own data only, or on an empty disk, and changes nothing where it does not start. */
import { describe, expect, it } from 'vitest';
import { metaKey, recordKey, sequenceKey } from '../../src/codec/key-layout.ts';
import { packFields } from '../../src/codec/packer.ts';
import { decodeStoreIdentity, STORE_FORMAT_VERSION } from '../../src/codec/store-identity.ts';
import { decodeOpenings } from '../../src/codec/store-meta.ts';
import type { ClusterConfig } from '../../src/core/cluster-config.ts';
import type { NodeId, Partition } from '../../src/core/ids.ts';
import type { OpeningList } from '../../src/core/membership/store-mark.ts';
import type { StorageWrite } from '../../src/ports/storage.ts';
import { StartRefused } from '../../src/protocol/storage-node.ts';
import { beginProcess, portsOf, startProcess } from './process.ts';
import { Stage } from './stage.ts';

const STORE = metaKey('store');
const OPENINGS = metaKey('openings');

/** What is durable on n1 but for the list of its openings. */
function withoutOpenings(stage: Stage): ReadonlyMap<string, Uint8Array> {
  const name = Buffer.from(OPENINGS).toString('latin1');
  return new Map([...stage.disk('n1').snapshot()].filter(([key]) => key !== name));
}

function openingsOn(stage: Stage): OpeningList {
  return decodeOpenings(stage.disk('n1').durableValue(OPENINGS) as Uint8Array);
}

/** A stage on whose n1 a node ran once. */
async function stageThatRan(): Promise<Stage> {
  const stage = new Stage(3);
  (await startProcess(stage, 'n1')).end();
  return stage;
}

/** Starting is refused, nothing was changed by it, and nothing was served. */
async function assertRefused(
  stage: Stage,
  code: StartRefused['code'],
  message: RegExp,
  config: ClusterConfig = stage.config,
): Promise<void> {
  const before = stage.disk('n1').snapshot();
  const { syncs } = stage.disk('n1');
  const error = await startProcess(stage, 'n1', { config }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StartRefused);
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  expect(stage.disk('n1').snapshot()).toEqual(before);
  expect(stage.disk('n1').syncs).toBe(syncs);
  expect(stage.world.fabric.isListening('n1' as NodeId)).toBe(false);
}

describe('an empty disk', () => {
  it('gets its identity, durably, before the node serves', async () => {
    const stage = new Stage(3);
    stage.slowDisk('n1', 'sync', 100);
    const { starting } = beginProcess(stage, 'n1');
    await stage.world.runFor(90);
    expect(stage.world.fabric.isListening('n1' as NodeId)).toBe(false);
    const node = await stage.run(starting);
    expect(stage.world.fabric.isListening('n1' as NodeId)).toBe(true);
    const bytes = stage.disk('n1').durableValue(STORE);
    expect(bytes && decodeStoreIdentity(bytes)).toMatchObject({
      type: 'identity',
      identity: { cluster: 'sim', nodeId: 'n1', storeId: node.members()[0]?.storeId },
    });
  });

  it('gets its identity, its first opening and its number in one batch, so that none of them is lost alone', async () => {
    const stage = new Stage(3);
    const batches: (readonly StorageWrite[])[] = [];
    stage.disk('n1').observer = { onEffect: (writes) => batches.push(writes) };
    await startProcess(stage, 'n1');
    const hexOf = (key: Uint8Array): string => Buffer.from(key).toString('hex');
    const keys = batches.map((writes) => writes.map(({ key }) => hexOf(key)));
    expect(keys).toEqual([[STORE, OPENINGS, sequenceKey(0)].map(hexOf)]);
  });

  it('is another store on every node', async () => {
    const stage = await new Stage(3).startAll();
    expect(new Set(['n1', 'n2', 'n3'].map((node) => stage.member(node, node).storeId)).size).toBe(3);
  });

  it('whose identity cannot be written is not started on', async () => {
    const stage = new Stage(3);
    stage.disk('n1').writeFault = 'fail';
    await expect(startProcess(stage, 'n1')).rejects.toThrow('No space left on device');
    expect(stage.world.fabric.isListening('n1' as NodeId)).toBe(false);
  });
});

describe('a node’s own data', () => {
  it('are what it goes on with, under the same store id, and writes nothing but that it was opened', async () => {
    const stage = await stageThatRan();
    const before = withoutOpenings(stage);
    const bytes = stage.disk('n1').durableValue(STORE) as Uint8Array;
    const { node } = await startProcess(stage, 'n1');
    expect(decodeStoreIdentity(bytes)).toMatchObject({ identity: { storeId: node.members()[0]?.storeId } });
    expect(withoutOpenings(stage)).toEqual(before);
  });

  it('list each opening, durably, before anybody can hear of it', async () => {
    const stage = await stageThatRan();
    expect(openingsOn(stage).openings).toHaveLength(1);
    stage.slowDisk('n1', 'sync', 100);
    const { starting } = beginProcess(stage, 'n1');
    await stage.world.runFor(90);
    expect(stage.world.fabric.isListening('n1' as NodeId)).toBe(false);
    const node = await stage.run(starting);
    const { openings, unlistedUpTo } = openingsOn(stage);
    expect(openings.map(({ openedAt }) => openedAt)).toEqual([0, 0]);
    expect(openings.at(-1)?.opening).toBe(node.members()[0]?.incarnation);
    expect(unlistedUpTo).toBe(0);
  });

  it('may be older than their list: it says from where on it is whole', async () => {
    const stage = await stageThatRan();
    stage.disk('n1').takeEffect(
      [
        { type: 'delete', key: OPENINGS },
        { type: 'put', key: sequenceKey(7), value: new Uint8Array(0) },
      ],
      true,
    );
    await startProcess(stage, 'n1');
    expect(openingsOn(stage)).toMatchObject({ openings: [{ openedAt: 7 }], unlistedUpTo: 7 });
  });

  it('may be of a program that kept their number in one place', async () => {
    const stage = await stageThatRan();
    const value = Buffer.from('0000000000000007', 'hex');
    stage.disk('n1').takeEffect(
      [
        { type: 'put', key: metaKey('sequence'), value },
        { type: 'delete', key: sequenceKey(0) },
      ],
      true,
    );
    await startProcess(stage, 'n1');
    expect(openingsOn(stage).openings.at(-1)).toMatchObject({ openedAt: 7 });
    // From now on it is missed if the first batch of this program is lost.
    expect(stage.disk('n1').durableValue(sequenceKey(7))).toBeDefined();
  });

  it('do not mind other addresses, defaults of R and W, limits, or the order of the file', async () => {
    const stage = await stageThatRan();
    const { config } = stage;
    const { node } = await startProcess(stage, 'n1', {
      config: {
        ...config,
        nodes: config.nodes.map((member) => ({ ...member, host: 'elsewhere', peerPort: 9 })).reverse(),
        defaults: { ...config.defaults, r: 1, w: 3 },
        limits: { ...config.limits, maxValueBytes: 1 },
      },
    });
    expect(node.members()).toHaveLength(3);
  });
});

describe('a start is refused', () => {
  it('on the data of another node', async () => {
    const stage = await stageThatRan();
    (await startProcess(stage, 'n2')).end();
    stage.disk('n1').rollBack(stage.disk('n2').snapshot());
    await assertRefused(
      stage,
      'foreign-store',
      /belongs to node "n2" of cluster "sim", not to node "n1" of cluster "sim"/,
    );
  });

  it('on the data of another cluster', async () => {
    const stage = await stageThatRan();
    const config = { ...stage.config, cluster: 'next' };
    await assertRefused(
      stage,
      'foreign-store',
      /node "n1" of cluster "sim", not to node "n1" of cluster "next"/,
      config,
    );
  });

  const [first, ...others] = new Stage(3).config.nodes;
  it.each<readonly [string, Partial<ClusterConfig>, RegExp]>([
    ['partitions', { partitions: 128 }, /\(partitions: 64, now 128\)/],
    ['default N', { defaults: { n: 2, r: 2, w: 2 } }, /\(n: 3, now 2\)/],
    [
      'members',
      { nodes: [first, ...others.slice(1)] as ClusterConfig['nodes'] },
      /\(members: .*"n2".*, now [^"]*"n1"[^2]*\)/,
    ],
    [
      'zones',
      { nodes: [{ ...first, zone: 'moved' }, ...others] as ClusterConfig['nodes'] },
      /\(members: .*"z1".*, now .*"moved".*\)/,
    ],
    [
      'buckets',
      { buckets: new Map([['accounts', { n: 3, r: 2, w: 2, mode: 'cas' }]]) },
      /\(buckets: \[\], now \[\["accounts",3,"cas"\]\]\)/,
    ],
  ])('on data that were placed with other %s, and says what changed', async (_what, changes, message) => {
    const stage = await stageThatRan();
    await assertRefused(stage, 'configuration-changed', message, { ...stage.config, ...changes });
  });

  it('names everything that changed', async () => {
    const stage = await stageThatRan();
    const config = { ...stage.config, partitions: 128, defaults: { n: 2, r: 1, w: 1 } };
    await assertRefused(stage, 'configuration-changed', /partitions: 64, now 128; n: 3, now 2/, config);
  });

  it('on data of another format', async () => {
    const stage = await stageThatRan();
    const value = packFields([STORE_FORMAT_VERSION + 1, 'whatever', 'comes', 'later']);
    stage.disk('n1').takeEffect([{ type: 'put', key: STORE, value }], true);
    const versions = `format version ${STORE_FORMAT_VERSION + 1}; this program reads version ${STORE_FORMAT_VERSION}`;
    await assertRefused(stage, 'newer-format', new RegExp(versions));
  });

  it.each([
    ['no bytes', new Uint8Array(0)],
    ['bytes that make no sense', Uint8Array.of(0xff, 0x00, 0x13)],
    ['half an identity', packFields([STORE_FORMAT_VERSION, 's'.repeat(22)])],
    ['a store id that is none', packFields([STORE_FORMAT_VERSION, 'short', 'sim', 'n1', '{}'])],
  ])('on a damaged identity: %s', async (_what, value) => {
    const stage = await stageThatRan();
    stage.disk('n1').takeEffect([{ type: 'put', key: STORE, value }], true);
    await assertRefused(stage, 'unreadable-store', /does not say whose it is \(.+\): it is damaged/);
  });

  it.each([
    ['somebody else’s', Buffer.from('!users!ada')],
    ['records without an identity', recordKey(3 as Partition, { bucket: 'things', key: 'key' })],
  ])('on a store that is not empty and has no identity: %s', async (_what, key) => {
    const stage = new Stage(3);
    stage.disk('n1').takeEffect([{ type: 'put', key, value: Uint8Array.of(1) }], true);
    await assertRefused(stage, 'foreign-store', /holds a LevelDB store that Quorate did not write/);
  });

  it('on a store whose first batch is not there', async () => {
    const stage = await stageThatRan();
    stage.disk('n1').takeEffect([{ type: 'delete', key: STORE }], true);
    await assertRefused(stage, 'unreadable-store', /numbers of batches, but no identity\): it is damaged/);
  });

  it('not at all where the disk cannot be read: that is an error of its own', async () => {
    const stage = await stageThatRan();
    const { life: _life, storage, ...ports } = portsOf(stage, 'n1');
    storage.get = () => Promise.reject(new Error('Input/output error'));
    const error = await startProcess(stage, 'n1', { ...ports, storage }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: 'Input/output error' });
    expect(error).not.toBeInstanceOf(StartRefused);
  });
});
