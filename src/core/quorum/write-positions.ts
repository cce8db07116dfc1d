/**
 * Counts who stored a write until W positions of its preference list are filled, or cannot be any more. Each home replica is
 * one position; it is filled when the home replica has stored the record, or a fallback has that stands in for it. So a
 * quorum is always of distinct nodes, and a home replica and its stand-in never count as two.
 *
 * Without fallbacks this is the plain count of home replicas.
 */
import type { NodeId } from '../ids.ts';
import type { ReplicaReport, ReplicaResult } from '../outcome.ts';
import type { PreferredNodes } from '../ring/ring.ts';
import type { QuorumVerdict } from './quorum-tally.ts';

interface Place {
  /** The home replica whose position this is. */
  readonly home: NodeId;
  phase: 'asked' | 'settled';
  result: ReplicaResult;
  ms: number;
}

export class WritePositions {
  readonly required: number;
  readonly #homes: readonly NodeId[];
  readonly #fallbacks: readonly NodeId[];
  readonly #places = new Map<NodeId, Place>();

  /** All home replicas count as asked from the start. */
  constructor({ homes, fallbacks }: PreferredNodes, required: number) {
    this.required = required;
    this.#homes = homes;
    this.#fallbacks = fallbacks;
    for (const home of homes) this.#ask(home, home);
  }

  /** Filled positions. */
  get counted(): number {
    return this.#homes.filter((home) => this.#isFilled(home)).length;
  }

  /** `impossible` as long as nobody else is asked. */
  get verdict(): QuorumVerdict {
    if (this.counted >= this.required) return 'reached';
    const conceivable = this.#homes.filter((home) => this.#isFilled(home) || this.#isAsked(home)).length;
    return conceivable < this.required ? 'impossible' : 'open';
  }

  /** Nodes that were asked and have not answered. */
  get outstanding(): number {
    return [...this.#places.values()].filter(({ phase }) => phase === 'asked').length;
  }

  /** Whether a counted position is filled by its stand-in only. */
  get isSloppy(): boolean {
    return this.#homes.some((home) => this.#isFilled(home) && !this.hasStored(home));
  }

  /** Whether this node has stored the record. */
  hasStored(node: NodeId): boolean {
    return this.#places.get(node)?.result === 'ok';
  }

  /** Whether a home replica has neither stored the record nor a stand-in that may. */
  needsStandIn(home: NodeId): boolean {
    return !this.#isFilled(home) && !this.#standIns(home).some(({ phase }) => phase === 'asked');
  }

  /** Home replicas that owe an answer. */
  get silentHomes(): readonly NodeId[] {
    return this.#homes.filter((home) => this.#places.get(home)?.phase === 'asked');
  }

  /**
   * Fallbacks that may stand in now, in order of preference: those not asked yet, and those that stored the record for a
   * home replica that has stored it itself after all.
   */
  get freeFallbacks(): readonly NodeId[] {
    return this.#fallbacks.filter((node) => {
      const place = this.#places.get(node);
      return place === undefined || (place.result === 'ok' && this.hasStored(place.home));
    });
  }

  /** Notes that a fallback is asked to stand in for a home replica. */
  standIn(fallback: NodeId, home: NodeId): void {
    this.#ask(fallback, home);
  }

  /** Whom a fallback stands in for. */
  homeOf(node: NodeId): NodeId | undefined {
    return this.#places.get(node)?.home;
  }

  /** Notes what a node that was asked came to. Answers whether it was news: only a node's first answer is. */
  settle(node: NodeId, result: ReplicaResult, ms: number): boolean {
    const place = this.#places.get(node);
    if (place?.phase !== 'asked') return false;
    place.phase = 'settled';
    place.result = result;
    place.ms = ms;
    return true;
  }

  /** One line for each node that was asked; those that still owe an answer have waited for `elapsedMs`. */
  reports(elapsedMs: number): readonly ReplicaReport[] {
    return [...this.#places].map(([node, { phase, result, ms }]) => ({
      node,
      result,
      ms: Math.round((phase === 'asked' ? elapsedMs : ms) * 10) / 10,
    }));
  }

  #ask(node: NodeId, home: NodeId): void {
    this.#places.set(node, { home, phase: 'asked', result: 'no-answer', ms: 0 });
  }

  #standIns(home: NodeId): readonly Place[] {
    return this.#fallbacks.flatMap((node) => {
      const place = this.#places.get(node);
      return place?.home === home ? [place] : [];
    });
  }

  #isFilled(home: NodeId): boolean {
    return this.hasStored(home) || this.#standIns(home).some(({ result }) => result === 'ok');
  }

  #isAsked(home: NodeId): boolean {
    return (
      this.#places.get(home)?.phase === 'asked' || this.#standIns(home).some(({ phase }) => phase === 'asked')
    );
  }
}
