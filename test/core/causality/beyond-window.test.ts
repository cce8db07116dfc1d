import { describe, expect, it, vi } from 'vitest';
import { runHistory } from './random-history.ts';
import { PRODUCTION_RULES } from './replica-model.ts';

// So small that nearly every history outgrows it.
vi.mock('../../../src/core/limits.ts', async (importOriginal) => ({
  ...(await importOriginal<object>()),
  MAX_WRITE_IDS: 2,
}));

const RUNS = 4_000;

function findViolation(options: { readonly outgrowsWindow: boolean }): string | undefined {
  for (let seed = 1; seed <= RUNS; seed += 1) {
    const { violation } = runHistory({ seed, rules: PRODUCTION_RULES, ...options });
    if (violation !== undefined) return `seed ${seed}: ${violation}`;
  }
  return undefined;
}

describe('past the window of remembered write ids', () => {
  it('nothing is lost, and replicas that exchange their records become equal', () => {
    expect(findViolation({ outgrowsWindow: true })).toBeUndefined();
  });

  it('a late retry of an overwritten write can show again, which is why it is refused as expired', () => {
    expect(findViolation({ outgrowsWindow: false })).toMatch(/superseded, but live|shown twice|differ/);
  });
});
