/**
 * The ring: 64-bit hashes of keys, cut into Q equal partitions, each with an ordered list of all nodes (Dynamo, section
 * 6.2, strategy 3). The first N nodes of a partition's list are the home replicas of its keys, the rest are fallbacks in
 * the order in which they would stand in.
 *
 * Partitions are fixed for the life of a cluster, so that a change of members moves whole partitions, and a partition is
 * one contiguous range on disk. Rejected: random tokens per node (Dynamo's strategy 1), whose ranges shift with every
 * change and which spread load by luck.
 */
import type { ClusterConfig } from '../cluster-config.ts';
import type { NodeId, Partition } from '../ids.ts';
import { claim } from './claim.ts';

const HASH_BITS = 64;

export interface Ring {
  /** Q, a power of two. */
  readonly partitions: number;
  /** For each partition all nodes, each once, in order of preference. */
  readonly preferenceLists: readonly (readonly NodeId[])[];
}

/** The ring of a configuration; every member computes the same one, whatever the order of its file. */
export function buildRing({ partitions, nodes, defaults }: ClusterConfig): Ring {
  return { partitions, preferenceLists: claim({ partitions, members: nodes, n: defaults.n }) };
}

/** The partition of a key: the top log2(Q) bits of its placement hash. */
export function partitionOf({ partitions }: Pick<Ring, 'partitions'>, placementHash: bigint): Partition {
  return Number(placementHash >> BigInt(HASH_BITS - Math.log2(partitions))) as Partition;
}

/** All nodes in the order in which they are preferred for a partition. */
export function preferenceList({ preferenceLists }: Ring, partition: Partition): readonly NodeId[] {
  return preferenceLists[partition] as readonly NodeId[];
}

/** The nodes that a record with N copies belongs to: a smaller N is a prefix of a larger one. */
export function homeReplicas(ring: Ring, partition: Partition, n: number): readonly NodeId[] {
  return preferenceList(ring, partition).slice(0, n);
}

/** Whom one request may turn to, in order of preference. */
export interface PreferredNodes {
  /** The home replicas at its N. */
  readonly homes: readonly NodeId[];
  /** Who may stand in for them (Dynamo, section 4.6): all other nodes under a sloppy quorum, else nobody. */
  readonly fallbacks: readonly NodeId[];
}

export function preferredNodes(
  ring: Ring,
  partition: Partition,
  { n, sloppy }: { readonly n: number; readonly sloppy: boolean },
): PreferredNodes {
  const list = preferenceList(ring, partition);
  return { homes: list.slice(0, n), fallbacks: sloppy ? list.slice(n) : [] };
}
