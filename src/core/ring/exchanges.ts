/**
 * Exact balance by successive shortest paths. An exchange takes one node out of a partition and puts another in; it
 * costs the affinity that is lost. A chain of exchanges (a to b in one partition, b to c in another) passes one
 * replica from its first node to its last and leaves the loads between alone. Going along the cheapest chain
 * each time keeps the selection the best one for its loads, as in every minimum-cost flow; and a chain
 * exists as long as some selection is closer to balance. Chains work on nodes, of which there are few, rather than
 * on partitions: per pair of nodes only the cheapest exchange matters.
 */
import { alter } from './selection.ts';
import type { ChoiceOptions, Selection } from './selection.ts';
import type { Share } from './zone-spread.ts';

interface Exchanges {
  /** Cheapest exchange of node a for node b at `a * nodes + b`: its cost (Infinity if there is none) and its partition. */
  readonly costs: Float64Array;
  readonly partitions: Int32Array;
}

interface Ends {
  readonly from: (node: number) => boolean;
  readonly to: (node: number) => boolean;
  /** Only chains below this cost are taken. */
  readonly costBelow: number;
}

/**
 * Brings every load between its share rounded down and rounded up, as far as the candidates allow, and takes
 * the best selection with such loads.
 */
export function settle(selection: Selection, options: ChoiceOptions): void {
  const floors = options.zoneOf.map((zone) => floorOf(options.shares[zone]!));
  const ceilings = options.zoneOf.map((zone) => ceilingOf(options.shares[zone]!));
  const { loads } = selection;
  const exchanges = allExchanges(selection, options);
  const run = (ends: Ends): void => {
    let chain = cheapestChain(exchanges, options.zoneOf.length, ends);
    while (chain !== undefined) {
      perform(chain, exchanges, selection, options);
      chain = cheapestChain(exchanges, options.zoneOf.length, ends);
    }
  };
  const hasSpare = (node: number): boolean => loads[node]! > floors[node]!;
  const hasRoom = (node: number): boolean => loads[node]! < ceilings[node]!;
  run({ from: (node) => loads[node]! > ceilings[node]!, to: hasRoom, costBelow: Infinity });
  run({ from: hasSpare, to: (node) => loads[node]! < floors[node]!, costBelow: Infinity });
  run({ from: hasSpare, to: hasRoom, costBelow: 0 });
}

function floorOf({ replicas, nodes }: Share): number {
  return (replicas - (replicas % nodes)) / nodes;
}

function ceilingOf({ replicas, nodes }: Share): number {
  return floorOf({ replicas: replicas + nodes - 1, nodes });
}

function allExchanges(selection: Selection, options: ChoiceOptions): Exchanges {
  const pairs = options.zoneOf.length ** 2;
  const exchanges = {
    costs: new Float64Array(pairs).fill(Infinity),
    partitions: new Int32Array(pairs).fill(-1),
  };
  for (let partition = 0; partition < options.partitions; partition += 1) {
    offer(partition, exchanges, selection, options);
  }
  return exchanges;
}

/** Enters the exchanges of one partition where they are cheaper than the ones known. */
function offer(partition: number, exchanges: Exchanges, selection: Selection, options: ChoiceOptions): void {
  const nodes = options.zoneOf.length;
  for (let out = 0; out < nodes; out += 1) {
    if (selection.chosen[partition * nodes + out] === 0) continue;
    for (let into = 0; into < nodes; into += 1) {
      const pair = out * nodes + into;
      const cost = costOf(partition, out, into, options);
      if (cost < exchanges.costs[pair]! && isPossible(partition, out, into, selection, options)) {
        exchanges.costs[pair] = cost;
        exchanges.partitions[pair] = partition;
      }
    }
  }
}

function costOf(partition: number, out: number, into: number, { affinities, zoneOf }: ChoiceOptions): number {
  return affinities[partition * zoneOf.length + out]! - affinities[partition * zoneOf.length + into]!;
}

function isPossible(
  partition: number,
  out: number,
  into: number,
  { chosen, zoneCounts }: Selection,
  { zoneOf, candidates, bounds }: ChoiceOptions,
): boolean {
  const row = partition * zoneOf.length;
  if (chosen[row + out] === 0 || chosen[row + into] === 1 || candidates[row + into] === 0) return false;
  const left = zoneOf[out]!;
  const entered = zoneOf[into]!;
  if (left === entered) return true;
  const zones = partition * bounds.most.length;
  return (
    zoneCounts[zones + left]! > bounds.least[left]! && zoneCounts[zones + entered]! < bounds.most[entered]!
  );
}

/**
 * Bellman-Ford over the nodes: the chain of the lowest cost, of the fewest exchanges among those. The fewest matters:
 * such a chain touches no partition twice, so that its exchanges do not spoil one another.
 */
function cheapestChain(exchanges: Exchanges, nodes: number, ends: Ends): readonly number[] | undefined {
  const costs = new Float64Array(nodes).fill(Infinity);
  const lengths = new Int32Array(nodes);
  const previous = new Int32Array(nodes).fill(-1);
  for (let node = 0; node < nodes; node += 1) if (ends.from(node)) costs[node] = 0;
  let changed = true;
  for (let round = 0; changed && round < nodes; round += 1) {
    changed = false;
    for (let out = 0; out < nodes; out += 1) {
      if (costs[out] === Infinity) continue;
      for (let into = 0; into < nodes; into += 1) {
        const cost = costs[out]! + exchanges.costs[out * nodes + into]!;
        const length = lengths[out]! + 1;
        if (cost > costs[into]! || cost === Infinity) continue;
        if (cost === costs[into] && length >= lengths[into]!) continue;
        costs[into] = cost;
        lengths[into] = length;
        previous[into] = out;
        changed = true;
      }
    }
  }
  let end = -1;
  let endCost = ends.costBelow;
  for (let node = 0; node < nodes; node += 1) {
    if (ends.to(node) && costs[node]! < endCost && previous[node] !== -1) {
      end = node;
      endCost = costs[node]!;
    }
  }
  return end === -1 ? undefined : chainTo(end, previous);
}

function chainTo(end: number, previous: Int32Array): readonly number[] {
  const chain = [end];
  for (let node = previous[end]!; node !== -1; node = previous[node]!) {
    // A cycle would mean that the selection was not the best one for its loads: a bug, and no reason to search for ever.
    if (chain.length === previous.length) throw new Error('the exchanges form a cycle of negative cost');
    chain.unshift(node);
  }
  return chain;
}

function perform(
  chain: readonly number[],
  exchanges: Exchanges,
  selection: Selection,
  options: ChoiceOptions,
): void {
  const nodes = options.zoneOf.length;
  const touched = new Set<number>();
  for (let index = 1; index < chain.length; index += 1) {
    const out = chain[index - 1]!;
    const into = chain[index]!;
    const partition = exchanges.partitions[out * nodes + into]!;
    alter(selection, options, partition, out, -1);
    alter(selection, options, partition, into, 1);
    touched.add(partition);
  }
  renew(touched, exchanges, selection, options);
}

/** Brings the table up to date after some partitions changed: searches anew what named one of them, then offers them all. */
function renew(
  touched: ReadonlySet<number>,
  exchanges: Exchanges,
  selection: Selection,
  options: ChoiceOptions,
): void {
  const nodes = options.zoneOf.length;
  for (let pair = 0; pair < exchanges.costs.length; pair += 1) {
    if (!touched.has(exchanges.partitions[pair]!)) continue;
    exchanges.costs[pair] = Infinity;
    exchanges.partitions[pair] = -1;
    const out = Math.floor(pair / nodes);
    const into = pair % nodes;
    for (let partition = 0; partition < options.partitions; partition += 1) {
      const cost = costOf(partition, out, into, options);
      if (cost < exchanges.costs[pair]! && isPossible(partition, out, into, selection, options)) {
        exchanges.costs[pair] = cost;
        exchanges.partitions[pair] = partition;
      }
    }
  }
  for (const partition of touched) offer(partition, exchanges, selection, options);
}
