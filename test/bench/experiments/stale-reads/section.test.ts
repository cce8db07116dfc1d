/** The verdict on stale reads, guilty and innocent. */
import { describe, expect, it } from 'vitest';
import type { StalenessOfQuorum } from '../../../../bench/experiments/stale-reads/measurement.ts';
import type { Quorums } from '../../../../bench/experiments/stale-reads/pbs.ts';
import { staleReadsSection } from '../../../../bench/experiments/stale-reads/section.ts';

const WEAK = { n: 3, r: 1, w: 1 };
const STRICT = { n: 3, r: 2, w: 2 };

function sectionOf(lags: readonly (readonly [Quorums, readonly number[]])[]) {
  const measured = lags.map(([quorums, own]): StalenessOfQuorum => {
    const observations = own.map((lag) => ({ afterMs: 0, lag }));
    return { quorums, after: [observations], burst: [observations], burstWritesPerSecond: 1 };
  });
  const none = (): number => 0;
  const delays = { write: none, acknowledge: none, read: none, turnaround: none, random: none };
  const rest = { writeWayMs: 1, readWayMs: 1, repeats: 1, failures: 0, healths: [] };
  return staleReadsSection({ measured, delays, ...rest });
}

describe('the section on stale reads', () => {
  it('lets reads of quorums that do not overlap be stale, and counts them', () => {
    const { verdict, answer, metrics } = sectionOf([
      [WEAK, [0, 1, 0, 2]],
      [STRICT, [0, 0]],
    ]);
    expect(verdict?.isSound).toBe(true);
    expect(answer).toContain('shows it in 50.0 %');
    expect(metrics[0]?.samples).toEqual([50]);
  });

  it('finds a stale read of quorums that overlap', () => {
    const { verdict } = sectionOf([
      [WEAK, [0]],
      [STRICT, [0, 1]],
    ]);
    expect(verdict).toEqual({ isSound: false, text: '2 reads at N=3 R=2 W=2 were stale' });
  });

  it('counts versions that a read is behind', () => {
    const table = sectionOf([[WEAK, [0, 1, 1, 4]]]).tables.at(-1);
    const shares = table?.rows[0]?.slice(1, 5).map((cell) => cell.split(' (')[0]);
    expect(shares).toEqual(['25.0 %', '75.0 %', '75.0 %', '100.0 %']);
  });
});
