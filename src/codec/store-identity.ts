/** What a store says about itself (key layout: `m` store): whose it is, and for which placement its data lie. */
import { MAX_BUCKET_CHARACTERS } from '../core/limits.ts';
import type { NodeId, StoreId } from '../core/ids.ts';
import { FormatError, packFields, unpackFields } from './packer.ts';

/** Version of everything in the store together; another one is refused at start. */
export const STORE_FORMAT_VERSION = 2;

export interface StoreIdentity {
  readonly storeId: StoreId;
  readonly cluster: string;
  readonly nodeId: NodeId;
  /** As describePlacement gives it. */
  readonly placement: string;
}

export type DecodedIdentity =
  | { readonly type: 'identity'; readonly identity: StoreIdentity }
  | { readonly type: 'other-version'; readonly version: number };

export function encodeStoreIdentity({ storeId, cluster, nodeId, placement }: StoreIdentity): Uint8Array {
  return packFields([STORE_FORMAT_VERSION, storeId, cluster, nodeId, placement]);
}

/** Throws FormatError for damaged bytes. */
export function decodeStoreIdentity(bytes: Uint8Array): DecodedIdentity {
  const fields = unpackFields(bytes);
  const version = fields.integer(1);
  if (version !== STORE_FORMAT_VERSION) return { type: 'other-version', version };
  const storeId = fields.string(64);
  if (!/^[A-Za-z0-9_-]{22}$/.test(storeId)) throw new FormatError('not a store id');
  const identity = {
    storeId: storeId as StoreId,
    cluster: fields.string(),
    nodeId: fields.string(MAX_BUCKET_CHARACTERS) as NodeId,
    placement: fields.string(),
  };
  fields.end();
  return { type: 'identity', identity };
}
