/**
 * What this node has lost, and how it gets it back. As long as a partition is open, this node's copy of it counts for nothing
 * in a read: it may lack what was acknowledged. A partition is closed when this node has met all that each of its other home
 * replicas holds, and up to which ballots they have collected keys. What is open is kept on the disk, so that a process that is started again goes on with it.
 */
import { metaKey } from '../../codec/key-layout.ts';
import { encodeRecoveryState, type RecoveryState } from '../../codec/store-meta.ts';
import type { NodeId, Partition, StoreId } from '../../core/ids.ts';
import { MAX_LOST_STORES, RECOVERY_RETRY_MS, RECOVERY_ROUND_MS } from '../../core/limits.ts';
import { creditorsOf, placeOf } from '../../core/membership/partition-debts.ts';
import { sameDigest, TREE_DIGEST_BYTES } from '../../core/merkle/digest-tree.ts';
import type { TreeRoots } from '../../core/message.ts';
import type { Timer } from '../../ports/clock.ts';
import type { StorageWrite } from '../../ports/storage.ts';
import type { Tracer } from '../../ports/tracer.ts';
import { askPeer, ExchangeBroken } from '../background/peer-question.ts';
import type { Floors } from '../replica/floors.ts';
import { pullPartition, type PullPorts } from './partition-pull.ts';

/** How often the pause after a run in which nothing was got back is doubled. */
const MAX_DOUBLINGS = 3;

export interface RecoveryOptions extends Omit<PullPorts, 'onMet'> {
  readonly tracer: Tracer;
  /** The largest number of copies that the configuration asks for. */
  readonly configuredN: number;
  /** What was lost and not got back by earlier processes. */
  readonly state: RecoveryState | undefined;
  /** Of this node's digest trees. */
  readonly roots: () => TreeRoots;
  readonly write: (...writes: readonly StorageWrite[]) => Promise<void>;
  readonly floors: Floors;
  /** By which peers have to know this node before they tell it their floors. */
  readonly storeId: () => StoreId;
}

export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #debts: Map<Partition, Set<NodeId>>;
  #lost: readonly StoreId[];
  #widestN: number;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  /** Something has changed while it ran: a peer came up, or more was lost. */
  #isWanted = false;
  #isStarted = false;
  /** Whether something has been got back that is not written down yet. */
  #hasProgressed = false;
  /** Runs, one after the other, in which nothing was got back. */
  #vainRuns = 0;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    const { state, configuredN } = options;
    this.#lost = state?.lost ?? [];
    this.#widestN = Math.max(configuredN, state?.widestN ?? 0);
    this.#debts = new Map();
    for (const [partition, done] of state?.debts ?? []) this.#open(partition, done);
  }

  /** Stores whose place the own one has taken. */
  get lost(): readonly StoreId[] {
    return this.#lost;
  }

  /** Number of partitions that are open. */
  get open(): number {
    return this.#debts.size;
  }

  /** Peers without which some partition stays open. */
  get waitingFor(): readonly NodeId[] {
    return this.#options.peers.others.filter((peer) => this.#owedBy(peer).length > 0);
  }

  isOpen(partition: Partition): boolean {
    return this.#debts.has(partition);
  }

  /** Whether this partition, if it is opened now, waits for nobody who is away and whom it does not wait for already. */
  canClose(partition: Partition): boolean {
    const done = this.#debts.get(partition);
    const isOwing = (peer: NodeId): boolean => done !== undefined && !done.has(peer);
    return this.#creditorsOf(partition).every(
      (peer) => isOwing(peer) || this.#options.peers.state(peer) === 'up',
    );
  }

  /** All partitions are open from now on. Gives what has to be written down for that. */
  openAll(lost: StoreId | undefined): StorageWrite {
    if (lost !== undefined)
      this.#lost = [...this.#lost.filter((id) => id !== lost), lost].slice(-MAX_LOST_STORES);
    const { partitions } = this.#options.ring;
    for (let partition = 0; partition < partitions; partition += 1) this.#open(partition as Partition);
    return this.#opened();
  }

  /** This partition is open from now on. Gives what has to be written down for that. */
  openOne(partition: Partition): StorageWrite {
    this.#open(partition);
    return this.#opened();
  }

  start(): void {
    this.#isStarted = true;
    if (this.#debts.size > 0) this.#traceOpen();
    this.#wake();
  }

  /** Somebody who was not there before may be asked now. */
  peerUp(): void {
    this.#vainRuns = 0;
    this.#wake();
  }

  #wake(): void {
    if (!this.#isStarted || this.#options.pace.isClosed || this.#debts.size === 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#isWanted = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      this.#wakeLater();
    });
  }

  /** Begins nothing any more. Resolves when what runs has ended; it may wait for a peer until the peers are closed. */
  async close(): Promise<void> {
    this.#isStarted = false;
    this.#options.pace.close();
    this.#timer?.cancel();
    await this.#running;
  }

  /** Where no other node can hold anything nothing can be got back: it would stay open for ever. */
  #open(partition: Partition, done: Iterable<NodeId> = []): void {
    if (this.#creditorsOf(partition).length > 0) this.#debts.set(partition, new Set(done));
  }

  #opened(): StorageWrite {
    this.#traceOpen();
    // In a later turn, because what is opened is written down first.
    queueMicrotask(() => this.#wake());
    return this.#stateWrite();
  }

  #stateWrite(): StorageWrite {
    const state = { lost: this.#lost, widestN: this.#widestN, debts: this.#debts };
    return { type: 'put', key: metaKey('recovery'), value: encodeRecoveryState(state) };
  }

  #wakeLater(): void {
    if (!this.#isStarted || this.#options.pace.isClosed || this.#debts.size === 0) return;
    const delayMs = RECOVERY_RETRY_MS * 2 ** Math.min(this.#vainRuns, MAX_DOUBLINGS);
    this.#vainRuns += 1;
    this.#timer = this.#options.clock.setTimer(delayMs, () => this.#wake());
  }

  /** With one peer after the other that is up, as long as somebody has something to give. */
  async #run(): Promise<void> {
    while (this.#isWanted && !this.#options.pace.isClosed) {
      this.#isWanted = false;
      for (const peer of this.#options.peers.others) {
        if (this.#owedBy(peer).length > 0 && this.#options.peers.state(peer) === 'up')
          await this.#round(peer);
      }
    }
  }

  async #round(peer: NodeId): Promise<void> {
    const { clock, pace } = this.#options;
    const endMs = clock.nowMs() + RECOVERY_ROUND_MS;
    const before = this.#debts.size;
    try {
      await this.#copyFloors(peer);
      await this.#settleEqual(peer);
      for (const partition of this.#owedBy(peer)) {
        if (pace.isClosed || clock.nowMs() >= endMs) break;
        const opened = this.#debts.get(partition);
        const isWhole = await pullPartition(
          { ...this.#options, onMet: (n) => this.#met(n) },
          peer,
          partition,
        );
        // If it was opened anew meanwhile, what has been gone through so far says nothing.
        if (isWhole && this.#debts.get(partition) === opened) this.#settle(partition, peer);
        await pace.pause();
      }
    } catch (error) {
      if (!(error instanceof ExchangeBroken)) throw error;
    }
    if (this.#debts.size !== before && this.#debts.size > 0) this.#traceOpen();
    if (!this.#hasProgressed) return;
    this.#hasProgressed = false;
    this.#vainRuns = 0;
    // A store that cannot be written ends the node by itself.
    await this.#options.write(this.#stateWrite()).catch(() => undefined);
  }

  /** Also of what is equal: keys that were collected have left nothing but the floor. */
  async #copyFloors(peer: NodeId): Promise<void> {
    const { self, storeId, floors, write } = this.#options;
    const told = await askPeer(this.#options, peer, { type: 'floors', node: self, store: storeId() });
    const writes = told.floors.flatMap((floor) => floors.raise(floor));
    if (writes.length === 0) return;
    await write(...writes).catch((error: unknown) => {
      throw new ExchangeBroken(`the own store fails: ${String(error)}`);
    });
  }

  /**
   * Partitions that are equal here and there, or of which the peer holds nothing that belongs here, need not be gone through. Trees
   * that are in doubt do not say so: what the peer could not read for them may be just what was lost here.
   */
  async #settleEqual(peer: NodeId): Promise<void> {
    const { ring, self } = this.#options;
    const theirs = await askPeer(this.#options, peer, { type: 'tree-roots' });
    const own = this.#options.roots();
    const unknown = new Set([...theirs.unbuilt, ...theirs.doubtful]);
    const ownUnknown = new Set([...own.unbuilt, ...own.doubtful]);
    const ownRoots = new Map(own.roots.map(({ partition, n, root }) => [`${partition} ${n}`, root]));
    for (const partition of this.#owedBy(peer)) {
      if (unknown.has(partition)) continue;
      const place = placeOf(ring, partition, self);
      const relevant = theirs.roots.filter((root) => root.partition === partition && root.n > place);
      const isEqual = relevant.every(({ n, root }) => {
        const same = ownRoots.get(`${partition} ${n}`) ?? new Uint8Array(TREE_DIGEST_BYTES);
        return !ownUnknown.has(partition) && sameDigest(same, root);
      });
      if (isEqual) this.#settle(partition, peer);
    }
  }

  #creditorsOf(partition: Partition): readonly NodeId[] {
    const { ring, self } = this.#options;
    return creditorsOf(ring, partition, self, this.#widestN);
  }

  #owedBy(peer: NodeId): readonly Partition[] {
    return [...this.#debts].flatMap(([partition, done]) =>
      !done.has(peer) && this.#creditorsOf(partition).includes(peer) ? [partition] : [],
    );
  }

  #settle(partition: Partition, peer: NodeId): void {
    const done = this.#debts.get(partition);
    if (done === undefined) return;
    done.add(peer);
    this.#hasProgressed = true;
    const isClosed = this.#creditorsOf(partition).every((node) => done.has(node));
    if (!isClosed) return;
    this.#debts.delete(partition);
    if (this.#debts.size === 0) this.#traceOpen();
  }

  /** Records with so many copies are in use: more nodes may hold what belongs here. */
  #met(n: number): void {
    this.#widestN = Math.max(this.#widestN, n);
  }

  #traceOpen(): void {
    this.#options.tracer.trace({ type: 'recovering', partitions: this.#debts.size });
  }
}
