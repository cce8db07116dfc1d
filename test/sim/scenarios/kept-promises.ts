/** What promises rest on: that they are durable before they are answered, and that only rounds change a key meanwhile. */
import { ConditionalStage } from './conditional-stage.ts';
import { demand, demandEvents, type Scenario } from './scenario.ts';
import { eventsOf, written } from './scenario-cluster.ts';

export const KEPT_PROMISES: readonly Scenario[] = [
  {
    name: 'promise-outlives-power',
    rule: 'What a replica has promised it keeps, though it loses its power right after its answer.',
    run: promiseOutlivesPower,
  },
  {
    name: 'plain-write-between-two-rounds',
    rule: 'A conditional write knows of a plain one that was acknowledged since the last round, though it found the key as that round left it.',
    run: plainWriteBetweenTwoRounds,
  },
  {
    name: 'other-witness-wiped',
    rule: 'What was acknowledged by two acceptors alone is there for plain reads as soon as the one that was emptied counts again.',
    run: otherWitnessWiped,
  },
];

async function otherWitnessWiped(): Promise<void> {
  const stage = await ConditionalStage.start();
  const { cluster, p1, p2, p3 } = stage;
  const { world } = cluster;
  stage.lose('paxos-accept p1>p3', 'paxos-commit p1>p2', 'paxos-commit p1>p3');
  await stage.mustWrite(p1, 1);
  // Before it is in any record.
  for (const node of [p1, p2]) node.crash({ power: false, reason: 'the scenario' });
  p2.disk.wipe();
  // Who has lost its records asks all others for them.
  world.fabric.healAll();
  for (const node of [p1, p2]) node.start();
  stage.lose();
  const openAt = (): number => p2.storageNode?.recovery().partitions ?? 0;
  for (let waited = 0; openAt() === 0 && waited < 2_000; waited += 1) await world.runFor(1);
  demand(openAt() > 0, 'p2 does not notice that its disk was wiped');
  for (let waited = 0; openAt() > 0 && waited < 20_000; waited += 1) await world.runFor(1);
  demand(openAt() === 0, 'p2 does not get its records back');
  cluster.cut(p1, p2, p3);
  const outcome = await cluster.get(p2, { r: 2, sloppy: false });
  demand(outcome.type === 'read', `a read of p2 and p3 ends in ${JSON.stringify(outcome)}`);
  demandEvents('a read of p2 and p3', eventsOf(outcome), [1]);
}

async function promiseOutlivesPower(): Promise<void> {
  const stage = await ConditionalStage.start();
  const { cluster, p1, p2, p3 } = stage;
  const { fabric } = cluster.world;
  // The first round waits for the promise of p3, which is on its way.
  fabric.cut(p3.id, p1.id);
  stage.lose('paxos-prepare p1>p2');
  const first = stage.begin(p1, 1, { timeoutMs: 5_000 });
  await cluster.world.runFor(100);
  // The second one has its own promise, and then that of p2; nobody but p3 hears what it proposes.
  fabric.cut(p3.id, p2.id);
  stage.lose('paxos-prepare p3>p1', 'paxos-accept p3>p1', 'paxos-accept p3>p2');
  const second = stage.begin(p3, 2, { timeoutMs: 2_000 });
  await cluster.world.runFor(100);
  fabric.heal(p3.id, p2.id);
  await stage.untilAnswered('paxos-prepare p2>p3');
  p2.crash({ power: true, reason: 'the scenario' });
  p2.start();
  await cluster.world.runFor(300);
  stage.lose('paxos-* p3>p1', 'paxos-* p3>p2', 'paxos-* p1>p3');
  // Now the first round proposes to p2 as well.
  fabric.heal(p3.id, p1.id);
  const created = await cluster.world.runUntil(first);
  demand(created.type === 'written', `the first create ends in ${JSON.stringify(created)}`);
  await cluster.world.runUntil(second);
  stage.lose('paxos-* p1>p2');
  demandEvents('a read of p1 and p3 after the first create', await stage.mustShow(p1), [1]);
}

async function plainWriteBetweenTwoRounds(): Promise<void> {
  const stage = await ConditionalStage.start();
  const { cluster, p1, p2 } = stage;
  const etag = await stage.mustWrite(p1, 1);
  await cluster.world.runFor(100);
  stage.lose('store p2>p1');
  written(await cluster.put(p2, 10));
  const replaced = await stage.write(p1, 2, { ifMatch: etag, timeoutMs: 5_000 });
  stage.lose();
  demand(
    replaced.type === 'precondition-failed',
    `a write that expects what was there before the plain one ends in ${JSON.stringify(replaced)}`,
  );
  demandEvents('the key', await stage.mustShow(p1), [1, 10]);
}
