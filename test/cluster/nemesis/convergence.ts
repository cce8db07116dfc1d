/** Waits until a cluster of which everything runs again has got back all that was lost, and all replicas are equal. */
import assert from 'node:assert/strict';
import type { ClusterBody, InspectBody } from '../../../src/api/bodies.ts';
import type { ProcessCluster } from '../process-cluster.ts';
import type { RecordedRun } from '../recorded-run.ts';

/** Milliseconds. Far beyond what it takes; where nothing moves at all, it ends here. */
const DEFAULT_LIMIT_MS = 120_000;
/** Keys that are looked at in one go. */
const CONCURRENCY = 8;

/**
 * Resolves when no node is recovering, nothing is kept for others that was kept before, and after that
 * each key's home replicas were seen to hold the same record. Clients may go on meanwhile.
 */
export async function untilConverged(
  cluster: ProcessCluster,
  run: RecordedRun,
  limitMs = DEFAULT_LIMIT_MS,
): Promise<void> {
  const startedMs = performance.now();
  await cluster.eventually(
    'nobody recovers, and all hints are delivered',
    () => assertDelivered(cluster, startedMs),
    limitMs,
  );
  const left = [...run.keys()];
  const look = async (): Promise<void> => {
    for (let key = left.pop(); key !== undefined; key = left.pop())
      await untilAgreed(cluster, `${run.bucket}/${key}`, limitMs);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, look));
}

async function assertDelivered(cluster: ProcessCluster, sinceMs: number): Promise<void> {
  for (const node of cluster.nodes) {
    cluster.assertNotEnded(node);
    const { text } = await cluster.client(node).send('/v1/cluster', { limitMs: 5_000 });
    const askedMs = performance.now();
    const { recovery, members } = JSON.parse(text) as ClusterBody;
    assert.deepEqual(
      recovery,
      { partitions: 0, waitingFor: [] },
      `${node} recovers: ${JSON.stringify(recovery)}`,
    );
    for (const { id, hints } of members) {
      const isNew = hints === undefined || hints.oldestAgeSeconds * 1_000 < askedMs - sinceMs;
      assert.ok(isNew, `${node} keeps for ${id}: ${JSON.stringify(hints)}`);
    }
  }
}

/** A key that is written to all the time is equal between two writes. */
async function untilAgreed(cluster: ProcessCluster, entry: string, limitMs: number): Promise<void> {
  const [node = ''] = cluster.nodes;
  await cluster.eventually(
    `the home replicas of ${entry} agree`,
    async () => {
      for (const each of cluster.nodes) cluster.assertNotEnded(each);
      const { text } = await cluster.client(node).send(`/v1/inspect/${entry}`, { limitMs: 5_000 });
      assert.ok((JSON.parse(text) as InspectBody).agree, text);
    },
    limitMs,
  );
}
