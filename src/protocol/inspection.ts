/** Every replica's own view of one key, for people: what lies where, without joining or repairing anything. */
import { placementHash } from '../codec/hash.ts';
import { decodeRecord, recordDigest } from '../codec/record-codec.ts';
import type { KeyRecord } from '../core/causality/record.ts';
import { bucketConfig, type ClusterConfig } from '../core/cluster-config.ts';
import type { EntryName, NodeId, Partition } from '../core/ids.ts';
import type { ReadReply, VoteView } from '../core/message.ts';
import { partitionOf, preferenceList, type Ring } from '../core/ring/ring.ts';
import type { Clock } from '../ports/clock.ts';
import { Deadline } from './coordinator/deadline.ts';
import type { Acceptors } from './paxos/acceptors.ts';
import type { NoReply, Replicas } from './replica/replicas.ts';

export type ReplicaView = RecordView & {
  /** What it keeps as an acceptor; undefined if it is no home replica, or did not tell. */
  readonly vote?: VoteView | undefined;
};

type RecordView = {
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

export interface InspectionPorts {
  readonly config: ClusterConfig;
  readonly ring: Ring;
  readonly clock: Clock;
  readonly replicas: Replicas;
  readonly acceptors: Acceptors;
}

/** Asks every node; one that is no home replica is worth a line only if it holds something. */
export async function inspectEntry(
  ports: InspectionPorts,
  entry: EntryName,
  timeoutMs: number,
): Promise<Inspection> {
  const { config, ring } = ports;
  const { n } = bucketConfig(config, entry.bucket);
  const partition = partitionOf(ring, placementHash(entry));
  const nodes = preferenceList(ring, partition);
  const views = await Promise.all(
    nodes.map(async (node, place): Promise<ReplicaView> => {
      const vote = place < n ? voteOf(ports, node, entry, timeoutMs) : undefined;
      return { ...(await viewReplica(ports, node, entry, timeoutMs)), vote: await vote };
    }),
  );
  return {
    partition,
    preferenceList: nodes,
    n,
    replicas: views.filter((view, index) => index < n || view.result === 'found'),
  };
}

function voteOf(
  { acceptors, clock }: InspectionPorts,
  node: NodeId,
  entry: EntryName,
  timeoutMs: number,
): Promise<VoteView | undefined> {
  return new Promise((resolve) => {
    const stop = new Deadline(clock, timeoutMs).onPassed(() => resolve(undefined));
    acceptors.inspect(entry, node, (view) => {
      stop();
      resolve(view);
    });
  });
}

function viewReplica(
  { replicas, clock }: InspectionPorts,
  node: NodeId,
  entry: EntryName,
  timeoutMs: number,
): Promise<RecordView> {
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

function viewOf(node: NodeId, elapsedMs: number, entry: EntryName, reply: ReadReply | NoReply): RecordView {
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

function foundView(node: NodeId, ms: number, entry: EntryName, encoded: Uint8Array): RecordView {
  try {
    const digest = Buffer.from(recordDigest(encoded)).toString('hex');
    return { node, ms, result: 'found', record: decodeRecord(entry, encoded), digest };
  } catch {
    return { node, ms, result: 'unreadable' };
  }
}
