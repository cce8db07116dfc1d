/** What the process that runs simulations is asked, and what it answers. Everything here travels as JSON. */
import type { Violation } from '../checkers/history.ts';
import { drawPlan, type Profile } from '../plan/draw-plan.ts';
import type { RunPlan } from '../plan/plan.ts';

/** Where a plan comes from. */
export type PlanSource =
  | {
      readonly type: 'seed';
      readonly seed: number;
      readonly profile: Profile;
      readonly operations: number;
    }
  | { readonly type: 'file'; readonly file: string; readonly plan: RunPlan };

export type Task =
  | { readonly type: 'run'; readonly source: PlanSource }
  /** Runs once more and describes the failure. */
  | { readonly type: 'report'; readonly source: PlanSource; readonly rows: number }
  | { readonly type: 'shrink'; readonly source: PlanSource; readonly maxRuns: number; readonly maxMs: number }
  /** Runs once more and lists everything that happened. */
  | { readonly type: 'trace'; readonly source: PlanSource }
  /** Runs a regression scenario. */
  | { readonly type: 'scenario'; readonly name: string };

export interface RunSummary {
  readonly violation: Violation | undefined;
  readonly traceHash: string;
  readonly events: number;
  readonly messages: number;
  readonly virtualMs: number;
  readonly operations: number;
  /** Faults that were injected. */
  readonly faults: number;
  /** Milliseconds of wall clock. */
  readonly wallMs: number;
  readonly sometimes: readonly (readonly [name: string, count: number])[];
}

export interface ShrunkSummary {
  readonly plan: RunPlan;
  readonly runs: number;
  readonly isMinimal: boolean;
}

export interface AnswerOf {
  readonly run: RunSummary;
  readonly report: string;
  /** Undefined if the plan did not fail this time. */
  readonly shrink: ShrunkSummary | undefined;
  readonly trace: readonly string[];
  /** Undefined if it holds. */
  readonly scenario: Violation | undefined;
}

export type WorkerMessage =
  | { readonly type: 'answer'; readonly answer?: AnswerOf[Task['type']] }
  /** A part of the task is done; the time limit of the next part begins. */
  | { readonly type: 'alive'; readonly says: string };

export function planOf(source: PlanSource): RunPlan {
  return source.type === 'seed' ? drawPlan(source.seed, source) : source.plan;
}

/** How people speak of it. */
export function nameOf(source: PlanSource): string {
  return source.type === 'seed' ? `seed ${source.seed} (${source.profile})` : source.file;
}

/** The command that runs exactly this again. */
export function commandOf(source: PlanSource): string {
  if (source.type === 'file') return `npm run sim -- --plan ${source.file}`;
  return `npm run sim -- --seed ${source.seed} --profile ${source.profile} --operations ${source.operations}`;
}
