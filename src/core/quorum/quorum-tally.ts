/**
 * Counts what replicas came to until a quorum is reached or cannot be reached any more. Reads and writes count alike: a
 * replica that stored, found something, or knows that it holds nothing counts; one that cannot tell counts for nothing.
 *
 * A fallback that found something counts like a home replica. That it holds nothing is no information: whoever wrote may
 * have reached others.
 *
 * Invariants: a quorum is of distinct nodes, so a second answer of one node changes nothing; a node that failed may still
 * be late but is not waited for; `impossible` is final, and so is `reached` unless an answer is taken back.
 */
import type { NodeId } from '../ids.ts';
import type { ReplicaReport, ReplicaResult } from '../outcome.ts';

export type QuorumVerdict = 'open' | 'reached' | 'impossible';

interface Place {
  phase: 'unasked' | 'asked' | 'settled';
  result: ReplicaResult;
  ms: number;
}

export class QuorumTally {
  readonly required: number;
  readonly #places: ReadonlyMap<NodeId, Place>;
  readonly #fallbacks: ReadonlySet<NodeId>;
  #unasked: number;
  #outstanding = 0;
  #counted = 0;
  #countedHomes = 0;

  /** `required` of the nodes make the quorum; every node once. `fallbacks` are no home replicas. */
  constructor(homes: readonly NodeId[], required: number, fallbacks: readonly NodeId[] = []) {
    this.required = required;
    this.#fallbacks = new Set(fallbacks);
    const nodes = [...homes, ...fallbacks];
    this.#places = new Map(nodes.map((node) => [node, { phase: 'unasked', result: 'not-asked', ms: 0 }]));
    this.#unasked = this.#places.size;
  }

  /** Distinct nodes whose answers count. */
  get counted(): number {
    return this.#counted;
  }

  /** Home replicas among them. */
  get countedHomes(): number {
    return this.#countedHomes;
  }

  /** Nodes that were asked and have not answered. */
  get outstanding(): number {
    return this.#outstanding;
  }

  get verdict(): QuorumVerdict {
    if (this.#counted >= this.required) return 'reached';
    return this.#counted + this.#outstanding + this.#unasked < this.required ? 'impossible' : 'open';
  }

  /** How many more have to be asked for a quorum if all those asked answer well. */
  get missing(): number {
    return Math.max(0, this.required - this.#counted - this.#outstanding);
  }

  isUnasked(node: NodeId): boolean {
    return this.#places.get(node)?.phase === 'unasked';
  }

  /** Notes that a node is being asked. */
  ask(node: NodeId): void {
    const place = this.#places.get(node);
    if (place?.phase !== 'unasked') return;
    place.phase = 'asked';
    place.result = 'no-answer';
    this.#unasked -= 1;
    this.#outstanding += 1;
  }

  /** Notes what a node that was asked came to. Answers whether it was news: only a node's first answer is. */
  settle(node: NodeId, result: ReplicaResult, ms: number): boolean {
    const place = this.#places.get(node);
    if (place?.phase !== 'asked') return false;
    place.phase = 'settled';
    place.result = result;
    place.ms = ms;
    this.#outstanding -= 1;
    if (this.counts(node)) {
      this.#counted += 1;
      if (!this.#fallbacks.has(node)) this.#countedHomes += 1;
    }
    return true;
  }

  /** Takes an answer back that counted: that node could not tell after all. Answers whether there was one. */
  revoke(node: NodeId, result: ReplicaResult): boolean {
    const place = this.#places.get(node);
    if (place === undefined || !this.counts(node)) return false;
    place.result = result;
    this.#counted -= 1;
    if (!this.#fallbacks.has(node)) this.#countedHomes -= 1;
    return true;
  }

  /** Whether this node's answer counts. */
  counts(node: NodeId): boolean {
    const place = this.#places.get(node);
    if (place?.phase !== 'settled') return false;
    return place.result === 'ok' || (place.result === 'not-found' && !this.#fallbacks.has(node));
  }

  /** One line for each node, without fallbacks that were not asked; those that still owe an answer have waited for `elapsedMs`. */
  reports(elapsedMs: number): readonly ReplicaReport[] {
    const told = [...this.#places].filter(
      ([node, { phase }]) => phase !== 'unasked' || !this.#fallbacks.has(node),
    );
    return told.map(([node, { phase, result, ms }]) => ({
      node,
      result,
      ms: Math.round((phase === 'asked' ? elapsedMs : ms) * 10) / 10,
    }));
  }
}

/** The smallest number of N replicas that any two sets of share a member. */
export function majority(n: number): number {
  return Math.floor(n / 2) + 1;
}
