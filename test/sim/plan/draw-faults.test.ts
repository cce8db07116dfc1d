/** What breaks in the seeds of a campaign, all together: every kind, from a moment to longer than any timeout. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_TIMEOUT_MS, PEER_SILENCE_MS } from '../../../src/core/limits.ts';
import { drawPlan, PROFILES } from './draw-plan.ts';
import type { PlannedFault, RunPlan } from './plan.ts';

const SECOND_US = 1_000_000;

const PLANS: readonly RunPlan[] = Array.from({ length: 600 }, (_, index) =>
  drawPlan(index + 1, { profile: PROFILES[index % PROFILES.length] ?? 'quorum', operations: 1 }),
);
const FAULTS: readonly PlannedFault[] = PLANS.flatMap(({ faults }) => faults);

/** How long the faults of a kind last, in seconds, the shortest first. */
function durations(type: PlannedFault['type']): readonly number[] {
  return FAULTS.flatMap((fault) =>
    fault.type === type && 'forUs' in fault ? [fault.forUs / SECOND_US] : [],
  ).toSorted((left, right) => left - right);
}

function shareOf(isSo: (plan: RunPlan) => boolean): number {
  return PLANS.filter((plan) => isSo(plan)).length / PLANS.length;
}

describe('faults', () => {
  it.each(['cut', 'pause', 'slow', 'write-fault', 'low-space', 'filter', 'misread'] as const)(
    'of the kind %s are short, and longer than all timeouts',
    (type) => {
      const all = durations(type);
      expect(all[0]).toBeLessThan(1.5);
      expect((all.at(-1) ?? 0) * 1_000).toBeGreaterThan(2 * PEER_SILENCE_MS + DEFAULT_TIMEOUT_MS);
      expect(all.at(-1)).toBeGreaterThan(50);
      expect(all.at(-1)).toBeLessThanOrEqual(60);
    },
  );

  it('keep a node down for no time, and for up to a minute', () => {
    const down = FAULTS.flatMap((fault) => (fault.type === 'crash' ? [fault.downUs / SECOND_US] : []));
    expect(Math.min(...down)).toBe(0);
    expect(Math.max(...down)).toBeGreaterThan(50);
  });

  it.each([
    'crash',
    'cut',
    'reset',
    'pause',
    'slow',
    'clock-jump',
    'write-fault',
    'low-space',
    'filter',
    'misread',
  ])('of the kind %s are missing in a good part of the seeds, and there in another', (type) => {
    const share = shareOf(({ faults }) => faults.some((fault) => fault.type === type));
    expect(share).toBeGreaterThan(0.3);
    expect(share).toBeLessThan(0.95);
  });

  it('end all processes at once in some seeds, with power and without', () => {
    const isDark = (power: boolean) => (plan: RunPlan) =>
      plan.faults.some(
        (first) =>
          first.type === 'crash' &&
          plan.faults.filter(
            (other) => other.type === 'crash' && other.atUs === first.atUs && other.power === power,
          ).length === plan.options.nodes,
      );
    expect(shareOf(isDark(true))).toBeGreaterThan(0.02);
    expect(shareOf(isDark(false))).toBeGreaterThan(0.01);
  });
});

describe('what mends replicas', () => {
  it.each(['readRepair', 'handoff', 'antiEntropy'] as const)(
    'is without %s in a quarter of the seeds',
    (name) => {
      const share = shareOf(({ options }) => !options.repairs[name]);
      expect(share).toBeGreaterThan(0.18);
      expect(share).toBeLessThan(0.32);
    },
  );

  it('is nothing at all in some seeds', () => {
    expect(
      shareOf(({ options: { repairs } }) => !repairs.readRepair && !repairs.handoff && !repairs.antiEntropy),
    ).toBeGreaterThan(0);
  });
});
