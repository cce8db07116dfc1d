/** What has become of deleted keys in other stores: values that came back, and tombstones that killed what came after them. */
import { REAP_RETRY_MS } from '../../../src/core/limits.ts';
import { demand, demandEvents, type Scenario } from './scenario.ts';
import { isRequest, ScenarioCluster, written } from './scenario-cluster.ts';

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
