/**
 * What this node remembers of its peers' stores, in memory and on its own disk, so that a peer that has lost something is told
 * so. Which store a peer has is written down at once; how far that has come with what this node's acceptor writes, or every few
 * seconds, for it changes with every write, and an old number finds most of what a new one would.
 */
import { metaKey } from '../../codec/key-layout.ts';
import { encodeStoreMark } from '../../codec/store-meta.ts';
import type { Incarnation, NodeId, StoreId } from '../../core/ids.ts';
import { REMEMBER_PEERS_MS } from '../../core/limits.ts';
import {
  judgeStore,
  type PresentedStore,
  raiseMark,
  rememberStore,
  type StoreMark,
} from '../../core/membership/store-mark.ts';
import type { Hello } from '../../core/message.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { StorageWrite } from '../../ports/storage.ts';
import type { Tracer } from '../../ports/tracer.ts';

export interface StoreMemoryOptions {
  readonly clock: Clock;
  readonly tracer: Tracer;
  /** What was written down earlier. */
  readonly marks: ReadonlyMap<NodeId, StoreMark>;
  /** Writes notes down. A failure is not this one's to care for. */
  readonly write: (writes: readonly StorageWrite[]) => Promise<void>;
  /** A peer remembers this of the own store. */
  readonly onTold: (mark: StoreMark, by: NodeId) => void;
}

export class StoreMemory {
  readonly #options: StoreMemoryOptions;
  readonly #marks: Map<NodeId, StoreMark>;
  /** The stores that are written down. */
  readonly #durable: Map<NodeId, StoreId>;
  /** Who has said hello to this process. */
  readonly #met = new Set<NodeId>();
  /** Of whom something is not written down yet. */
  readonly #unwritten = new Set<NodeId>();
  /** Of each peer the store, or its opening, whose loss was traced, so that it is told once. */
  readonly #noticed = new Map<NodeId, string>();
  #timer: Timer | undefined;

  constructor(options: StoreMemoryOptions) {
    this.#options = options;
    this.#marks = new Map(options.marks);
    this.#durable = new Map([...options.marks].map(([peer, { storeId }]) => [peer, storeId]));
  }

  /** What is to be told a peer of its own store. */
  markOf(peer: NodeId): StoreMark | undefined {
    return this.#marks.get(peer);
  }

  /** The store of a peer that has said hello to this process, if that it is this one would survive a crash. */
  knownStore(peer: NodeId): StoreId | undefined {
    return this.#met.has(peer) ? this.writtenStore(peer) : undefined;
  }

  /** The store of a peer, whether or not it has said hello to this process, if that it is this one would survive a crash. */
  writtenStore(peer: NodeId): StoreId | undefined {
    const storeId = this.#marks.get(peer)?.storeId;
    return storeId === this.#durable.get(peer) ? storeId : undefined;
  }

  /** A peer has proved who it is. What it remembers is told on before this returns. */
  met(peer: NodeId, hello: Hello): void {
    const presented = presentedIn(hello);
    const before = this.#marks.get(peer);
    this.#notice(peer, before, presented);
    const after = rememberStore(before, presented);
    if (after !== before) this.#remember(peer, after, before?.storeId !== after.storeId);
    if (hello.remembered !== undefined) this.#options.onTold(hello.remembered, peer);
    this.#met.add(peer);
  }

  /** A peer that presented itself so has come to this sequence number. */
  heard(peer: NodeId, { storeId, opening }: Hello, sequence: number): void {
    const mark = this.#marks.get(peer);
    if (mark === undefined || sequence <= mark.sequence) return;
    const raised = raiseMark(mark, {
      storeId: storeId as StoreId,
      opening: opening as Incarnation,
      sequence,
    });
    if (raised !== mark) this.#remember(peer, raised, false);
  }

  /** What is to be written down with the next batch, whose writer sees to that: only how far known stores have come. */
  takeNotes(): readonly StorageWrite[] {
    if (this.#unwritten.size === 0) return [];
    const notes: StorageWrite[] = [];
    for (const peer of this.#unwritten) {
      const mark = this.#marks.get(peer);
      if (mark === undefined || mark.storeId !== this.#durable.get(peer)) continue;
      this.#unwritten.delete(peer);
      notes.push(noteOf(peer, mark));
    }
    return notes;
  }

  /** Writes down what is not yet. Never rejects. */
  async close(): Promise<void> {
    await this.#writeAll();
  }

  #remember(peer: NodeId, mark: StoreMark, isUrgent: boolean): void {
    this.#marks.set(peer, mark);
    this.#unwritten.add(peer);
    if (isUrgent) void this.#writeAll();
    else this.#timer ??= this.#options.clock.setTimer(REMEMBER_PEERS_MS, () => void this.#writeAll());
  }

  async #writeAll(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    const marks = [...this.#unwritten].map((peer) => [peer, this.#marks.get(peer) as StoreMark] as const);
    this.#unwritten.clear();
    if (marks.length === 0) return;
    try {
      await this.#options.write(marks.map(([peer, mark]) => noteOf(peer, mark)));
    } catch {
      // A store that cannot be written ends the node by itself.
      return;
    }
    for (const [peer, { storeId }] of marks) this.#durable.set(peer, storeId);
  }

  #notice(peer: NodeId, before: StoreMark | undefined, presented: PresentedStore): void {
    const verdict = judgeStore(before, presented);
    if (before === undefined || verdict === 'same' || verdict === 'new') return;
    const name = verdict === 'rolled-back' ? presented.opening : presented.storeId;
    if (this.#noticed.get(peer) === name) return;
    this.#noticed.set(peer, name);
    const { storeId, openedAt } = presented;
    this.#options.tracer.trace(
      verdict === 'rolled-back'
        ? { type: 'peer-store-rolled-back', peer, storeId, sequence: openedAt, remembered: before.sequence }
        : { type: 'peer-store-replaced', peer, storeId, remembered: before.storeId },
    );
  }
}

function presentedIn({ storeId, opening, openedAt, earlier, lost }: Hello): PresentedStore {
  return {
    storeId: storeId as StoreId,
    opening: opening as Incarnation,
    openedAt,
    earlier,
    lost: lost as readonly StoreId[],
  };
}

function noteOf(peer: NodeId, mark: StoreMark): StorageWrite {
  return { type: 'put', key: metaKey(`peer:${peer}`), value: encodeStoreMark(mark) };
}
