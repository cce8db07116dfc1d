/** Which nodes hold a key, from the ring that a node published. A wrong answer costs a forward, nothing else. */
import type { RingBody } from '../api/bodies.ts';
import { baseUrlOf } from './base-url.ts';
import { xxHash64 } from './xxhash64.ts';

const encoder = new TextEncoder();

/** The partition of a key: the top log2(partitions) bits of its hash. `partitions` is a power of two. */
export function partitionOf(bucket: string, key: string, partitions: number): number {
  const bits = Math.log2(partitions);
  return Number(xxHash64(encoder.encode(`${bucket}\0${key}`)) >> BigInt(64 - bits));
}

/** Base URLs of the key's home replicas, most preferred first. `n`: copies asked for, if the call says so. */
export function homeReplicas(
  ring: RingBody,
  bucket: string,
  key: string,
  n: number | undefined,
): readonly string[] {
  const list = ring.preferenceLists[partitionOf(bucket, key, ring.partitions)] ?? [];
  const declared = Object.hasOwn(ring.buckets, bucket) ? ring.buckets[bucket] : undefined;
  const copies = n ?? declared?.n ?? ring.defaults.n;
  return list.slice(0, copies).flatMap((index) => addressOf(ring.nodes[index]));
}

/** The node's address, if it has one that can be used: see {@link withBaseUrls}. */
export function addressOf(node: { readonly url: string } | undefined): readonly string[] {
  return node === undefined || node.url === '' ? [] : [node.url];
}

/**
 * The ring with its nodes' addresses in the form of the seeds. If all seeds are encrypted, an address that is not is
 * dropped (made empty): a token must not travel in the clear because a node advertised so.
 */
export function withBaseUrls(ring: RingBody, seeds: readonly string[]): RingBody {
  const encrypted = seeds.every((seed) => seed.startsWith('https:'));
  const nodes = ring.nodes.map((node) => {
    const url = baseUrlOf(node.url) ?? '';
    return { ...node, url: encrypted && !url.startsWith('https:') ? '' : url };
  });
  return { ...ring, nodes };
}

/**
 * Whether this version of the client can place keys by that ring. It is looked at as a whole here, so that no call ever
 * stumbles over what a broken or a newer node published.
 */
export function isUsableRing(ring: Partial<RingBody>): boolean {
  const { partitions = 0, hash, nodes, defaults, buckets, preferenceLists } = ring;
  return (
    Number.isInteger(Math.log2(partitions)) &&
    hash?.name === 'xxh64' &&
    hash.seed === 0 &&
    Array.isArray(nodes) &&
    nodes.length > 0 &&
    Number.isInteger(defaults?.n) &&
    typeof buckets === 'object' &&
    buckets !== null &&
    Array.isArray(preferenceLists) &&
    preferenceLists.length === partitions &&
    preferenceLists.every((list) => Array.isArray(list))
  );
}
