import { describe, expect, it } from 'vitest';
import { PRODUCTION_RULES } from './model/model-rules.ts';
import { WRONG_RULES } from './model/wrong-rules.ts';
import { SCENARIOS } from './scenarios.ts';

describe('the rules of compare-and-set hold in', () => {
  it.each(Object.entries(SCENARIOS))('%s', (_, scenario) => {
    expect(scenario(PRODUCTION_RULES)).toBeUndefined();
  });
});

describe('a rule that is left out is missed', () => {
  it.each(Object.entries(WRONG_RULES))('%s', (_, rules) => {
    const failing = Object.entries(SCENARIOS).filter(([, scenario]) => goesWrong(() => scenario(rules)));
    expect(failing.map(([name]) => name)).not.toEqual([]);
  });
});

function goesWrong(run: () => string | undefined): boolean {
  try {
    return run() !== undefined;
  } catch {
    // It did not come as far as the scenario goes.
    return false;
  }
}
