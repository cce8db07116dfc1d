/**
 * `npm run sim`: whole clusters in simulated time, each run a function of its seed. Prints how to see each failure again, what it
 * was, and a smaller run that fails with it.
 *
 * Exit codes: 0 nothing was violated, 1 a wrong result, 2 a crash, 3 no progress, 64 usage, 130 interrupted.
 */
import { basename, join, relative } from 'node:path';
import { Campaign, type Failure } from './command/campaign.ts';
import { EXIT_CODES, exitCodeOf } from './command/failure-kind.ts';
import { readOptions, type SimOptions } from './command/options.ts';
import { quantity } from './command/quantity.ts';
import { runScenarios } from './command/scenario-run.ts';
import type { Tally } from './command/tally.ts';
import { commandOf, nameOf, type PlanSource } from './command/task.ts';
import { WorkerProcess } from './command/worker-process.ts';
import { type Profile, PROFILES } from './plan/draw-plan.ts';
import { readPlan, writePlan } from './plan/plan-file.ts';

/** What the user named cannot be used. */
class UsageError extends Error {}

/** Failures that are described at length. */
const MAX_REPORTS = 3;
const PROGRESS_EVERY_RUNS = 100;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.scenario !== undefined) return runScenarios(options.scenario, options.limitMs, print);
  const startMs = performance.now();
  const campaign = campaignOf(options);
  let isInterrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      isInterrupted = true;
      campaign.stop();
    });
  }
  await campaign.run(await sourcesOf(options));
  print(campaign.tally.summary(performance.now() - startMs));
  for (const line of campaign.tally.sometimes()) print(line);
  if (isInterrupted) return EXIT_CODES.interrupted;
  print(`${quantity(campaign.failures.length)} of ${quantity(campaign.tally.runs)} runs failed`);
  await shrinkSmallest(campaign.failures, options);
  return exitCodeOf(campaign.failures.map(({ violation }) => violation.invariant));
}

function campaignOf({ jobs, limitMs, twiceEvery, rows }: SimOptions): Campaign {
  const startMs = performance.now();
  let reports = 0;
  return new Campaign({
    jobs,
    limitMs,
    twiceEvery,
    onFailure: async (failure, worker) => {
      reports += 1;
      if (reports > MAX_REPORTS || !(await printReport(failure, worker, limitMs, rows)))
        printShortly(failure);
    },
    onRun: (tally) => tellProgress(tally, performance.now() - startMs),
  });
}

async function sourcesOf(options: SimOptions): Promise<Iterator<PlanSource, undefined>> {
  const { planFile, firstSeed, seeds, minutes } = options;
  if (planFile !== undefined) {
    const { plan } = await readPlan(planFile).catch((error: unknown) => {
      throw new UsageError((error as Error).message);
    });
    const source: PlanSource = { type: 'file', file: planFile, plan };
    return [source][Symbol.iterator]() as Iterator<PlanSource, undefined>;
  }
  const many = [
    ...(seeds === undefined ? [] : [`${quantity(seeds)} seeds`]),
    ...(minutes === undefined ? [] : [`${minutes} minutes`]),
  ];
  print(`seeds from ${firstSeed}, ${many.join(', ')}, ${options.operations} operations each`);
  return seedSources(options, performance.now());
}

/** Without a wish the profiles take turns, by the seed itself: so a seed means the same run wherever it is named. */
function* seedSources(
  { firstSeed, seeds, minutes, profile, operations }: SimOptions,
  startMs: number,
): Generator<PlanSource, undefined> {
  const endMs = startMs + (minutes ?? Number.POSITIVE_INFINITY) * 60_000;
  const endSeed = firstSeed + (seeds ?? Number.POSITIVE_INFINITY);
  for (let seed = firstSeed; seed < endSeed && performance.now() < endMs; seed += 1) {
    const turn = PROFILES[seed % PROFILES.length] as Profile;
    yield { type: 'seed', seed, profile: profile ?? turn, operations };
  }
  return undefined;
}

/** Answers whether there was something to report: a run that hangs or ends its process would only do so again. */
async function printReport(
  { source, events }: Failure,
  worker: WorkerProcess,
  limitMs: number,
  rows: number,
): Promise<boolean> {
  if (events === undefined) return false;
  const ended = await worker.run<'report'>({ type: 'report', source, rows }, limitMs);
  if (ended.type !== 'answer') return false;
  print(`\n${ended.answer}\n`);
  return true;
}

function printShortly({ source, violation }: Failure): void {
  print(`\n${commandOf(source)}\n${nameOf(source)}: ${violation.invariant}\n  ${violation.detail}\n`);
}

/** Of all failing runs the one that failed after the fewest events is made smaller, written down and shown. */
async function shrinkSmallest(failures: readonly Failure[], options: SimOptions): Promise<void> {
  const { shrinkRuns: maxRuns, shrinkMs: maxMs, limitMs, rows, outputDirectory } = options;
  const [smallest] = failures
    .filter(({ events }) => events !== undefined)
    .toSorted((left, right) => (left.events ?? 0) - (right.events ?? 0));
  if (smallest === undefined || maxRuns === 0) return;
  const { source, violation } = smallest;
  print(`\nmaking ${nameOf(source)} smaller, in at most ${maxRuns} runs and ${maxMs / 60_000} minutes`);
  const worker = new WorkerProcess();
  try {
    const ended = await worker.run<'shrink'>(
      { type: 'shrink', source, maxRuns, maxMs },
      limitMs,
      progressLine,
    );
    if (ended.type !== 'answer' || ended.answer === undefined) {
      print('it did not fail again, or did not come to an end');
      return;
    }
    const { plan, runs, isMinimal } = ended.answer;
    const file = relative(process.cwd(), join(outputDirectory, fileNameOf(source)));
    await writePlan(file, { plan, invariant: violation.invariant });
    const left = `${plan.operations.length} operations and ${plan.faults.length} faults are left`;
    print(
      `${left} after ${runs} runs${isMinimal ? '; none of them can be left out' : ''}. Written to ${file}\n`,
    );
    const shown = await worker.run<'report'>(
      { type: 'report', source: { type: 'file', file, plan }, rows: 2 * rows },
      limitMs,
    );
    if (shown.type === 'answer') print(shown.answer);
  } finally {
    worker.stop();
  }
}

function fileNameOf(source: PlanSource): string {
  if (source.type === 'seed') return `seed-${source.seed}-${source.profile}.json`;
  return `${basename(source.file, '.json').replace(/-smaller$/, '')}-smaller.json`;
}

function tellProgress({ runs, failed }: Tally, wallMs: number): void {
  if (runs % PROGRESS_EVERY_RUNS !== 0) return;
  process.stderr.write(`  ${quantity(runs)} runs in ${(wallMs / 1_000).toFixed(0)} s, ${failed} failed\n`);
}

function progressLine(says: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r  ${says}   `);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`The simulation failed: ${error instanceof Error ? error.message : String(error)}\n`);
  return error instanceof UsageError ? EXIT_CODES.usage : EXIT_CODES.crash;
});
