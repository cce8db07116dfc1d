/**
 * What exchanges of anti-entropy have to bring together where nobody reads: stores have left out what their trees did not hash,
 * or have put what a peer held in the place of what was there.
 */
import { decodeRecord, encodeRecord, sameBytes } from '../../../src/codec/record-codec.ts';
import type { SiblingContent } from '../../../src/core/causality/record.ts';
import { valueOf } from '../checkers/dots.ts';
import { isRecordKey } from '../run/record-keys.ts';
import { demand, demandEvents, type Scenario } from './scenario.ts';
import { ENTRY, isRequest, ScenarioCluster, written } from './scenario-cluster.ts';

export const EXCHANGES: readonly Scenario[] = [
  {
    name: 'tombstone-by-exchange',
    rule: 'A replica that missed a value and its deletion hears of the deletion by an exchange, before the value comes to it late.',
    run: tombstoneByExchange,
  },
  {
    name: 'exchange-joins',
    rule: 'What only one of two replicas held is on both after an exchange.',
    run: exchangeJoins,
  },
  {
    name: 'equal-dots-different-bytes',
    rule: 'Replicas that hold different bytes under one dot find that by an exchange, keep both, and say so.',
    run: equalDotsDifferentBytes,
  },
  {
    name: 'stray-kept-until-all-agree',
    rule: 'A record where it does not belong goes to a home replica once more that lost it after it had acknowledged it.',
    run: strayKeptUntilAllAgree,
  },
];

async function tombstoneByExchange(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2, p3, f1, world } = cluster;
  p3.crash({ power: false, reason: 'the scenario' });
  await cluster.mustPut(p1, 1, { w: 3, sloppy: true });
  demand(cluster.stored(f1) !== undefined, 'no fallback keeps the value');
  const { context } = written(await cluster.delete(p2));
  demand(context !== undefined, 'the deletion has no context');
  // What the fallback hands over is lost on its way.
  world.fabric.filter = ({ from, frame }) => from === f1.id && isRequest(frame, 'store');
  p3.start();
  await cluster.settle();
  for (const node of [p1, p2]) node.crash({ power: false, reason: 'the scenario' });
  world.fabric.filter = undefined;
  // A new connection ends the wait before the next attempt.
  world.fabric.reset(f1.id, p3.id);
  await cluster.settle();
  demand(cluster.stored(f1) === undefined, 'the fallback has not handed the value over');
  demandEvents('the replica that was away', await cluster.shownBy(p3), []);
}

async function exchangeJoins(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2, p3 } = cluster;
  cluster.cut(p1, p2, p3);
  cluster.cut(p2, p3);
  await cluster.mustPut(p1, 1, { w: 1 });
  await cluster.mustPut(p2, 2, { w: 1 });
  // What the cut links hold is lost with their connections.
  await cluster.settle();
  await cluster.heal();
  for (const node of [p1, p2, p3]) demandEvents(node.id, await cluster.shownBy(node), [1, 2]);
}

async function equalDotsDifferentBytes(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2, p3 } = cluster;
  await cluster.mustPut(p1, 1, { w: 3 });
  const stored = cluster.stored(p2);
  demand(stored !== undefined, `${p2.id} holds nothing`);
  const { siblings, ...rest } = decodeRecord(ENTRY, stored);
  const content: SiblingContent = { type: 'value', contentType: 'text/plain', bytes: valueOf(2, 0) };
  const forged = { ...rest, siblings: siblings.map((sibling) => ({ ...sibling, content })) };
  // A tree does not miss what changes behind its back; that of a new process is built from what lies there.
  await cluster.restart(p2, () => cluster.place(p2, encodeRecord(ENTRY, forged)));
  await cluster.settle();
  for (const node of [p1, p2, p3]) demandEvents(node.id, await cluster.shownBy(node), [1, 2]);
  demand(cluster.traced('dot-collision') > 0, 'nobody says that one dot names two values');
  const [first, ...others] = [p1, p2, p3].map((node) => cluster.stored(node) as Uint8Array);
  demand(
    others.every((bytes) => sameBytes(bytes, first as Uint8Array)),
    'the replicas still differ',
  );
}

async function strayKeptUntilAllAgree(): Promise<void> {
  const cluster = await ScenarioCluster.start();
  const { p1, p2, p3, f1 } = cluster;
  await cluster.mustPut(p1, 1);
  const record = cluster.stored(p1);
  demand(record !== undefined, `${p1.id} holds nothing`);
  p3.crash({ power: false, reason: 'the scenario' });
  await cluster.restart(f1, () => cluster.place(f1, record));
  demand(cluster.traced('stray-record') === 1, 'nobody has come across the record');
  // Trees do not miss what goes behind their backs, so no exchange brings this back.
  for (const { disk } of [p1, p2]) disk.lose(isRecordKey);
  p3.start();
  await cluster.settle();
  demand(cluster.stored(f1) === undefined, 'the record has not gone from where it does not belong');
  for (const node of [p1, p2, p3]) demandEvents(node.id, await cluster.shownBy(node), [1]);
}
