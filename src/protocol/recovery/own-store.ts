/**
 * The identity of this node's store while it runs, and what follows if a peer remembers it otherwise: the node does not count
 * as a replica from that moment on, writes that down, presents itself anew, and gets back what it lost.
 */
import { metaKey } from '../../codec/key-layout.ts';
import { encodeStoreIdentity } from '../../codec/store-identity.ts';
import type { Incarnation, NodeId, StoreId } from '../../core/ids.ts';
import {
  judgeStore,
  type OpeningList,
  type PresentedStore,
  type StoreMark,
} from '../../core/membership/store-mark.ts';
import type { Random } from '../../ports/random.ts';
import type { StorageWrite } from '../../ports/storage.ts';
import type { TraceEvent, Tracer } from '../../ports/tracer.ts';
import { drawStoreId, type IncarnationSource } from '../replica/incarnation.ts';
import { type OpenedStore, type StoreOwner, type Voteless, votelessWrite } from '../store-opening.ts';
import { gapWrites } from '../store-sequence.ts';
import type { Recovery } from './recovery.ts';

export interface OwnStoreOptions {
  readonly owner: StoreOwner;
  readonly opened: OpenedStore;
  readonly incarnations: IncarnationSource;
  readonly recovery: Recovery;
  readonly random: Random;
  readonly tracer: Tracer;
  readonly write: (...writes: readonly StorageWrite[]) => Promise<void>;
  /** Connections on which this node presented itself as it was before have to end. */
  readonly presentAnew: (reason: string) => void;
  /** The operator wants this node to vote whatever it has lost. */
  readonly votesAfterLoss?: boolean;
  /** It has no vote any more on any key. */
  readonly onNewcomer: () => void;
}

type LossKind = Extract<TraceEvent, { readonly type: 'store-lost-something' }>['kind'];

export class OwnStore {
  readonly #options: OwnStoreOptions;
  #storeId: StoreId;
  /** As far as it is written down: who is presented a lost store takes this one for its successor, and tells of it no more. */
  #lost: readonly StoreId[];
  #voteless: Voteless;
  /** Losses are being written down. */
  #isRenewing = false;

  constructor(options: OwnStoreOptions) {
    this.#options = options;
    this.#storeId = options.opened.storeId;
    this.#lost = options.recovery.lost;
    this.#voteless = options.opened.voteless;
  }

  get storeId(): StoreId {
    return this.#storeId;
  }

  get opening(): Incarnation {
    return this.#options.incarnations.opening;
  }

  get openedAt(): number {
    return this.#options.opened.sequence;
  }

  get earlier(): OpeningList {
    return this.#options.opened.earlier;
  }

  /** On which keys this node votes only if it was let, one by one. */
  get voteless(): Voteless {
    return this.#voteless;
  }

  get lost(): readonly StoreId[] {
    return this.#lost;
  }

  /** A peer remembers this of the own store. Takes effect on reads before this returns. */
  told(mark: StoreMark, toldBy: NodeId): void {
    // Until it is written down this node presents itself as before, and is told again.
    if (this.#isRenewing) return;
    const verdict = judgeStore(mark, this.#presented);
    if (verdict === 'replaced') void this.#lose('wiped', toldBy, mark.storeId);
    if (verdict === 'rolled-back') void this.#lose('rolled-back', toldBy, mark.storeId);
  }

  /** What its node had lost before is not known any more: it may have been anything. */
  async loseEverything(): Promise<void> {
    await this.#lose('damaged', this.#options.owner.nodeId, undefined);
  }

  /**
   * Something is missing in its middle: nobody knows what that was, promises among it. It is told from what the store itself holds,
   * before the node serves anything.
   */
  async loseBatches(gaps: readonly number[]): Promise<void> {
    await this.#lose('gap', this.#options.owner.nodeId, this.#storeId, gapWrites(gaps));
  }

  /**
   * What it has promised for some key cannot be read any more. As nobody knows what that was, the store is another one from now on: no
   * round that counts on the promise has the voters that there are then. Resolves to whether that is written down.
   */
  async losePromises(): Promise<boolean> {
    if (this.#isRenewing) return false;
    return this.#lose('promises', this.#options.owner.nodeId, this.#storeId);
  }

  /** Takes up its votes if its operator wants that: also those on single keys, by `takeLostVotes`, that a whole store may have lost. */
  async start(takeLostVotes: () => Promise<boolean>): Promise<void> {
    if (this.#options.votesAfterLoss !== true) return;
    const hasTaken = await takeLostVotes();
    if (this.#voteless === 'none' && !hasTaken) return;
    this.#options.tracer.trace({ type: 'votes-after-loss' });
    if (this.#voteless !== 'none') await this.#setVoteless('none');
  }

  /**
   * This store, if it is still this one, votes on all keys that have other home replicas. Resolves to whether that is written
   * down.
   */
  async votesAgain(storeId: StoreId): Promise<boolean> {
    return !this.#isRenewing && storeId === this.#storeId && this.#setVoteless('single');
  }

  async #setVoteless(voteless: Voteless): Promise<boolean> {
    this.#voteless = voteless;
    try {
      await this.#options.write(votelessWrite(voteless));
    } catch {
      // A store that cannot be written ends the node by itself.
      return false;
    }
    return true;
  }

  get #presented(): PresentedStore {
    const { storeId, opening, openedAt, earlier, lost } = this;
    return { storeId, opening, openedAt, earlier, lost };
  }

  async #lose(
    kind: LossKind,
    toldBy: NodeId,
    lost: StoreId | undefined,
    besides: readonly StorageWrite[] = [],
  ): Promise<boolean> {
    const { owner, incarnations, recovery, random, tracer, write, presentAnew } = this.#options;
    this.#isRenewing = true;
    const writes = [recovery.openAll(lost), ...besides];
    if (this.#options.votesAfterLoss === true) tracer.trace({ type: 'votes-after-loss' });
    else {
      this.#voteless = 'all';
      writes.push(votelessWrite('all'));
    }
    // One that is another one already need not become yet another.
    const isOther = kind === 'rolled-back' || kind === 'promises' || kind === 'gap';
    const storeId = isOther ? drawStoreId(random) : this.#storeId;
    if (storeId !== this.#storeId) {
      const value = encodeStoreIdentity({ storeId, ...owner });
      writes.push({ type: 'put', key: metaKey('store'), value });
    }
    tracer.trace({ type: 'store-lost-something', kind, toldBy, lost, storeId });
    try {
      await write(...writes);
    } catch {
      // A store that cannot be written ends the node; whoever starts it again finds it as it was, and it is told again.
      return false;
    }
    if (storeId !== this.#storeId) {
      this.#storeId = storeId;
      incarnations.renewFor(storeId);
    }
    this.#lost = recovery.lost;
    this.#isRenewing = false;
    if (this.#voteless === 'all') this.#options.onNewcomer();
    if (lost !== undefined) presentAnew('this node presents another store from now on');
    return true;
  }
}
