/** Sequences that this simulation found, each with what it cost. */
import { MAX_WRITE_IDS } from '../../../src/core/limits.ts';
import { writeIdOf } from '../checkers/dots.ts';
import { demand, demandEvents, type Scenario } from './scenario.ts';
import { isRequest, ScenarioCluster, written } from './scenario-cluster.ts';

export const FOUND_HERE: readonly Scenario[] = [
  {
    name: 'deadline-during-local-read',
    rule: 'A write that was answered as not applied because its deadline passed is not minted afterwards.',
    run: deadlineDuringLocalRead,
  },
  {
    name: 'next-write-after-failed-sync',
    rule: 'After a disk write failed, its dot, which other replicas may hold, is not minted for another write.',
    run: nextWriteAfterFailedSync,
  },
  {
    name: 'forwarded-request-twice',
    rule: 'A forwarded write that the network delivers twice is carried out once.',
    run: forwardedRequestTwice,
  },
  {
    name: 'late-first-delete',
    rule: 'The first attempt of a DELETE that was held up removes nothing that was written after its retry.',
    run: lateFirstDelete,
  },
  {
    name: 'client-before-a-node-that-stood-still',
    rule: 'What a client asked of a node that stood still, and may have given up long ago, is not begun.',
    run: clientBeforeNodeThatStoodStill,
  },
  {
    name: 'delete-held-up-on-its-way',
    rule: 'A DELETE without a context that is late on its way to a coordinator removes only what was there when it was asked.',
    run: deleteHeldUpOnItsWay,
  },
  {
    name: 'read-of-larger-n',
    rule: 'Read repair brings a record only to nodes that it belongs to, whatever N the read names.',
    run: readOfLargerN,
  },
  {
    name: 'stands-in-again',
    rule: 'A fallback that has handed its record over never goes on with the counter that it had there.',
    run: standsInAgain,
  },
];

/** The client gave up and said so to its user; then its write appeared. */
async function deadlineDuringLocalRead(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1 } = cluster;
  p1.disk.latencyUs = (kind) => (kind === 'read' ? 1_000_000 : 300);
  const outcome = await cluster.put(p1, 1, { timeoutMs: 100 });
  demand(outcome.type === 'failed', 'the write is answered before the disk is');
  await cluster.settle();
  const { events } = await cluster.mustRead(cluster.p2);
  if (outcome.certainty === 'not-applied') demandEvents('what was answered as not applied', events, []);
}

/** Two values under one dot: each replica took the other's for its own, and one of them was lost. */
async function nextWriteAfterFailedSync(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2 } = cluster;
  const acknowledged = [1];
  await cluster.mustPut(p1, 1);
  p1.disk.writeFault = 'fail';
  for (const event of [2, 3, 4]) {
    void cluster.beginPut(p1, event).then(({ type }) => type === 'written' && acknowledged.push(event));
  }
  await cluster.settle();
  demand(!p1.isUp, 'the process ends when its disk has failed');
  demand(cluster.dotsOf(2).length === 1, 'the record of the write that failed has left for the others');
  p1.disk.writeFault = 'none';
  await cluster.restart(p1);
  cluster.demandDistinctDots();
  const { events } = await cluster.mustRead(p2);
  for (const event of acknowledged) {
    demand(events.includes(event), `event ${event} was acknowledged and is not there`);
  }
}

/** One PUT became two siblings; and where the second was refused, an applied write was reported as not applied. */
async function forwardedRequestTwice(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { f1, world } = cluster;
  const { fabric } = world;
  const calm = fabric.options;
  fabric.options = { ...calm, duplicateChance: 1 };
  let forwarded = 0;
  fabric.filter = ({ from, frame }) => {
    if (from === f1.id && isRequest(frame, 'coordinate-put')) forwarded += 1;
    // Only the first frame that leaves is doubled: it is the forwarded request.
    fabric.options = calm;
    return false;
  };
  const outcome = await cluster.put(f1, 1);
  await cluster.settle();
  demand(forwarded === 1, `the write was forwarded ${forwarded} times`);
  const dots = cluster.dotsOf(1);
  demand(dots.length <= 1, `one write was minted as ${dots.join(' and ')}`);
  if (outcome.type === 'failed')
    demand(outcome.certainty === 'unknown' || dots.length === 0, 'it was denied');
}

/** A value that was acknowledged after the delete was acknowledged was gone. */
async function lateFirstDelete(): Promise<void> {
  const cluster = await ScenarioCluster.start({ meanReadUs: 500 });
  const { p1, p2, world } = cluster;
  await cluster.mustPut(p2, 1, { w: 3 });
  const first = cluster.beginDelete(p1, { identity: { id: 'w2', firstAttempt: true }, timeoutMs: 60_000 });
  if (p1.life !== undefined) p1.life.pausedUntilUs = world.loop.nowUs + 8_000_000;
  // What is written meanwhile does not reach the one that is held up.
  world.fabric.filter = ({ to, frame }) => to === p1.id && isRequest(frame, 'store');
  written(await cluster.delete(p2, { identity: { id: 'w2', firstAttempt: false } }));
  await cluster.mustPut(p2, 3);
  await world.runUntil(first);
  world.fabric.filter = undefined;
  await cluster.settle();
  demandEvents('what was written after the delete', (await cluster.mustRead(p2)).events, [3]);
}

/** Nothing tells how long a request of a client lay before a process that stood still: a DELETE removed what was acknowledged meanwhile. */
async function clientBeforeNodeThatStoodStill(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2, world } = cluster;
  await cluster.mustPut(p2, 1, { w: 3 });
  await world.runFor(1_000);
  const wakesUs = world.loop.nowUs + 8_000_000;
  if (p1.life !== undefined) p1.life.pausedUntilUs = wakesUs;
  await world.runFor(6_000);
  const { context } = written(await cluster.delete(p2));
  await cluster.mustPut(p2, 3, { context });
  await world.runFor((wakesUs - world.loop.nowUs) / 1_000 + 20);
  const late = await cluster.delete(p1, { identity: { id: 'w2', firstAttempt: true } });
  demand(late.type === 'failed' && late.certainty === 'not-applied', `it came to ${late.type}`);
  await cluster.settle();
  demandEvents('what was written meanwhile', (await cluster.mustRead(p2)).events, [3]);
  written(await cluster.delete(p1));
}

/** As above, but so late that its write id was forgotten: a value that was acknowledged long after the retry was gone. */
async function deleteHeldUpOnItsWay(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { f1, p1, p2, world } = cluster;
  await cluster.mustPut(p2, 1, { w: 3 });
  world.fabric.filter = ({ to, frame }) => {
    const isHeldUp = to === p1.id && isRequest(frame, 'coordinate-delete');
    if (isHeldUp && p1.life !== undefined) p1.life.pausedUntilUs = world.loop.nowUs + 20_000_000;
    return false;
  };
  const first = cluster.beginDelete(f1, { identity: { id: 'w2', firstAttempt: true }, timeoutMs: 60_000 });
  await world.runFor(1_000);
  let { context } = written(await cluster.delete(p2, { identity: { id: 'w2', firstAttempt: false } }));
  const events = Array.from({ length: MAX_WRITE_IDS + 1 }, (_, index) => 100 + index);
  for (const event of events) {
    const identity = { id: writeIdOf(event), firstAttempt: true };
    context = await cluster.mustPut(p2, event, { identity, context });
  }
  await world.runUntil(first);
  await cluster.settle();
  demandEvents('what was written last', (await cluster.mustRead(p2)).events, [events.at(-1) as number]);
}

/** A copy lay for ever on a node that no write had named, and that nobody compared with others. */
async function readOfLargerN(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, f1, f2 } = cluster;
  await cluster.mustPut(p1, 1, { w: 3 });
  const outcome = await cluster.get(f2, { n: 5, r: 5 });
  demand(outcome.type === 'read', 'all five nodes answer');
  await cluster.settle();
  for (const node of [f1, f2]) {
    demand(cluster.stored(node) === undefined, `${node.id} holds a record that was written at N=3`);
  }
}

/**
 * The fallback lets the record go, then is given an older state of it, and coordinates once more: its next dot is none that
 * it had given to another write.
 */
async function standsInAgain(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2, p3, f1, world } = cluster;
  const homes = [p1, p2, p3];
  const sloppy = { sloppy: true, w: 1 };
  const away = async (): Promise<void> => {
    for (const node of homes) node.crash({ power: false, reason: 'the scenario' });
    await cluster.settle();
  };
  const back = async (): Promise<void> => {
    for (const node of homes) node.start();
    await world.runFor(20_000);
  };
  await away();
  await cluster.mustPut(f1, 1, sloppy);
  const older = cluster.stored(f1);
  await cluster.mustPut(f1, 2, sloppy);
  await back();
  demand(cluster.stored(f1) === undefined, 'the fallback has handed its record over');
  await away();
  demand(older !== undefined, 'the fallback had a record');
  cluster.place(f1, older);
  await cluster.mustPut(f1, 3, sloppy);
  await back();
  cluster.demandDistinctDots();
  demandEvents(
    'all three writes',
    [...(await cluster.mustRead(p1)).events].toSorted((left, right) => left - right),
    [1, 2, 3],
  );
}
