/** A byte that changes on the disk of a real node, while that does not run, is noticed, and what LevelDB drops for it comes back. */
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterBody, InspectBody } from '../../src/api/bodies.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';

/** Several of LevelDB's blocks of 32 KiB: one of them is dropped, and others follow. */
const KEYS = Array.from({ length: 300 }, (_, index) => `key-${index}`);
const VALUE = 'v'.repeat(1_000);

let cluster: ProcessCluster;
beforeAll(async () => {
  cluster = await startProcessCluster({ nodes: 3 });
});
afterAll(() => cluster?.close());

/** Inverts a byte in the middle of the log. */
async function flipInTheMiddle(directory: string): Promise<void> {
  const logs = (await readdir(directory)).filter((file) => /^\d+\.log$/.test(file));
  const sizes = await Promise.all(logs.map(async (file) => (await stat(join(directory, file))).size));
  const size = Math.max(...sizes);
  expect(size).toBeGreaterThan(KEYS.length * VALUE.length);
  const handle = await open(join(directory, logs[sizes.indexOf(size)] as string), 'r+');
  const byte = Buffer.alloc(1);
  const position = Math.floor(size / 2);
  await handle.read(byte, 0, 1, position);
  await handle.write(Buffer.of(~(byte[0] as number) & 0xff), 0, 1, position);
  await handle.close();
}

/** How many of the keys n1 does not hold. */
async function missingOnN1(): Promise<number> {
  let missing = 0;
  for (const key of KEYS) {
    const { text } = await cluster.client('n2').get(`/v1/inspect/flipped/${key}`);
    const own = (JSON.parse(text) as InspectBody).replicas.find(({ node }) => node === 'n1');
    if (own?.result !== 'found') missing += 1;
  }
  return missing;
}

async function openPartitions(): Promise<number> {
  const { text } = await cluster.client('n1').get('/v1/cluster');
  return (JSON.parse(text) as ClusterBody).recovery.partitions;
}

describe('a byte that changed in the middle of a log', () => {
  it('is noticed at the next start, and what was dropped for it comes back from the others', async () => {
    // One after the other, so that each is a batch of its own.
    for (const key of KEYS) {
      const answer = await cluster.client('n1').put(`/v1/kv/flipped/${key}`, VALUE, { 'Quorate-W': '3' });
      expect(answer.status).toBe(201);
    }
    await cluster.kill9('n1');
    await flipInTheMiddle(join(cluster.dataDirectory, 'n1'));
    // n3 is not there to give anything back: n1 stays as it was found for so long.
    cluster.stop('n3');
    cluster.start('n1');
    await cluster.eventually('n1 says what it has found', async () => {
      expect(cluster.logs('n1')).toContain('"code":"store-lost-something"');
      expect(await openPartitions()).toBeGreaterThan(0);
    });
    expect(cluster.logs('n1')).toMatch(/"code":"store-lost-something","kind":"gap"/);
    expect((await cluster.client('n1').get('/readyz')).text).toContain('The node is recovering');

    await cluster.kill9('n3');
    await cluster.restart('n3');
    await cluster.eventually('n1 has got everything back', async () => {
      expect(await openPartitions()).toBe(0);
    });
    expect(await missingOnN1()).toBe(0);
  });
});
