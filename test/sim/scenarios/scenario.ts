/** A regression scenario: one sequence of events that lost or invented something once, here or in another store. */

export interface Scenario {
  /** Words of the field, joined by hyphens. */
  readonly name: string;
  /** What has to hold, in a sentence. */
  readonly rule: string;
  /** Rejects with a ScenarioFailure if it does not hold. */
  readonly run: () => Promise<void>;
}

/** What had to hold does not. */
export class ScenarioFailure extends Error {
  override readonly name = 'ScenarioFailure';
}

/** Throws a ScenarioFailure with the sentence unless the condition holds. */
export function demand(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new ScenarioFailure(otherwise);
}

/** Throws a ScenarioFailure with both sides unless both lists hold the same events, in any order. */
export function demandEvents(what: string, shown: readonly number[], expected: readonly number[]): void {
  const [actual, wanted] = [listed(shown), listed(expected)];
  demand(actual === wanted, `${what} shows ${actual}, and not ${wanted}`);
}

function listed(events: readonly number[]): string {
  if (events.length === 0) return 'nothing';
  return events.toSorted((left, right) => left - right).join(', ');
}
