/**
 * Branded identifiers. They are plain strings and numbers at run time; the brand keeps one kind from being
 * passed where another is meant.
 */
declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** A member's name in cluster.config.json, for instance `n1`. Stable for ever. */
export type NodeId = Branded<string, 'NodeId'>;

/** The identity of one data directory: 22 base64url characters (16 random bytes), drawn when it is created. */
export type StoreId = Branded<string, 'StoreId'>;

/**
 * The identity of one process start: 22 base64url characters (16 bytes). The first 8 bytes are those of the
 * store id, so that contexts which saw many restarts compress well; the last 8 are drawn anew at every start.
 */
export type Incarnation = Branded<string, 'Incarnation'>;

/** The minter of dots: `{incarnation}.{epoch in base 36}`. One epoch is one per-key allocation. */
export type ActorId = Branded<string, 'ActorId'>;

/** 0 .. partitions-1. */
export type Partition = Branded<number, 'Partition'>;

/** Digest of everything that decides placement and modes; 16 lower-case hex digits. */
export type ConfigurationEpoch = Branded<string, 'ConfigurationEpoch'>;

/** What a bucket and a key name together. Buckets and keys are validated at the door (server/http/entry-name.ts). */
export interface EntryName {
  readonly bucket: string;
  readonly key: string;
}

/** Bucket and key as one text, different for different entries: no bucket holds a zero character. */
export function nameOf({ bucket, key }: EntryName): string {
  return `${bucket}\0${key}`;
}
