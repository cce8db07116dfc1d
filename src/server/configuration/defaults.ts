/** What holds where the file says nothing. */
import { resolve } from 'node:path';
import type { BucketConfig, ClusterConfig, MemberConfig, QuorumDefaults } from '../../core/cluster-config.ts';
import type { NodeId } from '../../core/ids.ts';
import { DEFAULT_LIMITS, type Limits } from '../../core/limits.ts';
import type { NodeSettings } from '../node-settings.ts';
import type { FileDocument } from './schema.ts';

const DEFAULT_PARTITIONS = 256;
/** Replicas of each key, as far as there are members. */
const DEFAULT_N = 3;
const DEFAULT_DATA_DIRECTORY = 'data';
/** What LevelDB was measured to do best with: see adapters/level-storage.ts. */
const DEFAULT_WRITE_BUFFER_BYTES = 32 * 1024 * 1024;
/**
 * At R = 2 of N = 3, where a read asks one other replica, this adds 1 % to the messages of reads; at R = 1, where it asks none,
 * it makes two messages and their answers for every hundredth read (a share of 0.05 was measured to cost such reads an eighth).
 * Anti-entropy finds every difference anyway; these find those in keys that are read often sooner (after 100 reads on the
 * average), and measure how many there are. Cassandra's `read_repair_chance` was 0.1, in the days when nothing else compared replicas by itself.
 */
const DEFAULT_ASK_ALL_SHARE = 0.01;

/** As they are written, each of them or not. */
export interface QuorumNumbers {
  readonly n?: number | undefined;
  readonly r?: number | undefined;
  readonly w?: number | undefined;
}

/** n is 3, or the number of members if there are fewer; r and w are a majority of n. */
export function quorumDefaults({ n, r, w }: QuorumNumbers, members: number): QuorumDefaults {
  const replicas = n ?? Math.min(DEFAULT_N, members);
  return { n: replicas, r: r ?? majorityOf(replicas), w: w ?? majorityOf(replicas) };
}

/** A bucket that says n has its majority as r and w, as a request that says N does; any other has the cluster's. */
export function quorumOfBucket({ n, r, w }: QuorumNumbers, defaults: QuorumDefaults): QuorumDefaults {
  if (n === undefined) return { n: defaults.n, r: r ?? defaults.r, w: w ?? defaults.w };
  return { n, r: r ?? majorityOf(n), w: w ?? majorityOf(n) };
}

function majorityOf(n: number): number {
  return Math.floor(n / 2) + 1;
}

/** The part that all members share. */
export function clusterConfig(document: FileDocument): ClusterConfig {
  const defaults = quorumDefaults(document.defaults ?? {}, document.nodes.length);
  const buckets = [...(document.buckets ?? [])].map(([name, bucket]): [string, BucketConfig] => [
    name,
    { ...quorumOfBucket(bucket, defaults), mode: bucket.mode ?? 'mixed' },
  ]);
  return {
    cluster: document.cluster,
    partitions: document.partitions ?? DEFAULT_PARTITIONS,
    nodes: document.nodes.map(memberConfig),
    defaults,
    buckets: new Map(buckets),
    limits: limitsOf(document),
  };
}

/**
 * Without a zone a node is a zone of its own: what nothing is known of is taken to fail alone, and the spread over zones
 * then asks for distinct nodes only. One zone for all of them would mean the same as long as no node has a zone, but
 * would pull the nodes without one together as soon as some have.
 */
function memberConfig(node: FileDocument['nodes'][number]): MemberConfig {
  const { id, host, httpPort, peerPort } = node;
  return { id: id as NodeId, host, bind: node.bind ?? host, httpPort, peerPort, zone: node.zone ?? id };
}

/** A record may always hold a value of the largest size. */
function limitsOf({ limits = {}, storage = {} }: FileDocument): Limits {
  const maxValueBytes = limits.maxValueBytes ?? DEFAULT_LIMITS.maxValueBytes;
  return {
    maxValueBytes,
    maxSiblings: limits.maxSiblings ?? DEFAULT_LIMITS.maxSiblings,
    maxRecordBytes: limits.maxRecordBytes ?? Math.max(DEFAULT_LIMITS.maxRecordBytes, maxValueBytes),
    maxOperationsInFlight: limits.maxOperationsInFlight ?? DEFAULT_LIMITS.maxOperationsInFlight,
    maxHintsPerOwner: limits.maxHintsPerOwner ?? DEFAULT_LIMITS.maxHintsPerOwner,
    maxHintBytes: limits.maxHintBytes ?? DEFAULT_LIMITS.maxHintBytes,
    reserveBytes: storage.reserveBytes ?? DEFAULT_LIMITS.reserveBytes,
  };
}

/** The part that concerns one process. Relative paths start at `baseDirectory`. */
export function nodeSettings(document: FileDocument, baseDirectory: string): NodeSettings {
  const { storage = {}, tombstones = {}, reads = {}, cors = {}, auth = {}, log = {} } = document;
  return {
    dataDir: resolve(baseDirectory, document.dataDir ?? DEFAULT_DATA_DIRECTORY),
    storage: {
      fsync: storage.fsync ?? true,
      reserveBytes: storage.reserveBytes ?? DEFAULT_LIMITS.reserveBytes,
      writeBufferBytes: storage.writeBufferBytes ?? DEFAULT_WRITE_BUFFER_BYTES,
    },
    tombstones: {
      reapAfterMs:
        tombstones.reapAfterSeconds === undefined ? undefined : tombstones.reapAfterSeconds * 1_000,
    },
    reads: { askAllShare: reads.askAllShare ?? DEFAULT_ASK_ALL_SHARE },
    cors: { origins: cors.origins ?? [] },
    auth: { tokens: auth.tokens ?? [] },
    peerSecret: document.peerSecret,
    log: { level: log.level ?? 'info' },
  };
}
