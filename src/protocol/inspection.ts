/** Every replica's own view of one key, for people: what lies where, without joining or repairing anything. */
import { decodeRecord, recordDigest } from '../codec/record-codec.ts';
import type { KeyRecord } from '../core/causality/record.ts';
import type { EntryName, NodeId, Partition } from '../core/ids.ts';
import type { ReadReply } from '../core/message.ts';
import type { Clock } from '../ports/clock.ts';
import { Deadline } from './coordinator/deadline.ts';
import type { NoReply, Replicas } from './replica/replicas.ts';

export type ReplicaView = {
  readonly node: NodeId;
  readonly ms: number;
} & (
  | { readonly result: 'found'; readonly record: KeyRecord; readonly digest: string }
  | { readonly result: 'absent' | 'unreadable' | 'unreachable' | 'recovering' }
);

export interface Inspection {
  readonly partition: Partition;
  readonly preferenceList: readonly NodeId[];
  readonly n: number;
  readonly replicas: readonly ReplicaView[];
}

export interface InspectionTarget {
  readonly entry: EntryName;
  readonly partition: Partition;
  /** All nodes in order of preference. */
  readonly nodes: readonly NodeId[];
  readonly n: number;
  readonly timeoutMs: number;
}

/** Asks every node; one that is no home replica is worth a line only if it holds something. */
export async function inspectEntry(
  replicas: Replicas,
  clock: Clock,
  target: InspectionTarget,
): Promise<Inspection> {
  const { nodes, n, partition } = target;
  const views = await Promise.all(nodes.map((node) => viewReplica(replicas, clock, node, target)));
  return {
    partition,
    preferenceList: nodes,
    n,
    replicas: views.filter((view, index) => index < n || view.result === 'found'),
  };
}

function viewReplica(
  replicas: Replicas,
  clock: Clock,
  node: NodeId,
  { entry, timeoutMs }: InspectionTarget,
): Promise<ReplicaView> {
  const deadline = new Deadline(clock, timeoutMs);
  const { bucket, key } = entry;
  return new Promise((resolve) => {
    const stop = deadline.onPassed(() => resolve({ node, ms: deadline.elapsedMs, result: 'unreachable' }));
    replicas.read(node, { type: 'read', bucket, key, known: undefined }, (reply) => {
      stop();
      resolve(viewOf(node, deadline.elapsedMs, entry, reply));
    });
  });
}

function viewOf(node: NodeId, elapsedMs: number, entry: EntryName, reply: ReadReply | NoReply): ReplicaView {
  const ms = Math.round(elapsedMs * 10) / 10;
  switch (reply.type) {
    case 'found':
      return foundView(node, ms, entry, reply.record);
    case 'absent':
      return { node, ms, result: 'absent' };
    case 'no-reply':
      return { node, ms, result: 'unreachable' };
    case 'recovering':
      return reply.record === undefined
        ? { node, ms, result: 'recovering' }
        : foundView(node, ms, entry, reply.record);
    case 'same':
    case 'unreadable':
      return { node, ms, result: 'unreadable' };
  }
}

function foundView(node: NodeId, ms: number, entry: EntryName, encoded: Uint8Array): ReplicaView {
  try {
    const digest = Buffer.from(recordDigest(encoded)).toString('hex');
    return { node, ms, result: 'found', record: decodeRecord(entry, encoded), digest };
  } catch {
    return { node, ms, result: 'unreadable' };
  }
}
