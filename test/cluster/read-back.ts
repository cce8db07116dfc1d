/** Reads many entries through one node, a bounded number at a time. */
import type { Answer } from '../server/http/http-client.ts';
import type { ProcessCluster } from './process-cluster.ts';

const CONCURRENCY = 32;

/** Calls `check` with the answer of `GET` for each key; the first rejection ends it. */
export async function readBack<Item>(
  cluster: ProcessCluster,
  node: string,
  items: readonly Item[],
  { targetOf, r }: { readonly targetOf: (item: Item) => string; readonly r: number },
  check: (item: Item, answer: Answer) => void,
): Promise<void> {
  const waiting = items.values();
  const reader = async (): Promise<void> => {
    for (const item of waiting) {
      check(item, await cluster.client(node).get(targetOf(item), { 'Quorate-R': String(r) }));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, reader));
}
