import type { NodeId } from './ids.ts';
import type { Limits } from './limits.ts';

/**
 * The validated configuration that every node of a cluster shares. Reading, validating and overriding it is the
 * server's work (server/config-file.ts); what stands here can be relied on.
 */
export interface ClusterConfig {
  /** Name of the cluster; peers of another one are refused. */
  readonly cluster: string;
  /** Number of partitions: a power of two, 8..65536, fixed for the life of the cluster. */
  readonly partitions: number;
  /** Members, in the order of the file (which does not matter to placement). */
  readonly nodes: readonly MemberConfig[];
  readonly defaults: QuorumDefaults;
  /** Declared buckets; any other bucket has the defaults and mode `mixed`. */
  readonly buckets: ReadonlyMap<string, BucketConfig>;
  readonly limits: Limits;
}

export interface MemberConfig {
  readonly id: NodeId;
  /** Address that others use. */
  readonly host: string;
  /** Address to listen on; `host` if not set apart. */
  readonly bind: string;
  readonly httpPort: number;
  readonly peerPort: number;
  /** Nodes of one zone share a fate (rack, room); home replicas are spread over zones. */
  readonly zone: string;
}

/** 1 <= r, w <= n <= members. */
export interface QuorumDefaults {
  readonly n: number;
  readonly r: number;
  readonly w: number;
}

export type BucketMode = 'mixed' | 'cas';

export interface BucketConfig extends QuorumDefaults {
  readonly mode: BucketMode;
}

/** What an undeclared bucket has, made once for each configuration: every request asks for it. */
const undeclared = new WeakMap<ClusterConfig, BucketConfig>();

/** The properties of a bucket, declared or not. */
export function bucketConfig(config: ClusterConfig, bucket: string): BucketConfig {
  const known = config.buckets.get(bucket) ?? undeclared.get(config);
  if (known !== undefined) return known;
  const made: BucketConfig = { ...config.defaults, mode: 'mixed' };
  undeclared.set(config, made);
  return made;
}
