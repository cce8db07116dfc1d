/** A real node whose data directory is gone is noticed, answers nothing that it does not know, and gets everything back. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterBody, InspectBody } from '../../src/api/bodies.ts';
import { CommandProcess } from './command-process.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';

const KEYS = Array.from({ length: 200 }, (_, index) => `/v1/kv/lost/key-${index}`);

let cluster: ProcessCluster;
beforeAll(async () => {
  cluster = await startProcessCluster({ nodes: 3 });
});
afterAll(() => cluster?.close());

/** What reads of all keys at R=2 through a node come to: how often each status. */
async function statusesOfReads(node: string): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (let start = 0; start < KEYS.length; start += 50) {
    const answers = await Promise.all(
      KEYS.slice(start, start + 50).map((key) => cluster.client(node).get(key)),
    );
    for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

async function recoveryOf(node: string): Promise<ClusterBody['recovery']> {
  return (JSON.parse((await cluster.client(node).get('/v1/cluster')).text) as ClusterBody).recovery;
}

async function status(): Promise<string> {
  return (await new CommandProcess(['status', '--node', cluster.url('n3')]).ended).stdout;
}

describe('a node whose data directory was deleted', () => {
  it('answers no read by itself while the others are not both there, and is whole afterwards', async () => {
    expect(await recoveryOf('n1')).toEqual({ partitions: 0, waitingFor: [] });
    // n3 misses all of it: each write has its quorum with n1 and n2 alone.
    cluster.stop('n3');
    for (const key of KEYS) expect((await cluster.client('n2').put(key, 'kept')).status).toBe(201);
    await cluster.kill9('n3', 'n1', 'n2');
    await rm(join(cluster.dataDirectory, 'n1'), { recursive: true });

    // n1 knows nothing, and n3 has missed it: "nothing" would be wrong.
    cluster.start('n1', 'n3');
    await cluster.eventually('n1 is told what it lost', async () => {
      expect((await recoveryOf('n1')).partitions).toBeGreaterThan(0);
    });
    for (const node of ['n1', 'n3']) expect(await statusesOfReads(node)).toEqual({ 503: KEYS.length });
    await cluster.eventually('n1 waits for nobody else', async () => {
      expect((await recoveryOf('n1')).waitingFor).toEqual(['n2']);
    });
    expect(await status()).toMatch(/n1 is recovering: it lost what it had stored, .* waits for n2\./);
    expect((await cluster.client('n1').get('/readyz')).text).toContain('The node is recovering');
    expect(cluster.logs('n1')).toContain('"code":"store-lost-something"');

    await cluster.restart('n2');
    await cluster.eventually('n1 has got everything back', async () => {
      expect((await recoveryOf('n1')).partitions).toBe(0);
    });
    for (const node of cluster.nodes) expect(await statusesOfReads(node)).toEqual({ 200: KEYS.length });
    const { text } = await cluster.client('n2').get('/v1/inspect/lost/key-7');
    const own = (JSON.parse(text) as InspectBody).replicas.find(({ node }) => node === 'n1');
    expect(own).toMatchObject({ result: 'found' });
    expect(await status()).not.toContain('is recovering');
    expect((await cluster.client('n1').get('/metrics')).text).toMatch(
      /^quorate_recovering_partitions(\{.*\})? 0$/m,
    );
  });
});
