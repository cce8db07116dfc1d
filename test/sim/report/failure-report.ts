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
  const text = [
    command,
    ...describeResult(name, result),
    '',
    ...describeOptions(plan).map(indented),
    '',
    ...describeFaults(plan).map(indented),
    '',
    ...tableOf(plan, recorder, result),
  ].join('\n');
  return { text, result };
}

function describeResult(name: string, { violation, events, virtualMs }: RunResult): readonly string[] {
  const when = `after ${events} events, ${(virtualMs / 1_000).toFixed(1)} virtual s`;
  if (violation === undefined) return [`${name}: nothing was violated this time, ${when}`];
  return [`${name}: ${violation.invariant}, ${when}`, indented(violation.detail)];
}

function describeFaults({ faults }: RunPlan): readonly string[] {
  const listed = faults.slice(0, MAX_LISTED_FAULTS);
  const lines = listed.map((fault) => `${(fault.atUs / 1_000_000).toFixed(3)} s: ${describeFault(fault)}`);
  return listed.length < faults.length ? [...lines, `and ${faults.length - listed.length} more`] : lines;
}

/** Without what concerns other keys than those that the violation names. */
function tableOf(
  { options }: RunPlan,
  recorder: FlightRecorder,
  { violation, virtualMs }: RunResult,
): readonly string[] {
  const nodes = Array.from({ length: options.nodes }, (_, index) => `n${index + 1}`);
  const detail = violation?.detail ?? '';
  const rows = recorder.rows(options.keys.filter((key) => mentions(detail, key)));
  const end = { atUs: virtualMs * 1_000, place: undefined, text: `${violation?.invariant} is violated` };
  return spaceTimeTable(nodes, violation === undefined ? rows : [...rows, end]);
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
