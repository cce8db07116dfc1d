/** What breaks when in the experiment on faults, and what clients and reports call the parts of that time. */

/** Clients of a side ask its nodes only. */
export const SIDES = { minority: 'minority side (n1, n2)', majority: 'majority side (n3, n4, n5)' } as const;

/** When what happens, from the beginning; milliseconds. */
export interface Schedule {
  readonly killMs: number;
  readonly restartMs: number;
  readonly partMs: number;
  readonly healMs: number;
  readonly slowMs: number;
  readonly quickMs: number;
  readonly endMs: number;
}

/** 25 s. */
export const FULL_SCHEDULE: Schedule = {
  ...{ killMs: 2_000, restartMs: 6_000, partMs: 10_000, healMs: 16_000 },
  ...{ slowMs: 19_000, quickMs: 23_000, endMs: 25_000 },
};
/** Of a smoke test. */
export const QUICK_SCHEDULE: Schedule = {
  ...{ killMs: 600, restartMs: 2_000, partMs: 3_400, healMs: 6_400 },
  ...{ slowMs: 7_400, quickMs: 8_400, endMs: 9_000 },
};

/** In order of time. */
export const PHASES = ['calm', 'killed', 'restarted', 'parted', 'healed', 'slow', 'quick again'] as const;
export type PhaseName = (typeof PHASES)[number];

/** A part of the timeline. */
export interface Phase {
  readonly name: PhaseName;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Phases in order of time. */
export function phasesOf({
  killMs,
  restartMs,
  partMs,
  healMs,
  slowMs,
  quickMs,
  endMs,
}: Schedule): readonly Phase[] {
  const starts = [0, killMs, restartMs, partMs, healMs, slowMs, quickMs];
  return PHASES.map((name, index) => ({
    name,
    fromMs: starts[index] ?? 0,
    toMs: starts[index + 1] ?? endMs,
  }));
}
