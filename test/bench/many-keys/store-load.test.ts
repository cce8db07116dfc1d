/** Stores that are filled without a node are those of nodes: they open, and hold what was written, each under its own name. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BUCKET, storedKey } from '../../../bench/load/workload.ts';
import { assertRoom } from '../../../bench/many-keys/loaded-cluster.ts';
import { loadStore } from '../../../bench/many-keys/store-load.ts';
import { copyRecords } from '../../../bench/many-keys/twin-store.ts';
import { openLevelStorage } from '../../../src/adapters/level-storage.ts';
import { systemRandom } from '../../../src/adapters/system-random.ts';
import { describePlacement, placementHash } from '../../../src/codec/hash.ts';
import { recordKey } from '../../../src/codec/key-layout.ts';
import { decodeRecord } from '../../../src/codec/record-codec.ts';
import type { ClusterConfig } from '../../../src/core/cluster-config.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import { buildRing, partitionOf } from '../../../src/core/ring/ring.ts';
import { openStore, type OpenedStore } from '../../../src/protocol/store-opening.ts';
import { readConfiguration } from '../../../src/server/config-file.ts';

const KEYS = 5_000;
const VALUE_BYTES = 100;
const [N1, N2] = ['n1', 'n2'] as [NodeId, NodeId];

let directory: string;
let config: ClusterConfig;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quorate-load-'));
  const file = join(directory, 'cluster.config.json');
  const nodes = [N1, N2].map((id, place) => ({
    id,
    host: '127.0.0.1',
    httpPort: 7001 + place,
    peerPort: 7101 + place,
  }));
  await writeFile(file, JSON.stringify({ cluster: 'load', nodes, defaults: { n: 2 } }));
  const read = await readConfiguration({ file, environment: {} });
  if (read.type === 'invalid') throw new Error(JSON.stringify(read.problems));
  config = read.config;
});

afterAll(() => rm(directory, { recursive: true, force: true }));

/** Opens a store as its node does, looks at one record, and closes it. */
async function opened(nodeId: NodeId, key: string): Promise<OpenedStore & { readonly bytes: Uint8Array }> {
  const storage = await openLevelStorage({ directory: join(directory, nodeId) });
  try {
    const owner = { cluster: config.cluster, nodeId, placement: describePlacement(config) };
    const store = await openStore(storage, owner, [N1, N2], systemRandom);
    const entry = { bucket: BUCKET, key };
    const partition = partitionOf(buildRing(config), placementHash(entry));
    return { ...store, bytes: (await storage.get(recordKey(partition, entry))) ?? new Uint8Array() };
  } finally {
    await storage.close();
  }
}

it('fills a store, and gives its records to another node, which stays who it is', async () => {
  const { storeId } = await opened(N2, 'nothing');
  const told: number[] = [];
  await loadStore({
    config,
    nodeId: N1,
    directory: join(directory, N1),
    writeBufferBytes: 1 << 20,
    keys: KEYS,
    valueBytes: VALUE_BYTES,
    onProgress: (keys) => told.push(keys),
  });
  await copyRecords(join(directory, N1), join(directory, N2));

  expect(told.length).toBeGreaterThan(1);
  const last = storedKey(KEYS - 1, VALUE_BYTES);
  const one = await opened(N1, last);
  const other = await opened(N2, last);
  const record = decodeRecord({ bucket: BUCKET, key: last }, one.bytes);
  expect(record.largestN).toBe(2);
  expect(record.siblings.map(({ content }) => content)).toMatchObject([{ type: 'value' }]);
  const [sibling] = record.siblings;
  expect(sibling?.content.type === 'value' && sibling.content.bytes.length).toBe(VALUE_BYTES);
  expect(other.bytes).toEqual(one.bytes);
  expect(other.storeId).toBe(storeId);
  expect(other.storeId).not.toBe(one.storeId);
  expect(other.earlier.openings).toHaveLength(1);
  // A batch, and the number that the store has come to with it.
  expect(one.sequence).toBe(Math.ceil(KEYS / 4_096));
  expect(other.sequence).toBe(one.sequence);
  expect((await opened(N1, storedKey(KEYS, VALUE_BYTES))).bytes).toHaveLength(0);
});

it('begins only where there is room', async () => {
  await expect(assertRoom(directory, 1)).resolves.toBeUndefined();
  await expect(assertRoom(directory, 1e12)).rejects.toThrow(
    /1,000,000,000,000 keys on 3 nodes may take .* GB, and .* GB are free/,
  );
});
