/** What the report says of lost updates follows from what was measured. */
import { describe, expect, it } from 'vitest';
import type { LostPoint } from '../../../../bench/experiments/lost-updates/measurement.ts';
import { lostUpdatesSection } from '../../../../bench/experiments/lost-updates/section.ts';

function point(arm: LostPoint['arm'], lost: number, clientsPerKey = 8): LostPoint {
  const ids = Array.from({ length: lost }, (_, index) => `${arm}${index}`);
  return {
    ...{ arm, clientsPerKey },
    judgement: { acknowledged: 200, lost: ids, duplicated: [], revived: [], invented: [] },
    perMillion: [lost * 5_000],
    perSecond: [50, 0, 70],
    ...{ latencyCount: 200, p50Ms: 4, p99Ms: 20 },
  };
}

const REST = { slotMs: 100, repeats: 3, healths: [{ cpuShare: 0.2, lagP99Ms: 1 }] };

describe('the section on lost updates', () => {
  it('tells of what was lost', () => {
    const points = [point('E1', 50), point('E2', 0), point('C2', 0)];
    const section = lostUpdatesSection({ ...REST, points, broken: [] });
    expect(section.answer).toContain('lost 25.0 %');
    expect(section.answer).toContain('lost 0 of 400 updates');
    expect(section.verdict?.isSound).toBe(true);
  });

  it('does not hide it where merging or compare-and-set has lost something', () => {
    const points = [point('E1', 50), point('E2', 3), point('C2', 1)];
    const section = lostUpdatesSection({
      ...REST,
      points,
      broken: ['E2: 3 updates were acknowledged and lost'],
    });
    expect(section.answer).toContain('lost 4 of 400 updates');
    expect(section.verdict).toEqual({ isSound: false, text: 'E2: 3 updates were acknowledged and lost' });
  });

  it('has no point at 0 on a logarithmic axis', () => {
    const section = lostUpdatesSection({ ...REST, points: [point('E2', 0)], broken: [] });
    const rates = section.figures.find(({ id }) => id === 'updates-per-second');
    expect(rates?.y.scale).toBe('logarithmic');
    expect(rates?.series.flatMap(({ points }) => points)).toEqual([{ x: 8, y: 60, low: 50, high: 70 }]);
  });

  it('says so where the clients were the bottleneck', () => {
    const healths = [{ cpuShare: 0.97, lagP99Ms: 40 }];
    const { remarks } = lostUpdatesSection({ ...REST, healths, points: [point('E1', 1)], broken: [] });
    expect(remarks.at(-1)).toContain('They were a bottleneck');
  });
});
