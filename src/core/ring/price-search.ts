/**
 * Finds a price for each node such that loads are nearly even when every partition takes the nodes of the highest
 * "affinity + price". For any prices that selection has the highest sum of affinities among all with its loads, so
 * what is left to do for exact balance (exchanges.ts) starts from an optimum.
 */
import { AFFINITY_SCALE } from './rendezvous.ts';
import { alter, emptySelection } from './selection.ts';
import type { ChoiceOptions, Selection } from './selection.ts';

/** Loads are close after about ten rounds; more only spares exchanges. */
const ROUNDS = 24;

/** The selection under the prices that were found. */
export function priceSearch(options: ChoiceOptions): { selection: Selection; prices: Float64Array } {
  const prices = new Float64Array(options.zoneOf.length);
  let selection = selectByPrice(options, prices);
  for (let round = 0; round < ROUNDS; round += 1) {
    const step = AFFINITY_SCALE / (1 + round / 8);
    for (const [node, zone] of options.zoneOf.entries()) {
      const share = options.shares[zone]!;
      const ratio = (selection.loads[node]! * share.nodes) / share.replicas;
      prices[node]! -= Math.round(step * Math.max(-1, Math.min(1, ratio - 1)));
    }
    selection = selectByPrice(options, prices);
  }
  return { selection, prices };
}

function selectByPrice(options: ChoiceOptions, prices: Float64Array): Selection {
  const selection = emptySelection(options);
  for (let partition = 0; partition < options.partitions; partition += 1) {
    selectFor(partition, options, prices, selection);
  }
  return selection;
}

/** Takes the best node again and again, keeping room for what each zone must get at least. */
function selectFor(
  partition: number,
  options: ChoiceOptions,
  prices: Float64Array,
  selection: Selection,
): void {
  const { zoneOf, bounds, affinities, candidates } = options;
  const nodes = zoneOf.length;
  const zonesAt = partition * bounds.most.length;
  let unreserved = options.count - bounds.least.reduce((total, least) => total + least, 0);
  for (let taken = 0; taken < options.count; taken += 1) {
    let best = -1;
    let bestValue = -Infinity;
    for (let node = 0; node < nodes; node += 1) {
      const at = partition * nodes + node;
      const value = affinities[at]! + prices[node]!;
      if (value <= bestValue || candidates[at] === 0 || selection.chosen[at] === 1) continue;
      const zone = zoneOf[node]!;
      const count = selection.zoneCounts[zonesAt + zone]!;
      if (count >= bounds.least[zone]! && (unreserved === 0 || count >= bounds.most[zone]!)) continue;
      best = node;
      bestValue = value;
    }
    const zone = zoneOf[best]!;
    if (selection.zoneCounts[zonesAt + zone]! >= bounds.least[zone]!) unreserved -= 1;
    alter(selection, options, partition, best, 1);
  }
}
