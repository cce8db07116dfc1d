/** What has become of deleted keys in other stores: values that came back, and tombstones that killed what came after them. */
import { decodeMessage, encodeMessage } from '../../../src/codec/message-codec.ts';
import { REAP_RETRY_MS } from '../../../src/core/limits.ts';
import type { ConditionalOutcome } from '../../../src/core/outcome.ts';
import type { ConditionalOperation } from '../../../src/core/request.ts';
import { valueOf } from '../checkers/dots.ts';
import type { SimNode } from '../world/sim-cluster.ts';
import type { FrameInFlight } from '../world/sim-network.ts';
import { demand, demandEvents, type Scenario } from './scenario.ts';
import { ENTRY, eventsOf, isRequest, ScenarioCluster, written } from './scenario-cluster.ts';

/** Enough for a few rounds of reaping. Virtual milliseconds. */
const ROUNDS_MS = 3 * REAP_RETRY_MS;

export const DELETED_KEYS: readonly Scenario[] = [
  {
    name: 'resurrection',
    rule: 'A deleted value that a fallback still keeps for a home replica never comes back, whatever is reaped.',
    run: resurrection,
  },
  {
    name: 'doomstone',
    rule: 'A tombstone that comes late does no harm to the key that was created anew after it had been reaped.',
    run: doomstone,
  },
  {
    name: 'doomstone-of-a-fallback',
    rule: 'A tombstone that comes back with the old disk of a fallback, and is handed over, does no harm to what was created anew.',
    run: doomstoneOfAFallback,
  },
  {
    name: 'late-messages',
    rule: 'What comes late of a round of a key that was collected since brings nothing back.',
    run: lateMessages,
  },
];

async function resurrection(): Promise<void> {
  const cluster = await ScenarioCluster.start({}, { reapAfterMs: 1_000 });
  const { p1, p2, p3, f1, world } = cluster;
  p3.crash({ power: false, reason: 'the scenario' });
  await cluster.mustPut(p1, 1, { w: 3, sloppy: true });
  demand(cluster.stored(f1) !== undefined, 'a fallback keeps the value');
  // All can be reached, but what the fallback hands over is lost on its way.
  world.fabric.filter = ({ from, frame }) => from === f1.id && isRequest(frame, 'store');
  p3.start();
  await cluster.settle();
  const { context } = await cluster.mustRead(p1);
  written(await cluster.delete(p1, { w: 3, context }));
  await world.runFor(ROUNDS_MS);
  demand(cluster.stored(p1) !== undefined, 'the tombstone is reaped while a fallback keeps the value');
  world.fabric.filter = undefined;
  await world.runFor(ROUNDS_MS);
  demandEvents('the deleted key', (await cluster.mustRead(p2)).events, []);
  await world.runFor(ROUNDS_MS);
  demandEvents('the deleted key', (await cluster.mustRead(p3)).events, []);
  for (const node of world.nodes.values())
    demand(cluster.stored(node) === undefined, `${node.id} holds something of a key that was reaped`);
}

async function doomstone(): Promise<void> {
  const cluster = await ScenarioCluster.start({}, { reapAfterMs: 1_000 });
  const { p1, p2, p3, world } = cluster;
  const context = await cluster.mustPut(p1, 1, { w: 3 });
  written(await cluster.delete(p2, { w: 3, context }));
  const tombstone = cluster.stored(p1);
  demand(tombstone !== undefined, 'there is a tombstone');
  await world.runFor(ROUNDS_MS);
  demand(cluster.stored(p1) === undefined, 'the tombstone is not reaped');
  await cluster.mustPut(p2, 2, { w: 3 });
  cluster.place(p3, tombstone);
  demandEvents('the key', (await cluster.mustRead(p1)).events, [2]);
  await world.runFor(ROUNDS_MS);
  demandEvents('the key', (await cluster.mustRead(p3)).events, [2]);
  cluster.demandDistinctDots();
}

async function doomstoneOfAFallback(): Promise<void> {
  const cluster = await ScenarioCluster.start({}, { reapAfterMs: 1_000 });
  const { p1, p2, p3, f1, world } = cluster;
  const context = await cluster.mustPut(p1, 1, { w: 3 });
  p3.crash({ power: false, reason: 'the scenario' });
  written(await cluster.delete(p1, { w: 3, sloppy: true, context }));
  demand(cluster.stored(f1) !== undefined, 'no fallback keeps the tombstone');
  const snapshot = f1.disk.snapshot();
  p3.start();
  await world.runFor(ROUNDS_MS);
  for (const node of world.nodes.values())
    demand(cluster.stored(node) === undefined, `the tombstone is not reaped on ${node.id}`);
  await cluster.mustPut(p1, 2, { w: 3 });
  const created = cluster.stored(p3);
  await cluster.restart(f1, () => f1.disk.rollBack(snapshot));
  const isHandedOver = cluster.stored(f1) === undefined && cluster.stored(p3) !== created;
  demand(isHandedOver, 'the fallback has not handed the tombstone over');
  demandEvents('who was handed the tombstone', await cluster.shownBy(p3), [2]);
  await world.runFor(ROUNDS_MS);
  for (const node of [p1, p2, p3]) demandEvents(node.id, await cluster.shownBy(node), [2]);
  cluster.demandDistinctDots();
}

async function lateMessages(): Promise<void> {
  const cluster = await ScenarioCluster.start({}, { reapAfterMs: 1_000 });
  const { p1, p2, p3, world } = cluster;
  const late: FrameInFlight[] = [];
  world.fabric.filter = ({ from, to, frame }) => {
    const isAccept = isRequest(frame, 'paxos-accept');
    // The third home replica is asked because the second does not answer: the next round is without it again.
    if (from === p1.id && to === p2.id && isAccept) return late.length === 0;
    if (from !== p1.id || to !== p3.id || !(isAccept || isRequest(frame, 'paxos-commit'))) return false;
    late.push({ from, to, frame: numberedAnew(frame) });
    return true;
  };
  const created = await conditionally(cluster, p1, write(1, undefined));
  demand(created.type === 'written', `the create ends in ${JSON.stringify(created)}`);
  await world.runFor(100);
  for (const kind of ['paxos-accept', 'paxos-commit'] as const)
    demand(
      late.some(({ frame }) => isRequest(frame, kind)),
      `no ${kind} of its rounds is late`,
    );
  world.fabric.filter = undefined;
  for (const { id } of [p2, p3]) world.fabric.reset(p1.id, id);
  await cluster.settle();
  const removed = await conditionally(cluster, p1, write(undefined, created.etag));
  demand(removed.type === 'written', `the removal ends in ${JSON.stringify(removed)}`);
  await world.runFor(ROUNDS_MS);
  for (const node of world.nodes.values())
    demand(cluster.stored(node) === undefined, `${node.id} holds something of a key that was collected`);
  // What is known of it has to be on the disk.
  await cluster.restart(p3);
  for (const message of late) {
    demand(world.fabric.deliverLate(message), 'there is no connection for what comes late');
    await cluster.settle();
  }
  for (const node of [p3, p1, p2]) {
    const shown = await conditionally(cluster, node, { type: 'read' });
    demand(shown.type === 'read', `a linearizable read ends in ${JSON.stringify(shown)}`);
    demandEvents('the collected key', eventsOf(shown), []);
    demandEvents('the collected key, read plainly,', (await cluster.mustRead(node)).events, []);
  }
  const anew = await conditionally(cluster, p2, write(2, undefined));
  demand(anew.type === 'written' && anew.created, `the second create ends in ${JSON.stringify(anew)}`);
  await cluster.settle();
  demandEvents('the key', (await cluster.mustRead(p3)).events, [2]);
}

/** Requests of one connection are numbered: another number is one that nobody has used on it so far. */
function numberedAnew(frame: Uint8Array): Uint8Array {
  const message = decodeMessage(frame);
  demand(message.type === 'request', 'it is no request');
  return encodeMessage({ ...message, id: 1_000_000 + message.id });
}

/** Of an event, or a removal; where this ETag is, or where nothing is. */
function write(event: number | undefined, ifMatch: string | undefined): ConditionalOperation {
  return {
    type: 'write',
    condition:
      ifMatch === undefined ? { type: 'if-absent' } : { type: 'if-match', etags: new Set([ifMatch]) },
    content:
      event === undefined
        ? { type: 'tombstone' }
        : { type: 'value', contentType: 'text/plain', bytes: valueOf(event, 0) },
    identity: { id: `w${event ?? 99}`, firstAttempt: true, notBefore: undefined },
  };
}

function conditionally(
  { world }: ScenarioCluster,
  { id, storageNode }: SimNode,
  operation: ConditionalOperation,
): Promise<ConditionalOutcome> {
  demand(storageNode !== undefined, `${id} does not run`);
  const request = { ...ENTRY, n: 3, timeoutMs: 5_000, operation, returnRecord: false };
  return world.runUntil(storageNode.conditional(request));
}
