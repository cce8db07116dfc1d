/**
 * Hashes: xxHash64 by xxhash-wasm. The one that places keys (seed 0) is part of the public contract: clients compute
 * it to find a key's home replicas. The others only compare and check. None is cryptographic: members of a cluster
 * are trusted not to forge collisions.
 */
import xxhash from 'xxhash-wasm';
import type { KeyRecord } from '../core/causality/record.ts';
import { formatDot } from '../core/causality/dot.ts';
import type { ClusterConfig } from '../core/cluster-config.ts';
import { type ConfigurationEpoch, type EntryName, type NodeId, type StoreId, nameOf } from '../core/ids.ts';
import type { Voters } from '../core/paxos/messages.ts';

const hasher = await xxhash();

/** Seed of the placement hash. */
export const PLACEMENT_SEED = 0;
const SEED = BigInt(PLACEMENT_SEED);
/** Turns one seed into an independent second one, for digests of 128 bits. */
const SECOND_SEED = 0x9e37_79b9_7f4a_7c15n;

/** Bytes of a digest. */
export const DIGEST_BYTES = 16;

/** The entry that was hashed last: a request asks for the hash of its entry several times in a row. */
let last: { readonly bucket: string; readonly key: string; readonly hash: bigint } | undefined;

/** 64 bits over `bucket`, a zero byte, and `key` in UTF-8. */
export function placementHash(entry: EntryName): bigint {
  const { bucket, key } = entry;
  if (last?.key === key && last.bucket === bucket) return last.hash;
  const hash = hasher.h64(nameOf(entry), SEED);
  last = { bucket, key, hash };
  return hash;
}

/** Writes the 128-bit digest of `bytes` under a seed to `target` at `offset`. */
export function writeDigest(bytes: Uint8Array, seed: bigint, target: Uint8Array, offset: number): void {
  const view = new DataView(target.buffer, target.byteOffset + offset, DIGEST_BYTES);
  view.setBigUint64(0, hasher.h64Raw(bytes, seed));
  view.setBigUint64(8, hasher.h64Raw(bytes, seed ^ SECOND_SEED));
}

/** 32 bits over `bytes` under a seed: a checksum against damage. */
export function checksum32(bytes: Uint8Array, seed: bigint): number {
  return Number(hasher.h64Raw(bytes, seed) & 0xffff_ffffn);
}

/** Strong entity tag, without its quotes: a digest over the dots of all siblings, tombstones included. */
export function etagOf(record: KeyRecord): string {
  return hex128(record.siblings.map(({ dot }) => formatDot(dot)).join(','));
}

/**
 * What decides placement and modes, as text in a canonical order; addresses and ports are not part of it. A declared bucket
 * that is placed like an undeclared one is left out: declaring it, for its R and W, changes nothing.
 */
export function describePlacement(config: ClusterConfig): string {
  const { n: defaultN } = config.defaults;
  const placedApart = [...config.buckets].filter(([, { n, mode }]) => n !== defaultN || mode !== 'mixed');
  return JSON.stringify({
    partitions: config.partitions,
    members: config.nodes.map(({ id, zone }) => [id, zone]).sort(byFirst),
    n: defaultN,
    buckets: placedApart.map(([name, { n, mode }]) => [name, n, mode]).sort(byFirst),
  });
}

/** Digest of describePlacement. */
export function configurationEpoch(config: ClusterConfig): ConfigurationEpoch {
  return hasher.h64ToString(describePlacement(config)) as ConfigurationEpoch;
}

/** Digest (16 hex digits) of what a write with a write id asked for: its kind, content type and value. */
export function requestDigest(
  request: { readonly contentType: string; readonly value: Uint8Array } | 'delete',
): string {
  if (request === 'delete') return hasher.h64ToString('delete');
  const seed = hasher.h64(`put ${request.contentType}`);
  return hasher.h64Raw(request.value, seed).toString(16).padStart(16, '0');
}

/** The name (32 hex digits) of the home replicas of a key, in their order, with the store of each, in one configuration. */
export function votersName(epoch: ConfigurationEpoch, stores: ReadonlyMap<NodeId, StoreId>): Voters {
  return hex128(JSON.stringify([epoch, ...stores])) as Voters;
}

function hex128(text: string): string {
  return hasher.h64ToString(text) + hasher.h64ToString(text, SECOND_SEED);
}

function byFirst(left: readonly unknown[], right: readonly unknown[]): number {
  return String(left[0]) < String(right[0]) ? -1 : 1;
}
