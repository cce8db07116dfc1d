/** A member that takes part in exchanges as a script tells it, and what becomes of the real node that exchanges with it. */
import { expect } from 'vitest';
import { placementHash } from '../../../src/codec/hash.ts';
import { partitionRange } from '../../../src/codec/key-layout.ts';
import { encodeRecord } from '../../../src/codec/record-codec.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import type { EntryName, Partition } from '../../../src/core/ids.ts';
import { leafOf, MAX_TREE_LEAVES, TREE_DIGEST_BYTES } from '../../../src/core/merkle/digest-tree.ts';
import type { PeerReply, PeerRequest, TreeKey } from '../../../src/core/message.ts';
import { partitionOf } from '../../../src/core/ring/ring.ts';
import { dot, recordOf } from '../../core/causality/sample-records.ts';
import { type ScriptedConnection, ScriptedPeer } from '../peers/scripted-peer.ts';
import type { Stage } from '../stage.ts';
import { type ExchangeEvent, exchangesOf, healingStage } from './healing.ts';

export const PARTITIONS = 64;

/** What it answers: a reply, or nothing. */
export type Script = (request: PeerRequest) => PeerReply | undefined;

export interface Parts {
  readonly roots?: PeerReply & { type: 'tree-roots' };
  readonly leaves?: Uint8Array;
  readonly keys?: (after: Uint8Array | undefined) => {
    readonly keys: readonly TreeKey[];
    readonly next?: Uint8Array;
  };
  readonly read?: PeerReply;
}

export const ENTRY: EntryName = { bucket: 'things', key: 'of the scripted one' };
export const PARTITION = partitionOf({ partitions: PARTITIONS }, placementHash(ENTRY));
export const RANGE = partitionRange(PARTITION);
export const RECORD = encodeRecord(ENTRY, recordOf(dot('s', 1), 'from the scripted one'));
export const DIGEST = new Uint8Array(TREE_DIGEST_BYTES).fill(9);
export const ALL_LEAVES = new Uint8Array(MAX_TREE_LEAVES * TREE_DIGEST_BYTES).fill(9);

/** Its trees differ from all others in every leaf of one partition; of that it tells one key, and of that one record. */
export function script(parts: Parts = {}): Script {
  return (request) => {
    switch (request.type) {
      case 'ping':
        return request;
      case 'tree-roots':
        return parts.roots ?? rootsOf(PARTITION, 3);
      case 'tree-leaves':
        return { type: request.type, leaves: parts.leaves ?? ALL_LEAVES };
      case 'tree-keys': {
        const { keys, next } = (parts.keys ?? pageOf([ENTRY]))(request.after);
        return { type: request.type, page: { keys, next } };
      }
      case 'read':
        return parts.read ?? { type: 'read', reply: { type: 'found', record: RECORD } };
      case 'store':
        return { type: 'store', reply: { type: 'stored' } };
      default:
        return { type: 'request-refused', reason: 'no' };
    }
  };
}

export function rootsOf(partition: number, n: number): PeerReply & { type: 'tree-roots' } {
  return {
    type: 'tree-roots',
    unbuilt: [],
    doubtful: [],
    roots: [{ partition: partition as Partition, n, root: DIGEST }],
  };
}

export function pageOf(entries: readonly EntryName[], next?: Uint8Array): NonNullable<Parts['keys']> {
  return () => ({
    keys: entries.map((entry) => ({ ...entry, digest: DIGEST })),
    ...(next !== undefined && { next }),
  });
}

/** n1 and n3 are real and hold nothing, or their `own` record of ENTRY; n2 follows the script. Runs until n1 has had exchanges with both. Messages take `delayMs`. */
export async function meet(
  answer: Script,
  { delayMs = 0.2, own }: { readonly delayMs?: number; readonly own?: KeyRecord } = {},
): Promise<{ stage: Stage; events: readonly ExchangeEvent[]; asked: readonly PeerRequest[] }> {
  const stage = healingStage(3, { partitions: PARTITIONS });
  const real = ['n1', 'n3'];
  const start = async (): Promise<void> => {
    for (const node of real) stage.machine(node).start();
    await stage.until(() => real.every((node) => stage.machine(node).isUp));
    await stage.until(() => stage.member('n1', 'n3').state === 'up');
  };
  await start();
  if (own !== undefined) {
    for (const node of real) stage.machine(node).crash({ power: false, reason: 'killed' });
    for (const node of real) stage.placeRecord(node, ENTRY, own);
    await start();
  }
  const peer = await new ScriptedPeer(stage, 'n2').listen();
  const asked: PeerRequest[] = [];
  const attach = (connection: ScriptedConnection, isOfN1: boolean): void => {
    connection.onRequest = (id, request) => {
      if (isOfN1) asked.push(request);
      const reply = answer(request);
      if (reply !== undefined) connection.reply(id, reply);
    };
  };
  const { push } = peer.inbound;
  peer.inbound.push = (...connections) => {
    for (const connection of connections) attach(connection, connection.connection?.remote === 'n1');
    return push.apply(peer.inbound, connections);
  };
  stage.world.fabric.options = { ...stage.world.fabric.options, minDelayUs: delayMs * 1_000 };
  stage.forget();
  const isMet = (): boolean =>
    exchangesOf(stage, 'n1', 'n2').length >= 2 && exchangesOf(stage, 'n1', 'n3').length > 0;
  await stage.until(isMet, 200_000);
  return { stage, events: exchangesOf(stage, 'n1', 'n2'), asked };
}

export function assertUnharmed(stage: Stage): void {
  expect(stage.written).toEqual([]);
  expect(stage.bugs).toEqual([]);
  expect(stage.deaths).toEqual([]);
  expect(exchangesOf(stage, 'n1', 'n3')).toContainEqual(
    expect.objectContaining({ result: 'done', differing: 0 }),
  );
}

export const OTHER_PARTITION = entryWith((partition) => partition !== PARTITION);
export const OTHER_LEAF: EntryName = entryWith(
  (partition, leaf) => partition === PARTITION && leaf !== leafOf(placementHash(ENTRY), PARTITIONS),
);

function entryWith(isWanted: (partition: number, leaf: number) => boolean): EntryName {
  for (let number = 0; ; number += 1) {
    const entry = { bucket: 'things', key: `key-${number}` };
    const hash = placementHash(entry);
    if (isWanted(partitionOf({ partitions: PARTITIONS }, hash), leafOf(hash, PARTITIONS))) return entry;
  }
}

/** Only the leaf of ENTRY differs. */
export const ONE_LEAF = Uint8Array.from(ALL_LEAVES, (byte, index) =>
  Math.floor(index / TREE_DIGEST_BYTES) === leafOf(placementHash(ENTRY), PARTITIONS) ? byte : 0,
);
