/**
 * What the keys of a run show when everything is over: reads at all replicas bring them together, then every node answers the
 * same, and every home replica holds the same record.
 */
import { expect } from 'vitest';
import type { InspectBody } from '../../src/api/bodies.ts';
import type { ProcessCluster } from './process-cluster.ts';
import type { RecordedRun, Sight } from './recorded-run.ts';
import { RecordingClient } from './recording-client.ts';

/** All nodes have to be up. Fails unless they agree in the end. */
export async function finalState(
  cluster: ProcessCluster,
  run: RecordedRun,
): Promise<ReadonlyMap<string, Sight>> {
  const client = new RecordingClient(cluster, run);
  const finals = new Map<string, Sight>();
  await Promise.all(
    [...run.keys()].map(async (key) => {
      for (const node of cluster.nodes) await client.read(key, node, 3);
      const tombstones = await tombstonesOf(cluster, `${run.bucket}/${key}`);
      const sights = await Promise.all(cluster.nodes.map((node) => client.read(key, node, 2)));
      const [first] = sights;
      if (first === undefined) throw new Error(`${key} cannot be read`);
      const shown = sights.map((sight) => ({ token: sight?.token, events: sight?.events }));
      expect(shown, `${key} through ${cluster.nodes.join(', ')}`).toEqual(
        cluster.nodes.map(() => ({ token: first.token, events: first.events })),
      );
      finals.set(key, { ...first, tombstones, isDeleted: false });
    }),
  );
  return finals;
}

/** No store lost anything or could not read it, and no dot was minted twice: none of the counters that tell has moved. */
export async function expectSoundStores(cluster: ProcessCluster): Promise<void> {
  for (const node of cluster.nodes) {
    const { text } = await cluster.client(node).get('/metrics');
    for (const counter of [
      'dot_collisions',
      'unreadable_records',
      'incarnations_renewed',
      'storage_failures',
    ]) {
      expect(text, node).toMatch(new RegExp(`^quorate_${counter}_total(?:\\{.*\\})? 0$`, 'm'));
    }
  }
}

/** Dots of the tombstones in a record that all home replicas hold alike. */
async function tombstonesOf(cluster: ProcessCluster, entry: string): Promise<readonly string[]> {
  const [node = ''] = cluster.nodes;
  const { replicas } = await cluster.eventually(`the home replicas of ${entry} agree`, async () => {
    const body = JSON.parse((await cluster.client(node).get(`/v1/inspect/${entry}`)).text) as InspectBody;
    expect(body.agree, JSON.stringify(body)).toBe(true);
    return body;
  });
  const siblings = replicas.find(({ result }) => result === 'found')?.siblings ?? [];
  return siblings.flatMap((sibling) => ('deleted' in sibling ? [sibling.id] : []));
}
