/**
 * What clients of real processes did with one key that conditional and plain writes share, and were told, in the terms of the
 * linearizability checker of the simulation. A value begins with the name of its write, so whoever is shown it knows whose it is.
 *
 * An answer does not tell of every tombstone whose deletion it was, so deletions count as what they are to clients: nothing is
 * there. A condition never names one: what is deleted is created.
 */
import type { EntryBody } from '../../src/api/bodies.ts';
import {
  type ObjectOperation,
  type ObjectRequest,
  type ObjectState,
  stateOf,
} from '../sim/linearizability/object-history.ts';
import { searchObject } from '../sim/linearizability/object-search.ts';

/** Placements that the search tries before it gives up. It seldom needs more than there are operations. */
const MAX_STEPS = 1_000_000;

/** What an answer showed of the key. */
export interface Shown {
  readonly state: ObjectState;
  /** Undefined if nothing is there. */
  readonly etag: string | undefined;
  /** The causal token; undefined if there is none. */
  readonly token: string | undefined;
}

export const NOTHING_SHOWN: Shown = { state: '', etag: undefined, token: undefined };

/** What an entry shows: the names of the writes whose values are there. */
export function shownIn({ siblings, etag, context }: EntryBody): Shown {
  const names = siblings.flatMap((sibling) => ('text' in sibling ? [nameIn(sibling.text)] : []));
  return { state: stateOf(names), etag, token: context };
}

export function nameIn(value: string): string {
  return value.split(' ', 1)[0] as string;
}

export class ObjectRecord {
  readonly #operations: ObjectOperation[] = [];
  readonly #states = new Map<string, ObjectState>();
  readonly #wrong: string[] = [];
  #order = 0;

  /** The place of a call in the sequence of calls and returns. */
  call(): number {
    this.#order += 1;
    return this.#order;
  }

  /** A read has shown this, or a write that was refused for its condition (`refused`). */
  saw(calledAt: number, shown: Shown, refused: ObjectRequest = { type: 'read' }): void {
    this.learn(shown);
    this.#add(calledAt, this.call(), refused, { type: 'shown', state: shown.state });
  }

  /** A write has taken effect before it was answered. */
  wrote(calledAt: number, request: ObjectRequest): void {
    this.#add(calledAt, this.call(), request, { type: 'ok' });
  }

  /** A write has taken effect, or will at any time, or never. */
  mayHaveWritten(calledAt: number, request: ObjectRequest): void {
    this.#add(calledAt, Number.POSITIVE_INFINITY, request, { type: 'unknown' });
  }

  /** One ETag stands for one content, for ever. */
  learn({ etag, state }: Shown): void {
    if (etag === undefined) return;
    const before = this.#states.get(etag) ?? state;
    this.#states.set(etag, before);
    if (before !== state) this.#wrong.push(`the ETag ${etag} stands for ${before} and for ${state}`);
  }

  /** How many writes of this type have taken effect for sure. */
  count(type: ObjectRequest['type'], isCounted: (event: string) => boolean = () => true): number {
    return this.#operations.filter(
      ({ request, outcome }) =>
        outcome.type === 'ok' && request.type === type && 'event' in request && isCounted(request.event),
    ).length;
  }

  /** What is wrong; nothing, if all is well. */
  judge(): readonly string[] {
    const verdict = searchObject(this.#operations, { maxSteps: MAX_STEPS, mayForget: true });
    if (verdict.type === 'legal') return this.#wrong;
    const why = verdict.type === 'illegal' ? verdict.detail : `undecided after ${verdict.steps} steps`;
    return [...this.#wrong, `not linearizable: ${why}`];
  }

  /** All that was recorded, one line for each operation. */
  get lines(): string {
    const asJson = (operation: ObjectOperation): string =>
      JSON.stringify(operation, (_name, value: unknown) => (value instanceof Set ? [...value] : value));
    return this.#operations.map(asJson).join('\n');
  }

  get length(): number {
    return this.#operations.length;
  }

  #add(
    calledAt: number,
    returnedAt: number,
    request: ObjectRequest,
    outcome: ObjectOperation['outcome'],
  ): void {
    this.#operations.push({ id: this.#operations.length + 1, calledAt, returnedAt, request, outcome });
  }
}
