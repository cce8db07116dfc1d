/**
 * What the keys of a run show when everything is over: reads at all replicas bring them together, then every node answers the
 * same, and every home replica holds the same record.
 */
import assert from 'node:assert/strict';
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
  const read = (key: string, node: string, r: number): Promise<Sight> =>
    cluster.eventually(`${key} can be read through ${node}`, async () => {
      const sight = await client.read(key, [node], r);
      assert.ok(sight !== undefined, 'a failure, or no answer');
      return sight;
    });
  const finals = new Map<string, Sight>();
  await Promise.all(
    [...run.keys()].map(async (key) => {
      for (const node of cluster.nodes) await read(key, node, 3);
      const tombstones = await tombstonesOf(cluster, `${run.bucket}/${key}`);
      const sights = await Promise.all(cluster.nodes.map((node) => read(key, node, 2)));
      const [first] = sights;
      if (first === undefined) throw new Error(`${key} cannot be read`);
      const shown = sights.map((sight) => ({ token: sight.token, events: sight.events }));
      assert.deepEqual(
        shown,
        cluster.nodes.map(() => ({ token: first.token, events: first.events })),
        `${key} through ${cluster.nodes.join(', ')}: ${JSON.stringify(shown)}`,
      );
      finals.set(key, { ...first, tombstones, isDeleted: false });
    }),
  );
  return finals;
}

/** What a store counts that has lost something or cannot read it, and a dot that was minted twice. */
const NEVER_COUNTED = ['dot_collisions', 'unreadable_records', 'incarnations_renewed', 'storage_failures'];

/** Nothing of that was counted by any node since it was started. */
export async function expectSoundStores(
  cluster: ProcessCluster,
  counters: readonly string[] = NEVER_COUNTED,
): Promise<void> {
  for (const node of cluster.nodes) {
    const { text } = await cluster.client(node).get('/metrics');
    for (const counter of counters)
      assert.match(
        text,
        new RegExp(`^quorate_${counter}_total(?:\\{.*\\})? 0$`, 'm'),
        `${counter} of ${node}`,
      );
  }
}

/** Dots of the tombstones in a record that all home replicas hold alike. */
async function tombstonesOf(cluster: ProcessCluster, entry: string): Promise<readonly string[]> {
  const [node = ''] = cluster.nodes;
  const { replicas } = await cluster.eventually(`the home replicas of ${entry} agree`, async () => {
    const body = JSON.parse((await cluster.client(node).get(`/v1/inspect/${entry}`)).text) as InspectBody;
    assert.ok(body.agree, JSON.stringify(body));
    return body;
  });
  const siblings = replicas.find(({ result }) => result === 'found')?.siblings ?? [];
  return siblings.flatMap((sibling) => ('deleted' in sibling ? [sibling.id] : []));
}
