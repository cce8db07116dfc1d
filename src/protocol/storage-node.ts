/**
 * The front door of the storage engine: what the HTTP server calls on its own node, and what a simulation builds on
 * simulated ports. Takes requests of clients and of peers, and gives each to the part that carries it out:
 *
 *   coordinator/   reads at R and writes at W of a key's home replicas
 *   replica/       this node's own copy, durable by group commit
 *   anti-entropy/  compares and repairs replicas in the background
 *   handoff/       keeps records for replicas that are away, and hands them over
 *   paxos/         who votes in the rounds of conditional writes
 *   recovery/      gets back what the own store has lost, before it counts again
 *   reaping/       lets the records of deleted keys go, when nothing can bring back what was deleted
 *   background/    what those four have in common
 *   peers/         connections to the other members
 */
import { describePlacement } from '../codec/hash.ts';
import { bucketConfig } from '../core/cluster-config.ts';
import type { EntryName, NodeId } from '../core/ids.ts';
import type { ConditionalOutcome, DeleteOutcome, PutOutcome, ReadOutcome } from '../core/outcome.ts';
import type { ConditionalRequest, DeleteRequest, PutRequest, ReadRequest } from '../core/request.ts';
import { type Sized, workSizes } from '../core/work-sizes.ts';
import type { StorageWrite } from '../ports/storage.ts';
import { HedgePolicy } from '../core/quorum/hedge-policy.ts';
import { buildRing, type Ring } from '../core/ring/ring.ts';
import { AntiEntropy } from './anti-entropy/anti-entropy.ts';
import { Pace } from './background/pace.ts';
import { CoarseClock } from './coarse-clock.ts';
import { GetCoordinator } from './coordinator/get-coordinator.ts';
import { OperationRouter } from './coordinator/operation-router.ts';
import { WriteCoordinator } from './coordinator/write-coordinator.ts';
import { Handoff } from './handoff/handoff.ts';
import { type Inspection, inspectEntry } from './inspection.ts';
import { InFlight } from './in-flight.ts';
import { localIdentity } from './local-identity.ts';
import { copiesIn, hasMajorities } from './majorities.ts';
import { type MemberStatusPorts, memberStatuses } from './member-status.ts';
import type { MemberStatus, OwnRecovery, StorageNode, StorageNodeOptions } from './node-interface.ts';
import { servePeer } from './peer-requests.ts';
import { buildPaxos, type PaxosParts } from './paxos/paxos-parts.ts';
import { Peers } from './peers/peers.ts';
import { StoreMemory } from './peers/store-memory.ts';
import { Reaping } from './reaping/reaping.ts';
import { ownLosses } from './recovery/own-losses.ts';
import { OwnStore } from './recovery/own-store.ts';
import { Recovery } from './recovery/recovery.ts';
import type { OnChanged } from './replica/local-replica.ts';
import { buildOwnCopy, type OwnCopy } from './replica/own-copy.ts';
import { Replicas } from './replica/replicas.ts';
import { RunningOperations } from './running-operations.ts';
import { type OpenedStore, openStore, type StoreOwner } from './store-opening.ts';

export { StartRefused } from './start-refused.ts';
export type { PendingHints } from './handoff/hint-store.ts';
export type { Inspection, ReplicaView } from './inspection.ts';
export type { MemberStatus, OwnRecovery, StorageNode, StorageNodeOptions } from './node-interface.ts';

/** Opens the store, takes a new incarnation and joins the network. Rejects with StartRefused, or with an I/O error. */
export async function startStorageNode(options: StorageNodeOptions): Promise<StorageNode> {
  const { config, nodeId, storage, random } = options;
  const owner = { cluster: config.cluster, nodeId, placement: describePlacement(config) };
  const members = config.nodes.map(({ id }) => id);
  const opened = await openStore(storage, owner, members, random);
  const node = new RunningNode({ ...options, sizes: workSizes(options.sizes) }, owner, opened);
  await node.start(opened);
  return node;
}

class RunningNode implements StorageNode {
  readonly nodeId: NodeId;
  readonly #options: StorageNodeOptions;
  readonly #ring: Ring;
  readonly #copy: OwnCopy;
  readonly #paxos: PaxosParts;
  readonly #memory: StoreMemory;
  readonly #peers: Peers;
  readonly #recovery: Recovery;
  readonly #ownStore: OwnStore;
  readonly #replicas: Replicas;
  readonly #antiEntropy: AntiEntropy;
  readonly #handoff: Handoff;
  readonly #reaping: Reaping;
  readonly #inFlight = new InFlight();
  readonly #router: OperationRouter;
  readonly #operations: RunningOperations;
  /** Deadlines and hedges of operations. */
  readonly #operationClock: CoarseClock;
  readonly #described: MemberStatusPorts;
  #closing: Promise<void> | undefined;

  constructor(options: StorageNodeOptions & Sized, owner: StoreOwner, opened: OpenedStore) {
    const { config, nodeId, clock, random, tracer, network } = options;
    this.nodeId = nodeId;
    this.#options = options;
    this.#ring = buildRing(config);
    const { sequence, incarnations } = opened;
    const onChanged: OnChanged = (entry, before, after) => {
      this.#antiEntropy.changed(entry, before, after);
      this.#reaping.changed(entry, after);
    };
    const inFlight = this.#inFlight;
    const laterMade = { recovery: () => this.#recovery, ownStore: () => this.#ownStore };
    const losses = ownLosses({ config, ring: this.#ring, ...laterMade });
    this.#copy = buildOwnCopy({
      ...options,
      ring: this.#ring,
      sequence,
      incarnations,
      onChanged,
      inFlight,
      losses,
      onHintStored: (away) => this.#handoff.soon(away),
    });
    const { commit, local, hints, hinted, floors } = this.#copy;
    this.#memory = new StoreMemory({
      clock,
      tracer,
      marks: opened.marks,
      write: (writes) => commit.writeNote(...writes),
      onTold: (mark, by) => this.#ownStore.told(mark, by),
    });
    const self = localIdentity(options, { commit, incarnations, ownStore: () => this.#ownStore });
    this.#peers = new Peers({ self, memory: this.#memory, network, clock, random, tracer });
    this.#replicas = new Replicas(nodeId, local, this.#peers);
    this.#operationClock = new CoarseClock(clock);
    const hedging = new HedgePolicy();
    const ports = { replicas: this.#replicas, clock: this.#operationClock, tracer, inFlight, hedging };
    const background = {
      ...options,
      self: nodeId,
      ring: this.#ring,
      peers: this.#peers,
      local,
      inFlight,
      foregroundMs: () => commit.lastMs * (1 + this.#operations.running),
    };
    this.#antiEntropy = new AntiEntropy({
      ...background,
      adopt: (entry) => hinted.adopt(entry),
      onCounted: (entry, encoded) => this.#reaping.cameAcross(entry, encoded),
    });
    const pace = (): Pace => new Pace(clock, background.foregroundMs);
    this.#reaping = new Reaping({
      ...background,
      ...{ ...this.#copy, incarnations, mayLack: losses.mayLack, pace: pace() },
      entomb: (entry) => this.#paxos.collector.entomb(entry),
      standingOn: (entry) => this.#paxos.standingOn(entry),
    });
    this.#handoff = new Handoff({ ...background, hints, hinted });
    const write = (...writes: readonly StorageWrite[]): Promise<void> => commit.write(...writes);
    this.#recovery = new Recovery({
      ...background,
      pace: pace(),
      configuredN: Math.max(...copiesIn(config)),
      state: opened.recovery === 'damaged' ? undefined : opened.recovery,
      roots: () => this.#antiEntropy.roots(),
      ...{ write, floors, storeId: () => this.#ownStore.storeId },
    });
    const presentAnew = (reason: string): void => this.#peers.presentAnew(reason);
    const onNewcomer = (): void => this.#paxos.admission.begin();
    const identity = { owner, opened, incarnations, random, tracer, write, presentAnew, onNewcomer };
    this.#ownStore = new OwnStore({ ...options, ...identity, recovery: this.#recovery });
    const reads = new GetCoordinator({
      ...options,
      ...ports,
      linearizableRead: (request) => this.#router.readWithin(request),
    });
    const writes = new WriteCoordinator({
      ...ports,
      config,
      local,
      reads,
      commitQueueBytes: () => commit.queuedBytes,
      isLowOnSpace: options.isLowOnSpace,
    });
    const startedMs = clock.wallMs();
    this.#described = { ...background, config, incarnations, startedMs, hints, ownStore: this.#ownStore };
    this.#paxos = buildPaxos({
      ...background,
      ...ports,
      ...this.#copy,
      ...laterMade,
      incarnations,
      onChanged,
      losses,
      pace: pace(),
      preciseClock: clock,
      memory: this.#memory,
      isRecovering: () => this.#recovery.open > 0,
    });
    this.#operations = new RunningOperations(clock, config.limits.maxOperationsInFlight, inFlight);
    this.#router = new OperationRouter({
      ...ports,
      ring: this.#ring,
      peers: this.#peers,
      reads,
      writes,
      conditionals: this.#paxos.coordinator,
      votersOf: ({ bucket }) => bucketConfig(config, bucket).n,
      operations: this.#operations,
    });
  }

  async start({ recovery, gaps }: OpenedStore): Promise<void> {
    if (recovery === 'damaged') await this.#ownStore.loseEverything();
    if (gaps.length > 0) await this.#ownStore.loseBatches(gaps);
    await this.#copy.floors.load(() => this.#ownStore.loseEverything());
    await this.#copy.hints.load();
    await this.#copy.acceptors.load();
    const served = {
      ...{ ...this.#copy, ...this.#paxos, memory: this.#memory },
      antiEntropy: this.#antiEntropy,
      router: this.#router,
      reaping: this.#reaping,
      inFlight: this.#inFlight,
    };
    await this.#peers.start(
      (request, onTheWayMs) => servePeer(served, request, onTheWayMs),
      (peer) => {
        this.#handoff.peerUp(peer);
        this.#antiEntropy.peerUp(peer);
        this.#recovery.peerUp();
        this.#paxos.admission.peerUp();
      },
    );
    this.#operations.start();
    this.#antiEntropy.start();
    this.#recovery.start();
    this.#reaping.start();
    await this.#paxos.start();
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

  conditional(request: ConditionalRequest): Promise<ConditionalOutcome> {
    return this.#router.conditional(request);
  }

  inspect(entry: EntryName, timeoutMs: number): Promise<Inspection> {
    const ports = { ...this.#options, ring: this.#ring, replicas: this.#replicas };
    return inspectEntry({ ...ports, acceptors: this.#paxos.acceptors }, entry, timeoutMs);
  }

  members(): readonly MemberStatus[] {
    return memberStatuses(this.#described);
  }

  recovery(): OwnRecovery {
    const { open: partitions, waitingFor } = this.#recovery;
    return { partitions, waitingFor };
  }

  notReady(): readonly string[] {
    return this.#operations.isDraining ? ['The node is shutting down.'] : [];
  }

  hasMajorities(): boolean {
    return hasMajorities(this.#ring, copiesIn(this.#options.config), this.#replicas);
  }

  probeStorage(): Promise<void> {
    return this.#copy.records.probe();
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
    const background = [this.#antiEntropy, this.#handoff, this.#recovery, this.#reaping, this.#paxos];
    const backgroundEnded = Promise.all(background.map((work) => work.close()));
    await this.#operations.idle(graceMs);
    await this.#peers.close();
    await backgroundEnded;
    await this.#memory.close();
    // What was begun for others is finished: a batch that meets a closed store would look like a broken disk.
    await this.#copy.commit.close();
    this.#operationClock.close();
    await this.#options.storage.close();
  }
}
