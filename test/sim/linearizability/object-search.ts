/**
 * Linearizability of one key that plain writes and conditional ones share: Wing and Gong's search with Lowe's memory, as
 * register-search.ts, over states that are sets of events. Each event happens once, so one that has left the state for good
 * while somebody still has to find it ends a branch at once; that keeps most searches as short as the history.
 *
 * Of operations with unknown outcome only those are placed that may matter, and no earlier than they do:
 *
 * - One whose event nobody was ever shown, and nobody that is placed expects, is left out: whatever had found it would have
 *   shown it. Only a deletion may be found by a create, which does not tell.
 * - A plain write commutes with all that does not mention its event: so it is placed only when something does that may come next.
 * - A deletion that nobody is shown matters where it leaves nothing live for a create, also when it takes the place of a write that
 *   nobody was shown either.
 *
 * A state that is torn between two operations that are left (torn-state.ts) ends a branch as well, and so does a write that somebody
 * finds together with that of a conditional one which has not come yet: that would take its place. And a known plain write is placed
 * at once where nothing that may come before it could tell. Without all that, of dozens of plain writes that come to light at once
 * all subsets were tried, and one history in a hundred was given up after a minute; since then all of those have been decided in about
 * a thousand steps. So the limit is far above what is needed, and is not raised for anybody.
 *
 * `undecided` is an answer of its own and must never be taken for `legal`.
 */
import type { SearchVerdict } from './register-search.ts';
import { type FrontTarget, isTorn, type Target } from './torn-state.ts';
import {
  eventsIn,
  isDeletion,
  type ObjectOperation,
  type ObjectRequest,
  type ObjectState,
  stateOf,
  statesAfter,
} from './object-history.ts';

export interface ObjectSearchOptions {
  /** Placements that are tried before the search gives up. */
  readonly maxSteps?: number;
  /** Whether the store forgets deletions where nothing is live. */
  readonly mayForget?: boolean;
}

const DEFAULT_MAX_STEPS = 100_000;

/** Order of the operations does not matter. */
export function searchObject(
  operations: readonly ObjectOperation[],
  { maxSteps = DEFAULT_MAX_STEPS, mayForget = false }: ObjectSearchOptions = {},
): SearchVerdict {
  const known = operations.filter(({ outcome }) => outcome.type !== 'unknown');
  const unknown = operations.filter(({ outcome }) => outcome.type === 'unknown');
  const search = new ObjectSearch(known, thatMayMatter(known, unknown), { maxSteps, mayForget });
  return search.run();
}

/** Unknown operations whose event somebody mentions, and deletions. */
function thatMayMatter(
  known: readonly ObjectOperation[],
  unknown: readonly ObjectOperation[],
): readonly ObjectOperation[] {
  const mentioned = new Set(known.flatMap(affectedBy));
  const kept = new Set<ObjectOperation>();
  for (let before = -1; before !== kept.size; ) {
    before = kept.size;
    for (const operation of unknown) {
      const event = eventOf(operation);
      if (kept.has(operation) || event === undefined) continue;
      if (!mentioned.has(event) && !isDeletion(event)) continue;
      kept.add(operation);
      for (const other of affectedBy(operation)) mentioned.add(other);
    }
  }
  return [...kept];
}

/** Events for which it matters whether they come before the operation: it finds them, or takes their place. */
function affectedBy(operation: ObjectOperation): readonly string[] {
  const { request, outcome } = operation;
  const replaced = request.type === 'plain' && outcome.type !== 'shown' ? [...request.replaces] : [];
  return [...mentionedBy(operation), ...replaced];
}

/** Events that must be in the state that the operation finds. */
function mentionedBy({ request, outcome }: ObjectOperation): readonly string[] {
  if (outcome.type === 'shown') return eventsIn(outcome.state);
  return request.type === 'replace' ? eventsIn(request.expected) : [];
}

function eventOf({ request }: ObjectOperation): string | undefined {
  return request.type === 'read' ? undefined : request.event;
}

function isCreate({ request, outcome }: ObjectOperation): boolean {
  return request.type === 'create' && outcome.type !== 'shown';
}

/** A write that takes the place of all that it finds. */
function isConditional({ request, outcome }: ObjectOperation): boolean {
  return outcome.type !== 'shown' && (request.type === 'create' || request.type === 'replace');
}

/** A deletion of something that is there, or may be. Nobody may ever be shown more of it than that what it deleted has gone. */
function removesSome({ request }: ObjectOperation, there: ReadonlySet<string>): boolean {
  if (request.type === 'read' || !isDeletion(request.event)) return false;
  return request.type !== 'plain' || [...request.replaces].some((event) => there.has(event));
}

/** A place in the search: which known operations may come next, and when the first of all that are left returns. */
interface Front {
  readonly indexes: readonly number[];
  readonly firstReturn: number;
}

type PlainRequest = ObjectRequest & { readonly type: 'plain' };

/** From where on something may take the place of an event. */
interface Leaving {
  readonly state: ObjectState;
  /** Events that are there when it does, and must not leave as well. */
  readonly kept: readonly string[];
}

class ObjectSearch {
  /** In the order of their calls. */
  readonly #known: readonly ObjectOperation[];
  readonly #unknown: readonly ObjectOperation[];
  readonly #mayForget: boolean;
  /** Whether a deletion may matter that nobody is shown. */
  readonly #areDeletionsUnseen: boolean;
  readonly #isPlaced: Uint8Array;
  readonly #isUsed: Uint8Array;
  readonly #led: (readonly number[] | undefined)[] = [];
  readonly #affectedBy = new Map<ObjectOperation, readonly string[]>();
  /** The operation of each event, of those that took effect and of those that may have. */
  readonly #knownOf = new Map<string, number>();
  readonly #unknownOf = new Map<string, number>();
  /** For each event the unknown operations that must find it. */
  readonly #expecting = new Map<string, number[]>();
  readonly #targets = new Map<ObjectOperation, Target>();
  /** Operations that have to find the same share their target. */
  readonly #targetsByState = new Map<ObjectState, Target>();
  /** For each event the targets of known operations with it. */
  readonly #targetsWith = new Map<string, Target[]>();
  /** For each event those of conditional writes that somebody finds it beside: they take the place of all that is there, so they have come before. */
  readonly #foundersOf = new Map<string, readonly string[]>();
  /** For each event how many known operations that are not placed have to find it. */
  readonly #needed = new Map<string, number>();
  /** The same of those for which it matters whether it has come before. */
  readonly #wanted = new Map<string, number>();
  /** Sets of unknown operations that were used when a place failed. */
  readonly #failed = new Map<string, (readonly number[])[]>();
  #first = 0;
  #placed = 0;
  #stepsLeft: number;
  readonly #maxSteps: number;
  #best: { readonly placed: number; readonly state: ObjectState; readonly stuck: readonly number[] };

  constructor(
    known: readonly ObjectOperation[],
    unknown: readonly ObjectOperation[],
    { maxSteps, mayForget }: Required<ObjectSearchOptions>,
  ) {
    this.#known = known.toSorted((left, right) => left.calledAt - right.calledAt);
    this.#unknown = unknown;
    this.#mayForget = mayForget;
    this.#isPlaced = new Uint8Array(known.length);
    this.#isUsed = new Uint8Array(unknown.length);
    this.#maxSteps = maxSteps;
    this.#stepsLeft = maxSteps;
    this.#best = { placed: -1, state: '', stuck: [] };
    for (const operation of known) this.#need(operation, 1);
    for (const target of new Set(known.flatMap((operation) => this.#targetOf(operation) ?? [])))
      for (const event of target)
        this.#targetsWith.set(event, [...(this.#targetsWith.get(event) ?? []), target]);
    for (const [index, operation] of this.#known.entries())
      if (operation.outcome.type === 'ok') this.#knownOf.set(eventOf(operation) ?? '', index);
    for (const [index, operation] of unknown.entries()) this.#unknownOf.set(eventOf(operation) ?? '', index);
    this.#areDeletionsUnseen = mayForget || [...known, ...unknown].some(isCreate);
    this.#noteFounders();
    for (const [index, operation] of unknown.entries())
      for (const event of mentionedBy(operation))
        this.#expecting.set(event, [...(this.#expecting.get(event) ?? []), index]);
  }

  #noteFounders(): void {
    const founders = new Set(
      [...this.#known, ...this.#unknown].flatMap((operation) =>
        isConditional(operation) ? (eventOf(operation) ?? []) : [],
      ),
    );
    for (const [event, targets] of this.#targetsWith) {
      const beside = new Set(targets.flatMap((target) => [...target]));
      const before = [...beside].filter((other) => other !== event && founders.has(other));
      if (before.length > 0) this.#foundersOf.set(event, before);
    }
  }

  run(): SearchVerdict {
    const isLegal = this.#explore('');
    const steps = this.#maxSteps - this.#stepsLeft;
    if (isLegal) return { type: 'legal', steps };
    if (this.#stepsLeft <= 0) return { type: 'undecided', steps };
    const { placed, state, stuck } = this.#best;
    const detail = `no order goes further than ${placed} of ${this.#known.length} operations: there the key holds ${state || 'nothing'}, and next would be ${stuck.join(', ')}`;
    return { type: 'illegal', steps, detail };
  }

  /** Whether all that is left can be placed from here. Leaves everything as it was, unless it can. */
  #explore(before: ObjectState): boolean {
    const trail: number[] = [];
    const isDone = this.#takeShown(before, trail) || this.#branch(before);
    if (!isDone) for (const index of trail.toReversed()) this.#lift(index);
    return isDone;
  }

  /** Places what the state shows: that changes nothing, for deletions do not count where they may be forgotten. Answers whether nothing is left. */
  #takeShown(state: ObjectState, trail: number[]): boolean {
    for (let found = true; found; ) {
      found = false;
      for (const index of this.#front().indexes) {
        const operation = this.#known[index] as ObjectOperation;
        if (operation.outcome.type !== 'shown' || statesAfter(operation, state, this.#mayForget).length === 0)
          continue;
        this.#put(index);
        trail.push(index);
        found = true;
      }
    }
    return this.#placed === this.#known.length;
  }

  #branch(state: ObjectState): boolean {
    const name = `${this.#nameOfPlaced()} ${state}`;
    const used = this.#usedNow();
    if (this.#failed.get(name)?.some((failed) => failed.every((index) => used.includes(index))) === true)
      return false;
    const front = this.#front();
    const due = this.#due(front, state);
    const isDone = this.#tryNext(front, due, state);
    if (isDone) return true;
    if (this.#stepsLeft <= 0) return false;
    this.#failed.set(name, [...(this.#failed.get(name) ?? []), used]);
    if (this.#placed > this.#best.placed) {
      const stuck = front.indexes.map((index) => (this.#known[index] as ObjectOperation).id);
      this.#best = { placed: this.#placed, state, stuck };
    }
    return false;
  }

  #tryNext(front: Front, due: readonly number[], state: ObjectState): boolean {
    const sure = due.find((index) => this.#isSureNext(index, front, due, state));
    if (sure !== undefined) return this.#tryUnknown([sure], state);
    const known = front.indexes.find((index) => this.#mayAsWellBeNext(index, state));
    if (known !== undefined) return this.#tryKnown([known], state);
    return this.#tryKnown(front.indexes, state) || this.#tryUnknown(due, state);
  }

  #tryKnown(indexes: readonly number[], state: ObjectState): boolean {
    const next = indexes.map((index) => this.#known[index] as ObjectOperation);
    const events = new Set(next.map(eventOf));
    // As a rule a client has seen what it replaces, so that has come before.
    const isEarly = (index: number): number => {
      const { request } = this.#known[index] as ObjectOperation;
      return Number(request.type === 'plain' && [...request.replaces].some((event) => events.has(event)));
    };
    const urgent = indexes.toSorted(
      (left, right) =>
        isEarly(left) - isEarly(right) ||
        (this.#known[left] as ObjectOperation).returnedAt -
          (this.#known[right] as ObjectOperation).returnedAt,
    );
    for (const index of urgent) {
      const operation = this.#known[index] as ObjectOperation;
      for (const next of statesAfter(operation, state, this.#mayForget)) {
        if (this.#stepsLeft <= 0) return false;
        this.#stepsLeft -= 1;
        this.#put(index);
        if (this.#leadsOn(operation, state, next) && this.#explore(next)) return true;
        this.#lift(index);
      }
    }
    return false;
  }

  #tryUnknown(due: readonly number[], state: ObjectState): boolean {
    for (const index of due) {
      const operation = this.#unknown[index] as ObjectOperation;
      for (const next of statesAfter(operation, state, this.#mayForget)) {
        // It is of no use here, and may be of some later.
        if (next === state) continue;
        if (this.#stepsLeft <= 0) return false;
        this.#stepsLeft -= 1;
        this.#isUsed[index] = 1;
        if (this.#leadsOn(operation, state, next) && this.#explore(next)) return true;
        this.#isUsed[index] = 0;
      }
    }
    return false;
  }

  /**
   * Whether an unknown plain write may as well come at once as later, and has to come: the one that returns first finds its event,
   * whatever does not find it comes after that one, and it commutes with all plain writes that may come before.
   */
  #isSureNext(
    index: number,
    { indexes, firstReturn }: Front,
    due: readonly number[],
    state: ObjectState,
  ): boolean {
    const write = this.#unknown[index] as ObjectOperation;
    if (write.request.type !== 'plain') return false;
    const next = indexes.map((each) => this.#known[each] as ObjectOperation);
    const first = next.find(({ returnedAt }) => returnedAt === firstReturn);
    const target = first === undefined ? undefined : this.#targetOf(first);
    if (target?.has(write.request.event) !== true) return false;
    const there = eventsIn(state).filter((each) => target.has(each));
    const others = due
      .filter((other) => other !== index)
      .map((other) => this.#unknown[other] as ObjectOperation);
    return [...next, ...others].every((operation) =>
      this.#isAfterOrCommutes(operation, write.request as PlainRequest, there),
    );
  }

  /**
   * Whether a known plain write may as well come at once as later: each other one that may come before it commutes with it. Without
   * that all subsets of a dozen writes at once were tried where what cannot be comes after them.
   */
  #mayAsWellBeNext(index: number, state: ObjectState): boolean {
    const write = this.#known[index] as ObjectOperation;
    const { request } = write;
    if (request.type !== 'plain') return false;
    const targets = this.#targetsWith.get(request.event) ?? [];
    // What is there and is found together with the event stays until that has come.
    const there = eventsIn(state).filter((each) => targets.some((target) => target.has(each)));
    const isFree = (operation: ObjectOperation): boolean =>
      operation === write || this.#isAfterOrCommutes(operation, request, there);
    for (let other = this.#first; other < this.#known.length; other += 1) {
      const operation = this.#known[other] as ObjectOperation;
      if (operation.calledAt > write.returnedAt) break;
      if (this.#isPlaced[other] !== 1 && !isFree(operation)) return false;
    }
    return this.#unknown.every(
      (operation, other) =>
        this.#isUsed[other] === 1 || operation.calledAt > write.returnedAt || isFree(operation),
    );
  }

  /** `there`: what is there, and stays until the write has come. */
  #isAfterOrCommutes(
    operation: ObjectOperation,
    { event, replaces }: PlainRequest,
    there: readonly string[],
  ): boolean {
    const { request } = operation;
    const own = this.#targetOf(operation);
    if (own !== undefined) return own.has(event) || there.some((each) => !own.has(each));
    if (request.type === 'create') return there.some((each) => !isDeletion(each));
    return request.type === 'plain' && !request.replaces.has(event) && !replaces.has(request.event);
  }

  /** Unknown operations that may be next, and without which something that is left comes out differently. */
  #due({ indexes, firstReturn }: Front, state: ObjectState): readonly number[] {
    const next = indexes.map((index) => this.#known[index] as ObjectOperation);
    const awaited = new Set(next.flatMap((operation) => this.#affected(operation)));
    const coming = new Set(next.flatMap((operation) => eventOf(operation) ?? []));
    let isCreateNext = next.some(isCreate);
    const due: number[] = [];
    const open = new Set(
      this.#unknown.flatMap(({ calledAt }, index) =>
        this.#isUsed[index] === 0 && calledAt <= firstReturn ? [index] : [],
      ),
    );
    const there = this.#withSuccessors(eventsIn(state), open);
    for (let before = -1; before !== due.length; ) {
      before = due.length;
      for (const index of open) {
        const operation = this.#unknown[index] as ObjectOperation;
        const isDeletionDue = (isCreateNext || this.#mayForget) && removesSome(operation, there);
        if (!isDeletionDue && !this.#matters(index, awaited, coming)) continue;
        open.delete(index);
        due.push(index);
        isCreateNext ||= isCreate(operation);
        coming.add(eventOf(operation) ?? '');
        for (const event of this.#affected(operation)) awaited.add(event);
      }
    }
    return due;
  }

  /** With what unknown writes may put in place of that: a deletion may have removed that before anybody was shown it. */
  #withSuccessors(events: readonly string[], open: ReadonlySet<number>): ReadonlySet<string> {
    const found = new Set(events);
    for (let before = -1; before !== found.size; ) {
      before = found.size;
      for (const index of open) {
        const operation = this.#unknown[index] as ObjectOperation;
        if (this.#affected(operation).some((event) => found.has(event))) found.add(eventOf(operation) ?? '');
      }
    }
    return found;
  }

  #matters(index: number, awaited: ReadonlySet<string>, coming: ReadonlySet<string>): boolean {
    const operation = this.#unknown[index] as ObjectOperation;
    const event = eventOf(operation);
    if (event === undefined) return false;
    if (awaited.has(event)) return true;
    // What is not plain does not commute with plain writes, so it does not wait until somebody asks for it; nor does what would take
    // the place of one that comes before it.
    const mayWait =
      operation.request.type === 'plain' && !this.#affected(operation).some((each) => coming.has(each));
    return !mayWait && this.#leadsTo(index).some((each) => this.#isNeeded(each));
  }

  #isNeeded(index: number): boolean {
    const event = eventOf(this.#unknown[index] as ObjectOperation) as string;
    if (this.#isUsed[index] === 1) return false;
    return (this.#wanted.get(event) ?? 0) > 0 || (this.#areDeletionsUnseen && isDeletion(event));
  }

  /** Unknown operations, the given one included, that find its event, or find one of those. */
  #leadsTo(index: number): readonly number[] {
    const known = this.#led[index];
    if (known !== undefined) return known;
    const found = new Set([index]);
    for (const each of found) {
      const event = eventOf(this.#unknown[each] as ObjectOperation) as string;
      for (const [other, operation] of this.#unknown.entries())
        if (this.#affected(operation).includes(event)) found.add(other);
    }
    const led = [...found];
    this.#led[index] = led;
    return led;
  }

  #affected(operation: ObjectOperation): readonly string[] {
    const known = this.#affectedBy.get(operation) ?? affectedBy(operation);
    this.#affectedBy.set(operation, known);
    return known;
  }

  /** Whether something may follow where the operation, the last one that is placed, makes this of the state. */
  #leadsOn(operation: ObjectOperation, state: ObjectState, next: ObjectState): boolean {
    const isTooSoon = this.#foundersOf.get(eventOf(operation) ?? '')?.some((event) => !this.#hasCome(event));
    return isTooSoon !== true && !this.#strands(state, next) && !this.#isTorn(next);
  }

  /** Whether an event leaves that somebody still has to find, or that has to be there for what somebody finds: none comes back. */
  #strands(state: ObjectState, next: ObjectState): boolean {
    const left = new Set(eventsIn(next));
    const isNeeded = (event: string | undefined): boolean =>
      event !== undefined && (this.#needed.get(event) ?? 0) > 0;
    const leadsOn = (index: number): boolean =>
      this.#isUsed[index] === 0 && isNeeded(eventOf(this.#unknown[index] as ObjectOperation));
    return eventsIn(state).some(
      (event) => !left.has(event) && (isNeeded(event) || this.#expecting.get(event)?.some(leadsOn) === true),
    );
  }

  /** Whether nothing leads on from the state: see torn-state.ts. */
  #isTorn(state: ObjectState): boolean {
    const { indexes, firstReturn } = this.#front();
    const next = indexes.map((index) => this.#known[index] as ObjectOperation);
    const targets = new Map<Target, FrontTarget>();
    const found = new Map<string, number>();
    for (const operation of next) {
      const events = this.#targetOf(operation);
      if (events === undefined) continue;
      const returnedAt = Math.min(
        operation.returnedAt,
        targets.get(events)?.returnedAt ?? operation.returnedAt,
      );
      targets.set(events, { events, returnedAt });
      for (const event of events) found.set(event, (found.get(event) ?? 0) + 1);
    }
    const first = next.find(({ returnedAt }) => returnedAt === firstReturn);
    return isTorn(eventsIn(state), {
      next: [...targets.values()],
      nothingLiveBy: next.filter(isCreate).toSorted((left, right) => left.returnedAt - right.returnedAt)[0]
        ?.returnedAt,
      first: first === undefined ? undefined : this.#targetOf(first),
      isFoundLater: (event) => (this.#needed.get(event) ?? 0) > (found.get(event) ?? 0),
      targetsWith: (event) => this.#targetsWith.get(event) ?? [],
      mayLeave: (event, by, kept) => this.#mayLeave(event, by, { state, kept }),
    });
  }

  /** Whether an operation that is not placed yet, and is called by then, may take the place of an event of the state. */
  #mayLeave(event: string, by: number, where: Leaving): boolean {
    for (let index = this.#first; index < this.#known.length; index += 1) {
      const operation = this.#known[index] as ObjectOperation;
      if (operation.calledAt > by) break;
      if (this.#isPlaced[index] === 1 || operation.outcome.type === 'shown') continue;
      if (this.#mayReplace(operation, event, where)) return true;
    }
    return this.#unknown.some(
      (operation, index) =>
        this.#isUsed[index] === 0 && operation.calledAt <= by && this.#mayReplace(operation, event, where),
    );
  }

  /** Whether an operation that is not placed yet may take the place of an event of the state. */
  #mayReplace({ request }: ObjectOperation, event: string, { state, kept }: Leaving): boolean {
    if (request.type === 'plain')
      return request.replaces.has(event) && !kept.some((each) => request.replaces.has(each));
    if (kept.length > 0) return false;
    if (request.type !== 'replace') return request.type === 'create' && isDeletion(event);
    const [there, expected] = [new Set(eventsIn(state)), eventsIn(request.expected)];
    const isForgotten = (each: string): boolean => this.#mayForget && isDeletion(each);
    if (!expected.includes(event) && !isForgotten(event)) return false;
    return expected.every((each) => there.has(each) || isForgotten(each) || !this.#hasCome(each));
  }

  /** Whether the operation of this event is placed. */
  #hasCome(event: string): boolean {
    const known = this.#knownOf.get(event);
    if (known !== undefined) return this.#isPlaced[known] === 1;
    const unknown = this.#unknownOf.get(event);
    return unknown !== undefined && this.#isUsed[unknown] === 1;
  }

  /** Undefined: it may find something else as well. */
  #targetOf(operation: ObjectOperation): Target | undefined {
    const { request, outcome } = operation;
    if (outcome.type !== 'shown' && request.type !== 'replace') return undefined;
    const known = this.#targets.get(operation);
    if (known !== undefined) return known;
    const events = mentionedBy(operation).filter((event) => !this.#mayForget || !isDeletion(event));
    const state = stateOf(events);
    const target = this.#targetsByState.get(state) ?? new Set(events);
    this.#targetsByState.set(state, target);
    this.#targets.set(operation, target);
    return target;
  }

  #front(): Front {
    const open: number[] = [];
    let firstReturn = Number.POSITIVE_INFINITY;
    for (let index = this.#first; index < this.#known.length; index += 1) {
      const { calledAt, returnedAt } = this.#known[index] as ObjectOperation;
      if (calledAt > firstReturn) break;
      if (this.#isPlaced[index] === 1) continue;
      open.push(index);
      firstReturn = Math.min(firstReturn, returnedAt);
    }
    const indexes = open.filter((index) => (this.#known[index] as ObjectOperation).calledAt <= firstReturn);
    return { indexes, firstReturn };
  }

  #put(index: number): void {
    this.#isPlaced[index] = 1;
    this.#placed += 1;
    this.#need(this.#known[index] as ObjectOperation, -1);
    while (this.#isPlaced[this.#first] === 1) this.#first += 1;
  }

  #lift(index: number): void {
    this.#isPlaced[index] = 0;
    this.#placed -= 1;
    this.#need(this.#known[index] as ObjectOperation, 1);
    this.#first = Math.min(this.#first, index);
  }

  #need(operation: ObjectOperation, change: number): void {
    for (const event of mentionedBy(operation))
      this.#needed.set(event, (this.#needed.get(event) ?? 0) + change);
    for (const event of this.#affected(operation))
      this.#wanted.set(event, (this.#wanted.get(event) ?? 0) + change);
  }

  #usedNow(): readonly number[] {
    return this.#unknown.flatMap((_, index) => (this.#isUsed[index] === 1 ? [index] : []));
  }

  #nameOfPlaced(): string {
    const beyond: number[] = [];
    for (let index = this.#first, left = this.#placed - this.#first; left > 0; index += 1) {
      if (this.#isPlaced[index] !== 1) continue;
      beyond.push(index);
      left -= 1;
    }
    return `${this.#first} ${beyond.join()}`;
  }
}
