/** Buckets by the time at which something was due. */
import { describe, expect, it } from 'vitest';
import { between, bucketsOf, shareWell, type Told } from '../../../../bench/experiments/judging/timeline.ts';

const TOLD: readonly Told[] = [
  { dueMs: 0, fate: 'well' },
  { dueMs: 199.9, fate: 'refused' },
  { dueMs: 200, fate: 'well' },
  { dueMs: 450, fate: 'unknown' },
  { dueMs: 460, fate: 'well' },
];

describe('bucketsOf', () => {
  it('has every bucket, and each thing in the one in which it was due', () => {
    expect(bucketsOf(TOLD, 200, 700)).toEqual([
      { fromMs: 0, well: 1, refused: 1, unknown: 0 },
      { fromMs: 200, well: 1, refused: 0, unknown: 0 },
      { fromMs: 400, well: 1, refused: 0, unknown: 1 },
      { fromMs: 600, well: 0, refused: 0, unknown: 0 },
    ]);
  });

  it('leaves out what was due later', () => {
    expect(bucketsOf(TOLD, 200, 200)).toEqual([{ fromMs: 0, well: 1, refused: 1, unknown: 0 }]);
  });
});

describe('shareWell', () => {
  it('is that of a part of the time, with its beginning and without its end', () => {
    expect(shareWell(between(TOLD, 200, 460))).toBe(0.5);
  });

  it('says nothing of nothing', () => {
    expect(shareWell([])).toBeUndefined();
  });
});
