/**
 * One exchange with a peer (Dynamo, section 4.7): compares the roots of all trees that both keep, then the leaves of those
 * that differ, then the keys of the leaves that differ, and brings both sides' records of each differing key together. What
 * it costs follows the difference: one question if there is none.
 *
 * What the peer answers is checked, and no answer makes an exchange last: its time is limited, and the next one goes on
 * where it stopped. One that breaks is followed by one that begins behind the tree in which it broke.
 */
import type { EntryName, NodeId } from '../../core/ids.ts';
import { EXCHANGE_CONCURRENCY, EXCHANGE_LIMIT_MS } from '../../core/limits.ts';
import { behind, differingTrees, type Position, treesFrom } from '../../core/merkle/difference.ts';
import { differingLeaves, sameDigest } from '../../core/merkle/digest-tree.ts';
import type { TreeName } from '../../core/message.ts';
import { homeReplicas } from '../../core/ring/ring.ts';
import { comparePages, type KeyPagePorts } from './key-pages.ts';
import { askPeer, ExchangeBroken, QuestionUnanswered } from '../background/peer-question.ts';
import { reconcile, type ReconcilePorts } from './reconcile.ts';
import type { TreeStore } from './tree-store.ts';

export interface ExchangePorts extends ReconcilePorts, KeyPagePorts {
  readonly trees: TreeStore;
}

export interface ExchangeResult {
  /** `continued`: its time was over, and the next one goes on. `broken`: the peer, or the own store, did not go along. */
  readonly result: 'done' | 'continued' | 'broken';
  /** Why it broke. */
  readonly reason: string | undefined;
  /** Trees whose roots differed. */
  readonly differing: number;
  /** Records that one side or the other took. */
  readonly repaired: number;
  /** Where the next exchange with this peer is to begin; undefined: anywhere. */
  readonly next: Position | undefined;
}

/** `from`: where the last exchange with this peer stopped. Never rejects for what the peer or a disk does. */
export function exchange(
  ports: ExchangePorts,
  peer: NodeId,
  from: Position | undefined,
): Promise<ExchangeResult> {
  return new Exchange(ports, peer, from).run();
}

/** All leaves of one tree, here and there, at about one time. */
interface Leaves {
  readonly own: Uint8Array;
  readonly theirs: Uint8Array;
}

class Exchange {
  readonly #ports: ExchangePorts;
  readonly #peer: NodeId;
  readonly #from: Position | undefined;
  readonly #endMs: number;
  /** Where it found the first difference. */
  #begin: Position | undefined;
  /** Where it is now. */
  #at: Position | undefined;
  #differing = 0;
  #repaired = 0;

  constructor(ports: ExchangePorts, peer: NodeId, from: Position | undefined) {
    this.#ports = ports;
    this.#peer = peer;
    this.#from = from;
    this.#endMs = ports.clock.nowMs() + EXCHANGE_LIMIT_MS;
  }

  async run(): Promise<ExchangeResult> {
    try {
      await this.#compareTrees();
    } catch (error) {
      if (!(error instanceof ExchangeBroken)) throw error;
      const next = this.#at === undefined ? this.#from : behind(this.#at.tree);
      return this.#result('broken', next, error.message);
    }
    if (this.#at === undefined) return this.#result('done', undefined);
    // All of its time brought it nowhere: what it met may be all that the next one meets, too.
    const isStuck = this.#at === this.#begin && this.#repaired === 0;
    return this.#result('continued', isStuck ? behind(this.#at.tree) : this.#at);
  }

  #result(result: ExchangeResult['result'], next: Position | undefined, reason?: string): ExchangeResult {
    return { result, reason, next, differing: this.#differing, repaired: this.#repaired };
  }

  get #isOver(): boolean {
    return this.#ports.clock.nowMs() >= this.#endMs;
  }

  async #compareTrees(): Promise<void> {
    const { ring, self, trees, pace } = this.#ports;
    const theirs = await askPeer(this.#ports, this.#peer, { type: 'tree-roots' });
    const isUnknown = theirs.roots.some(({ partition }) => partition >= ring.partitions);
    if (isUnknown) throw new ExchangeBroken('it has a partition that is not on the ring');
    // Only home replicas of a record are to hold it; what lies elsewhere is not compared.
    const shared = differingTrees(theirs, trees.roots()).filter(({ partition, n }) => {
      const homes = homeReplicas(ring, partition, n);
      return homes.includes(self) && homes.includes(this.#peer);
    });
    this.#differing = shared.length;
    for (const position of treesFrom(this.#from, shared)) {
      if (this.#isOver) return;
      this.#begin ??= position;
      this.#at = position;
      await this.#compareTree(position);
      await pace.pause();
    }
    if (!this.#isOver) this.#at = undefined;
  }

  async #compareTree({ tree, after }: Position): Promise<void> {
    const before = await this.#leaves(tree);
    const leaves = differingLeaves(before.own, before.theirs);
    if (leaves.length === 0) return;
    const different = await this.#compareKeys(tree, leaves, after);
    if (different > 0 || after !== undefined || this.#isOver) return;
    // Trees that differ over equal records are wrong, here or there, unless it was a write that is there by now.
    const now = await this.#leaves(tree);
    const isAsBefore = (leaf: number): boolean =>
      sameDigest(before.own, now.own, leaf) && sameDigest(before.theirs, now.theirs, leaf);
    if (leaves.some(isAsBefore)) this.#ports.trees.doubt(tree.partition);
  }

  async #leaves(tree: TreeName): Promise<Leaves> {
    const { leaves: theirs } = await askPeer(this.#ports, this.#peer, { type: 'tree-leaves', tree });
    const own = this.#ports.trees.leaves(tree);
    if (own?.length !== theirs.length) throw new ExchangeBroken('its tree has another number of leaves');
    return { own, theirs };
  }

  /** Resolves to how many keys differed. */
  async #compareKeys(
    tree: TreeName,
    leaves: readonly number[],
    from: Uint8Array | undefined,
  ): Promise<number> {
    let different = 0;
    for (let after = from; ; ) {
      const page = await comparePages(this.#ports, this.#peer, { type: 'tree-keys', tree, leaves, after });
      different += page.entries.length + page.unreadable;
      await this.#reconcileAll(tree, page.entries);
      after = page.next;
      if (after === undefined || this.#isOver) return different;
      this.#at = { tree, after };
      await this.#ports.pace.pause();
    }
  }

  async #reconcileAll({ partition }: TreeName, entries: readonly EntryName[]): Promise<void> {
    for (let start = 0; start < entries.length && !this.#isOver; start += EXCHANGE_CONCURRENCY) {
      const some = entries.slice(start, start + EXCHANGE_CONCURRENCY);
      // All of them come to their end, so that nothing of a broken exchange goes on behind its back.
      const results = await Promise.allSettled(
        some.map((entry) => reconcile(this.#ports, { peer: this.#peer, partition, entry })),
      );
      for (const result of results) if (result.status === 'fulfilled') this.#repaired += result.value;
      for (const result of results) {
        if (result.status === 'rejected' && !(result.reason instanceof QuestionUnanswered))
          throw result.reason;
      }
      await this.#ports.pace.pause();
    }
  }
}
