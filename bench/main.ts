/**
 * `npm run bench`: what the store does per second, at which cost, beside what HTTP alone does on the same machine.
 *
 * Exit codes: 0 the figures are valid, 1 they are not (some request failed, or a process ended), 130 interrupted.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { runBench } from './capacity/capacity-run.ts';
import { describeEnvironment } from './system/environment.ts';
import { PROJECT_DIRECTORY, readOptions, type BenchOptions } from './options.ts';
import { formatReport, type Report } from './capacity/text-report.ts';
import { summarize } from './capacity/summary.ts';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (!existsSync(options.program)) {
    process.stderr.write(`There is no ${options.program}. Build it first: npm run build\n`);
    return EXIT_FAILED;
  }
  const environment = await describeEnvironment(PROJECT_DIRECTORY);
  const runName = environment.date.replaceAll(/[:.]/g, '-');
  const profileDirectory = options.profile ? join(options.outputDirectory, `profile-${runName}`) : undefined;
  const interruption = interruptionSignal();
  try {
    const result = await runBench({
      options,
      profileDirectory,
      progress: (line) => process.stderr.write(`${line}\n`),
      signal: interruption,
    });
    const report = { environment, options, result, summaries: summarize(options, result.measurements) };
    process.stdout.write(`\n${formatReport(report)}\n\n`);
    await writeResult(report, options, runName);
    if (profileDirectory !== undefined) announceProfiles(profileDirectory);
    return result.problems.length === 0 ? 0 : EXIT_FAILED;
  } catch (error) {
    if (interruption.aborted) return EXIT_INTERRUPTED;
    process.stderr.write(`The bench failed: ${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT_FAILED;
  }
}

/** Aborts at the first signal; later ones change nothing, since stopping is under way. */
function interruptionSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of STOP_SIGNALS) {
    process.on(signal, () => {
      if (!controller.signal.aborted) process.stderr.write('\nStopping and cleaning up.\n');
      controller.abort();
    });
  }
  return controller.signal;
}

async function writeResult(report: Report, options: BenchOptions, runName: string): Promise<void> {
  const file = join(options.outputDirectory, `${runName}.json`);
  const valid = report.result.problems.length === 0;
  await writeFile(file, `${JSON.stringify({ valid, ...report }, null, 2)}\n`);
  process.stdout.write(`Written to ${relative(process.cwd(), file)}\n`);
}

function announceProfiles(directory: string): void {
  const shown = relative(process.cwd(), directory);
  process.stdout.write(`Profiles: ${shown}. Look into them: npx tsx bench/profile/main.ts ${shown}\n`);
}

process.exitCode = await main();
