/** Keys that lie where an experiment needs them. */
import type { RingBody } from '../../../src/api/bodies.ts';
import { homeReplicas } from '../../../src/client/placement.ts';

/** Names that are tried; of five nodes every tenth lies on given three. */
const MAX_TRIES = 100_000;

/** So many keys whose home replicas are exactly these nodes (base URLs, in any order). */
export function keysOn(
  nodes: readonly string[],
  count: number,
  { ring, bucket, prefix }: { readonly ring: RingBody; readonly bucket: string; readonly prefix: string },
): readonly string[] {
  const wanted = nodes.toSorted().join();
  const keys: string[] = [];
  for (let index = 0; keys.length < count && index < MAX_TRIES; index += 1) {
    const key = `${prefix}-${index}`;
    if (homeReplicas(ring, bucket, key, nodes.length).toSorted().join() === wanted) keys.push(key);
  }
  if (keys.length < count) throw new Error(`found ${keys.length} of ${count} keys on ${wanted}`);
  return keys;
}
