import { describe, expect, it } from 'vitest';
import { FAILURE_TRACES, type FailureTrace, TracedReplicas } from './failure-traces.ts';
import { PRODUCTION_RULES, type ReplicaRules } from './replica-model.ts';
import { WRONG_RULES } from './wrong-rules.ts';

function outcomeOf({ play }: FailureTrace, rules: ReplicaRules): readonly string[] | undefined {
  const replicas = new TracedReplicas(rules);
  play(replicas);
  return replicas.settle()?.toSorted();
}

describe('no write is lost, revived or shown twice when', () => {
  it.each(FAILURE_TRACES)('$name', (trace) => {
    expect(outcomeOf(trace, PRODUCTION_RULES)).toEqual(trace.live.toSorted());
  });
});

describe('the traces', () => {
  const verdicts = FAILURE_TRACES.flatMap((trace) =>
    Object.entries(WRONG_RULES).map(([rule, rules]) => ({
      trace: trace.name,
      rule,
      noticed: outcomeOf(trace, rules)?.join() !== trace.live.toSorted().join(),
    })),
  );

  it.each(FAILURE_TRACES)('notice a wrong rule: $name', ({ name }) => {
    expect(verdicts.some(({ trace, noticed }) => trace === name && noticed)).toBe(true);
  });

  it.each(Object.keys(WRONG_RULES))('notice %s', (name) => {
    expect(verdicts.some(({ rule, noticed }) => rule === name && noticed)).toBe(true);
  });
});
