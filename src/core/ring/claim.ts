/**
 * Which nodes own which partition: the walk of the ring, as one list per partition. Pure and deterministic from the
 * members; the order of the configuration does not matter.
 *
 * Laws (test/core/ring/claim.test.ts):
 * - each list is a permutation of the members;
 * - the first k nodes of a list, for every k, lie in as many zones as they can: k different ones where there are k;
 * - ownership of home replicas differs by at most one partition between nodes in equally large zones, and where zones
 *   do not forbid it between all nodes;
 * - every shorter prefix is shared as evenly, to within two partitions, in a cluster of equal zones that has at least n
 *   of them, or only one. Where zones are uneven or too few, it can be off by a few more: the homes are even first;
 * - one more node receives its share, about partitions * n / (nodes + 1) replicas. Without zones up to a third of that,
 *   and one replica for each node, may move between the others besides; with zones, whose shares change too, as much
 *   again as the new node receives.
 *
 * How: affinities (rendezvous.ts) give every partition its likings; the home replicas are the evenly loaded choice that
 * likings like best (price-search.ts, then exact by exchanges.ts). Inside them the choice is repeated for n - 1, n - 2,
 * ... 1 replicas, so that who coordinates first is shared, too. Fallbacks follow by affinity, spread over zones like the
 * homes.
 *
 * Rejected: a hash of each node's virtual tokens (uneven by luck), and round-robin over the member list (one more
 * node moves nearly everything).
 */
import type { NodeId } from '../ids.ts';
import { settle } from './exchanges.ts';
import { priceSearch } from './price-search.ts';
import { affinities as rendezvousAffinities } from './rendezvous.ts';
import type { ChoiceOptions } from './selection.ts';
import { evenShares, zoneBounds } from './zone-spread.ts';

export interface ClaimOptions {
  readonly partitions: number;
  readonly members: readonly { readonly id: NodeId; readonly zone: string }[];
  /** Home replicas of a partition, 1 .. number of members. */
  readonly n: number;
}

interface Cluster {
  readonly ids: readonly NodeId[];
  readonly partitions: number;
  readonly zoneOf: readonly number[];
  readonly sizes: readonly number[];
  readonly affinities: Int32Array;
}

/** For each partition all members in order of preference. */
export function claim(options: ClaimOptions): readonly (readonly NodeId[])[] {
  const cluster = describe(options);
  const { partitions, ids } = cluster;
  const nodes = ids.length;
  const rows: number[][] = Array.from({ length: partitions }, () => []);
  const all = new Uint8Array(partitions * nodes).fill(1);
  const home = choose(cluster, options.n, all);
  let outer = home.chosen;
  for (let count = options.n - 1; count >= 1; count -= 1) {
    const inner = choose(cluster, count, outer).chosen;
    appendDifference(rows, outer, inner, nodes);
    outer = inner;
  }
  appendDifference(rows, outer, new Uint8Array(outer.length), nodes);
  for (const row of rows) row.reverse();
  for (const [p, row] of rows.entries()) rankFallbacks(cluster, p, row, home.prices);
  return rows.map((row) => row.map((node) => ids[node]!));
}

function describe({ partitions, members }: ClaimOptions): Cluster {
  const sorted = members.toSorted((left, right) => (left.id < right.id ? -1 : 1));
  const ids = sorted.map(({ id }) => id);
  const zones = [...new Set(sorted.map(({ zone }) => zone))];
  const zoneOf = sorted.map(({ zone }) => zones.indexOf(zone));
  const sizes = zones.map((_, z) => zoneOf.filter((x) => x === z).length);
  return { ids, partitions, zoneOf, sizes, affinities: rendezvousAffinities(ids, partitions) };
}

function choose(cluster: Cluster, count: number, candidates: Uint8Array) {
  const bounds = zoneBounds(cluster.sizes, count);
  const shares = evenShares(cluster.sizes, bounds, cluster.partitions, count);
  const options: ChoiceOptions = { ...cluster, count, candidates, bounds, shares };
  const { selection, prices } = priceSearch(options);
  settle(selection, options);
  return { chosen: selection.chosen, prices };
}

/** Appends to each row the node that `outer` chose and `inner` did not: lists grow from the last place to the first. */
function appendDifference(rows: number[][], outer: Uint8Array, inner: Uint8Array, nodes: number): void {
  for (const [at, isOuter] of outer.entries()) {
    if (isOuter === 1 && inner[at] === 0) rows[Math.floor(at / nodes)]!.push(at % nodes);
  }
}

/** Appends the members that are no home replicas, those liked best first, as far as the spread over zones allows. */
function rankFallbacks(cluster: Cluster, p: number, row: number[], prices: Float64Array): void {
  const nodes = cluster.ids.length;
  const value = (node: number): number => cluster.affinities[p * nodes + node]! + prices[node]!;
  const rest = [...cluster.ids.keys()].filter((node) => !row.includes(node));
  rest.sort((a, b) => value(b) - value(a) || a - b);
  const counts = cluster.sizes.map(() => 0);
  for (const node of row) counts[cluster.zoneOf[node]!]! += 1;
  while (rest.length > 0) {
    const bounds = zoneBounds(cluster.sizes, row.length + 1);
    const at = rest.findIndex((n) => counts[cluster.zoneOf[n]!]! < bounds.most[cluster.zoneOf[n]!]!);
    const node = rest.splice(at, 1)[0]!;
    counts[cluster.zoneOf[node]!]! += 1;
    row.push(node);
  }
}
