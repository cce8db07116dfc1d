import { describe, expect, it } from 'vitest';
import { DEFAULT_WORK_SIZES } from '../../../src/core/work-sizes.ts';
import { drawLimits, drawSizes } from './draw-knobs.ts';

const SEEDS = Array.from({ length: 400 }, (_, seed) => seed);

/** Of what was drawn in these seeds, every value that each name had. */
function valuesOf(
  drawn: readonly (Readonly<Record<string, number>> | undefined)[],
): Map<string, Set<number>> {
  const values = new Map<string, Set<number>>();
  for (const [name, value] of drawn.flatMap((set) => Object.entries(set ?? {})))
    values.set(name, (values.get(name) ?? new Set()).add(value));
  return values;
}

describe('what is drawn', () => {
  it('is every size now and then, from one on, and none in half of the seeds', () => {
    const drawn = SEEDS.map(drawSizes);
    const unset = drawn.filter((sizes) => sizes === undefined).length;
    expect(unset).toBeGreaterThan(150);
    expect(unset).toBeLessThan(250);
    const values = valuesOf(drawn);
    expect([...values.keys()].toSorted()).toEqual(Object.keys(DEFAULT_WORK_SIZES).toSorted());
    for (const of of values.values()) expect(Math.min(...of)).toBe(1);
    for (const of of values.values()) expect(Math.max(...of)).toBeLessThanOrEqual(4);
    expect(drawSizes(7)).toEqual(drawSizes(7));
  });

  it('is a low bound of hints, of operations or of both in a fifth of the seeds', () => {
    const drawn = SEEDS.map(drawLimits);
    const set = drawn.filter((limits) => limits !== undefined);
    expect(set.length).toBeGreaterThan(50);
    expect(set.length).toBeLessThan(110);
    expect(new Set(set.map((limits) => Object.keys(limits).length))).toEqual(new Set([1, 2]));
    expect(valuesOf(drawn)).toEqual(
      new Map([
        ['maxHintsPerOwner', new Set([1, 2, 3, 4, 5])],
        ['maxOperationsInFlight', new Set([1, 2, 3, 4])],
      ]),
    );
  });
});
