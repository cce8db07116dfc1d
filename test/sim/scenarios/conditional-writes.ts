/**
 * Interleavings of rounds in which one rule each decides, on whole nodes. Events 1, 2, 3 are written under the ballots 1, 2, 3 of
 * the literature, 10 and above plainly.
 */
import { MAX_WRITE_IDS } from '../../../src/core/limits.ts';
import { ConditionalStage } from './conditional-stage.ts';
import { demand, demandEvents, type Scenario } from './scenario.ts';
import { written } from './scenario-cluster.ts';

export const CONDITIONAL_WRITES: readonly Scenario[] = [
  {
    name: 'ghosts-in-the-join',
    rule: 'Of what was accepted and not chosen only that of the highest ballot counts.',
    run: ghostsInTheJoin,
  },
  {
    name: 'lost-put',
    rule: 'A plain write that a lost round had seen, and the chosen one had not, is there when it is acknowledged.',
    run: lostPut,
  },
  {
    name: 'dirty-reject',
    rule: 'No round shows a plain write without one that was acknowledged before it began.',
    run: dirtyReject,
  },
  {
    name: 'outstanding-promise',
    rule: 'A create that one replica took never takes effect after a read has shown another value.',
    run: outstandingPromise,
  },
  {
    name: 'unwritten-refusal',
    rule: 'What a refused write was refused for is what every read after it shows.',
    run: unwrittenRefusal,
  },
  {
    name: 'chosen-by-ballot-alone',
    rule: 'What was accepted under a lower ballot than a chosen one does not come back when the bytes of that are gone.',
    run: chosenByBallotAlone,
  },
  {
    name: 'own-success',
    rule: 'A write whose answer was lost succeeds once, under one ETag, however often it is sent.',
    run: ownSuccess,
  },
  {
    name: 'voter-wiped',
    rule: 'A home replica that lost its disk does not vote, so that no majority forgets what was acknowledged.',
    run: voterWiped,
  },
  {
    name: 'voter-rolled-back',
    rule: 'A home replica that came back with an older disk does not vote before those who know better have had their say.',
    run: voterRolledBack,
  },
  {
    name: 'clock-a-day-ahead',
    rule: 'A clock that is wrong by a day keeps nobody from writing, not even the node that has it.',
    run: clockADayAhead,
  },
  {
    name: 'no-two-clocks-agree',
    rule: 'Any two home replicas get a write through, however far their clocks are apart and whoever coordinates.',
    run: noTwoClocksAgree,
  },
  {
    name: 'held-first-attempt',
    rule: 'A write that another node has refused is not done by the one that hears of it when that is forgotten.',
    run: heldFirstAttempt,
  },
  {
    name: 'first-attempt-ahead',
    rule: 'Nor by one whose clock is ahead of all that has made it forget that.',
    run: firstAttemptAhead,
  },
];

async function heldFirstAttempt(): Promise<void> {
  const stage = await ConditionalStage.start();
  const { cluster, p1, p2 } = stage;
  const { fabric } = cluster.world;
  let etag = await stage.mustWrite(p1, 1);
  // Who forwards it to p2 takes p2 for dead, and gives it to p3.
  fabric.cut(cluster.f1.id, p2.id);
  const refused = await stage.write(p2, 2, { timeoutMs: 30_000 });
  demand(refused.type === 'precondition-failed', `the held create ends in ${JSON.stringify(refused)}`);
  for (let event = 3; event < 3 + MAX_WRITE_IDS; event += 1)
    etag = await stage.mustWrite(p1, event, { ifMatch: etag, remove: event === 2 + MAX_WRITE_IDS });
  fabric.heal(cluster.f1.id, p2.id);
  await cluster.world.runFor(1_000);
  demandEvents('a read after the held create has come', await stage.mustShow(p1), []);
}

async function firstAttemptAhead(): Promise<void> {
  const stage = await ConditionalStage.start();
  const { cluster, p1, p2, p3 } = stage;
  let etag = await stage.mustWrite(p1, 1);
  p1.clockFaults.wallOffsetMs += 30_000;
  stage.lose('paxos-* p1>p2', 'paxos-* p1>p3');
  const held = stage.begin(p1, 2, { timeoutMs: 30_000 });
  const refused = await stage.write(p2, 2, { firstAttempt: false, timeoutMs: 5_000 });
  demand(
    refused.type === 'precondition-failed',
    `the same create elsewhere ends in ${JSON.stringify(refused)}`,
  );
  stage.lose('paxos-* p1>p2', 'paxos-* p1>p3', 'paxos-* p2>p1');
  for (let event = 3; event < 3 + MAX_WRITE_IDS; event += 1)
    etag = await stage.mustWrite(p2, event, { ifMatch: etag, remove: event === 2 + MAX_WRITE_IDS });
  stage.lose();
  const outcome = await cluster.world.runUntil(held);
  demand(outcome.type !== 'written', 'the create is done, whose client was told that it was not');
  demandEvents('a read after the held create', await stage.mustShow(p3), []);
}

async function ghostsInTheJoin(): Promise<void> {
  const stage = await ConditionalStage.start();
  const { p1, p2, p3 } = stage;
  stage.lose('paxos-accept p2>p1', 'paxos-accept p2>p3');
  await stage.mustStayUnknown(p2, 1);
  stage.lose('paxos-prepare p3>p2', 'paxos-accept p3>p1', 'paxos-accept p3>p2');
  await stage.mustStayUnknown(p3, 2);
  stage.lose('paxos-* p1>p3');
  demandEvents('the third round, of p1 and p2,', await stage.mustShow(p1), [1]);
  // A read that takes long is given to p3, too.
  stage.lose('paxos-* p2>p1', 'paxos-* p3>p1');
  demandEvents('the fourth round, of p2 and p3,', await stage.mustShow(p2), [1]);
}

async function lostPut(): Promise<void> {
  const stage = await ConditionalStage.start();
  const { cluster, p1, p2 } = stage;
  const etag = await stage.mustWrite(p1, 1);
  await cluster.world.runFor(100);
  stage.lose('store p1>p2', 'store p1>p3');
  const identity = { id: 'w10', firstAttempt: true };
  written(await cluster.put(p1, 10, { w: 1, identity }));
  stage.lose('paxos-* p1>p3', 'paxos-accept p1>p2', 'store p1>p2', 'store p1>p3');
  await stage.mustStayUnknown(p1, 2, { ifMatch: await stage.etagAt(p1) });
  stage.lose('paxos-* p2>p1');
  await stage.mustWrite(p2, 3, { ifMatch: etag });
  // What was in flight arrives.
  stage.lose('store p1>p3');
  written(await cluster.put(p1, 10, { w: 2, identity: { ...identity, firstAttempt: false } }));
  stage.lose('paxos-* p1>p3');
  demandEvents('the fourth round, of p1 and p2,', await stage.mustShow(p1), [3, 10]);
}

async function dirtyReject(): Promise<void> {
  const stage = await ConditionalStage.start();
  const { cluster, p1, p2, p3 } = stage;
  const { fabric } = cluster.world;
  // p3 promises that nothing is there; what it asks of p2 is held up.
  fabric.cut(p3.id, p2.id);
  stage.lose('paxos-prepare p3>p1');
  const creating = stage.begin(p3, 1, { timeoutMs: 3_000 });
  await cluster.world.runFor(20);
  stage.lose('store p1>p3', 'paxos-prepare p3>p1');
  written(await cluster.put(p1, 10));
  stage.lose('store p1>p2', 'paxos-prepare p3>p1');
  written(await cluster.put(p1, 11));
  stage.lose('store p2>p1', 'store p2>p3', 'paxos-prepare p3>p1');
  written(await cluster.put(p2, 12, { w: 1 }));
  fabric.heal(p3.id, p2.id);
  const outcome = await cluster.world.runUntil(creating);
  stage.lose();
  demand(outcome.type === 'precondition-failed', `the create ends in ${JSON.stringify(outcome)}`);
  const shown = outcome.record?.siblings.length ?? 0;
  demand(
    shown === 3,
    `it was told of ${shown} of three plain writes, each acknowledged before the next began`,
  );
  demandEvents('the key', await stage.mustShow(p1), [10, 11, 12]);
}

async function outstandingPromise(): Promise<void> {
  const stage = await ConditionalStage.start();
  const { cluster, p1, p2 } = stage;
  stage.lose('paxos-prepare p1>p2', 'paxos-accept p1>p2', 'paxos-accept p1>p3');
  await stage.mustStayUnknown(p1, 1);
  stage.lose('store p2>p1');
  written(await cluster.put(p2, 10));
  // A read that takes long is given to p3, too.
  stage.lose('paxos-* p2>p1', 'paxos-* p3>p1');
  demandEvents('a read of p2 and p3', await stage.mustShow(p2), [10]);
  stage.lose('paxos-* p1>p3');
  demandEvents('a read of p1 and p2', await stage.mustShow(p1), [10]);
  stage.lose();
  await cluster.settle();
  demandEvents('the key', await stage.mustShow(p1), [10]);
}

async function unwrittenRefusal(): Promise<void> {
  const stage = await ConditionalStage.start();
  const { p1, p2 } = stage;
  stage.lose('paxos-accept p2>p1', 'paxos-accept p2>p3');
  await stage.mustStayUnknown(p2, 1);
  stage.lose('paxos-* p1>p3');
  const refused = await stage.write(p1, 2);
  demand(refused.type === 'precondition-failed', `the second create ends in ${JSON.stringify(refused)}`);
  stage.lose('paxos-* p1>p2');
  demandEvents('a read of p1 and p3', await stage.mustShow(p1), [1]);
}

async function chosenByBallotAlone(): Promise<void> {
  const stage = await ConditionalStage.start();
  const { cluster, p1, p2 } = stage;
  stage.lose('paxos-prepare p1>p3', 'paxos-accept p1>p2', 'paxos-accept p1>p3');
  await stage.mustStayUnknown(p1, 1);
  stage.lose('store p2>p1');
  written(await cluster.put(p2, 10));
  // A read that takes long is given to p3, too.
  stage.lose('paxos-* p2>p1', 'paxos-* p3>p1');
  demandEvents('the second round, of p2 and p3,', await stage.mustShow(p2), [10]);
  await cluster.world.runFor(50);
  stage.lose('paxos-* p1>p3');
  demandEvents('the third round, of p1 and p2,', await stage.mustShow(p1), [10]);
}

async function ownSuccess(): Promise<void> {
  const stage = await ConditionalStage.start();
  const { cluster, p1, p2, p3 } = stage;
  // It is chosen, and nobody hears of it: its coordinator dies.
  stage.lose('paxos-commit p1>p2', 'paxos-commit p1>p3');
  const lost = stage.begin(p1, 1, { timeoutMs: 1_000 });
  lost.catch(() => {});
  await cluster.world.runFor(20);
  const etag = await stage.mustWrite(p2, 1, { firstAttempt: false });
  demand(etag === (await stage.mustWrite(p3, 1, { firstAttempt: false })), 'two retries have two ETags');
  const second = await stage.mustWrite(p3, 2, { ifMatch: etag });
  demand(etag === (await stage.mustWrite(p2, 1, { firstAttempt: false })), 'a late retry has another ETag');
  demand(second !== etag, 'two contents have one ETag');
  demandEvents('the key', await stage.mustShow(p1), [2]);
  const dots = cluster.dotsOf(1);
  demand(dots.length <= 1, `one write was applied as ${dots.join(' and ')}`);
}

async function voterWiped(): Promise<void> {
  const stage = await ConditionalStage.start();
  const { p2 } = stage;
  await loseWhatWasAccepted(stage, () => p2.disk.wipe());
}

async function voterRolledBack(): Promise<void> {
  const stage = await ConditionalStage.start();
  const { cluster, p2 } = stage;
  await cluster.settle();
  const snapshot = p2.disk.snapshot();
  await loseWhatWasAccepted(stage, () => p2.disk.rollBack(snapshot));
}

/** A write is acknowledged that p1 and p2 have accepted; then p2 loses it, while p1, which knows of that, is away. */
async function loseWhatWasAccepted(stage: ConditionalStage, lose: () => void): Promise<void> {
  const { cluster, p1, p2, p3 } = stage;
  // It is known as chosen to p1 alone.
  stage.lose('paxos-accept p1>p3', 'paxos-commit p1>p2', 'paxos-commit p1>p3');
  await stage.mustWrite(p1, 1);
  p2.crash({ power: true, reason: 'the scenario' });
  lose();
  cluster.cut(p1, p2, p3);
  cluster.world.fabric.reset(p1.id, p3.id);
  p2.start();
  stage.lose();
  await cluster.settle();
  for (const coordinator of [p2, p3]) {
    const outcome = await cluster.world.runUntil(stage.beginRead(coordinator, 2_000));
    demand(outcome.type === 'failed', `p2, which lost it, and p3 answer a read: ${JSON.stringify(outcome)}`);
    const created = await stage.write(coordinator, 2, { timeoutMs: 2_000 });
    demand(created.type === 'failed', `p2, which lost it, and p3 let create: ${JSON.stringify(created)}`);
  }
  await cluster.heal();
  demandEvents('the key', await stage.mustShow(p1), [1]);
}

async function noTwoClocksAgree(): Promise<void> {
  const stage = await ConditionalStage.start();
  const { cluster, p1, p2, p3 } = stage;
  const { fabric } = cluster.world;
  p1.clockFaults.wallOffsetMs -= 3_600_000;
  p3.clockFaults.wallOffsetMs += 86_400_000;
  let etag: string | undefined;
  let event = 1;
  for (const [away, others] of [
    [p2, [p1, p3]],
    [p3, [p1, p2]],
    [p1, [p3, p2]],
    [p3, [p2, p1]],
  ] as const) {
    for (const other of others) fabric.cut(away.id, other.id);
    for (const coordinator of others) {
      etag = await stage.mustWrite(coordinator, event, { ifMatch: etag });
      demandEvents(`a read after write ${event}`, await stage.mustShow(coordinator), [event]);
      event += 1;
    }
    for (const other of others) fabric.heal(away.id, other.id);
    await cluster.settle();
  }
}

async function clockADayAhead(): Promise<void> {
  const stage = await ConditionalStage.start();
  const { cluster, p1, p2, p3 } = stage;
  p1.clockFaults.wallOffsetMs += 86_400_000;
  const first = await stage.mustWrite(p1, 1);
  // A round of p2 is lost, and tells it of the ballots of p1.
  stage.lose('paxos-* p2>p3');
  const outcome = await stage.write(p2, 2, { ifMatch: first });
  demand(outcome.type === 'failed' || outcome.type === 'written', 'p2 refuses');
  stage.lose();
  const etag = await stage.etagOfWhatIsThere(p2);
  const third = await stage.mustWrite(p2, 3, { ifMatch: etag });
  p1.clockFaults.wallOffsetMs -= 86_400_000;
  const fourth = await stage.mustWrite(p1, 4, { ifMatch: third });
  await stage.mustWrite(p3, 5, { ifMatch: fourth });
  await cluster.settle();
  demandEvents('the key', await stage.mustShow(p1), [5]);
}
