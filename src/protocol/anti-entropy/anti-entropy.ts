/**
 * Anti-entropy: what a replica missed, or lost, comes back to it without anybody reading the key. Each node exchanges with
 * one peer after the other, all the time and slowly; soon with a peer that has just come up, because it missed something.
 * Meanwhile it builds its trees: a partition is compared as soon as both sides have built it.
 */
import { placementHash } from '../../codec/hash.ts';
import { largestNOf } from '../../codec/record-codec.ts';
import type { EntryName, NodeId } from '../../core/ids.ts';
import { EXCHANGE_AFTER_RETURN_MS, EXCHANGE_INTERVAL_MS, MAX_TREE_PAGES_AT_ONCE } from '../../core/limits.ts';
import type { Position } from '../../core/merkle/difference.ts';
import type { PartitionKeysRequest, PeerReply, TreeRequest, TreeRoots } from '../../core/message.ts';
import { homeReplicas, partitionOf, type Ring } from '../../core/ring/ring.ts';
import type { WorkSizes } from '../../core/work-sizes.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Storage } from '../../ports/storage.ts';
import type { Tracer } from '../../ports/tracer.ts';
import type { InFlight } from '../in-flight.ts';
import type { Peers } from '../peers/peers.ts';
import type { LocalReplica } from '../replica/local-replica.ts';
import { exchange, type ExchangePorts } from './exchange.ts';
import { ExchangeTurns } from './exchange-turns.ts';
import { readKeysPage, readPartitionPage } from './key-pages.ts';
import { Pace } from '../background/pace.ts';
import { TreeStore } from './tree-store.ts';

export interface AntiEntropyPorts {
  readonly self: NodeId;
  readonly ring: Ring;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: Random;
  readonly tracer: Tracer;
  readonly peers: Peers;
  readonly local: LocalReplica;
  readonly inFlight: InFlight;
  /** Whether this node begins exchanges and builds trees; so it does if this is not set. It answers its peers anyway. */
  readonly antiEntropy?: boolean;
  /**
   * Told of a record that this node is no home replica for, and that it may keep for nobody. Resolves to false if it cannot be
   * read now.
   */
  readonly adopt: (entry: EntryName) => Promise<boolean>;
  /** Told of every record, now and then; in its key's serial section. */
  readonly onCounted: (entry: EntryName, encoded: Uint8Array) => void;
  /** How long a step of the foreground takes now, milliseconds: the last group commit, and more while clients wait. */
  readonly foregroundMs: () => number;
  readonly sizes: Pick<WorkSizes, 'treePageKeys' | 'treePageRecords' | 'treeStepRecords'>;
}

export class AntiEntropy {
  readonly #ports: AntiEntropyPorts;
  readonly #pace: Pace;
  readonly #trees: TreeStore;
  readonly #exchangePorts: ExchangePorts;
  readonly #turns: ExchangeTurns;
  /** Where the next exchange with a peer is to begin. */
  readonly #positions = new Map<NodeId, Position>();
  /** When the next exchange begins. */
  #next: { readonly dueMs: number; readonly timer: Timer } | undefined;
  #exchanging: Promise<void> | undefined;
  #building: Promise<void> | undefined;
  #pagesBeingRead = 0;

  constructor(ports: AntiEntropyPorts) {
    this.#ports = ports;
    const { clock, peers } = ports;
    this.#pace = new Pace(clock, ports.foregroundMs);
    const pace = this.#pace;
    this.#trees = new TreeStore({ ...ports, look: (entry, use) => this.#look(entry, use), pace });
    this.#exchangePorts = { ...ports, trees: this.#trees, pace };
    this.#turns = new ExchangeTurns(peers.others);
  }

  /** A record changed; told in its key's serial section. */
  changed(entry: EntryName, before: Uint8Array | undefined, after: Uint8Array | undefined): void {
    this.#trees.changed(entry, before, after);
  }

  /** Answers a peer that compares its trees with those of this node. */
  async serve(request: TreeRequest | PartitionKeysRequest): Promise<PeerReply> {
    switch (request.type) {
      case 'tree-roots':
        return { type: request.type, ...this.#trees.roots() };
      case 'tree-leaves': {
        const leaves = this.#trees.leaves(request.tree);
        return leaves === undefined ? refused('this tree is being built') : { type: request.type, leaves };
      }
      case 'tree-keys':
        return this.#serveKeys(async () => ({
          type: request.type,
          page: await readKeysPage(this.#ports, request),
        }));
      case 'partition-keys':
        return this.#serveKeys(async () => ({
          type: request.type,
          page: await readPartitionPage(this.#ports, request),
        }));
    }
  }

  /** What this node tells of all its trees. */
  roots(): TreeRoots {
    return this.#trees.roots();
  }

  start(): void {
    if (!this.#isOn) return;
    this.#buildTrees();
    this.#exchangeWithin(this.#drawn(this.#intervalMs));
  }

  /** A peer came up: it may have missed something. */
  peerUp(peer: NodeId): void {
    if (!this.#isOn) return;
    this.#turns.wants(peer);
    this.#exchangeWithin(this.#drawn(EXCHANGE_AFTER_RETURN_MS));
  }

  /** Begins nothing any more. Resolves when what runs has ended; an exchange may wait for its peer until the peers are closed. */
  async close(): Promise<void> {
    this.#pace.close();
    this.#next?.timer.cancel();
    await Promise.all([this.#exchanging, this.#building]);
  }

  /** A page takes disk and time that clients may need, too. */
  async #serveKeys(read: () => Promise<PeerReply>): Promise<PeerReply> {
    if (this.#pagesBeingRead >= MAX_TREE_PAGES_AT_ONCE) return refused('too many pages are being read');
    this.#pagesBeingRead += 1;
    try {
      await this.#pace.pause();
      return await read();
    } catch (error) {
      return refused(`the keys cannot be read: ${String(error)}`);
    } finally {
      this.#pagesBeingRead -= 1;
    }
  }

  /** A node comes across all of its records here, so it is here that it notices those that lie where they do not belong. */
  async #look(entry: EntryName, use: (encoded: Uint8Array | undefined) => void): Promise<boolean> {
    const { local, ring, self, adopt, onCounted } = this.#ports;
    let isStray = false;
    const couldRead = await local.look(entry, (encoded) => {
      use(encoded);
      if (encoded === undefined) return;
      onCounted(entry, encoded);
      const partition = partitionOf(ring, placementHash(entry));
      isStray = !homeReplicas(ring, partition, largestNOf(encoded)).includes(self);
    });
    return isStray ? adopt(entry) : couldRead;
  }

  #buildTrees(): void {
    this.#building ??= this.#trees.buildDue().finally(() => {
      this.#building = undefined;
    });
  }

  get #isOn(): boolean {
    return this.#ports.antiEntropy !== false && this.#ports.peers.others.length > 0;
  }

  get #intervalMs(): number {
    return EXCHANGE_INTERVAL_MS / this.#ports.peers.others.length;
  }

  /** Half of it is fixed and as much drawn on average, so that nodes that saw the same event do not act in step. */
  #drawn(ms: number): number {
    return ms * (0.5 + this.#ports.random.fraction());
  }

  /** An exchange begins in so many milliseconds, or sooner if that was decided already. */
  #exchangeWithin(delayMs: number): void {
    if (this.#pace.isClosed || this.#exchanging !== undefined) return;
    const { clock } = this.#ports;
    const dueMs = clock.nowMs() + delayMs;
    if (this.#next !== undefined && this.#next.dueMs <= dueMs) return;
    this.#next?.timer.cancel();
    this.#next = { dueMs, timer: clock.setTimer(delayMs, () => this.#beginExchange()) };
  }

  #beginExchange(): void {
    this.#next = undefined;
    this.#buildTrees();
    this.#exchanging = this.#exchangeWithNext().finally(() => {
      this.#exchanging = undefined;
      const isWanted = this.#turns.isWanted((peer) => this.#isUp(peer));
      this.#exchangeWithin(this.#drawn(isWanted ? EXCHANGE_AFTER_RETURN_MS : this.#intervalMs));
    });
  }

  async #exchangeWithNext(): Promise<void> {
    const { clock, tracer } = this.#ports;
    const peer = this.#turns.next((node) => this.#isUp(node));
    if (peer === undefined) return;
    const startMs = clock.nowMs();
    const { next, ...outcome } = await exchange(this.#exchangePorts, peer, this.#positions.get(peer));
    if (next === undefined) this.#positions.delete(peer);
    else this.#positions.set(peer, next);
    if (outcome.result === 'continued') this.#turns.wants(peer);
    tracer.trace({ type: 'exchange', peer, ...outcome, ms: clock.nowMs() - startMs });
  }

  #isUp(peer: NodeId): boolean {
    return this.#ports.peers.state(peer) === 'up';
  }
}

function refused(reason: string): PeerReply {
  return { type: 'request-refused', reason };
}
