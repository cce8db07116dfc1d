/**
 * How many replicas of a partition a zone takes, and how many replicas a node owns then.
 *
 * n replicas are spread over the zones like water poured into basins as deep as the zones have nodes: the level is
 * the least number of replicas per zone that lets n of them fit. A zone gets `level` or `level - 1` replicas of
 * each partition, or all its nodes where it has fewer. With at least n zones the level is 1: n different zones.
 *
 * Inside these bounds ownership is as even as it can be: all nodes of the cluster share alike, except that a zone
 * too small (or too large) for that is held at its bound and the others share the rest alike.
 */

/** Per zone, the least and the most replicas of one partition that lie in it. They differ by at most one. */
export interface ZoneBounds {
  readonly least: readonly number[];
  readonly most: readonly number[];
}

/** An even share `replicas / nodes`, kept as a fraction so that rounding is exact. */
export interface Share {
  readonly replicas: number;
  readonly nodes: number;
}

/**
 * The bounds for the first n replicas of every partition. Those for n - 1 differ by at most one in one place, so that
 * a list can meet the bounds of each of its prefixes.
 *
 * @param sizes nodes per zone
 * @param n 1 .. sum of sizes
 */
export function zoneBounds(sizes: readonly number[], n: number): ZoneBounds {
  let level = 1;
  while (sum(sizes.map((size) => Math.min(size, level))) < n) level += 1;
  return {
    least: sizes.map((size) => Math.min(size, level - 1)),
    most: sizes.map((size) => Math.min(size, level)),
  };
}

/** For each zone what every one of its nodes should own of `partitions * n` replicas; rounded either way it is feasible. */
export function evenShares(
  sizes: readonly number[],
  bounds: ZoneBounds,
  partitions: number,
  n: number,
): readonly Share[] {
  const held = new Map<number, number>();
  for (;;) {
    const open = sizes.map((_, zone) => zone).filter((zone) => !held.has(zone));
    const common: Share = {
      replicas: partitions * n - sum([...held.values()]),
      nodes: sum(open.map((zone) => sizes[zone] ?? 0)),
    };
    const violations = open.map((zone) => violation(zone, common, sizes, bounds, partitions));
    const total = sum(violations.map(({ excess }) => excess));
    const broken = violations.filter(({ excess }) => excess !== 0);
    if (broken.length === 0) {
      return sizes.map((nodes, zone) => {
        const replicas = held.get(zone);
        return replicas === undefined ? common : { replicas, nodes };
      });
    }
    // Both kinds at once: hold the kind that outweighs the other, for the rest may cure itself when shares change.
    for (const { zone, excess, bound } of broken) if (excess * total >= 0) held.set(zone, bound);
  }
}

function violation(
  zone: number,
  common: Share,
  sizes: readonly number[],
  bounds: ZoneBounds,
  partitions: number,
): { readonly zone: number; readonly excess: number; readonly bound: number } {
  // Scaled by the number of open nodes, so that everything stays an integer.
  const wanted = common.replicas * (sizes[zone] ?? 0);
  const most = partitions * (bounds.most[zone] ?? 0);
  const least = partitions * (bounds.least[zone] ?? 0);
  if (wanted > most * common.nodes) return { zone, excess: wanted - most * common.nodes, bound: most };
  if (wanted < least * common.nodes) return { zone, excess: wanted - least * common.nodes, bound: least };
  return { zone, excess: 0, bound: 0 };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
