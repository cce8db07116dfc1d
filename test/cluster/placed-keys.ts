/** Keys by the nodes they live on, found as a client finds them: from `/v1/ring`. */
import type { RingBody } from '../../src/api/bodies.ts';
import { placementHash } from '../../src/codec/hash.ts';
import { partitionOf } from '../../src/core/ring/ring.ts';
import type { ProcessCluster } from './process-cluster.ts';

export class PlacedKeys {
  readonly #ring: RingBody;
  #drawn = 0;

  constructor(ring: RingBody) {
    this.#ring = ring;
  }

  static async of(cluster: ProcessCluster): Promise<PlacedKeys> {
    const node = cluster.nodes[0] as string;
    return new PlacedKeys(JSON.parse((await cluster.client(node).get('/v1/ring')).text) as RingBody);
  }

  /** All nodes in order of preference; the first N are the key's homes. */
  preferenceList(bucket: string, key: string): readonly string[] {
    const list = this.#ring.preferenceLists[partitionOf(this.#ring, placementHash({ bucket, key }))];
    return (list ?? []).map((index) => this.#ring.nodes[index]?.id ?? '');
  }

  /** A key that was never given before and whose three home replicas are such. */
  draw(bucket: string, isWanted: (homes: readonly string[]) => boolean = () => true): PlacedKey {
    for (let tries = 0; tries < 10_000; tries += 1) {
      this.#drawn += 1;
      const key = `key-${this.#drawn}`;
      const list = this.preferenceList(bucket, key);
      const homes = list.slice(0, 3);
      if (isWanted(homes)) return { key, target: `/v1/kv/${bucket}/${key}`, homes, others: list.slice(3) };
    }
    throw new Error('no key lives on such nodes');
  }
}

export interface PlacedKey {
  readonly key: string;
  /** Its path in the HTTP API. */
  readonly target: string;
  /** Its home replicas at N=3. */
  readonly homes: readonly string[];
  readonly others: readonly string[];
}
