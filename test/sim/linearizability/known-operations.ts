/**
 * Operations of known outcome while a register is being searched: which of them are placed, which may be next, and what
 * those that are left still have to find or will write.
 */
import type { RegisterOperation, RegisterState } from './register-history.ts';

export class KnownOperations {
  /** In the order of their calls. */
  readonly #operations: readonly RegisterOperation[];
  readonly #isPlaced: Uint8Array;
  /** For each value how many that write it are not placed. */
  readonly #writers = new Map<RegisterState, number>();
  /** For each state how many that must find it are not placed. */
  readonly #needers = new Map<RegisterState, number>();
  #untelling = 0;
  /** The first that is not placed. */
  #first = 0;
  #placed = 0;

  constructor(operations: readonly RegisterOperation[]) {
    this.#operations = operations.toSorted((left, right) => left.calledAt - right.calledAt);
    this.#isPlaced = new Uint8Array(operations.length);
    for (const operation of operations) this.#count(operation, 1);
  }

  get placed(): number {
    return this.#placed;
  }

  get areAllPlaced(): boolean {
    return this.#placed === this.#operations.length;
  }

  /** Whether a refusal that does not tell what it found is left. */
  get isUntellingLeft(): boolean {
    return this.#untelling > 0;
  }

  at(index: number): RegisterOperation {
    return this.#operations[index] as RegisterOperation;
  }

  /** States that operations which are left have to find. */
  needed(): Iterable<RegisterState> {
    return this.#needers.keys();
  }

  isNeeded(state: RegisterState): boolean {
    return (this.#needers.get(state) ?? 0) > 0;
  }

  willWrite(value: string): boolean {
    return (this.#writers.get(value) ?? 0) > 0;
  }

  put(index: number): void {
    this.#isPlaced[index] = 1;
    this.#placed += 1;
    this.#count(this.at(index), -1);
    while (this.#isPlaced[this.#first] === 1) this.#first += 1;
  }

  lift(index: number): void {
    this.#isPlaced[index] = 0;
    this.#placed -= 1;
    this.#count(this.at(index), 1);
    this.#first = Math.min(this.#first, index);
  }

  /** Indexes of those that may be next: called before the first return of any that is not placed. */
  candidates(): readonly number[] {
    const candidates: number[] = [];
    let firstReturn = Infinity;
    for (let index = this.#first; index < this.#operations.length; index += 1) {
      const { calledAt, returnedAt } = this.at(index);
      if (calledAt > firstReturn) break;
      if (this.#isPlaced[index] === 1) continue;
      candidates.push(index);
      firstReturn = Math.min(firstReturn, returnedAt);
    }
    return candidates.filter((index) => this.at(index).calledAt <= firstReturn);
  }

  /** Candidates, first those that return first. */
  mostUrgent(): readonly number[] {
    return this.candidates().toSorted((left, right) => this.at(left).returnedAt - this.at(right).returnedAt);
  }

  /** When the first of those that are left returns: nothing that was called later can be next. */
  firstReturn(): number {
    return this.candidates().reduce((first, index) => Math.min(first, this.at(index).returnedAt), Infinity);
  }

  /** A name for the set of those that are placed. */
  nameOfPlaced(): string {
    const beyond: number[] = [];
    for (let index = this.#first, left = this.#placed - this.#first; left > 0; index += 1) {
      if (this.#isPlaced[index] !== 1) continue;
      beyond.push(index);
      left -= 1;
    }
    return `${this.#first} ${beyond.join()}`;
  }

  #count(operation: RegisterOperation, change: number): void {
    const need = neededBy(operation);
    if (need !== undefined) add(this.#needers, need.state, change);
    const { request, outcome } = operation;
    if (outcome.type === 'refused' && outcome.found === undefined) this.#untelling += change;
    if (outcome.type === 'ok' && 'value' in request) add(this.#writers, request.value, change);
  }
}

function add(counts: Map<RegisterState, number>, state: RegisterState, change: number): void {
  counts.set(state, (counts.get(state) ?? 0) + change);
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
