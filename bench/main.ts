/**
 * `npm run bench`: fills the sections that were chosen and leaves one document, from which everything else is made: a page to
 * look at and its numbers (both in .bench), and the tables on the terminal.
 *
 * Exit codes: 0 the figures are valid, 1 some are not (a request failed, a process ended, a checker found something) or the
 * options are wrong, 130 interrupted.
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Experiment, ExperimentContext } from './experiments/experiment.ts';
import { readOptions, type BenchOptions } from './options.ts';
import { startProgress, type Progress } from './progress.ts';
import { documentText } from './report/document-text.ts';
import type { About, BenchDocument, Section } from './report/document.ts';
import { chooseExperiments, describeSections } from './sections.ts';
import { describeEnvironment, type Environment } from './system/environment.ts';
import { PROJECT_DIRECTORY } from './system/project-directory.ts';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.isList) {
    process.stdout.write(`${describeSections()}\n`);
    return 0;
  }
  if (!existsSync(options.program)) {
    process.stderr.write(`There is no ${options.program}. Build it first: npm run build\n`);
    return EXIT_FAILED;
  }
  const startMs = performance.now();
  const environment = await describeEnvironment(PROJECT_DIRECTORY);
  const runName = environment.date.replaceAll(/[:.]/g, '-');
  const profileDirectory = options.profile ? join(options.outputDirectory, `profile-${runName}`) : undefined;
  const experiments = chooseExperiments({ ...options, profileDirectory });
  const signal = interruptionSignal();
  await mkdir(options.outputDirectory, { recursive: true });
  const progress = startProgress(process.stderr, experiments.length);
  const sections = await runAll(experiments, contextOf(options, progress, signal), progress);
  progress.stop();
  if (signal.aborted) return EXIT_INTERRUPTED;
  const document: BenchDocument = {
    format: 'quorate-bench/1',
    about: aboutOf(environment, options, (performance.now() - startMs) / 1000),
    sections,
  };
  process.stdout.write(`\n${documentText(document)}\n\n`);
  await writeDocument(document, join(options.outputDirectory, runName));
  if (profileDirectory !== undefined) announceProfiles(profileDirectory);
  return sections.every(({ verdict }) => verdict?.isSound !== false) ? 0 : EXIT_FAILED;
}

function contextOf(options: BenchOptions, progress: Progress, signal: AbortSignal): ExperimentContext {
  const { seed, isQuick, program, outputDirectory } = options;
  return { seed, isQuick, program, outputDirectory, progress: progress.line, signal };
}

/** One that fails takes no other with it. */
async function runAll(
  experiments: readonly Experiment[],
  context: ExperimentContext,
  progress: Progress,
): Promise<readonly Section[]> {
  const sections: Section[] = [];
  for (const experiment of experiments) {
    progress.begin(experiment.title);
    try {
      sections.push(await experiment.run(context));
    } catch (error) {
      if (context.signal.aborted) break;
      const reason = error instanceof Error ? error.message : String(error);
      progress.line(`failed: ${reason}`);
      sections.push(failedSection(experiment, reason));
    }
  }
  return sections;
}

function failedSection({ id, title }: Experiment, reason: string): Section {
  return {
    id,
    title,
    question: title,
    answer: 'It could not be measured.',
    figures: [],
    tables: [],
    metrics: [],
    remarks: [],
    verdict: { isSound: false, text: reason },
  };
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

function aboutOf(environment: Environment, options: BenchOptions, durationSeconds: number): About {
  const { measuring, connections, fsync, isQuick, seed } = options;
  return {
    command: environment.command,
    date: environment.date,
    durationSeconds,
    commit: (environment.commit ?? 'unknown').replace(/-dirty$/, '+changes'),
    seed,
    machine: {
      processor: `${environment.cpuModel}, ${environment.cpuCount} processors`,
      memory: `${Math.round(environment.memoryBytes / 2 ** 30)} GiB`,
      system: environment.system,
      'Node.js': environment.nodeVersion,
      'load before the run': environment.loadBefore.toFixed(2),
      'a computation after 10 ms of rest': `${environment.slownessAfterPause.toFixed(1)} times as slow`,
    },
    configuration: {
      length: isQuick ? 'quick: a smoke test, no figures to quote' : 'whole',
      'closed loop':
        `${connections} connections, ${measuring.repeats} x ${measuring.measureMs / 1000} s ` +
        `after ${measuring.warmUpMs / 1000} s of warm-up`,
      fsync: fsync ? 'on' : 'off',
    },
  };
}

async function writeDocument(document: BenchDocument, path: string): Promise<void> {
  await writeFile(`${path}.json`, `${JSON.stringify(document, null, 2)}\n`);
  // Only here: with it comes the compiler, which takes a while to load.
  const { renderPage } = await import('./report/page.ts');
  await writeFile(`${path}.html`, await renderPage(document));
  const shown = relative(process.cwd(), path);
  process.stdout.write(`Look at ${shown}.html; its numbers are in ${shown}.json\n`);
}

function announceProfiles(directory: string): void {
  const shown = relative(process.cwd(), directory);
  process.stdout.write(`Profiles: ${shown}. Look into them: npx tsx bench/profile/main.ts ${shown}\n`);
}

process.exitCode = await main();
