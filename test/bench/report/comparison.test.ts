/** The comparison of two runs: what counts as a change, and what is no more than the repeats differ by themselves. */
import { describe, expect, it } from 'vitest';
import { comparisonText } from '../../../bench/report/comparison-text.ts';
import { compareDocuments } from '../../../bench/report/comparison.ts';
import type { BenchDocument, Metric } from '../../../bench/report/document.ts';
import { lowestProbability, rankTest } from '../../../bench/report/rank-test.ts';
import { SAMPLE } from './sample-document.ts';

function documentOf(...metrics: readonly Metric[]): BenchDocument {
  const [first] = SAMPLE.sections;
  if (first === undefined) throw new Error('the sample has no section');
  return { ...SAMPLE, sections: [{ ...first, metrics }] };
}

const rate = (samples: readonly number[], name = 'put rate'): Metric => ({
  name,
  unit: '/s',
  better: 'higher',
  samples,
});
const p99 = (samples: readonly number[]): Metric => ({ name: 'p99', unit: 'µs', better: 'lower', samples });

const LOW = [10, 11, 12, 13, 14];
const HIGH = [20, 21, 22, 23, 24];

describe("Mann and Whitney's test", () => {
  // The exact distribution: of the 252 ways to deal ten ranks to five and five, two are this extreme, four at least that of the second.
  it.each([
    [LOW, HIGH, 2 / 252],
    [[1, 2, 3, 4, 6], [5, 7, 8, 9, 10], 4 / 252],
    [[1, 2, 3], [4, 5, 6], 2 / 20],
    [[5, 5, 5], [5, 5, 5], 1],
    [[], LOW, 1],
  ])('of %j and %j', (left, right, probability) => {
    expect(rankTest(left, right)).toBeCloseTo(probability, 10);
    expect(rankTest(right, left)).toBeCloseTo(probability, 10);
  });

  it('of many values comes close to the exact one', () => {
    // 10 and 10 are counted; the same values doubled are approximated, and must be further from chance.
    const left = Array.from({ length: 10 }, (_, index) => index * 2);
    const right = left.map((value) => value + 5);
    const exact = rankTest(left, right);
    const approximate = rankTest([...left, ...left], [...right, ...right]);
    expect(exact).toBeGreaterThan(0.05);
    expect(approximate).toBeLessThan(exact);
    expect(
      rankTest(
        Array.from({ length: 40 }, (_, index) => index),
        Array.from({ length: 40 }, (_, index) => index + 0.5),
      ),
    ).toBeGreaterThan(0.7);
  });

  it('cannot tell anything from three repeats each', () => {
    expect(lowestProbability(3, 3)).toBeGreaterThan(0.05);
    expect(lowestProbability(4, 4)).toBeLessThan(0.05);
  });
});

describe('the comparison of two documents', () => {
  it('calls better what moved beyond the spread in the right direction', () => {
    const { metrics } = compareDocuments(documentOf(rate(LOW), p99(LOW)), documentOf(rate(HIGH), p99(HIGH)));
    expect(metrics.map(({ name, change, ratio }) => [name, change, ratio])).toEqual([
      ['put rate', 'better', 22 / 12],
      ['p99', 'worse', 22 / 12],
    ]);
  });

  it('calls alike what one disturbed repeat moved', () => {
    const { metrics } = compareDocuments(documentOf(p99(LOW)), documentOf(p99([10, 11, 12, 13, 5_000])));
    expect(metrics[0]?.change).toBe('alike');
  });

  it('says when there are too few repeats, whatever their distance', () => {
    const { metrics } = compareDocuments(documentOf(rate([1])), documentOf(rate([1_000])));
    expect(metrics[0]?.change).toBe('too few');
  });

  it('names what only one of them has, and what else differs', () => {
    const before = documentOf(rate(LOW, 'old'));
    const after = { ...documentOf(rate(LOW, 'new')), about: { ...SAMPLE.about, commit: 'other' } };
    const comparison = compareDocuments(before, after);
    expect(comparison).toMatchObject({
      metrics: [],
      onlyBefore: ['eventual-or-cas: old'],
      onlyAfter: ['eventual-or-cas: new'],
      conditions: [['commit', SAMPLE.about.commit, 'other']],
    });
    expect(comparisonText(comparison)).toContain('no metric in common');
  });

  it('is printed with its medians, its ratio and how to read it', () => {
    const text = comparisonText(compareDocuments(documentOf(rate(LOW)), documentOf(rate(HIGH))));
    expect(text).toMatch(/put rate, \/s │ +12 \(10-14\) │ +22 \(20-24\) │ +1\.833 │ +0\.008 │ better/);
    expect(text).toContain('1 metrics: 1 better, 0 worse');
    expect(text).toContain('Mann and');
  });
});
