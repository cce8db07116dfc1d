/** A failed run for a person who wants to know why: how to see it again, what was violated, and what happened last. */
import type { RunPlan } from '../plan/plan.ts';
import { runPlan, type RunResult } from '../run/simulation.ts';
import { FlightRecorder, mentions } from './flight-recorder.ts';
import { describeFault, describeOptions } from './plan-text.ts';
import { spaceTimeTable } from './space-time-table.ts';

export interface ReportedRun {
  /** How people speak of the run: `seed 12`. */
  readonly name: string;
  readonly plan: RunPlan;
  /** The command that repeats it. */
  readonly command: string;
  /** Rows of the table. */
  readonly rows: number;
}

/** Faults that are listed, at most: the table shows those that mattered last. */
const MAX_LISTED_FAULTS = 40;

export interface FailureReport {
  readonly text: string;
  readonly result: RunResult;
}

/** Runs the plan again, with a recorder, and tells what it came to. The first line is the command. */
export async function reportFailure({ name, plan, command, rows }: ReportedRun): Promise<FailureReport> {
  const recorder = new FlightRecorder(plan, rows);
  const result = await runPlan(plan, recorder.watcher);
  const { violation, events, virtualMs } = result;
  const nodes = Array.from({ length: plan.options.nodes }, (_, index) => `n${index + 1}`);
  const listed = plan.faults.slice(0, MAX_LISTED_FAULTS);
  const lines = [
    command,
    `${name}: ${violation?.invariant ?? 'nothing was violated this time'}, after ${events} events, ${(virtualMs / 1_000).toFixed(1)} virtual s`,
    ...(violation === undefined ? [] : [indented(violation.detail)]),
    '',
    ...describeOptions(plan).map(indented),
    '',
    ...listed.map((fault) => indented(`${(fault.atUs / 1_000_000).toFixed(3)} s: ${describeFault(fault)}`)),
    ...(listed.length < plan.faults.length
      ? [indented(`and ${plan.faults.length - listed.length} more`)]
      : []),
    '',
    ...spaceTimeTable(
      nodes,
      recorder.rows(plan.options.keys.filter((key) => mentions(violation?.detail ?? '', key))),
    ),
  ];
  return { text: lines.join('\n'), result };
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
