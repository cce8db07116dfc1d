/** kill -9 of any process at any time: nothing that was acknowledged is lost. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterBody } from '../../src/api/bodies.ts';
import { problemIn } from '../server/http/http-client.ts';
import { PlacedKeys } from './placed-keys.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';

let cluster: ProcessCluster;
let keys: PlacedKeys;
beforeAll(async () => {
  cluster = await startProcessCluster({ nodes: 5 });
  keys = await PlacedKeys.of(cluster);
});
afterAll(() => cluster?.close());

/** Reads values back through one node, some at a time. */
async function expectValues(node: string, values: ReadonlyMap<string, string>): Promise<void> {
  const entries = [...values];
  while (entries.length > 0) {
    await Promise.all(
      entries.splice(0, 32).map(async ([target, value]) => {
        const answer = await cluster.client(node).get(target);
        expect([answer.status, answer.text], `${target} through ${node}`).toEqual([200, value]);
      }),
    );
  }
}

describe('kill -9', () => {
  it('of all nodes at once loses nothing that was acknowledged', async () => {
    const written = new Map<string, string>();
    await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const { target } = keys.draw('survives');
        const put = await cluster.client(`n${(index % 5) + 1}`).put(target, `value ${index}`);
        if (put.status === 201) written.set(target, `value ${index}`);
      }),
    );
    expect(written.size).toBe(60);
    await cluster.kill9(...cluster.nodes);
    cluster.start(...cluster.nodes);
    await cluster.waitReady();
    for (const node of cluster.nodes) await expectValues(node, written);
  });

  it('of one node after the other under load loses nothing, and revives nothing', async () => {
    const acknowledged = new Map<string, string>();
    const refused = new Set<string>();
    const load = { isOver: false };
    const write = async (node: string, value: string): Promise<void> => {
      const { target } = keys.draw('load');
      const put = cluster.client(node).put(target, value, { 'Quorate-Timeout-Ms': '2000' });
      // A connection that broke says nothing about the write.
      const answer = await put.catch(() => undefined);
      if (answer?.status === 201) acknowledged.set(target, value);
      else if (answer !== undefined && problemIn(answer).outcome === 'not-applied') refused.add(target);
    };
    const writers = ['a', 'b', 'c', 'd'].map(async (name) => {
      for (let turn = 1; !load.isOver; turn += 1) {
        await write(`n${(turn % 5) + 1}`, `${name} ${turn}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    });
    const untilWritten = (more: number): Promise<void> => {
      const goal = acknowledged.size + more;
      return cluster.eventually('writes go on', async () => expect(acknowledged.size).toBeGreaterThan(goal));
    };
    for (const node of cluster.nodes) {
      await untilWritten(20);
      await cluster.kill9(node);
      await untilWritten(20);
      await cluster.restart(node);
    }
    load.isOver = true;
    await Promise.all(writers);
    expect(acknowledged.size).toBeGreaterThan(200);
    for (const node of ['n1', 'n4']) await expectValues(node, acknowledged);
    for (const target of refused) expect((await cluster.client('n2').get(target)).status).toBe(404);
  }, 180_000);

  it('gives the node a new incarnation on the same store', async () => {
    const bodyOf = async (node: string): Promise<ClusterBody> =>
      JSON.parse((await cluster.client(node).get('/v1/cluster')).text) as ClusterBody;
    const before = (await bodyOf('n5')).members.find(({ id }) => id === 'n5');
    await cluster.kill9('n5');
    await cluster.restart('n5');
    const after = (await bodyOf('n5')).members.find(({ id }) => id === 'n5');
    expect(after?.storeId).toBe(before?.storeId);
    expect(after?.incarnation).not.toBe(before?.incarnation);
    await cluster.eventually('the others know it', async () => {
      expect((await cluster.membersSeenBy('n1')).get('n5')?.incarnation).toBe(after?.incarnation);
    });
  });
});
