/**
 * The front door of the storage engine: what the HTTP server calls on its own node, and what a simulation builds on
 * simulated ports. Takes requests of clients and of peers, and gives each to the part that carries it out:
 *
 *   coordinator/   reads at R and writes at W of a key's home replicas
 *   replica/       this node's own copy, durable by group commit
 *   anti-entropy/  compares and repairs replicas in the background
 *   handoff/       keeps records for replicas that are away, and hands them over
 *   peers/         connections to the other members
 */
import { describePlacement } from '../codec/hash.ts';
import { bucketConfig } from '../core/cluster-config.ts';
import type { EntryName, NodeId, StoreId } from '../core/ids.ts';
import type { PeerReply, PeerRequest } from '../core/message.ts';
import type { DeleteOutcome, PutOutcome, ReadOutcome } from '../core/outcome.ts';
import { majority } from '../core/quorum/quorum-tally.ts';
import type { DeleteRequest, PutRequest, ReadRequest } from '../core/request.ts';
import { buildRing, preferenceList, type Ring } from '../core/ring/ring.ts';
import { AntiEntropy } from './anti-entropy/anti-entropy.ts';
import { CoarseClock } from './coarse-clock.ts';
import { GetCoordinator } from './coordinator/get-coordinator.ts';
import { OperationRouter } from './coordinator/operation-router.ts';
import { WriteCoordinator } from './coordinator/write-coordinator.ts';
import { Handoff } from './handoff/handoff.ts';
import { HintedRecords } from './handoff/hinted-records.ts';
import { HintStore } from './handoff/hint-store.ts';
import { type Inspection, inspectEntry } from './inspection.ts';
import type { MemberStatus, StorageNode, StorageNodeOptions } from './node-interface.ts';
import { Peers } from './peers/peers.ts';
import { GroupCommit } from './replica/group-commit.ts';
import { IncarnationSource } from './replica/incarnation.ts';
import { LocalReplica, type OnChanged } from './replica/local-replica.ts';
import { RecordStore } from './replica/record-store.ts';
import { Replicas } from './replica/replicas.ts';
import { RunningOperations } from './running-operations.ts';
import { openStore } from './store-opening.ts';

export { StartRefused } from './start-refused.ts';
export type { PendingHints } from './handoff/hint-store.ts';
export type { Inspection, ReplicaView } from './inspection.ts';
export type { MemberStatus, StorageNode, StorageNodeOptions } from './node-interface.ts';

/** Opens the store, takes a new incarnation and joins the network. Rejects with StartRefused, or with an I/O error. */
export async function startStorageNode(options: StorageNodeOptions): Promise<StorageNode> {
  const { config, nodeId, storage, random } = options;
  const owner = { cluster: config.cluster, nodeId, placement: describePlacement(config) };
  const storeId = await openStore(storage, owner, random);
  const node = new RunningNode(options, storeId);
  await node.start();
  return node;
}

class RunningNode implements StorageNode {
  readonly nodeId: NodeId;
  readonly #options: StorageNodeOptions;
  readonly #ring: Ring;
  readonly #storeId: StoreId;
  readonly #incarnations: IncarnationSource;
  readonly #commit: GroupCommit;
  readonly #records: RecordStore;
  readonly #hints: HintStore;
  readonly #local: LocalReplica;
  readonly #peers: Peers;
  readonly #replicas: Replicas;
  readonly #antiEntropy: AntiEntropy;
  readonly #handoff: Handoff;
  readonly #router: OperationRouter;
  readonly #operations: RunningOperations;
  /** Deadlines and hedges of operations. */
  readonly #operationClock: CoarseClock;
  readonly #startedMs: number;
  #closing: Promise<void> | undefined;

  constructor(options: StorageNodeOptions, storeId: StoreId) {
    const { config, nodeId, epoch, storage, clock, random, tracer, network, sync, onFatal } = options;
    this.nodeId = nodeId;
    this.#options = options;
    this.#storeId = storeId;
    this.#startedMs = clock.wallMs();
    this.#ring = buildRing(config);
    const incarnations = new IncarnationSource(storeId, random);
    const commit = new GroupCommit({ storage, clock, tracer, sync, onFatal });
    this.#incarnations = incarnations;
    this.#commit = commit;
    this.#records = new RecordStore(this.#ring, storage, commit);
    const onChanged: OnChanged = (entry, before, after) => this.#antiEntropy.changed(entry, before, after);
    this.#hints = new HintStore({
      ...options,
      ring: this.#ring,
      limits: config.limits,
      onStored: (owner) => this.#handoff.soon(owner),
    });
    const records = {
      records: this.#records,
      hints: this.#hints,
      incarnations,
      self: nodeId,
      tracer,
      onChanged,
    };
    this.#local = new LocalReplica({ ...records, limits: config.limits });
    const hinted = new HintedRecords({ ...records, local: this.#local });
    const self = {
      cluster: config.cluster,
      nodeId,
      storeId,
      epoch,
      get incarnation() {
        return incarnations.current;
      },
      members: new Set(config.nodes.map(({ id }) => id)),
      secret: options.peerSecret ?? '',
    };
    this.#peers = new Peers({ self, network, clock, random, tracer });
    this.#replicas = new Replicas(nodeId, this.#local, this.#peers);
    this.#operationClock = new CoarseClock(clock);
    const ports = { replicas: this.#replicas, clock: this.#operationClock, tracer };
    const background = {
      ...options,
      self: nodeId,
      ring: this.#ring,
      peers: this.#peers,
      local: this.#local,
      foregroundMs: () => commit.lastMs * (1 + this.#operations.running),
    };
    this.#antiEntropy = new AntiEntropy({ ...background, adopt: (entry) => hinted.adopt(entry) });
    this.#handoff = new Handoff({ ...background, hints: this.#hints, hinted });
    const reads = new GetCoordinator({ ...ports, readRepair: options.readRepair });
    const writes = new WriteCoordinator({
      ...ports,
      config,
      local: this.#local,
      reads,
      commitQueueBytes: () => commit.queuedBytes,
      isLowOnSpace: options.isLowOnSpace,
    });
    const operations = new RunningOperations(clock, config.limits.maxOperationsInFlight);
    this.#operations = operations;
    this.#router = new OperationRouter({
      ...ports,
      ring: this.#ring,
      peers: this.#peers,
      reads,
      writes,
      operations,
    });
  }

  async start(): Promise<void> {
    await this.#hints.load();
    await this.#peers.start(
      (request) => this.#serve(request),
      (peer) => {
        this.#handoff.peerUp(peer);
        this.#antiEntropy.peerUp(peer);
      },
    );
    this.#antiEntropy.start();
  }

  get preferenceLists(): readonly (readonly NodeId[])[] {
    return this.#ring.preferenceLists;
  }

  get(request: ReadRequest): Promise<ReadOutcome> {
    return this.#router.get(request);
  }

  put(request: PutRequest): Promise<PutOutcome> {
    return this.#router.put(request);
  }

  delete(request: DeleteRequest): Promise<DeleteOutcome> {
    return this.#router.delete(request);
  }

  inspect(entry: EntryName, timeoutMs: number): Promise<Inspection> {
    const { config, clock } = this.#options;
    const partition = this.#router.partitionOf(entry);
    return inspectEntry(this.#replicas, clock, {
      entry,
      partition,
      nodes: preferenceList(this.#ring, partition),
      n: bucketConfig(config, entry.bucket).n,
      timeoutMs,
    });
  }

  members(): readonly MemberStatus[] {
    const { pending } = this.#hints;
    return this.#options.config.nodes.map(({ id }) => {
      const status = this.#peers.status(id);
      if (status === undefined) return this.#ownStatus();
      return { node: id, ...status, state: status.state === 'up' ? 'up' : 'down', hints: pending.get(id) };
    });
  }

  notReady(): readonly string[] {
    return this.#operations.isDraining ? ['The node is shutting down.'] : [];
  }

  hasMajorities(): boolean {
    const { defaults, buckets } = this.#options.config;
    const copies = new Set([defaults.n, ...[...buckets.values()].map(({ n }) => n)]);
    return this.preferenceLists.every((list) =>
      [...copies].every((n) => this.#hasMajority(list.slice(0, n))),
    );
  }

  #hasMajority(homes: readonly NodeId[]): boolean {
    if (!homes.includes(this.nodeId)) return true;
    return homes.filter((node) => this.#replicas.state(node) === 'up').length >= majority(homes.length);
  }

  probeStorage(): Promise<void> {
    return this.#records.probe();
  }

  drain(): void {
    this.#operations.drain();
  }

  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    this.drain();
    const backgroundEnded = Promise.all([this.#antiEntropy.close(), this.#handoff.close()]);
    await this.#operations.idle(graceMs);
    await this.#peers.close();
    await backgroundEnded;
    // What was begun for others is finished: a batch that meets a closed store would look like a broken disk.
    await this.#commit.close();
    this.#operationClock.close();
    await this.#options.storage.close();
  }

  /** A peer's request. Rejects if the store failed: nothing truthful can be answered then. */
  async #serve(request: PeerRequest): Promise<PeerReply> {
    switch (request.type) {
      case 'read':
        return { type: 'read', reply: await this.#local.read(request) };
      case 'store':
        return { type: 'store', reply: await this.#local.store(request) };
      case 'ping':
        return request;
      case 'tree-roots':
      case 'tree-leaves':
      case 'tree-keys':
        return this.#antiEntropy.serve(request);
      case 'coordinate-get':
      case 'coordinate-put':
      case 'coordinate-delete':
        return this.#router.serve(request);
    }
  }

  #ownStatus(): MemberStatus {
    return {
      node: this.nodeId,
      state: 'self',
      sinceMs: this.#startedMs,
      storeId: this.#storeId,
      incarnation: this.#incarnations.current,
      reason: undefined,
      hints: undefined,
    };
  }
}
