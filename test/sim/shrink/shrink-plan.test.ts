import { describe, expect, it } from 'vitest';
import { drawPlan } from '../plan/draw-plan.ts';
import type { RunPlan } from '../plan/plan.ts';
import { minimize } from './delta-debugging.ts';
import { SIMPLIFICATIONS } from './simpler-plans.ts';
import { type Attempt, shrinkPlan } from './shrink-plan.ts';

const PLAN = drawPlan(3, { profile: 'quorum', operations: 200 });

describe('minimize', () => {
  it.each([
    ['one item', [37]],
    ['two items far from each other', [3, 90]],
    ['neighbours', [50, 51, 52]],
    ['everything', Array.from({ length: 100 }, (_, index) => index)],
  ])('finds %s that a failure takes', async (_name, needed) => {
    const items = Array.from({ length: 100 }, (_, index) => index);
    const smallest = await minimize(items, async (kept) => needed.every((item) => kept.includes(item)));
    expect(smallest).toEqual(needed);
  });

  it('leaves nothing where nothing is needed', async () => {
    expect(await minimize([1, 2, 3], async () => true)).toEqual([]);
  });

  it('takes far fewer tries than there are items', async () => {
    const items = Array.from({ length: 1_000 }, (_, index) => index);
    let tries = 0;
    await minimize(items, async (kept) => {
      tries += 1;
      return kept.includes(123) && kept.includes(877);
    });
    expect(tries).toBeLessThan(100);
  });
});

/** Fails if two operations and one fault are there, and the network loses something. */
async function pretend(plan: RunPlan): Promise<Attempt> {
  const ids = plan.operations.map(({ id }) => id);
  const [first, last] = [PLAN.operations[10]?.id, PLAN.operations[90]?.id];
  const fault = PLAN.faults[2];
  const isThere =
    ids.includes(first as number) &&
    ids.includes(last as number) &&
    plan.faults.some(({ atUs }) => atUs === fault?.atUs) &&
    plan.options.network.meanDelayUs > 0;
  return { invariant: isThere ? 'broken' : undefined, virtualMs: 1_000_000 };
}

const FIRST: Attempt = { invariant: 'broken', virtualMs: 1_000_000 };

describe('a failing plan', () => {
  it('is made as small as it gets, in all respects that do not matter', async () => {
    const { plan, isMinimal } = await shrinkPlan(PLAN, FIRST, {
      run: pretend,
      maxRuns: 500,
      isLate: () => false,
    });
    expect(isMinimal).toBe(true);
    expect(plan.operations.map(({ id }) => id)).toEqual([PLAN.operations[10]?.id, PLAN.operations[90]?.id]);
    expect(plan.faults.map(({ atUs }) => atUs)).toEqual([PLAN.faults[2]?.atUs]);
    expect(plan.options.network.meanDelayUs).toBe(PLAN.options.network.meanDelayUs);
    expect(plan.options.disk).toMatchObject({ meanReadUs: 0, stallChance: 0 });
    expect(plan.options.keys.length).toBeLessThanOrEqual(2);
    expect((await pretend(plan)).invariant).toBe('broken');
  });

  it('has sizes and limits as in production, unless it takes them to fail', async () => {
    const small = {
      ...PLAN,
      options: { ...PLAN.options, sizes: { hintPage: 1 }, limits: { maxHintsPerOwner: 1 } },
    };
    const needsLimits = async (plan: RunPlan): Promise<Attempt> =>
      plan.options.limits === undefined ? { ...FIRST, invariant: undefined } : pretend(plan);
    const { plan } = await shrinkPlan(small, FIRST, { run: needsLimits, maxRuns: 500, isLate: () => false });
    expect(plan.options.sizes).toBeUndefined();
    expect(plan.options.limits).toEqual({ maxHintsPerOwner: 1 });
  });

  it('keeps failing with the same invariant: another failure does not count', async () => {
    const run = async (plan: RunPlan): Promise<Attempt> => {
      const attempt = await pretend(plan);
      return { ...attempt, invariant: attempt.invariant ?? 'something else' };
    };
    const { plan } = await shrinkPlan(PLAN, FIRST, { run, maxRuns: 500, isLate: () => false });
    expect((await run(plan)).invariant).toBe('broken');
  });

  it('takes no more runs and no more time than it may', async () => {
    let runs = 0;
    const run = (plan: RunPlan): Promise<Attempt> => {
      runs += 1;
      return pretend(plan);
    };
    const spent = await shrinkPlan(PLAN, FIRST, { run, maxRuns: 7, isLate: () => false });
    expect([runs, spent.runs, spent.isMinimal]).toEqual([7, 7, false]);
    expect((await pretend(spent.plan)).invariant).toBe('broken');
    const late = await shrinkPlan(PLAN, FIRST, { run, maxRuns: 500, isLate: () => true });
    expect(late).toEqual({ plan: PLAN, runs: 0, isMinimal: false });
  });

  it('loses what was planned for after its failure in one step', async () => {
    const untilUs = PLAN.options.faultyUs / 2;
    const tried: RunPlan[] = [];
    const run = async (plan: RunPlan): Promise<Attempt> => {
      tried.push(plan);
      return FIRST;
    };
    await shrinkPlan(
      PLAN,
      { ...FIRST, virtualMs: untilUs / 1_000 },
      { run, maxRuns: 1, isLate: () => false },
    );
    const expected = PLAN.operations.filter(({ atUs }) => atUs <= untilUs);
    expect(tried[0]?.operations).toEqual(expected);
    expect(expected.length).toBeLessThan(PLAN.operations.length);
  });
});

describe('each simplification', () => {
  it('leaves a plan that names only nodes, keys and clocks that it has', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      for (const simplify of SIMPLIFICATIONS) {
        const { options, operations, faults } = simplify(
          drawPlan(seed, { profile: 'mixed', operations: 50 }),
        );
        for (const { key, nodes, n, r, w } of operations) {
          expect(key).toBeLessThan(options.keys.length);
          expect(Math.max(...nodes)).toBeLessThan(options.nodes);
          expect(Math.max(n, r, w)).toBeLessThanOrEqual(options.nodes);
        }
        expect(options.clocks).toHaveLength(options.nodes);
        const named = faults.flatMap((fault) => {
          if (fault.type === 'cut') return fault.links.flat();
          if (fault.type === 'reset') return [fault.left, fault.right];
          return fault.type === 'filter' ? [fault.from, fault.to] : [fault.node];
        });
        expect(Math.max(-1, ...named)).toBeLessThan(options.nodes);
      }
    }
  });
});
