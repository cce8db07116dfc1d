/**
 * Linearizability of one register, for any mix of reads, creates, compare-and-sets, blind writes and deletes, with unknown
 * outcomes that may take effect at any later time or never. Wing and Gong's search with Lowe's memory (as in Porcupine):
 * depth-first over the operations that may come next, which are those called before the first return of anything not
 * placed yet; a set of placed operations that was met with the same state is not gone into again.
 *
 * The problem is NP-complete; unknown outcomes are what makes it hard. What keeps it small, and why it is sound:
 *
 * - A read or a refusal that fits the state is taken at once, and nothing else is tried instead: it changes nothing.
 * - An operation of unknown outcome is placed for its effect only; leaving it out covers that it had none.
 * - It is placed only if what comes next comes out differently because of it (else leaving it out does as well), several of
 *   them in a row only if they do not come back to what was there (else leaving these out does as well), and of
 *   equal ones only the one that was called first. What failed with fewer of them used up is not tried with more.
 * - A value that somebody still has to find, and that nobody is left to write, is not left.
 * - First it is supposed that those whose value nobody was shown did not happen: if that is legal, so is the whole.
 * - If that gets too long, short windows are searched from a state that nobody knows: illegal in a window is illegal.
 *
 * `undecided` is an answer of its own and must never be taken for `legal`.
 */
import { isPassive, type RegisterOperation, type RegisterState, stepOf } from './register-history.ts';
import { windowsOf } from './register-window.ts';
import { UnknownOperations, type UsedUp } from './unknown-operations.ts';

export type SearchVerdict =
  | { readonly type: 'legal'; readonly steps: number }
  | { readonly type: 'illegal'; readonly steps: number; readonly detail: string }
  | { readonly type: 'undecided'; readonly steps: number };

export interface SearchOptions {
  /** Placements that each part of the search tries before it gives up. */
  readonly maxSteps?: number;
  /** What is there in the beginning. */
  readonly initial?: RegisterState;
}

const DEFAULT_MAX_STEPS = 300_000;

/** Order of the operations does not matter. */
export function searchRegister(
  operations: readonly RegisterOperation[],
  { maxSteps = DEFAULT_MAX_STEPS, initial }: SearchOptions = {},
): SearchVerdict {
  const known = operations.filter(({ outcome }) => outcome.type !== 'unknown');
  const seen = valuesShown(known);
  const shown = operations.filter(
    ({ outcome, request }) => outcome.type !== 'unknown' || !('value' in request) || seen.has(request.value),
  );
  const start = { type: 'known', state: initial } as const;
  const [guess, all] = [{ left: maxSteps }, { left: maxSteps }];
  const spent = (): number => 2 * maxSteps - guess.left - all.left;
  if (shown.length < operations.length && new Search(shown, start, guess).run() === 'legal')
    return { type: 'legal', steps: spent() };
  const search = new Search(operations, start, all);
  const verdict = search.run();
  if (verdict === 'legal') return { type: 'legal', steps: spent() };
  if (verdict === 'illegal') return { type: 'illegal', steps: spent(), detail: search.describeEnd() };
  return searchWindows(operations, maxSteps, spent());
}

/** A window is a part of the history, so a fault in it is a fault of the whole; that all are legal proves nothing. */
function searchWindows(
  operations: readonly RegisterOperation[],
  maxSteps: number,
  spentBefore: number,
): SearchVerdict {
  let spent = spentBefore;
  for (const window of windowsOf(operations)) {
    const maxWindowSteps = Math.ceil(maxSteps / 10);
    const steps = { left: maxWindowSteps };
    const search = new Search(window, { type: 'any' }, steps);
    const verdict = search.run();
    spent += maxWindowSteps - steps.left;
    if (verdict === 'illegal') return { type: 'illegal', steps: spent, detail: search.describeEnd() };
  }
  return { type: 'undecided', steps: spent };
}

function valuesShown(operations: readonly RegisterOperation[]): ReadonlySet<RegisterState> {
  const shown = new Set<RegisterState>();
  for (const { request, outcome } of operations) {
    if (outcome.type === 'read') shown.add(outcome.state);
    if (outcome.type === 'refused' && outcome.found !== undefined) shown.add(outcome.found.state);
    if (outcome.type === 'ok' && 'expected' in request) shown.add(request.expected);
  }
  return shown;
}

/** What the register holds while the search goes on. `any`: nothing has told yet. */
type Place = { readonly type: 'known'; readonly state: RegisterState } | { readonly type: 'any' };

class Search {
  /** In the order of their calls. */
  readonly #known: readonly RegisterOperation[];
  readonly #unknown: UnknownOperations;
  readonly #start: Place;
  readonly #steps: { left: number };
  readonly #isPlaced: Uint8Array;
  /** For each value how many known operations that write it are not placed. */
  readonly #writersLeft = new Map<RegisterState, number>();
  /** For each value how many known operations that must find it are not placed. */
  readonly #needersLeft = new Map<RegisterState, number>();
  /** Refusals that do not tell what they found, and are not placed. */
  #untellingLeft = 0;
  /** What failed, by known operations placed and state. */
  readonly #failed = new Map<string, UsedUp[]>();
  /** The first operation that is not placed. */
  #first = 0;
  #placed = 0;
  #best: { readonly placed: number; readonly place: Place; readonly stuck: readonly number[] };

  constructor(operations: readonly RegisterOperation[], start: Place, steps: { left: number }) {
    this.#known = operations
      .filter(({ outcome }) => outcome.type !== 'unknown')
      .toSorted((left, right) => left.calledAt - right.calledAt);
    this.#unknown = new UnknownOperations(operations.filter(({ outcome }) => outcome.type === 'unknown'));
    this.#start = start;
    this.#steps = steps;
    this.#isPlaced = new Uint8Array(this.#known.length);
    this.#best = { placed: -1, place: start, stuck: [] };
    for (const operation of this.#known) this.#count(operation, 1);
  }

  run(): 'legal' | 'illegal' | 'undecided' {
    if (this.#strayValue() !== undefined) return 'illegal';
    const isLegal = this.#explore(this.#start, []);
    if (isLegal) return 'legal';
    return this.#steps.left > 0 ? 'illegal' : 'undecided';
  }

  /** Where the search that came farthest got stuck. */
  describeEnd(): string {
    const stray = this.#strayValue();
    if (stray !== undefined) return `somebody found ${stray}, which nobody may have written`;
    const { placed, place, stuck } = this.#best;
    const state = place.type === 'any' ? 'anything' : (place.state ?? 'nothing');
    return `after ${placed} operations the register holds ${state}, and none of ${stuck.join(', ')} can be next`;
  }

  /** A value that somebody found and that nobody may have written. From `any` it may have been there. */
  #strayValue(): string | undefined {
    const start = this.#start;
    if (start.type === 'any') return undefined;
    for (const operation of this.#known) {
      const state = neededBy(operation)?.state;
      if (state === undefined || state === start.state || this.#unknown.mayWrite(state)) continue;
      if ((this.#writersLeft.get(state) ?? 0) === 0) return state;
    }
    return undefined;
  }

  /** Whether all that is left can be placed. `before`: what held before each of the unknown operations that were placed last. */
  #explore(place: Place, before: readonly Place[]): boolean {
    const trail: number[] = [];
    const taken = this.#takePassive(place, trail);
    const stillBefore = taken ? [] : before;
    if (this.#placed === this.#known.length) return true;
    const name = this.#nameOf(place, stillBefore);
    if (!this.#hasFailed(name, place)) {
      if (this.#tryKnown(place, stillBefore) || this.#tryUnknown(place, stillBefore)) return true;
      if (this.#steps.left > 0) this.#noteFailure(name, place);
    }
    for (const index of trail) this.#lift(index);
    return false;
  }

  /** Places all passive operations that may be next and fit; answers whether there were any. */
  #takePassive(place: Place, trail: number[]): boolean {
    if (place.type === 'any') return false;
    for (let found = true; found; ) {
      found = false;
      for (const index of this.#candidates()) {
        const operation = this.#known[index] as RegisterOperation;
        if (!isPassive(operation) || stepOf(operation, place.state) === 'impossible') continue;
        this.#put(index);
        trail.push(index);
        found = true;
      }
    }
    return trail.length > 0;
  }

  #tryKnown(place: Place, before: readonly Place[]): boolean {
    for (const index of this.#mostUrgent()) {
      const operation = this.#known[index] as RegisterOperation;
      for (const next of placesAfter(operation, place)) {
        if (before.some((earlier) => isSameOutcome(operation, earlier, next))) continue;
        if (this.#steps.left <= 0) return false;
        this.#steps.left -= 1;
        this.#put(index);
        if (!this.#strands(place, next) && this.#explore(next, [])) return true;
        this.#lift(index);
      }
    }
    return false;
  }

  #tryUnknown(place: Place, before: readonly Place[]): boolean {
    // Where anything may be there, nothing comes out differently.
    if (place.type === 'any') return false;
    for (const [kind, operation] of [...this.#unknown.available(this.#firstReturn())]) {
      for (const next of placesAfter(operation, place)) {
        if (isSamePlace(next, place) || before.some((earlier) => isSamePlace(next, earlier))) continue;
        if (!this.#mayMatter(place, next)) continue;
        if (before.some((earlier) => isSameOutcome(operation, earlier, next))) continue;
        if (this.#steps.left <= 0) return false;
        this.#steps.left -= 1;
        this.#unknown.use(kind);
        if (!this.#strands(place, next) && this.#explore(next, [...before, place])) return true;
        this.#unknown.giveBack(kind);
      }
    }
    return false;
  }

  /** Indexes of known operations that may be next: called before the first return of any that is not placed. */
  #candidates(): readonly number[] {
    const candidates: number[] = [];
    let firstReturn = Infinity;
    for (let index = this.#first; index < this.#known.length; index += 1) {
      const { calledAt, returnedAt } = this.#known[index] as RegisterOperation;
      if (calledAt > firstReturn) break;
      if (this.#isPlaced[index] === 1) continue;
      candidates.push(index);
      firstReturn = Math.min(firstReturn, returnedAt);
    }
    return candidates.filter((index) => (this.#known[index] as RegisterOperation).calledAt <= firstReturn);
  }

  /** Candidates, first those that return first. */
  #mostUrgent(): readonly number[] {
    const returnedAt = (index: number): number => (this.#known[index] as RegisterOperation).returnedAt;
    return this.#candidates().toSorted((left, right) => returnedAt(left) - returnedAt(right));
  }

  #firstReturn(): number {
    let firstReturn = Infinity;
    for (const index of this.#candidates())
      firstReturn = Math.min(firstReturn, (this.#known[index] as RegisterOperation).returnedAt);
    return firstReturn;
  }

  #put(index: number): void {
    this.#isPlaced[index] = 1;
    this.#placed += 1;
    this.#count(this.#known[index] as RegisterOperation, -1);
    while (this.#isPlaced[this.#first] === 1) this.#first += 1;
  }

  #lift(index: number): void {
    this.#isPlaced[index] = 0;
    this.#placed -= 1;
    this.#count(this.#known[index] as RegisterOperation, 1);
    this.#first = Math.min(this.#first, index);
  }

  #count(operation: RegisterOperation, change: number): void {
    const need = neededBy(operation);
    if (need !== undefined)
      this.#needersLeft.set(need.state, (this.#needersLeft.get(need.state) ?? 0) + change);
    const { request, outcome } = operation;
    if (outcome.type === 'refused' && outcome.found === undefined) this.#untellingLeft += change;
    if (outcome.type !== 'ok' || !('value' in request)) return;
    this.#writersLeft.set(request.value, (this.#writersLeft.get(request.value) ?? 0) + change);
  }

  /** Whether a value is left behind for good although somebody still has to find it. */
  #strands(place: Place, next: Place): boolean {
    if (place.type === 'any' || isSamePlace(place, next)) return false;
    const { state } = place;
    // What removes a value is not counted, so nothing may always come back.
    if (state === undefined || (this.#needersLeft.get(state) ?? 0) === 0) return false;
    return (this.#writersLeft.get(state) ?? 0) === 0 && !this.#unknown.mayWrite(state);
  }

  /** Whether anything that is left can come out differently because of this change. */
  #mayMatter(place: Place, next: Place): boolean {
    if (place.type === 'any' || next.type === 'any') return true;
    if (place.state === undefined || next.state === undefined) return true;
    if (this.#untellingLeft > 0 || (this.#needersLeft.get(next.state) ?? 0) > 0) return true;
    return this.#unknown.mayExpect(next.state);
  }

  #hasFailed(name: string, place: Place): boolean {
    const mayComeBack = this.#mayComeBack(place);
    return (
      this.#failed.get(name)?.some((failed) => this.#unknown.isNoBetterThan(failed, mayComeBack)) === true
    );
  }

  #noteFailure(name: string, place: Place): void {
    const usedUp = this.#unknown.usedUp(this.#mayComeBack(place));
    const failed = this.#failed.get(name);
    if (failed === undefined) this.#failed.set(name, [usedUp]);
    else failed.push(usedUp);
    if (this.#placed <= this.#best.placed) return;
    const stuck = this.#candidates().map((index) => (this.#known[index] as RegisterOperation).id);
    this.#best = { placed: this.#placed, place, stuck };
  }

  /** In `any` every value may be there. */
  #mayComeBack(place: Place): (value: string) => boolean {
    return (value) =>
      place.type === 'any' || place.state === value || (this.#writersLeft.get(value) ?? 0) > 0;
  }

  /** Names the set of known operations that are placed, and the state. */
  #nameOf(place: Place, before: readonly Place[]): string {
    const beyond: number[] = [];
    for (let index = this.#first, left = this.#placed - this.#first; left > 0; index += 1) {
      if (this.#isPlaced[index] !== 1) continue;
      beyond.push(index);
      left -= 1;
    }
    return `${this.#first} ${beyond.join()} ${nameOf(place)} ${before.map(nameOf).join()}`;
  }
}

/** The state that an operation must have found, if its outcome tells. */
function neededBy({ request, outcome }: RegisterOperation): { readonly state: RegisterState } | undefined {
  switch (outcome.type) {
    case 'read':
      return outcome;
    case 'refused':
      return outcome.found;
    case 'unknown':
      return undefined;
    case 'ok':
      return 'expected' in request && request.expected !== undefined
        ? { state: request.expected }
        : undefined;
  }
}

/** The states that an operation leads to; none if it cannot be carried out there. From `any`, what the operation tells. */
function placesAfter(operation: RegisterOperation, place: Place): readonly Place[] {
  if (place.type === 'known') {
    const step = stepOf(operation, place.state);
    return step === 'impossible' ? [] : [{ type: 'known', state: step.state }];
  }
  const { request, outcome } = operation;
  if (outcome.type === 'read') return [{ type: 'known', state: outcome.state }];
  if (outcome.type === 'refused') {
    if (outcome.found === undefined) return [place];
    const { state } = outcome.found;
    return stepOf(operation, state) === 'impossible' ? [] : [{ type: 'known', state }];
  }
  return [{ type: 'known', state: 'value' in request ? request.value : undefined }];
}

/** Whether an operation would have led to the same state had the one before it not happened. */
function isSameOutcome(operation: RegisterOperation, before: Place, next: Place): boolean {
  return placesAfter(operation, before).some((place) => isSamePlace(place, next));
}

function isSamePlace(left: Place, right: Place): boolean {
  if (left.type === 'any' || right.type === 'any') return left.type === right.type;
  return left.state === right.state;
}

function nameOf(place: Place): string {
  return place.type === 'any' ? 'any' : place.state === undefined ? 'nothing' : `value ${place.state}`;
}
