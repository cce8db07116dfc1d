import { describe, expect, it } from 'vitest';
import { EXHAUSTIVE_PLANS, explore } from './exhaustive.ts';
import { type ModelRules, PRODUCTION_RULES } from './model-rules.ts';
import { WRONG_RULES } from './wrong-rules.ts';

describe('every order of the messages to three acceptors', () => {
  it.each(Object.entries(EXHAUSTIVE_PLANS))('is right, for %s', (_, plan) => {
    const { states, violation } = explore(PRODUCTION_RULES, { ...plan, depth: 8 });
    expect(violation).toBeUndefined();
    // A change that makes it see less should be noticed.
    expect(states).toBeGreaterThan(1_000);
  });

  it('shows that an accept has to ask what was promised', () => {
    const rules = WRONG_RULES['an accept does not ask what was promised'] as ModelRules;
    for (const plan of Object.values(EXHAUSTIVE_PLANS)) {
      expect(explore(rules, { ...plan, depth: 8 }).violation).toContain('lost a');
    }
  });
});
