/**
 * The 64-bit hash that places keys, and the 128-bit digest that records are compared and checked by: xxHash64 by
 * xxhash-wasm, seed 0 for placement. Not cryptographic: peers are trusted not to forge collisions.
 */
import xxhash from 'xxhash-wasm';
import type { ClusterConfig } from '../core/cluster-config.ts';
import type { ConfigurationEpoch, EntryName } from '../core/ids.ts';
import type { KeyRecord } from '../core/causality/record.ts';

const hasher = await xxhash();

export const PLACEMENT_SEED = 0;

/** Hash of `bucket`, a zero byte, and `key` in UTF-8. */
export function placementHash({ bucket, key }: EntryName): bigint {
  return hasher.h64Raw(Buffer.from(`${bucket}\0${key}`, 'utf8'), BigInt(PLACEMENT_SEED));
}

/** Strong entity tag (without quotes) over the sorted dots of all siblings; undefined record has none. */
export function etagOf(_record: KeyRecord): string {
  throw new Error('unwritten');
}

/** Digest of members, zones, partitions, default N and every bucket's N and mode; not of addresses. */
export function configurationEpoch(_config: ClusterConfig): ConfigurationEpoch {
  throw new Error('unwritten');
}

/** Digest (16 hex digits) of what a write with a write id asked for. */
export function requestDigest(_request: { readonly contentType: string; readonly value: Uint8Array } | 'delete'): string {
  throw new Error('unwritten');
}
