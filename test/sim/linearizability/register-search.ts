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
import { KnownOperations } from './known-operations.ts';
import { isPassive, type RegisterOperation, type RegisterState, stepOf } from './register-history.ts';
import { isSameOutcome, isSamePlace, nameOfPlace, type Place, placesAfter } from './register-place.ts';
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

class Search {
  readonly #known: KnownOperations;
  readonly #unknown: UnknownOperations;
  readonly #start: Place;
  readonly #steps: { left: number };
  /** What failed, by known operations placed and state. */
  readonly #failed = new Map<string, UsedUp[]>();
  #best: { readonly placed: number; readonly place: Place; readonly stuck: readonly number[] };

  constructor(operations: readonly RegisterOperation[], start: Place, steps: { left: number }) {
    this.#known = new KnownOperations(operations.filter(({ outcome }) => outcome.type !== 'unknown'));
    this.#unknown = new UnknownOperations(operations.filter(({ outcome }) => outcome.type === 'unknown'));
    this.#start = start;
    this.#steps = steps;
    this.#best = { placed: -1, place: start, stuck: [] };
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
    for (const state of this.#known.needed()) {
      if (state === undefined || state === start.state) continue;
      if (!this.#known.willWrite(state) && !this.#unknown.mayWrite(state)) return state;
    }
    return undefined;
  }

  /** Whether all that is left can be placed. `before`: what held before each of the unknown operations that were placed last. */
  #explore(place: Place, before: readonly Place[]): boolean {
    const trail: number[] = [];
    const taken = this.#takePassive(place, trail);
    const stillBefore = taken ? [] : before;
    if (this.#known.areAllPlaced) return true;
    const name = [this.#known.nameOfPlaced(), nameOfPlace(place), ...stillBefore.map(nameOfPlace)].join('; ');
    if (!this.#hasFailed(name, place)) {
      if (this.#tryKnown(place, stillBefore) || this.#tryUnknown(place, stillBefore)) return true;
      if (this.#steps.left > 0) this.#noteFailure(name, place);
    }
    for (const index of trail) this.#known.lift(index);
    return false;
  }

  /** Places all passive operations that may be next and fit; answers whether there were any. */
  #takePassive(place: Place, trail: number[]): boolean {
    if (place.type === 'any') return false;
    for (let found = true; found; ) {
      found = false;
      for (const index of this.#known.candidates()) {
        const operation = this.#known.at(index);
        if (!isPassive(operation) || stepOf(operation, place.state) === 'impossible') continue;
        this.#known.put(index);
        trail.push(index);
        found = true;
      }
    }
    return trail.length > 0;
  }

  #tryKnown(place: Place, before: readonly Place[]): boolean {
    for (const index of this.#known.mostUrgent()) {
      const operation = this.#known.at(index);
      for (const next of placesAfter(operation, place)) {
        if (before.some((earlier) => isSameOutcome(operation, earlier, next))) continue;
        if (this.#steps.left <= 0) return false;
        this.#steps.left -= 1;
        this.#known.put(index);
        if (!this.#strands(place, next) && this.#explore(next, [])) return true;
        this.#known.lift(index);
      }
    }
    return false;
  }

  #tryUnknown(place: Place, before: readonly Place[]): boolean {
    // Where anything may be there, nothing comes out differently.
    if (place.type === 'any') return false;
    for (const [kind, operation] of [...this.#unknown.available(this.#known.firstReturn())]) {
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

  /** Whether a value is left behind for good although somebody still has to find it. */
  #strands(place: Place, next: Place): boolean {
    if (place.type === 'any' || isSamePlace(place, next)) return false;
    const { state } = place;
    // What removes a value is not counted, so nothing may always come back.
    if (state === undefined || !this.#known.isNeeded(state)) return false;
    return !this.#known.willWrite(state) && !this.#unknown.mayWrite(state);
  }

  /** Whether anything that is left can come out differently because of this change. */
  #mayMatter(place: Place, next: Place): boolean {
    if (place.type === 'any' || next.type === 'any') return true;
    if (place.state === undefined || next.state === undefined) return true;
    if (this.#known.isUntellingLeft || this.#known.isNeeded(next.state)) return true;
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
    if (this.#known.placed <= this.#best.placed) return;
    const stuck = this.#known.candidates().map((index) => this.#known.at(index).id);
    this.#best = { placed: this.#known.placed, place, stuck };
  }

  /** In `any` every value may be there. */
  #mayComeBack(place: Place): (value: string) => boolean {
    return (value) => place.type === 'any' || place.state === value || this.#known.willWrite(value);
  }
}
