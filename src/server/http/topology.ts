/** `/v1/ring` and `/v1/cluster`: who owns what, and who is up. */
import type { ClusterBody, HintsBody, MemberBody, RingBody } from '../../api/bodies.ts';
import { PLACEMENT_SEED } from '../../codec/hash.ts';
import type { ClusterConfig, MemberConfig } from '../../core/cluster-config.ts';
import type { ConfigurationEpoch } from '../../core/ids.ts';
import {
  DEFAULT_TIMEOUT_MS,
  MAX_BUCKET_CHARACTERS,
  MAX_HEADER_BYTES,
  MAX_KEY_BYTES,
  MAX_TIMEOUT_MS,
  MAX_WRITE_ID_CHARACTERS,
} from '../../core/limits.ts';
import type { MemberStatus, PendingHints, StorageNode } from '../../protocol/storage-node.ts';
import { hostAndPort } from '../host-and-port.ts';
import type { Activity } from '../observability/activity.ts';
import { VERSION } from '../version.ts';

interface Topology {
  readonly node: StorageNode;
  readonly config: ClusterConfig;
  readonly epoch: ConfigurationEpoch;
  readonly activity: Activity;
}

/** The ring; it does not change while the process lives. */
export function ringBody({ node, config, epoch }: Omit<Topology, 'activity'>): RingBody {
  const indexes = new Map(config.nodes.map(({ id }, index) => [id, index]));
  const { cluster, partitions, defaults } = config;
  return {
    cluster,
    epoch,
    partitions,
    hash: { name: 'xxh64', seed: PLACEMENT_SEED },
    nodes: config.nodes.map((member) => ({ id: member.id, zone: member.zone, url: httpUrl(member) })),
    defaults: { ...defaults },
    // Object.fromEntries defines own properties, so that a bucket called __proto__ is a name like any other.
    buckets: Object.fromEntries(config.buckets),
    preferenceLists: node.preferenceLists.map((list) => list.map((id) => indexes.get(id) as number)),
  };
}

/** The members as this node sees them now. */
export function clusterBody({ node, config, epoch, activity }: Topology): ClusterBody {
  const statuses = new Map(node.members().map((status) => [status.node, status]));
  return {
    cluster: config.cluster,
    epoch,
    node: node.nodeId,
    version: VERSION,
    defaults: { ...config.defaults },
    recovery: node.recovery(),
    activity: { repairs: activity.repairs, conflicts: activity.conflicts },
    members: config.nodes.map((member) => memberBody(member, statuses.get(member.id))),
    limits: {
      ...config.limits,
      maxKeyBytes: MAX_KEY_BYTES,
      maxBucketCharacters: MAX_BUCKET_CHARACTERS,
      maxWriteIdCharacters: MAX_WRITE_ID_CHARACTERS,
      maxHeaderBytes: MAX_HEADER_BYTES,
      defaultTimeoutMs: DEFAULT_TIMEOUT_MS,
      maxTimeoutMs: MAX_TIMEOUT_MS,
    },
  };
}

function memberBody(member: MemberConfig, status: MemberStatus | undefined): MemberBody {
  return {
    id: member.id,
    zone: member.zone,
    url: httpUrl(member),
    peerAddress: hostAndPort(member.host, member.peerPort),
    state: status?.state ?? 'down',
    since: new Date(status?.sinceMs ?? 0).toISOString(),
    ...(status?.storeId === undefined ? {} : { storeId: status.storeId }),
    ...(status?.incarnation === undefined ? {} : { incarnation: status.incarnation }),
    ...(status?.reason === undefined ? {} : { reason: status.reason }),
    ...(status?.hints === undefined ? {} : { hints: hintsBody(status.hints) }),
  };
}

function hintsBody({ count, bytes, oldestAgeMs }: PendingHints): HintsBody {
  return { pending: count, bytes, oldestAgeSeconds: Math.round(oldestAgeMs / 1_000) };
}

function httpUrl({ host, httpPort }: MemberConfig): string {
  return `http://${hostAndPort(host, httpPort)}`;
}
