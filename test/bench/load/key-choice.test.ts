/** The choice of keys: in range, the same for the same seed, and as skewed as Zipf's law has it. */
import { describe, expect, it } from 'vitest';
import { keyNumbers, ZIPF_THETA, zipfianRanks } from '../../../bench/load/key-choice.ts';
import { exponentialGaps, seededRandom } from '../../../bench/load/seeded-random.ts';

const DRAWS = 200_000;

function counts(draw: () => number, size: number): readonly number[] {
  const seen = Array.from({ length: size }, () => 0);
  for (let index = 0; index < DRAWS; index++) {
    const number = draw();
    seen[number] = (seen[number] ?? Number.NaN) + 1;
  }
  return seen;
}

/** What Zipf's law gives a rank (from 0). */
function zipf(rank: number, size: number): number {
  let zeta = 0;
  for (let index = 1; index <= size; index++) zeta += index ** -ZIPF_THETA;
  return (rank + 1) ** -ZIPF_THETA / zeta;
}

describe('Zipfian ranks', () => {
  it.each([1, 2, 3, 10, 1000])('stay within %i keys', (size) => {
    const seen = counts(zipfianRanks(size, seededRandom(1)), size);
    expect(seen).toHaveLength(size);
    expect(seen.reduce((sum, count) => sum + count, 0)).toBe(DRAWS);
  });

  it('have the frequencies of the law for the first two, and come close to them after that', () => {
    const size = 1000;
    const seen = counts(zipfianRanks(size, seededRandom(2)), size);
    const share = (from: number, to: number) =>
      seen.slice(from, to).reduce((sum, count) => sum + count, 0) / DRAWS;
    const law = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => zipf(from + index, size)).reduce(
        (sum, part) => sum + part,
        0,
      );
    expect(share(0, 1)).toBeCloseTo(law(0, 1), 2);
    expect(share(1, 2)).toBeCloseTo(law(1, 2), 2);
    // The generator approximates the law by an integral.
    expect(share(2, 20) / law(2, 20)).toBeGreaterThan(0.9);
    expect(share(2, 20) / law(2, 20)).toBeLessThan(1.1);
    expect(share(20, 1000) / law(20, 1000)).toBeGreaterThan(0.9);
    expect(share(20, 1000) / law(20, 1000)).toBeLessThan(1.1);
  });
});

describe('the choice of keys', () => {
  it('is the same for the same seed, and another for another', () => {
    const draw = (seed: number) => {
      const next = keyNumbers('zipfian', () => 500, seededRandom(seed));
      return Array.from({ length: 20 }, next);
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('is even if it is uniform', () => {
    const seen = counts(
      keyNumbers('uniform', () => 10, seededRandom(3)),
      10,
    );
    for (const count of seen) expect(Math.abs(count / DRAWS - 0.1)).toBeLessThan(0.01);
  });

  it('scatters popular keys over all of them', () => {
    const seen = counts(
      keyNumbers('zipfian', () => 1000, seededRandom(4)),
      1000,
    );
    const popular = [...seen.entries()].toSorted(([, one], [, other]) => other - one).slice(0, 5);
    const numbers = popular.map(([number]) => number);
    expect(Math.max(...numbers) - Math.min(...numbers)).toBeGreaterThan(100);
  });

  it('prefers what is newest if it is `latest`, also of what came later', () => {
    let size = 100;
    const next = keyNumbers('latest', () => size, seededRandom(5));
    size = 150;
    const seen = counts(next, 150);
    expect(seen.indexOf(Math.max(...seen))).toBe(149);
  });
});

it('gaps between arrivals are exponential: their deviation is their mean', () => {
  const next = exponentialGaps(4, seededRandom(6));
  const gaps = Array.from({ length: DRAWS }, next);
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / DRAWS;
  const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / DRAWS);
  expect(mean).toBeCloseTo(4, 1);
  expect(deviation).toBeCloseTo(4, 1);
});
