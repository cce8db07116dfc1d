/** The model of staleness, by the figures of the paper and by cases that can be told without it. */
import { describe, expect, it } from 'vitest';
import {
  freshAfter,
  freshWithin,
  type Quorums,
  type StepDelays,
} from '../../../../bench/experiments/stale-reads/pbs.ts';
import { seededDraw } from '../../../core/causality/seeded-draw.ts';

describe('the closed form (Bailis et al., VLDB 2012, section 3.1)', () => {
  const cases: readonly (readonly [Quorums, readonly (readonly [k: number, fresh: string])[]])[] = [
    [
      { n: 3, r: 1, w: 1 },
      [
        [1, '0.3333'],
        [2, '0.5556'],
        [3, '0.7037'],
        [5, '0.8683'],
        [10, '0.9827'],
      ],
    ],
    [
      { n: 3, r: 1, w: 2 },
      [
        [1, '0.6667'],
        [2, '0.8889'],
        [3, '0.9630'],
      ],
    ],
    [
      { n: 5, r: 2, w: 2 },
      [
        [1, '0.7000'],
        [2, '0.9100'],
        [3, '0.9730'],
      ],
    ],
  ];

  it.each(cases)('gives what the paper gives for %o', (quorums, expected) => {
    expect(expected.map(([k]) => [k, freshWithin(k, quorums).toFixed(4)])).toEqual(expected);
  });

  it('does not tell R from W', () => {
    expect(freshWithin(2, { n: 5, r: 1, w: 3 })).toBeCloseTo(freshWithin(2, { n: 5, r: 3, w: 1 }), 12);
  });

  it.each([
    { n: 3, r: 2, w: 2 },
    { n: 5, r: 1, w: 5 },
    { n: 1, r: 1, w: 1 },
  ])('is 1 where quorums overlap: %o', (quorums) => {
    expect(freshWithin(1, quorums)).toBe(1);
  });
});

describe('the simulated model', () => {
  const TRIALS = 20_000;
  const fixed = (writeMs: number, readMs: number): StepDelays => {
    const draw = seededDraw(1);
    const way = (ms: number) => (isLocal: boolean) => (isLocal ? 0 : ms);
    return {
      ...{ write: way(writeMs), acknowledge: way(writeMs), read: way(readMs) },
      turnaround: () => 0,
      random: () => draw(2 ** 30) / 2 ** 30,
    };
  };

  it('is the closed form until the first message has arrived', () => {
    const quorums = { n: 3, r: 1, w: 1 };
    expect(freshAfter(9, quorums, fixed(10, 1), TRIALS)).toBeCloseTo(1 / 3, 1);
  });

  it('is 1 from then on', () => {
    expect(freshAfter(10, { n: 3, r: 1, w: 1 }, fixed(10, 1), TRIALS)).toBe(1);
  });

  it('lets a read that takes its time find what was still on its way when it began', () => {
    // Asked are the coordinator of the read at once, and another replica 4 ms later.
    const quorums = { n: 3, r: 2, w: 1 };
    expect(freshAfter(5, quorums, fixed(10, 4), TRIALS)).toBeCloseTo(2 / 3, 1);
    expect(freshAfter(6, quorums, fixed(10, 4), TRIALS)).toBe(1);
  });

  it('counts that a write at W=2 waits for another replica', () => {
    // All messages take as long, so with the second acknowledgement the third replica has it, too.
    expect(freshAfter(0, { n: 3, r: 1, w: 2 }, fixed(10, 1), TRIALS)).toBe(1);
  });

  it('never has a stale read where quorums overlap, whatever the times', () => {
    const draw = seededDraw(7);
    const any = (isLocal: boolean): number => (isLocal ? 0 : draw(50));
    const delays: StepDelays = {
      ...{ write: any, acknowledge: any, read: any },
      turnaround: () => 0,
      random: () => draw(2 ** 30) / 2 ** 30,
    };
    expect(freshAfter(0, { n: 3, r: 2, w: 2 }, delays, TRIALS)).toBe(1);
    expect(freshAfter(0, { n: 5, r: 2, w: 2 }, delays, TRIALS)).toBeLessThan(1);
  });
});
