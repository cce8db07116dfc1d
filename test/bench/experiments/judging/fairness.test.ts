/** Jain's index at its ends and in between. */
import { describe, expect, it } from 'vitest';
import { fairnessOf } from '../../../../bench/experiments/judging/fairness.ts';

describe('fairnessOf', () => {
  it.each([
    { shares: [5, 5, 5, 5], jain: 1, most: 5, fewest: 5 },
    { shares: [8, 0, 0, 0], jain: 0.25, most: 8, fewest: 0 },
    { shares: [1, 3], jain: 0.8, most: 3, fewest: 1 },
    { shares: [0, 0, 0], jain: 1, most: 0, fewest: 0 },
    { shares: [], jain: 1, most: 0, fewest: 0 },
  ])('of $shares', ({ shares, ...expected }) => {
    expect(fairnessOf(shares)).toEqual(expected);
  });
});
