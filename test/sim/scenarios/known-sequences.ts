/**
 * Sequences in which stores of this kind lost data, invented it or brought it back: Riak, Voldemort and Garage before their
 * fixes, as far as a cluster is needed to see them. What joins and minting alone decide is proven on the pure core; what follows
 * when a disk forgets stands in lost-memory.ts.
 */
import { formatDot } from '../../../src/core/causality/dot.ts';
import { demand, demandEvents, type Scenario } from './scenario.ts';
import { eventsOf, isRequest, ScenarioCluster, written } from './scenario-cluster.ts';

export const KNOWN_SEQUENCES: readonly Scenario[] = [
  {
    name: 'own-token-over-cover',
    rule: 'The token of a blind PUT covers no sibling that its client has not seen.',
    run: ownTokenOverCover,
  },
  {
    name: 'duplicate-coordination',
    rule: 'A retry through another node, after somebody has overwritten the first attempt, brings nothing back.',
    run: duplicateCoordination,
  },
  {
    name: 'handed-over-while-it-is-written',
    rule: 'A write whose coordinator stood in for home replicas that come back meanwhile keeps its dot there, and so does its retry.',
    run: handedOverWhileItIsWritten,
  },
  {
    name: 'aliases-die-together',
    rule: 'Two dots of one retried write are one event: who overwrites the one has overwritten both.',
    run: aliasesDieTogether,
  },
  {
    name: 'read-error-is-not-absence',
    rule: 'A replica that cannot read its record neither says that there is none, nor coordinates, nor overwrites it.',
    run: readErrorIsNotAbsence,
  },
  {
    name: 'not-found-from-fallbacks',
    rule: 'Empty fallbacks do not make a read of absence while home replicas are away.',
    run: notFoundFromFallbacks,
  },
  {
    name: 'concurrency-inside-one-process',
    rule: 'Writes of one key that run at once in one process get dots of their own, and all survive.',
    run: concurrencyInsideOneProcess,
  },
  {
    name: 'created-anew-after-delete',
    rule: 'Absence carries a context: who creates a deleted key with it makes no sibling of the tombstone.',
    run: createdAnewAfterDelete,
  },
  {
    name: 'limit-does-not-block-the-cure',
    rule: 'A record at its bound of siblings takes the write that resolves them, and repair beyond it.',
    run: limitDoesNotBlockTheCure,
  },
];

async function ownTokenOverCover(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2 } = cluster;
  await cluster.mustPut(p1, 1);
  const context = await cluster.mustPut(p1, 2);
  await cluster.mustPut(p1, 3, { context });
  demandEvents('the key', (await cluster.mustRead(p2)).events, [1, 3]);
}

async function duplicateCoordination(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2, p3, f1, world } = cluster;
  const context = await cluster.mustPut(p2, 1, { w: 3 });
  const identity = { id: 'w2', firstAttempt: true };
  // The request arrives and is carried out; its answer never comes back.
  world.fabric.filter = ({ from, to }) => from === p1.id && to === f1.id;
  const first = await cluster.put(f1, 2, { context, identity, timeoutMs: 1_000 });
  demand(
    first.type === 'failed' && first.certainty === 'unknown',
    'the lost answer leaves the write unknown',
  );
  world.fabric.filter = undefined;
  const seen = await cluster.mustRead(p2);
  demandEvents('the first attempt', seen.events, [2]);
  // The retry's coordinator has not heard of the first attempt, nor of what overwrote it.
  cluster.cut(p3, p1);
  await cluster.mustPut(p2, 3, { context: seen.context });
  await cluster.put(p3, 2, { context, identity: { ...identity, firstAttempt: false } });
  await cluster.heal();
  demandEvents('the key', (await cluster.mustRead(p1)).events, [3]);
}

async function handedOverWhileItIsWritten(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2, p3, f1, f2, world } = cluster;
  for (const node of [p1, p2, p3, f2]) node.crash({ power: false, reason: 'the scenario' });
  await cluster.settle();
  const identity = { id: 'w1', firstAttempt: true };
  f1.disk.latencyUs = (kind) => (kind === 'read' ? 0 : 2_000_000);
  let isOver = false;
  const first = cluster.beginPut(f1, 1, { identity, sloppy: true, w: 1 }).finally(() => {
    isOver = true;
  });
  await world.runFor(100);
  for (const node of [p1, p2, p3]) node.start();
  await world.runFor(1_000);
  demand(p1.isUp && !isOver, 'the write is over before its home replicas are back');
  const { dot } = written(await world.runUntil(first));
  await cluster.settle();
  demand(cluster.stored(p1) !== undefined, 'the fallback has handed nothing over');
  await cluster.restart(f2);
  const retry = { identity: { ...identity, firstAttempt: false }, sloppy: true };
  const again = written(await cluster.put(f2, 1, retry));
  const dots = cluster.dotsOf(1);
  demand(dots.length === 1, `one write was minted as ${dots.join(' and ')}`);
  demand(formatDot(again.dot) === formatDot(dot), 'the retry is answered with another dot');
  demand(cluster.stored(f1) === undefined, 'the fallback keeps its record for ever');
  demandEvents('the key', (await cluster.mustRead(p2)).events, [1]);
}

async function aliasesDieTogether(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2, p3, world } = cluster;
  const context = await cluster.mustPut(p2, 1, { w: 3 });
  const identity = { id: 'w2', firstAttempt: true };
  // p1 keeps its writes to itself.
  world.fabric.filter = ({ from, frame }) => from === p1.id && isRequest(frame, 'store');
  const first = await cluster.put(p1, 2, { context, identity, timeoutMs: 500 });
  demand(
    first.type === 'failed' && first.certainty === 'unknown',
    'one copy of two leaves the write unknown',
  );
  const seen = await cluster.get(p1, { r: 1 });
  demand(seen.type === 'read' && seen.record !== undefined, 'p1 shows what it holds');
  demandEvents('p1', eventsOf(seen), [2]);
  cluster.cut(p1, p2, p3);
  written(await cluster.put(p3, 2, { context, identity: { ...identity, firstAttempt: false } }));
  demand(cluster.dotsOf(2).length === 2, 'the scenario is about two dots of one write');
  await cluster.mustPut(p1, 3, { context: seen.record.context, w: 1 });
  world.fabric.filter = undefined;
  await cluster.heal();
  demandEvents('the key', (await cluster.mustRead(p2)).events, [3]);
}

async function readErrorIsNotAbsence(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2, p3 } = cluster;
  await cluster.mustPut(p2, 1, { w: 3 });
  const before = cluster.stored(p1);
  p1.disk.misread = () => {
    throw new Error('Input/output error');
  };
  await cluster.mustPut(p1, 2);
  await cluster.settle();
  demand(cluster.stored(p1) === before, 'a record that could not be read was overwritten');
  const read = await cluster.get(p1);
  demand(read.type === 'read', 'two home replicas can tell what they hold');
  demandEvents('a read through the replica that cannot', eventsOf(read), [1, 2]);
  for (const node of [p2, p3]) node.crash({ power: false, reason: 'the scenario' });
  const alone = await cluster.get(p1, { r: 1, timeoutMs: 1_000 });
  demand(alone.type === 'failed', 'a replica that cannot read its record answered for the key');
}

async function notFoundFromFallbacks(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2, p3, f1, f2 } = cluster;
  await cluster.mustPut(p3, 1, { w: 3 });
  for (const node of [p1, p2]) node.crash({ power: false, reason: 'the scenario' });
  await cluster.settle();
  for (const node of [f1, f2, p3]) {
    const outcome = await cluster.get(node, { sloppy: true, timeoutMs: 2_000 });
    const isUnavailable =
      outcome.type === 'failed' && outcome.code === 'quorum-unavailable' && outcome.received === 1;
    demand(isUnavailable, `a read of what one home replica holds ends in ${JSON.stringify(outcome)}`);
  }
}

async function concurrencyInsideOneProcess(): Promise<void> {
  const cluster = await ScenarioCluster.start({ meanReadUs: 500 });
  const { p1, p2, world } = cluster;
  const events = Array.from({ length: 20 }, (_, index) => index + 1);
  const outcomes = await world.runUntil(Promise.all(events.map((event) => cluster.beginPut(p1, event))));
  for (const outcome of outcomes) written(outcome);
  cluster.demandDistinctDots();
  demandEvents('the key', (await cluster.mustRead(p2)).events, events);
}

async function createdAnewAfterDelete(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2, p3 } = cluster;
  await cluster.mustPut(p1, 1);
  written(await cluster.delete(p2, { context: (await cluster.mustRead(p2)).context }));
  const absent = await cluster.mustRead(p3);
  demandEvents('a deleted key', absent.events, []);
  demand(absent.context !== undefined, 'absence carries no context');
  await cluster.mustPut(p1, 2, { context: absent.context });
  const outcome = await cluster.get(p3, { r: 3 });
  demand(outcome.type === 'read' && outcome.record?.siblings.length === 1, 'the new value has a sibling');
}

async function limitDoesNotBlockTheCure(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2, p3, world } = cluster;
  const { maxSiblings } = world.options.config.limits;
  cluster.cut(p3, p1, p2);
  for (let event = 1; event <= maxSiblings; event += 1) await cluster.mustPut(p1, event);
  const beyond = await cluster.put(p1, maxSiblings + 1);
  demand(
    beyond.type === 'failed' && beyond.code === 'sibling-limit',
    'a blind write beyond the bound is refused',
  );
  demand(beyond.certainty === 'not-applied', 'the refused write is certainly not applied');
  for (let event = 1; event <= maxSiblings; event += 1)
    await cluster.mustPut(p3, maxSiblings + event, { w: 1, sloppy: false });
  await cluster.heal();
  await cluster.settle();
  // Each side was within its bound; what both hold together is beyond it, and is repaired all the same.
  for (const node of [p1, p2, p3]) {
    const { length } = await cluster.shownBy(node);
    demand(length === 2 * maxSiblings, `${node.id} shows ${length} siblings`);
  }
  const all = await cluster.mustRead(p2);
  await cluster.mustPut(p1, 1_000, { context: all.context });
  demandEvents('the resolved key', (await cluster.mustRead(p3)).events, [1_000]);
}
