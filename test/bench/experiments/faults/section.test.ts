/** What the report says of faults follows from what clients were told. */
import { describe, expect, it } from 'vitest';
import { ARM_IDS } from '../../../../bench/experiments/arms/arms.ts';
import type { ToldUpdate } from '../../../../bench/experiments/clients/jobs.ts';
import type { Faults } from '../../../../bench/experiments/faults/measurement.ts';
import { phasesOf, type Schedule, SIDES } from '../../../../bench/experiments/faults/schedule.ts';
import { availabilityInPartition, faultsSection } from '../../../../bench/experiments/faults/section.ts';

const SCHEDULE: Schedule = {
  ...{ killMs: 1_000, restartMs: 2_000, partMs: 3_000, healMs: 6_000 },
  ...{ slowMs: 7_000, quickMs: 8_000, endMs: 9_000 },
};
const TALLY = { requests: 0, attempts: 0, won: 0, leftSiblings: 3, mostSiblings: 2 };

function faultsWith(updates: readonly ToldUpdate[], broken: readonly string[] = []): Faults {
  const transport = Object.fromEntries(ARM_IDS.map((arm) => [arm, TALLY]));
  return {
    ...{ schedule: SCHEDULE, phases: phasesOf(SCHEDULE), aftermaths: [], findings: new Map(), broken },
    result: {
      ...{ updates, violations: [], health: { cpuShare: 0.1, lagP99Ms: 0 } },
      transport: transport as Faults['result']['transport'],
    },
  };
}

function told(dueMs: number, fate: ToldUpdate['fate'], side: keyof typeof SIDES = 'majority'): ToldUpdate {
  return { arm: 'C2', side: SIDES[side], key: 'key', id: String(dueMs), dueMs, fate, ms: 5 };
}

describe('the phases', () => {
  it('follow each other without a gap, from the beginning to the end', () => {
    const phases = phasesOf(SCHEDULE);
    expect(phases[0]?.fromMs).toBe(0);
    expect(phases.at(-1)?.toMs).toBe(SCHEDULE.endMs);
    expect(phases.slice(1).map(({ fromMs }) => fromMs)).toEqual(phases.slice(0, -1).map(({ toMs }) => toMs));
  });
});

describe('availability in the partition', () => {
  it('is that of updates which had to end in it', () => {
    const faults = faultsWith([
      ...[told(2_999, 'refused'), told(3_000, 'well'), told(4_000, 'unknown'), told(4_999, 'refused')],
      // Whoever is due so late may owe a good answer to the end of the partition.
      told(5_500, 'well'),
    ]);
    expect(availabilityInPartition(faults, 'C2')).toBeCloseTo(1 / 3, 12);
    expect(availabilityInPartition(faults, 'C2', 'minority')).toBeUndefined();
    expect(availabilityInPartition(faults, 'E1')).toBeUndefined();
  });
});

describe('the section on faults', () => {
  it('leaves out what made the keys', () => {
    const { metrics } = faultsSection(faultsWith([told(-1, 'refused'), told(10, 'well')]));
    expect(metrics.find(({ name }) => name === 'C2: answered well in all')?.samples).toEqual([100]);
  });

  it('says so where the machine was too slow before anything was broken', () => {
    const slow = faultsSection(faultsWith([told(10, 'well'), told(20, 'unknown')]));
    expect(slow.remarks.join()).toContain('Only 50.0 % were answered well before anything was broken');
    const well = faultsSection(faultsWith([told(10, 'well'), told(20, 'well')]));
    expect(well.remarks.join()).not.toContain('before anything was broken');
  });

  it('has the verdict of the checkers', () => {
    expect(faultsSection(faultsWith([], ['E2: lost'])).verdict).toEqual({ isSound: false, text: 'E2: lost' });
  });
});
