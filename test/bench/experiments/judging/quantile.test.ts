/** Quantiles are values that occurred, and are not made of too few. */
import { describe, expect, it } from 'vitest';
import { p99, quantile } from '../../../../bench/experiments/judging/quantile.ts';

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => count - index);

describe('quantile', () => {
  it.each([
    [0, 1],
    [0.5, 5],
    [0.9, 9],
    [0.91, 10],
    [1, 10],
  ])('%d of ten', (share, expected) => {
    expect(quantile(upTo(10), share)).toBe(expected);
  });

  it('is nothing of nothing', () => {
    expect(quantile([], 0.5)).toBeUndefined();
  });
});

describe('p99', () => {
  it('needs a hundred samples', () => {
    expect(p99(upTo(99))).toBeUndefined();
    expect(p99(upTo(100))).toBe(99);
  });
});
