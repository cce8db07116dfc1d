import type { ClusterConfig } from '../core/cluster-config.ts';
import type { KeyRecord } from '../core/causality/record.ts';
import type { ConfigurationEpoch, Incarnation, NodeId, Partition, StoreId } from '../core/ids.ts';
import type { DeleteOutcome, PutOutcome, ReadOutcome } from '../core/outcome.ts';
import type { DeleteRequest, PutRequest, ReadRequest } from '../core/request.ts';
import type { Clock } from '../ports/clock.ts';
import type { Network } from '../ports/network.ts';
import type { Random } from '../ports/random.ts';
import type { Storage } from '../ports/storage.ts';
import type { Tracer } from '../ports/tracer.ts';

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
}

export type ReplicaView = {
  readonly node: NodeId;
  readonly ms: number;
} & (
  | { readonly result: 'found'; readonly record: KeyRecord; readonly digest: string }
  | { readonly result: 'absent' | 'unreadable' | 'unreachable' }
);

export interface Inspection {
  readonly partition: Partition;
  readonly preferenceList: readonly NodeId[];
  readonly n: number;
  readonly replicas: readonly ReplicaView[];
}

/** The front door of the storage engine: what the HTTP server calls on its own node. Never rejects for operating errors. */
export interface StorageNode {
  readonly nodeId: NodeId;
  /** For each partition all nodes in order of preference. */
  readonly preferenceLists: readonly (readonly NodeId[])[];
  get(request: ReadRequest): Promise<ReadOutcome>;
  put(request: PutRequest): Promise<PutOutcome>;
  delete(request: DeleteRequest): Promise<DeleteOutcome>;
  inspect(entry: { readonly bucket: string; readonly key: string }, timeoutMs: number): Promise<Inspection>;
  /** Every member as this node sees it now, itself included, in the order of the configuration. */
  members(): readonly MemberStatus[];
  /** Reasons why this node does not serve; empty when it does. */
  notReady(): readonly string[];
  /** Whether each partition this node is a home of has a majority of its home replicas reachable. */
  hasMajorities(): boolean;
  /** Resolves when the storage answers (for /livez); rejects when it does not. */
  probeStorage(): Promise<void>;
  /** Refuses new client operations with `draining` from now on; what runs goes on. */
  drain(): void;
  /** Waits (up to graceMs) for running operations, then closes network and storage. */
  close(graceMs: number): Promise<void>;
}

/** A reason not to start that the operator has to solve; the process exits 78. */
export class StartRefused extends Error {
  override readonly name = 'StartRefused';
  readonly code: 'foreign-store' | 'configuration-changed' | 'newer-format' | 'unreadable-store';
  constructor(code: StartRefused['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** Opens the store, takes a new incarnation and joins the network. Rejects with StartRefused, or with an I/O error. */
export async function startStorageNode(_options: StorageNodeOptions): Promise<StorageNode> {
  throw new Error('unwritten');
}
