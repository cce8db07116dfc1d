/**
 * A few seeds of each profile, with every check on: a smoke test of store and simulator. `npm run sim` is where many run.
 */
import { describe, expect, it } from 'vitest';
import { drawPlan, type Profile, PROFILES } from './plan/draw-plan.ts';
import { runPlan, type RunResult } from './run/simulation.ts';

const SEEDS = 10;
const OPERATIONS = 300;

function run(seed: number, profile: Profile): Promise<RunResult> {
  return runPlan(drawPlan(seed, { profile, operations: OPERATIONS }));
}

describe.each(PROFILES)('a cluster of the profile %s', (profile) => {
  it.each(Array.from({ length: SEEDS }, (_, index) => index + 1))(
    'holds every invariant at seed %i',
    async (seed) => {
      const { violation, events, messages } = await run(seed, profile);
      expect(violation).toBeUndefined();
      expect(messages).toBeGreaterThan(OPERATIONS);
      expect(events).toBeGreaterThan(messages);
    },
  );

  it('does the same in every run of one seed, and something else in another', async () => {
    const first = await run(1, profile);
    expect(await run(1, profile)).toEqual(first);
    expect((await run(2, profile)).traceHash).not.toBe(first.traceHash);
  });
});
