/** What a storage node needs, and what it does: the types of the front door (storage-node.ts). */
import type { ClusterConfig } from '../core/cluster-config.ts';
import type { ConfigurationEpoch, EntryName, Incarnation, NodeId, StoreId } from '../core/ids.ts';
import type { ConditionalOutcome, DeleteOutcome, PutOutcome, ReadOutcome } from '../core/outcome.ts';
import type { ConditionalRequest, DeleteRequest, PutRequest, ReadRequest } from '../core/request.ts';
import type { WorkSizes } from '../core/work-sizes.ts';
import type { Clock } from '../ports/clock.ts';
import type { Network } from '../ports/network.ts';
import type { Random } from '../ports/random.ts';
import type { Storage } from '../ports/storage.ts';
import type { Tracer } from '../ports/tracer.ts';
import type { PendingHints } from './handoff/hint-store.ts';
import type { Inspection } from './inspection.ts';

export interface StorageNodeOptions {
  readonly config: ClusterConfig;
  readonly epoch: ConfigurationEpoch;
  readonly nodeId: NodeId;
  /** Whether an acknowledgement waits for the disk (fsync). */
  readonly sync: boolean;
  /** Shared by all members; a peer that does not prove that it knows it is refused. */
  readonly peerSecret: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly storage: Storage;
  readonly network: Network;
  readonly tracer: Tracer;
  /** Whether it compares its records with other replicas' by itself; so it does if this is not set. */
  readonly antiEntropy?: boolean;
  /** Whether it hands over what it keeps for others; so it does if this is not set. */
  readonly handoff?: boolean;
  /** Whether a read repairs the replicas that it finds behind; so it does if this is not set. */
  readonly readRepair?: boolean;
  /** Milliseconds for which records of deleted keys are kept at least; for ever if this is not set. */
  readonly reapAfterMs?: number | undefined;
  /** Share of the reads that ask all home replicas, and not only R of them: 0 to 1. */
  readonly askAllShare: number;
  /** Whether this node votes in Paxos rounds whatever its store has lost: what was chosen may be undone. */
  readonly votesAfterLoss?: boolean;
  /**
   * Members that this process does not wait for before it votes in Paxos rounds. If its store is older than it was, what only they
   * know of that is not found out, and what was chosen may be undone.
   */
  readonly votesWithout?: ReadonlySet<NodeId>;
  /** How big steps, pages and caches are, where they are not to be as by default; for tests and simulations. */
  readonly sizes?: Partial<WorkSizes> | undefined;
  /** Whether the disk is below its reserve: writes are refused with `no-space`. */
  readonly isLowOnSpace: () => boolean;
  /** Called once when the store failed: the process must end (fail-stop). */
  readonly onFatal: (reason: Error) => void;
}

export interface MemberStatus {
  readonly node: NodeId;
  readonly state: 'self' | 'up' | 'down';
  /** Wall clock, milliseconds since 1970. */
  readonly sinceMs: number;
  readonly storeId: StoreId | undefined;
  readonly incarnation: Incarnation | undefined;
  readonly reason: string | undefined;
  /** What the node that is asked keeps for this one; undefined: nothing. */
  readonly hints: PendingHints | undefined;
}

/** What a node that lost its store, or a part of it, has still to get back. */
export interface OwnRecovery {
  /** Partitions whose copy on this node counts for nothing in a read. 0: nothing is lost. */
  readonly partitions: number;
  /** Members that have not given yet what they hold of these. */
  readonly waitingFor: readonly NodeId[];
}

/** Never rejects for operating errors: they are outcomes. */
export interface StorageNode {
  readonly nodeId: NodeId;
  /** For each partition all nodes in order of preference. */
  readonly preferenceLists: readonly (readonly NodeId[])[];
  get(request: ReadRequest): Promise<ReadOutcome>;
  put(request: PutRequest): Promise<PutOutcome>;
  delete(request: DeleteRequest): Promise<DeleteOutcome>;
  /** A conditional write or a linearizable read, decided by a majority of the home replicas of the bucket's N. */
  conditional(request: ConditionalRequest): Promise<ConditionalOutcome>;
  inspect(entry: EntryName, timeoutMs: number): Promise<Inspection>;
  /** Every member as this node sees it now, itself included, in the order of the configuration. */
  members(): readonly MemberStatus[];
  /** What this node has lost, and not got back yet. */
  recovery(): OwnRecovery;
  /** Reasons why this node does not serve; empty when it does. */
  notReady(): readonly string[];
  /** Whether each partition this node is a home of has a majority of its home replicas reachable. */
  hasMajorities(): boolean;
  /** Resolves when the storage answers (for /livez); rejects when it does not. */
  probeStorage(): Promise<void>;
  /** Refuses new client operations with `draining` from now on; what runs goes on. */
  drain(): void;
  /** Waits (up to graceMs) for running operations, then closes network and storage. Idempotent. */
  close(graceMs: number): Promise<void>;
}
