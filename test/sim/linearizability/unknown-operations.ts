/**
 * Operations of unknown outcome while a register is being searched: which are left, and what a failed attempt says about
 * others.
 *
 * Equal ones are one kind, used in the order of their calls. An attempt that failed with some of them used up fails all
 * the more with these and others used up (fewer are left), as long as the same known operations are placed and the state is
 * the same. One that can never have its effect again, because what it expects will not come back, counts as used up.
 */
import type { RegisterOperation, RegisterState } from './register-history.ts';

interface Kind {
  /** In the order of their calls. */
  readonly operations: readonly RegisterOperation[];
  readonly expected: string | undefined;
  used: number;
}

/** How many of each kind were used up, for the kinds that matter and of which any were. */
export type UsedUp = readonly (readonly [kind: number, used: number])[];

export class UnknownOperations {
  readonly #kinds: readonly Kind[];
  /** For each value the kinds that write it. */
  readonly #writers = new Map<RegisterState, Kind[]>();
  /** For each value the kinds that expect it. */
  readonly #expecting = new Map<string, Kind[]>();

  constructor(operations: readonly RegisterOperation[]) {
    const byRequest = new Map<string, RegisterOperation[]>();
    for (const operation of operations.toSorted((left, right) => left.calledAt - right.calledAt)) {
      const name = JSON.stringify(operation.request);
      byRequest.set(name, [...(byRequest.get(name) ?? []), operation]);
    }
    this.#kinds = [...byRequest.values()].map((equal) => {
      const { request } = equal[0] as RegisterOperation;
      return { operations: equal, expected: 'expected' in request ? request.expected : undefined, used: 0 };
    });
    for (const kind of this.#kinds) {
      const { request } = kind.operations[0] as RegisterOperation;
      const { expected } = kind;
      if (expected !== undefined)
        this.#expecting.set(expected, [...(this.#expecting.get(expected) ?? []), kind]);
      if (!('value' in request)) continue;
      this.#writers.set(request.value, [...(this.#writers.get(request.value) ?? []), kind]);
    }
  }

  /** The first one of each kind that is left and was called by `lastCall`. */
  *available(lastCall: number): Generator<readonly [kind: number, operation: RegisterOperation]> {
    for (const [index, { operations, used }] of this.#kinds.entries()) {
      const next = operations[used];
      if (next !== undefined && next.calledAt <= lastCall) yield [index, next];
    }
  }

  /** Whether one that writes the value is left. */
  mayWrite(value: string): boolean {
    return this.#writers.get(value)?.some(({ operations, used }) => used < operations.length) === true;
  }

  /** Whether one that expects the value is left. */
  mayExpect(value: string): boolean {
    return this.#expecting.get(value)?.some(({ operations, used }) => used < operations.length) === true;
  }

  use(kind: number): void {
    (this.#kinds[kind] as Kind).used += 1;
  }

  giveBack(kind: number): void {
    (this.#kinds[kind] as Kind).used -= 1;
  }

  /** `mayComeBack`: whether a known operation that is not placed yet writes the value, or it is there. */
  usedUp(mayComeBack: (value: string) => boolean): UsedUp {
    const usedUp: [number, number][] = [];
    for (const [index, kind] of this.#kinds.entries()) {
      if (kind.used > 0 && this.#canMatter(kind, mayComeBack)) usedUp.push([index, kind.used]);
    }
    return usedUp;
  }

  /** Whether no more is left now, of anything that matters, than was left when `failed` was noted. */
  isNoBetterThan(failed: UsedUp, mayComeBack: (value: string) => boolean): boolean {
    return failed.every(([index, used]) => {
      const kind = this.#kinds[index] as Kind;
      return kind.used >= used || !this.#canMatter(kind, mayComeBack);
    });
  }

  #canMatter({ expected }: Kind, mayComeBack: (value: string) => boolean): boolean {
    if (expected === undefined || mayComeBack(expected)) return true;
    return this.mayWrite(expected);
  }
}
