import { describe, expect, it } from 'vitest';
import { EXHAUSTIVE_PLANS, explore, type ExhaustivePlan } from './exhaustive.ts';
import { type ModelRules, PRODUCTION_RULES } from './model-rules.ts';
import { WRONG_RULES } from './wrong-rules.ts';

/** More deliveries than any order has that leads to something new. */
const ALL_DEPTHS = 100;

describe('every order of the messages to three acceptors', () => {
  it.each(Object.entries(EXHAUSTIVE_PLANS))('is right to its end, for %s', (_, plan) => {
    const { states, depth, violation } = explore(PRODUCTION_RULES, { ...plan, depth: ALL_DEPTHS });
    expect(violation).toBeUndefined();
    expect(depth).toBeLessThan(ALL_DEPTHS);
    // A change that makes it see less should be noticed.
    expect(depth).toBeGreaterThanOrEqual(12);
    expect(states).toBeGreaterThan(3_000);
  });

  it.each([
    ['an accept does not ask what was promised', 'two creates and a read'],
    ['a refusal is answered unwritten', 'two creates and a read'],
    ['no dirty reject', 'a read beside three plain writes'],
    ['a dirty accept is merged', 'a read beside three plain writes'],
    ['promises are not durable', 'two creates and a restart'],
    ['what was accepted is not durable', 'two creates and a restart'],
  ])('shows what is wrong: %s, by %s', (rule, name) => {
    const plan = EXHAUSTIVE_PLANS[name] as Omit<ExhaustivePlan, 'depth'>;
    expect(explore(WRONG_RULES[rule] as ModelRules, { ...plan, depth: ALL_DEPTHS }).violation).toBeDefined();
  });
});
