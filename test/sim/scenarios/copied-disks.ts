/**
 * A second process that runs on a copy of a node's disk, somewhere else: an image of a machine that was started twice, or a backup
 * that was tried out. Were both one replica for the others, what the one holds would be taken for what the other holds.
 */
import type { SimNode } from '../world/sim-cluster.ts';
import { demand, demandEvents, type Scenario } from './scenario.ts';
import { eventsOf, isRequest, ScenarioCluster, storeIdOf } from './scenario-cluster.ts';

export const COPIED_DISKS: readonly Scenario[] = [
  {
    name: 'copy-beside-its-node',
    rule: 'A process on a copy of the disk of a node that lives counts for nobody, and its node goes on as if it were not there.',
    run: copyBesideItsNode,
  },
  {
    name: 'older-copy-beside-its-node',
    rule: 'A process on an old copy of the disk of a node that lives is refused, and costs its node nothing.',
    run: olderCopyBesideItsNode,
  },
  {
    name: 'copy-in-place-of-its-node',
    rule: 'What a copy acknowledged while its node was away is not missed when the node is back, and takes its place again.',
    run: copyInPlaceOfItsNode,
  },
];

async function copyBesideItsNode(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2, p3, world } = cluster;
  await cluster.mustPut(p1, 1, { w: 3 });
  const copy = await startCopy(cluster, world.copyOf(p1));
  await demandNoFalseAnswer(cluster, copy);
  await cluster.heal();
  demandRefused(cluster, copy);
  await cluster.mustPut(p1, 3, { w: 3 });
  demandEvents('the key', (await cluster.mustRead(p2)).events, [1, 3]);
  demandEvents('the node whose disk was copied', await cluster.shownBy(p1), [1, 3]);
  demandEvents('a replica beside it', await cluster.shownBy(p3), [1, 3]);
}

/** A write that the copy answers may be missing from no quorum of those that were there before. */
async function demandNoFalseAnswer(cluster: ScenarioCluster, copy: SimNode): Promise<void> {
  const { p1, p2, p3, f1, f2, world } = cluster;
  world.fabric.filter = ({ from, to, frame }) =>
    from === copy.place && to === p3.id && isRequest(frame, 'store');
  const outcome = await cluster.put(copy, 2, { timeoutMs: 2_000 });
  world.fabric.filter = undefined;
  const expected = outcome.type === 'written' ? [1, 2] : [1];
  cluster.cut(p2, p1, p3, f1, f2);
  const read = await cluster.get(p1);
  demand(read.type === 'read', `a read of ${p1.id} and ${p3.id} ends in ${JSON.stringify(read)}`);
  demandEvents(`a read of ${p1.id} and ${p3.id}`, eventsOf(read), expected);
  demand(outcome.type === 'failed', 'a copy answers writes beside its node');
  demand(outcome.certainty === 'not-applied', 'what the copy cannot write is not known to be not applied');
}

async function olderCopyBesideItsNode(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2, world } = cluster;
  await cluster.mustPut(p1, 1, { w: 3 });
  const older = p1.disk.snapshot();
  await cluster.mustPut(p1, 2, { w: 3 });
  await cluster.settle();
  const storeId = storeIdOf(p1);
  const copy = await startCopy(cluster, world.copyOf(p1, older));
  demandRefused(cluster, copy);
  demand(storeIdOf(p1) === storeId, 'the node takes its own store for one that lost something');
  // Nobody is told that a store lost something: neither the node, which has not, nor the copy, which nobody talks to.
  demand(cluster.traced('store-lost-something') === 0, 'the copy is told what its store lacks');
  await cluster.restart(p1);
  demand(storeIdOf(p1) === storeId, 'the node is not known any more when it is started again');
  demandRefused(cluster, copy);
  await cluster.mustPut(p1, 3, { w: 3 });
  demandEvents('the key', (await cluster.mustRead(p2)).events, [1, 2, 3]);
}

async function copyInPlaceOfItsNode(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2, p3, f1, f2, world } = cluster;
  await cluster.mustPut(p1, 1, { w: 3 });
  await cluster.settle();
  p1.crash({ power: false, reason: 'the scenario' });
  const copy = await startCopy(cluster, world.copyOf(p1));
  world.fabric.filter = ({ to, frame }) => to === p3.id && isRequest(frame, 'store');
  await cluster.mustPut(copy, 2);
  // Nobody but p2 and the copy has it when the node comes back, and nobody can ask these two.
  cluster.cut(p2, p1, p3, f1, f2);
  p1.start();
  await cluster.settle();
  const read = await cluster.get(p1, { timeoutMs: 2_000 });
  if (read.type === 'read') demandEvents(`a read of ${p1.id} and ${p3.id}`, eventsOf(read), [1, 2]);
  world.fabric.filter = undefined;
  await cluster.heal();
  demandRefused(cluster, copy);
  cluster.demandDistinctDots();
  demandEvents('the key', (await cluster.mustRead(p1)).events, [1, 2]);
}

async function startCopy(cluster: ScenarioCluster, copy: SimNode): Promise<SimNode> {
  copy.start();
  await cluster.settle();
  demand(copy.isUp, 'the copy does not run');
  return copy;
}

/** Who is asked says no, and why. */
function demandRefused(cluster: ScenarioCluster, { id, storageNode }: SimNode): void {
  demand(cluster.traced('clone-refused') > 0, 'nobody says that there is a copy');
  for (const { node, state } of storageNode?.members() ?? [])
    demand(node === id || state !== 'up', `${node} talks to a copy of ${id}`);
}
