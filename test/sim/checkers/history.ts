/**
 * What clients did and were told, in the order in which it happened. Any run can be written down like this, simulated or
 * of real processes; the checkers ask for nothing else.
 *
 * `order` counts calls and returns in one sequence: operation a was before b iff a returned before b was called. Times of
 * clocks tie, and would make violations legal.
 */

import type { ObjectState } from '../linearizability/object-history.ts';
import { KeyClosure } from './closure.ts';

/** `unknown`: it may have been applied, now or later, or never. */
export type WriteOutcome = 'ok' | 'unknown' | 'not-applied';

export interface WriteEvent {
  readonly id: number;
  readonly key: string;
  readonly type: 'put' | 'delete';
  /**
   * Events that the client had been shown with the context that it sent. Those, and what their clients had seen, are all
   * that this write may supersede.
   */
  readonly known: ReadonlySet<number>;
  /** A DELETE without a context: it supersedes what the server found, which the client does not learn. */
  readonly isBlindDelete: boolean;
  readonly n: number;
  readonly w: number;
  readonly calledAt: number;
  /** How often it was sent under its write id; 0 if it has none. */
  attemptsById: number;
  /** Undefined while no answer has come. */
  returnedAt: number | undefined;
  outcome: WriteOutcome;
  /** Whether the answer counted a fallback. */
  isSloppy?: boolean;
  /** Whether the answer said that it is ordered with conditional writes. */
  isOrdered?: boolean;
  /** Set: it is a conditional write. */
  readonly condition?: WriteCondition;
  /** Set where it is not the filler of the event (dots.ts). */
  readonly value?: Uint8Array;
}

/** `replace`: that the key's object is exactly this (linearizability/object-history.ts). */
export type WriteCondition =
  | { readonly type: 'create' }
  | { readonly type: 'replace'; readonly expected: ObjectState };

/** A linearizable read; or a conditional write that was refused because of what is there. */
export interface ObjectSight {
  readonly id: number;
  readonly key: string;
  readonly calledAt: number;
  readonly returnedAt: number;
  readonly state: ObjectState;
  /** Of a refused write. */
  readonly refused?: WriteCondition;
  /** What the only live sibling holds, after the name of its event. */
  readonly payload: string | undefined;
}

export interface ReadEvent {
  readonly id: number;
  readonly key: string;
  readonly n: number;
  readonly r: number;
  readonly calledAt: number;
  readonly returnedAt: number;
  /** Whether the answer counted a fallback. */
  readonly isSloppy?: boolean;
  /** Events whose values, or tombstones, were shown. */
  readonly shown: readonly number[];
}

/** A rule that did not hold, with both sides of it. */
export interface Violation {
  /** Stable name of the invariant. */
  readonly invariant: string;
  readonly detail: string;
}

export class History {
  readonly #writes = new Map<number, WriteEvent>();
  readonly #closures = new Map<string, KeyClosure>();
  /** Deletions that some node has let go, by key, with when that was. */
  readonly #reaped = new Map<string, Map<number, number>>();
  readonly reads: ReadEvent[] = [];
  readonly sights: ObjectSight[] = [];
  #order = 0;

  /** The next place in the sequence of calls and returns. */
  next(): number {
    this.#order += 1;
    return this.#order;
  }

  /** Notes a write when it is called. What becomes of it is noted in the event itself. */
  add(write: WriteEvent): void {
    this.#writes.set(write.id, write);
    this.closureOf(write.key).add(write);
  }

  write(id: number): WriteEvent | undefined {
    return this.#writes.get(id);
  }

  /** In the order of their calls. */
  writesOf(key: string): readonly WriteEvent[] {
    return this.#closures.get(key)?.writes ?? [];
  }

  /** A node lets deletions of this key go, which all members know. */
  reaped(key: string, events: readonly number[]): void {
    const known = this.#reaped.get(key) ?? new Map<number, number>();
    this.#reaped.set(key, known);
    for (const event of events) if (!known.has(event)) known.set(event, this.next());
  }

  /** Deletions of a key that need not be shown any more; `before`: that were let go before this place in the sequence. */
  reapedOf(key: string, before = Number.POSITIVE_INFINITY): readonly number[] {
    return [...(this.#reaped.get(key) ?? [])].filter(([, at]) => at < before).map(([event]) => event);
  }

  /** What the writes of a key account for. */
  closureOf(key: string): KeyClosure {
    const closure = this.#closures.get(key) ?? new KeyClosure();
    this.#closures.set(key, closure);
    return closure;
  }
}
