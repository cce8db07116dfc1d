/**
 * Gives a node back its votes after its store has lost something (rule: core/paxos/acceptor.ts, decideAdmit). It lets its own acceptor
 * in key by key: it has the other home replicas of a key choose what is there, in a round of its own that it takes no part in,
 * whose end is an ADMIT to itself. So does any round that meets it without a vote, whoever leads it. Keys that somebody asks
 * its vote for come first; then, when all records are back, all that any other home replica has ever voted on.
 *
 * When that is done for all other home replicas it votes on all keys: on those, too, that none of them has named. Each was asked
 * when it knew this node by its present store, and had ended all that it had begun before; from then on it takes nothing from
 * a round that counts on the lost one. What was chosen, or promised by a majority, with the lost store was so with at least one
 * of them before that moment, who would have named the key. So nothing that was lost of the other keys can be missed.
 */
import type { EntryName, NodeId, StoreId } from '../../core/ids.ts';
import {
  ADMIT_AFTER_MS,
  EXCHANGE_CONCURRENCY,
  MAX_WANTED_VOTES,
  RECOVERY_RETRY_MS,
} from '../../core/limits.ts';
import type { PeerReply, VotedKeysRequest } from '../../core/message.ts';
import { NO_STORE } from '../../core/paxos/acceptor-state.ts';
import type { Timer } from '../../ports/clock.ts';
import type { Tracer } from '../../ports/tracer.ts';
import { askPeer, ExchangeBroken, type QuestionPorts } from '../background/peer-question.ts';
import type { InFlight } from '../in-flight.ts';
import type { StoreMemory } from '../peers/store-memory.ts';
import type { OwnStore } from '../recovery/own-store.ts';
import type { AcceptorStore } from '../replica/acceptor-store.ts';
import type { LocalReplica } from '../replica/local-replica.ts';

/** How often the pause after a run that came to nothing is doubled. */
const MAX_DOUBLINGS = 3;
/** Less home replicas have no majority without this node. */
export const LEAST_HOMES = 3;

export interface AdmissionPorts extends QuestionPorts {
  readonly self: NodeId;
  readonly tracer: Tracer;
  readonly inFlight: InFlight;
  readonly local: LocalReplica;
  readonly acceptors: AcceptorStore;
  readonly memory: StoreMemory;
  /** It is made later than what asks for it. */
  readonly ownStore: () => OwnStore;
  /** Whether something that was lost is not back yet. */
  readonly isRecovering: () => boolean;
  /** The voters of the key, in order of preference. */
  readonly homesOf: (entry: EntryName) => readonly NodeId[];
  /** Members that are home replicas of some key together with this node. */
  readonly neighbours: ReadonlySet<NodeId>;
  /** Has a round choose what is there. Never rejects. */
  readonly finish: (entry: EntryName, homes: readonly NodeId[]) => Promise<unknown>;
}

export class Admission {
  readonly #ports: AdmissionPorts;
  /** Keys that somebody wants a vote on. */
  readonly #wanted = new Map<string, EntryName>();
  /** Peers of which all keys have been gone through. */
  readonly #done = new Set<NodeId>();
  #admitted = 0;
  /** Losses that this process has heard of. */
  #losses = 0;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #isStarted = false;
  #vainRuns = 0;

  constructor(ports: AdmissionPorts) {
    this.#ports = ports;
  }

  start(): void {
    this.#isStarted = true;
    this.#soon(ADMIT_AFTER_MS);
  }

  /** Begins nothing any more. Resolves when what runs has ended; it may wait for a peer until the peers are closed. */
  async close(): Promise<void> {
    this.#isStarted = false;
    this.#ports.pace.close();
    this.#timer?.cancel();
    await this.#running;
  }

  /** The store has lost something: what was gone through before says nothing any more. */
  begin(): void {
    this.#losses += 1;
    this.#done.clear();
    this.#admitted = 0;
    this.peerUp();
  }

  /** Somebody who was not there before may be asked now. */
  peerUp(): void {
    this.#vainRuns = 0;
    if (this.#ports.ownStore().voteless === 'all') this.#soon(ADMIT_AFTER_MS);
  }

  /** Somebody has asked for a vote on this key, which this node does not have. The round that did so may give it one yet. */
  wanted(entry: EntryName): void {
    if (this.#wanted.size >= MAX_WANTED_VOTES) return;
    this.#wanted.set(`${entry.bucket}\0${entry.key}`, entry);
    this.#soon(ADMIT_AFTER_MS);
  }

  /** What a peer asks that has lost its store. Rejects if the own store cannot be read. */
  async serve({ node, store, after }: VotedKeysRequest): Promise<PeerReply> {
    const { memory, inFlight, acceptors, homesOf, self } = this.#ports;
    if (memory.knownStore(node) !== store) {
      return { type: 'request-refused', reason: `${self} does not know ${node} by this store yet` };
    }
    // What was begun when it did not may write down yet what a round of the store before has made of a key.
    if (after === undefined) await inFlight.settled();
    const page = await acceptors.page(after, (entry) => homesOf(entry).includes(node));
    return { type: 'voted-keys', page };
  }

  #soon(delayMs: number): void {
    const { clock, pace } = this.#ports;
    if (!this.#isStarted || pace.isClosed || this.#running !== undefined || this.#isIdle) return;
    this.#timer?.cancel();
    this.#timer = clock.setTimer(delayMs, () => {
      this.#timer = undefined;
      this.#running = this.#run().finally(() => {
        this.#running = undefined;
        const isPressed = this.#wanted.size > 0;
        this.#soon(isPressed ? ADMIT_AFTER_MS : RECOVERY_RETRY_MS * 2 ** this.#vainRuns);
      });
    });
  }

  get #isIdle(): boolean {
    return this.#wanted.size === 0 && this.#ports.ownStore().voteless !== 'all';
  }

  async #run(): Promise<void> {
    const wanted = [...this.#wanted.values()];
    this.#wanted.clear();
    await this.#admitAll(wanted);
    const { isRecovering, ownStore } = this.#ports;
    if (isRecovering() || ownStore().voteless !== 'all') return;
    this.#vainRuns = Math.min(this.#vainRuns + 1, MAX_DOUBLINGS);
    await this.#goThrough(ownStore().storeId);
  }

  async #goThrough(store: StoreId): Promise<void> {
    const { neighbours, peers, ownStore, tracer, pace } = this.#ports;
    const losses = this.#losses;
    for (const peer of neighbours) {
      if (this.#done.has(peer) || peers.state(peer) !== 'up' || pace.isClosed) continue;
      try {
        const isWhole = await this.#admitVotedOf(peer, store);
        // If something was lost meanwhile, what was gone through says nothing.
        if (isWhole && this.#losses === losses) this.#done.add(peer);
      } catch (error) {
        if (!(error instanceof ExchangeBroken)) throw error;
      }
    }
    const isComplete = this.#losses === losses && [...neighbours].every((peer) => this.#done.has(peer));
    if (!isComplete || this.#ports.isRecovering() || !(await ownStore().votesAgain(store))) return;
    tracer.trace({ type: 'votes-again', admitted: this.#admitted });
  }

  /** Whether this node votes by now on all keys that the peer has ever voted on. Rejects with ExchangeBroken. */
  async #admitVotedOf(peer: NodeId, store: StoreId): Promise<boolean> {
    const { self } = this.#ports;
    let isWhole = true;
    for (let after: Uint8Array | undefined; ; ) {
      const request = { type: 'voted-keys', node: self, store, after } as const;
      const { page } = await askPeer(this.#ports, peer, request);
      if (!(await this.#admitAll(page.keys))) isWhole = false;
      if (page.next === undefined) return isWhole;
      if (after !== undefined && Buffer.compare(page.next, after) <= 0)
        throw new ExchangeBroken('its page is not what was asked for');
      after = page.next;
    }
  }

  /** Whether this node votes on all of them by now. */
  async #admitAll(entries: readonly EntryName[]): Promise<boolean> {
    const { pace, inFlight } = this.#ports;
    let isWhole = true;
    for (let start = 0; start < entries.length && !pace.isClosed; start += EXCHANGE_CONCURRENCY) {
      const some = entries.slice(start, start + EXCHANGE_CONCURRENCY);
      const votes = await Promise.all(some.map((entry) => inFlight.track(() => this.#admit(entry))));
      if (votes.includes(false)) isWhole = false;
      await pace.pause();
    }
    return isWhole && !pace.isClosed;
  }

  /** Whether this node votes on the key by now. */
  async #admit({ bucket, key }: EntryName): Promise<boolean> {
    const { self, homesOf, finish } = this.#ports;
    const entry = { bucket, key };
    const homes = homesOf(entry);
    if (!homes.includes(self) || homes.length < LEAST_HOMES || (await this.#votesOn(entry))) return true;
    await finish(entry, homes);
    const votes = await this.#votesOn(entry);
    if (votes) this.#admitted += 1;
    return votes;
  }

  /** After what was to be done with the key before. */
  async #votesOn(entry: EntryName): Promise<boolean> {
    const { local, acceptors, ownStore } = this.#ports;
    try {
      return await local.inSection(entry, async () => {
        const admittedAs = (await acceptors.get(entry))?.admittedAs;
        const { storeId, voteless } = ownStore();
        return admittedAs === storeId || (voteless !== 'all' && admittedAs !== NO_STORE);
      });
    } catch {
      return false;
    }
  }
}
