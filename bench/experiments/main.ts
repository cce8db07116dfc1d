/**
 * `npx tsx bench/experiments/main.ts --only ID,…`: some of the experiments by themselves, each section as JSON beside the other
 * results of the bench, and its answer, tables and verdict on the terminal. Needs `npm run build` first.
 *
 * Exit codes: 0 every verdict is sound, 1 one is not, 130 interrupted.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { positiveInteger } from '../../src/cli/option-values.ts';
import { PROJECT_DIRECTORY } from '../system/project-directory.ts';
import type { Section } from '../report/document.ts';
import { formatTable } from '../report/text-table.ts';
import type { Experiment } from './experiment.ts';
import { EXPERIMENTS } from './index.ts';

interface Options {
  readonly only: readonly Experiment[];
  readonly quick?: boolean;
  readonly seed: number;
  readonly program: string;
  readonly output: string;
}

function readOptions(): Options {
  const names = EXPERIMENTS.map(({ id }) => id).join(', ');
  return new Command('npx tsx bench/experiments/main.ts')
    .description('Eventual against compare-and-set consistency.')
    .option('--only <ids>', `some of ${names}`, experimentsNamed, EXPERIMENTS)
    .option('--quick', 'seconds instead of minutes: a smoke test, no figures to quote')
    .option('--seed <number>', 'of all that is drawn at random', positiveInteger, 1)
    .option(
      '--program <file>',
      'the built command line to measure',
      resolve(PROJECT_DIRECTORY, 'dist/cli/main.js'),
    )
    .option('--output <directory>', 'for sections and temporary data', resolve(PROJECT_DIRECTORY, '.bench'))
    .parse()
    .opts<Options>();
}

function experimentsNamed(text: string): readonly Experiment[] {
  return text.split(',').map((id) => {
    const experiment = EXPERIMENTS.find((each) => each.id === id);
    if (experiment === undefined) throw new InvalidArgumentError(`There is no ${id}.`);
    return experiment;
  });
}

async function main({ only, quick, seed, program, output }: Options): Promise<number> {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => controller.abort());
  const context = {
    ...{ seed, program },
    isQuick: quick === true,
    outputDirectory: output,
    signal: controller.signal,
    progress: (line: string) => void process.stderr.write(`${line}\n`),
  };
  await mkdir(output, { recursive: true });
  let isSound = true;
  for (const experiment of only) {
    const startMs = performance.now();
    try {
      const section = await experiment.run(context);
      isSound &&= section.verdict?.isSound !== false;
      const file = join(output, `${section.id}.json`);
      await writeFile(file, `${JSON.stringify(section, undefined, 2)}\n`);
      const seconds = ((performance.now() - startMs) / 1_000).toFixed(0);
      process.stdout.write(`${textOf(section)}\n\n${seconds} s, ${file}\n\n`);
    } catch (error) {
      if (controller.signal.aborted) return 130;
      throw error;
    }
  }
  return isSound ? 0 : 1;
}

function textOf({ title, question, answer, tables, remarks, verdict }: Section): string {
  return [
    `${title}\n${question}\n${answer}`,
    ...tables.map((table) => `${table.title}\n${formatTable(table.head, table.rows)}`),
    ...remarks,
    ...(verdict === undefined ? [] : [`${verdict.isSound ? 'Sound' : 'NOT SOUND'}: ${verdict.text}`]),
  ].join('\n\n');
}

process.exitCode = await main(readOptions());
