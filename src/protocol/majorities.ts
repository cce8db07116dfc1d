/** Whether the home replicas that can be reached now are enough for majorities. */
import type { ClusterConfig } from '../core/cluster-config.ts';
import type { NodeId } from '../core/ids.ts';
import { majority } from '../core/quorum/quorum-tally.ts';
import type { Ring } from '../core/ring/ring.ts';
import type { Replicas } from './replica/replicas.ts';

/** Of each partition that this node is a home of, for each number of copies in use. */
export function hasMajorities(
  { preferenceLists }: Ring,
  copies: Iterable<number>,
  replicas: Replicas,
): boolean {
  const numbers = [...copies];
  return preferenceLists.every((list) => numbers.every((n) => hasMajority(list.slice(0, n), replicas)));
}

/** The numbers of copies that the configuration asks for. */
export function copiesIn({ defaults, buckets }: ClusterConfig): ReadonlySet<number> {
  return new Set([defaults.n, ...[...buckets.values()].map(({ n }) => n)]);
}

function hasMajority(homes: readonly NodeId[], replicas: Replicas): boolean {
  if (!homes.includes(replicas.self)) return true;
  return homes.filter((node) => replicas.state(node) === 'up').length >= majority(homes.length);
}
