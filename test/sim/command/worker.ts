/**
 * The process in which simulations run, one task at a time. It is another process than the one that started it, so that a run
 * that never ends, or ends its process, is a failure of that run and of nothing else.
 */
import type { RunPlan } from '../plan/plan.ts';
import { reportFailure } from '../report/failure-report.ts';
import { describeError } from '../run/run-log.ts';
import { type RunResult, runPlan } from '../run/simulation.ts';
import { ScenarioFailure } from '../scenarios/scenario.ts';
import { SCENARIOS } from '../scenarios/scenarios.ts';
import { shrinkPlan } from '../shrink/shrink-plan.ts';
import {
  type AnswerOf,
  commandOf,
  nameOf,
  planOf,
  type PlanSource,
  type RunSummary,
  type Task,
  type WorkerMessage,
} from './task.ts';

function say(message: WorkerMessage): void {
  process.send?.(message);
}

async function perform(task: Task): Promise<AnswerOf[Task['type']]> {
  if (task.type === 'scenario') return checkScenario(task.name);
  const plan = planOf(task.source);
  switch (task.type) {
    case 'run':
      return summarize(plan);
    case 'report':
      return report(plan, task.source, task.rows);
    case 'shrink':
      return shrink(plan, task);
    case 'trace':
      return trace(plan);
  }
}

async function summarize(plan: RunPlan): Promise<RunSummary> {
  const startMs = performance.now();
  const { sometimes, ...result } = await runPlan(plan);
  const kinds = new Set(plan.faults.map(({ type }) => type));
  return {
    ...result,
    operations: plan.operations.length,
    faults: [...kinds].reduce((sum, kind) => sum + (sometimes.get(kind) ?? 0), 0),
    wallMs: performance.now() - startMs,
    sometimes: [...sometimes],
  };
}

async function report(plan: RunPlan, source: PlanSource, rows: number): Promise<string> {
  const { text } = await reportFailure({ name: nameOf(source), plan, command: commandOf(source), rows });
  return text;
}

async function shrink(
  plan: RunPlan,
  { maxRuns, maxMs }: Extract<Task, { type: 'shrink' }>,
): Promise<AnswerOf['shrink']> {
  const startMs = performance.now();
  const first = attemptOf(await runPlan(plan));
  if (first.invariant === undefined) return undefined;
  return shrinkPlan(plan, first, {
    run: async (candidate) => {
      const result = await runPlan(candidate);
      say({
        type: 'alive',
        says: `${candidate.operations.length} operations, ${candidate.faults.length} faults`,
      });
      return attemptOf(result);
    },
    maxRuns,
    isLate: () => performance.now() - startMs > maxMs,
  });
}

function attemptOf({ violation, virtualMs }: RunResult): {
  readonly invariant: string | undefined;
  readonly virtualMs: number;
} {
  return { invariant: violation?.invariant, virtualMs };
}

async function trace(plan: RunPlan): Promise<readonly string[]> {
  const lines: string[] = [];
  await runPlan(plan, {
    onEvent: (kind, owner, nowUs) => lines.push(`${nowUs} ${owner} ${kind}`),
    onFrame: (from, to, frame, nowUs) => lines.push(`${nowUs} ${from}>${to} ${frame.length} bytes`),
    onOperation: (text, nowUs) => lines.push(`${nowUs} ${text}`),
  });
  return lines;
}

async function checkScenario(name: string): Promise<AnswerOf['scenario']> {
  const scenario = SCENARIOS.find((candidate) => candidate.name === name);
  if (scenario === undefined) throw new Error(`there is no scenario ${name}`);
  try {
    await scenario.run();
    return undefined;
  } catch (error) {
    if (error instanceof ScenarioFailure) return { invariant: 'scenario', detail: error.message };
    return { invariant: 'no-exception', detail: describeError(error) };
  }
}

process.on('message', (task: Task) => {
  perform(task).then(
    (answer) => say(answer === undefined ? { type: 'answer' } : { type: 'answer', answer }),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    },
  );
});
// Whoever started it is gone.
process.on('disconnect', () => process.exit());
