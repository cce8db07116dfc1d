/**
 * Whether two sets of values differ by more than chance has it: the test of Mann and Whitney (On a Test of whether one of Two
 * Random Variables is Stochastically Larger than the Other, Annals of Mathematical Statistics 18, 1947), two-sided.
 *
 * It looks at ranks only, so that one disturbed repeat counts as one, however bad it was. For few values every way to deal the
 * ranks is counted, which is exact with equal values, too; for many, the normal approximation has to do.
 */

/** More ways than this are not counted one by one. */
const MAX_WAYS = 250_000;

/** The probability that values as different as these, or more so, come from one source; 1 if either side has none. */
export function rankTest(left: readonly number[], right: readonly number[]): number {
  if (left.length === 0 || right.length === 0) return 1;
  const ranks = ranksOf([...left, ...right]);
  const seen = sumOf(ranks.slice(0, left.length));
  const expected = (left.length * (ranks.length + 1)) / 2;
  const distance = Math.abs(seen - expected);
  if (waysToChoose(ranks.length, left.length) <= MAX_WAYS) {
    return exactProbability(ranks, left.length, expected, distance);
  }
  return approximateProbability(ranks, left.length, distance);
}

/** The lowest probability that this many values can have: above the limit, nothing can be told from so few. */
export function lowestProbability(leftCount: number, rightCount: number): number {
  return Math.min(1, 2 / waysToChoose(leftCount + rightCount, leftCount));
}

/** From 1; equal values share the middle of their ranks. */
function ranksOf(values: readonly number[]): readonly number[] {
  const sorted = values.toSorted((one, other) => one - other);
  return values.map((value) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2 + 1);
}

function exactProbability(
  ranks: readonly number[],
  count: number,
  expected: number,
  distance: number,
): number {
  let ways = 0;
  let extreme = 0;
  const deal = (from: number, left: number, sum: number): void => {
    if (left === 0) {
      ways += 1;
      // Ranks may be halves, and nothing finer.
      if (Math.abs(sum - expected) >= distance - 0.25) extreme += 1;
      return;
    }
    for (let index = from; index <= ranks.length - left; index++) {
      deal(index + 1, left - 1, sum + (ranks[index] ?? 0));
    }
  };
  deal(0, count, 0);
  return extreme / ways;
}

function approximateProbability(ranks: readonly number[], count: number, distance: number): number {
  const total = ranks.length;
  const mean = (total + 1) / 2;
  // The variance of the ranks that there are, which equal values make smaller.
  const spread = sumOf(ranks.map((rank) => (rank - mean) ** 2)) / (total - 1);
  const variance = (spread * count * (total - count)) / total;
  if (variance === 0) return 1;
  const deviations = Math.max(0, distance - 0.5) / Math.sqrt(variance);
  return 2 * (1 - normalDistribution(deviations));
}

/** Abramowitz and Stegun 26.2.17: correct to 7.5e-8, for values from 0. */
function normalDistribution(value: number): number {
  const t = 1 / (1 + 0.2316419 * value);
  const coefficients = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  const tail = coefficients.reduceRight((sum, coefficient) => (sum + coefficient) * t, 0);
  return 1 - (Math.exp((-value * value) / 2) / Math.sqrt(2 * Math.PI)) * tail;
}

function waysToChoose(total: number, count: number): number {
  let ways = 1;
  for (let index = 1; index <= count; index++) ways = (ways * (total - count + index)) / index;
  return ways;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
