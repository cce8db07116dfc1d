/**
 * Coordinators whose disk has forgotten something: replaced, emptied while the process runs, or brought back to a snapshot. What
 * they forgot may live elsewhere under dots that they would mint again, so that a new write is taken for an old one.
 */
import { demand, demandEvents, type Scenario } from './scenario.ts';
import { ScenarioCluster, storeIdOf } from './scenario-cluster.ts';

export const LOST_MEMORY: readonly Scenario[] = [
  {
    name: 'amnesia',
    rule: 'A coordinator whose disk was replaced mints no dot that other replicas take for an old one.',
    run: amnesia,
  },
  {
    name: 'amnesia-hidden-by-repair',
    rule: 'A coordinator that lost a key and got an old record of it by repair does not count on from that.',
    run: amnesiaHiddenByRepair,
  },
  {
    name: 'amnesia-of-the-first-write',
    rule: 'A coordinator that lost its only write of a key, and got a record without any, mints another dot.',
    run: amnesiaOfTheFirstWrite,
  },
  {
    name: 'rollback',
    rule: 'What was written after a snapshot survives the return of its coordinator to that snapshot.',
    run: rollback,
  },
  {
    name: 'rollback-then-handoff',
    rule: 'What only a fallback keeps since the snapshot of its coordinator survives what that one has written anew meanwhile.',
    run: rollbackThenHandoff,
  },
  {
    name: 'rollback-then-alone',
    rule: 'A store that is brought back to a snapshot, writes on alone and is opened once more is not taken for the old one.',
    run: rollbackThenAlone,
  },
  {
    name: 'amnesia-while-it-reads',
    rule: 'What a coordinator has found on an empty disk, before a peer tells it that the disk is not its own, is no answer.',
    run: amnesiaWhileItReads,
  },
];

async function amnesiaWhileItReads(): Promise<void> {
  // That it has lost something is written down before p1 presents itself anew: meanwhile p2 answers.
  const cluster = await ScenarioCluster.start(
    { meanSyncUs: 100_000 },
    { antiEntropy: false, handoff: false },
  );
  const { p1, p2, p3, f1, f2, world } = cluster;
  cluster.cut(p2, p1, p3);
  await cluster.mustPut(p1, 1, { sloppy: false });
  p1.crash({ power: false, reason: 'the scenario' });
  p1.disk.wipe();
  for (const other of [p3, f1, f2]) cluster.cut(p1, other);
  for (const [from, to] of [
    [p1, p2],
    [p2, p1],
  ] as const)
    world.fabric.heal(from.id, to.id);
  await cluster.settle();
  p1.start();
  while (!p1.isUp) await world.runFor(0.01);
  demand(cluster.traced('store-lost-something') === 0, 'p1 knows what it has lost, before it reads');
  const outcome = await cluster.get(p1, { sloppy: false });
  demand(cluster.traced('store-lost-something') > 0, 'p1 does not know what it has lost');
  demand(
    outcome.type === 'failed',
    `a read of p1 and p2, which lack the write, ends in ${JSON.stringify(outcome)}`,
  );
}

async function amnesia(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2 } = cluster;
  for (const event of [1, 2, 3]) await cluster.mustPut(p1, event);
  await cluster.restart(p1, () => p1.disk.wipe());
  await cluster.mustPut(p1, 4);
  cluster.demandDistinctDots();
  demandEvents('the key', (await cluster.mustRead(p2)).events, [1, 2, 3, 4]);
}

/** p1 writes an event while p3 is away, and forgets it while it runs; then it meets only p3, which has never heard of it. */
async function writeUnseenByThird(cluster: ScenarioCluster, event: number): Promise<void> {
  const { p1, p2, p3, world } = cluster;
  cluster.cut(p3, p1, p2);
  await cluster.mustPut(p1, event);
  // What was held by the cut links is lost with their connections.
  await cluster.settle();
  p1.disk.wipe();
  cluster.cut(p1, p2);
  world.fabric.heal(p1.id, p3.id);
  world.fabric.heal(p3.id, p1.id);
  await cluster.settle();
}

async function amnesiaHiddenByRepair(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2 } = cluster;
  await cluster.mustPut(p1, 1, { w: 3 });
  await writeUnseenByThird(cluster, 2);
  await cluster.get(p1);
  await cluster.settle();
  demand(cluster.stored(p1) !== undefined, 'the read repaired nothing, and the scenario shows nothing');
  await cluster.mustPut(p1, 3);
  await cluster.heal();
  cluster.demandDistinctDots();
  demandEvents('the key', (await cluster.mustRead(p2)).events, [1, 2, 3]);
}

async function amnesiaOfTheFirstWrite(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2, p3 } = cluster;
  await cluster.mustPut(p3, 1, { w: 3 });
  await writeUnseenByThird(cluster, 2);
  await cluster.mustPut(p3, 3);
  await cluster.mustPut(p1, 4);
  await cluster.heal();
  cluster.demandDistinctDots();
  demandEvents('the key', (await cluster.mustRead(p2)).events, [1, 2, 3, 4]);
}

async function rollback(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2 } = cluster;
  await cluster.mustPut(p1, 1, { w: 3 });
  const snapshot = p1.disk.snapshot();
  await cluster.mustPut(p1, 2);
  await cluster.restart(p1, () => p1.disk.rollBack(snapshot));
  await cluster.mustPut(p1, 3);
  await cluster.mustPut(p1, 4);
  cluster.demandDistinctDots();
  demandEvents('the key', (await cluster.mustRead(p2)).events, [1, 2, 3, 4]);
}

async function rollbackThenHandoff(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2, p3, f1, f2 } = cluster;
  for (const node of [p2, p3]) node.crash({ power: false, reason: 'the scenario' });
  await cluster.settle();
  const snapshot = p1.disk.snapshot();
  await cluster.mustPut(p1, 1, { sloppy: true });
  demand(cluster.stored(f1) !== undefined, 'no fallback keeps the write');
  // Nobody who has heard of the write meets those who have not.
  for (const fallback of [f1, f2]) cluster.cut(fallback, p1, p2, p3);
  for (const node of [p2, p3]) node.start();
  await cluster.restart(p1, () => p1.disk.rollBack(snapshot));
  await cluster.mustPut(p1, 2);
  await cluster.mustPut(p1, 3);
  demand(cluster.traced('store-lost-something') === 0, 'p1 knows what it has lost, before it writes anew');
  demandEvents('the key without what the fallback keeps', (await cluster.mustRead(p2)).events, [2, 3]);
  await cluster.heal();
  demand(cluster.stored(f1) === undefined, 'the fallback has not handed its record over');
  cluster.demandDistinctDots();
  demandEvents('the key', (await cluster.mustRead(p2)).events, [1, 2, 3]);
}

async function rollbackThenAlone(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2, p3, f1, f2 } = cluster;
  await cluster.mustPut(p1, 1, { w: 3 });
  const snapshot = p1.disk.snapshot();
  await cluster.mustPut(p1, 2);
  await cluster.settle();
  const storeId = storeIdOf(p1);
  cluster.cut(p1, p2, p3, f1, f2);
  await cluster.restart(p1, () => p1.disk.rollBack(snapshot));
  for (const event of [3, 4, 5, 6]) await cluster.mustPut(p1, event, { n: 1, w: 1 });
  await cluster.restart(p1);
  demand(storeIdOf(p1) === storeId, 'p1 met somebody while it was alone, and the scenario shows nothing');
  await cluster.heal();
  demand(storeIdOf(p1) !== storeId, 'p1 goes on as the store that it was, without what it wrote before');
  cluster.demandDistinctDots();
  demandEvents('the key', (await cluster.mustRead(p2)).events, [1, 2, 3, 4, 5, 6]);
}
