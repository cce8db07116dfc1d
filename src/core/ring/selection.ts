/**
 * The nodes chosen for every partition while a balanced choice is being searched, with the sums that the search
 * looks at all the time: replicas per node, and replicas per partition and zone.
 */
import type { Share, ZoneBounds } from './zone-spread.ts';

export interface ChoiceOptions {
  readonly partitions: number;
  /** For each node its zone, an index into `bounds` and `shares`. */
  readonly zoneOf: readonly number[];
  /** Of partition p and node i at `p * nodes + i`. */
  readonly affinities: Int32Array;
  /** 1 where node i may be chosen for partition p; same layout. */
  readonly candidates: Uint8Array;
  /** Nodes to choose for each partition. */
  readonly count: number;
  /** Of the replicas of one partition in a zone; the candidates allow to meet them. */
  readonly bounds: ZoneBounds;
  /** For each zone what each of its nodes should own. */
  readonly shares: readonly Share[];
}

export interface Selection {
  /** 1 where node i is chosen for partition p, at `p * nodes + i`. */
  readonly chosen: Uint8Array;
  /** Replicas per node. */
  readonly loads: Int32Array;
  /** Replicas of partition p in zone z, at `p * zones + z`. */
  readonly zoneCounts: Int32Array;
}

export function emptySelection({ partitions, zoneOf, bounds }: ChoiceOptions): Selection {
  return {
    chosen: new Uint8Array(partitions * zoneOf.length),
    loads: new Int32Array(zoneOf.length),
    zoneCounts: new Int32Array(partitions * bounds.most.length),
  };
}

/** Adds the node to the partition (change 1) or takes it out (change -1). */
export function alter(
  selection: Selection,
  options: ChoiceOptions,
  partition: number,
  node: number,
  change: 1 | -1,
): void {
  const nodes = options.zoneOf.length;
  const zoneAt = partition * options.bounds.most.length + options.zoneOf[node]!;
  selection.chosen[partition * nodes + node] = change === 1 ? 1 : 0;
  selection.loads[node]! += change;
  selection.zoneCounts[zoneAt]! += change;
}
