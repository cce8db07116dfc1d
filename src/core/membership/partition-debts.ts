/**
 * What a node that lost its store, or a part of it, still has to get back: for each partition, from which of its other home
 * replicas. Only when a partition has been gone through with all of them is it known to hold what was acknowledged; one that
 * is away for ever keeps it open for ever, because a write may have had its quorum with just that one.
 */
import type { NodeId, Partition } from '../ids.ts';
import { homeReplicas, preferenceList, type Ring } from '../ring/ring.ts';

/** Partitions that are open, each with the nodes that it has been gone through with. */
export type PartitionDebts = ReadonlyMap<Partition, ReadonlySet<NodeId>>;

/** Requests may ask for more copies than the configuration. */
const LEAST_COPIES = 2;

/**
 * With whom a partition has to be gone through: the other home replicas of the records with the most copies that are in use,
 * `widestN`; or of those that have just so many copies that this node is among their home replicas. Nobody where there is no other
 * node.
 */
export function creditorsOf(
  ring: Ring,
  partition: Partition,
  self: NodeId,
  widestN: number,
): readonly NodeId[] {
  const n = Math.max(widestN, placeOf(ring, partition, self) + 1, LEAST_COPIES);
  return homeReplicas(ring, partition, n).filter((node) => node !== self);
}

/** The number of nodes that come before this one in the partition's order: of a record with more copies it is a home replica. */
export function placeOf(ring: Ring, partition: Partition, self: NodeId): number {
  return preferenceList(ring, partition).indexOf(self);
}
