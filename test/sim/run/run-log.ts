/** What a run has come to so far: its first violation, and how often rare things happened. */
import type { Violation } from '../checkers/history.ts';

export class RunLog {
  readonly counts = new Map<string, number>();
  readonly #onOperation: (text: string) => void;
  #violation: Violation | undefined;

  /** `onOperation` gets a line for each thing that clients did and processes came to. */
  constructor(onOperation: (text: string) => void) {
    this.#onOperation = onOperation;
  }

  /** The first one: what follows it may be its consequence. */
  get violation(): Violation | undefined {
    return this.#violation;
  }

  report(violations: readonly Violation[]): void {
    this.#violation ??= violations[0];
  }

  count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  operation(text: string): void {
    this.#onOperation(text);
  }
}

/** With its stack, for a person to start from. */
export function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
