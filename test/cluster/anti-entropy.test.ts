/** A real node that was away, or lost its disk, is whole again soon, and nobody has read its keys. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InspectBody } from '../../src/api/bodies.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';

const KEYS = Array.from({ length: 500 }, (_, index) => `key-${index}`);

let cluster: ProcessCluster;
beforeAll(async () => {
  cluster = await startProcessCluster({ nodes: 3 });
});
afterAll(() => cluster?.close());

/** Runs something for every key, a few at a time. */
async function forAllKeys(run: (key: string, index: number) => Promise<void>): Promise<void> {
  for (let start = 0; start < KEYS.length; start += 50) {
    await Promise.all(KEYS.slice(start, start + 50).map((key, index) => run(key, start + index)));
  }
}

async function putAll(bucket: string, nodes: readonly string[]): Promise<void> {
  await forAllKeys(async (key, index) => {
    const node = nodes[index % nodes.length] as string;
    const put = await cluster.client(node).put(`/v1/kv/${bucket}/${key}`, `value of ${key}`);
    expect(put.status).toBe(201);
  });
}

async function inspect(bucket: string, key: string): Promise<InspectBody> {
  return JSON.parse((await cluster.client('n1').get(`/v1/inspect/${bucket}/${key}`)).text) as InspectBody;
}

/** Looks at every replica of every key; that reads and repairs nothing. */
async function untilAllAgree(bucket: string): Promise<void> {
  await cluster.eventually('all replicas of all keys agree', () =>
    forAllKeys(async (key) => {
      expect((await inspect(bucket, key)).agree, key).toBe(true);
    }),
  );
}

/** The sum of a counter over all nodes that run. */
async function counted(name: string): Promise<number> {
  const texts = await Promise.all(
    cluster.nodes
      .filter((node) => cluster.isRunning(node))
      .map(async (node) => (await cluster.client(node).get('/metrics')).text),
  );
  const values = texts.flatMap((text) =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, 'gm'))].map(([, value]) => Number(value)),
  );
  return values.reduce((sum, value) => sum + value, 0);
}

describe('a node that comes back', () => {
  it('gets the 500 keys that were written while it was away', async () => {
    await cluster.terminate('n3');
    await putAll('away', ['n1', 'n2']);
    const repaired = await counted('quorate_anti_entropy_repaired_records_total');

    await cluster.restart('n3');
    await untilAllAgree('away');

    // An exchange is counted when it ends, a moment after its last record has come.
    await cluster.eventually('all exchanges have ended that repaired something', async () => {
      expect(await counted('quorate_anti_entropy_repaired_records_total')).toBeGreaterThanOrEqual(
        repaired + 500,
      );
    });
    expect(await counted('quorate_anti_entropy_exchanges_total')).toBeGreaterThan(0);
    expect(await counted('quorate_read_repairs_total')).toBe(0);
  });

  it('gets all of them although its data directory is gone', async () => {
    await putAll('lost', ['n1', 'n2', 'n3']);
    await untilAllAgree('lost');
    await cluster.kill9('n3');
    await rm(join(cluster.dataDirectory, 'n3'), { recursive: true });
    const [, firstKey] = KEYS as [string, string, ...string[]];
    expect((await inspect('lost', firstKey)).agree).toBe(false);

    await cluster.restart('n3');
    await untilAllAgree('lost');
    await untilAllAgree('away');

    expect(await counted('quorate_read_repairs_total')).toBe(0);
  });
});
