/**
 * Ends what this node had accepted together with a store that is lost, before the node that lost it gets its records back from this
 * one. A write may have been acknowledged by these two alone, and be in no record yet. Plain reads that meet either of them have such
 * a round finished first; but the node that has lost its store knows nothing of it, and would answer them as soon as it has
 * all records.
 *
 * What this node accepts later has other voters, of which the new store is none as long as it was not let in: so others know of it.
 */
import { type EntryName, type NodeId, nameOf, type StoreId } from '../../core/ids.ts';
import { EXCHANGE_CONCURRENCY, LOST_STORE_ANSWER_MS, LOST_STORE_ROUNDS_MS } from '../../core/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { InFlight } from '../in-flight.ts';
import type { AcceptorStore } from '../replica/acceptor-store.ts';
import { LEAST_HOMES } from './admission.ts';
import type { ConditionalResult } from './waiting-request.ts';

export interface LostStoreRoundsPorts {
  readonly acceptors: AcceptorStore;
  readonly clock: Clock;
  readonly inFlight: InFlight;
  /** The voters of the key, in order of preference. */
  readonly homesOf: (entry: EntryName) => readonly NodeId[];
  /** Has a round choose what is there. Never rejects. */
  readonly finish: (entry: EntryName, homes: readonly NodeId[]) => Promise<ConditionalResult>;
}

interface LostStore {
  /** The one that came in its place. */
  readonly store: StoreId;
  readonly sinceMs: number;
  /** What is left, by name. */
  readonly rounds: Map<string, EntryName>;
  running: Promise<void> | undefined;
}

export class LostStoreRounds {
  readonly #ports: LostStoreRoundsPorts;
  /** By the nodes that have lost one. */
  readonly #lost = new Map<NodeId, LostStore>();

  constructor(ports: LostStoreRoundsPorts) {
    this.#ports = ports;
  }

  /**
   * Resolves to whether all has ended that was accepted here before this node knew `node` by this store; it has to know it by now. True
   * also if that cannot be for so long: where too many have lost their stores no round ends, and records are better than nothing.
   */
  async end(node: NodeId, store: StoreId): Promise<boolean> {
    const { clock } = this.#ports;
    const lost = this.#lostBy(node, store);
    if (clock.nowMs() - lost.sinceMs >= LOST_STORE_ROUNDS_MS) lost.rounds.clear();
    if (lost.rounds.size === 0) return true;
    lost.running ??= this.#endAll(lost).finally(() => {
      lost.running = undefined;
    });
    // Who asks gives up sooner than many rounds that cannot end, and asks again.
    await new Promise<void>((resolve) => {
      const timer = clock.setTimer(LOST_STORE_ANSWER_MS, resolve);
      void lost.running?.then(() => {
        timer.cancel();
        resolve();
      });
    });
    return lost.rounds.size === 0;
  }

  #lostBy(node: NodeId, store: StoreId): LostStore {
    const known = this.#lost.get(node);
    if (known?.store === store) return known;
    const { acceptors, clock, homesOf } = this.#ports;
    const rounds = new Map<string, EntryName>();
    for (const { entry, hasAccepted } of acceptors.unfinished) {
      const homes = homesOf(entry);
      // With fewer voters the node has a vote in each round, as soon as it has its records back.
      if (hasAccepted && homes.includes(node) && homes.length >= LEAST_HOMES)
        rounds.set(nameOf(entry), entry);
    }
    const lost = { store, sinceMs: clock.nowMs(), rounds, running: undefined };
    this.#lost.set(node, lost);
    return lost;
  }

  async #endAll({ rounds }: LostStore): Promise<void> {
    const entries = [...rounds];
    for (let start = 0; start < entries.length; start += EXCHANGE_CONCURRENCY) {
      const some = entries.slice(start, start + EXCHANGE_CONCURRENCY);
      await Promise.all(
        some.map(async ([name, entry]) => {
          if (await this.#isEnded(entry)) rounds.delete(name);
        }),
      );
    }
  }

  async #isEnded(entry: EntryName): Promise<boolean> {
    const { acceptors, inFlight, homesOf, finish } = this.#ports;
    if (!acceptors.hasUnfinishedRound(entry)) return true;
    const { type } = await inFlight.track(() => finish(entry, homesOf(entry)));
    return type === 'read';
  }
}
