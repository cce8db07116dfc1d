/**
 * `npm run bench:compare BEFORE.json AFTER.json`: what changed between two runs of the bench, metric by metric, and whether it is
 * more than the repeats differ by themselves. Nothing is judged: the exit code is 0 whatever changed, and 1 if there is nothing
 * to compare.
 */
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { comparisonText } from './report/comparison-text.ts';
import { compareDocuments } from './report/comparison.ts';
import type { BenchDocument } from './report/document.ts';

const FORMAT: BenchDocument['format'] = 'quorate-bench/1';

async function main(): Promise<number> {
  const command = new Command('npm run bench:compare')
    .description('Compares two runs of the bench by the JSON files that they left in .bench.')
    .argument('<before>', 'JSON file of one run')
    .argument('<after>', 'JSON file of another')
    .parse();
  const [before, after] = command.args;
  try {
    const documents = await Promise.all([readDocument(before ?? ''), readDocument(after ?? '')]);
    process.stdout.write(`${comparisonText(compareDocuments(...documents))}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

async function readDocument(file: string): Promise<BenchDocument> {
  const text = await readFile(file, 'utf8');
  let document: Partial<BenchDocument> | null;
  try {
    document = JSON.parse(text) as Partial<BenchDocument> | null;
  } catch {
    throw new Error(`${file} is not JSON.`);
  }
  if (document?.format !== FORMAT) throw new Error(`${file} is not a document of the bench (${FORMAT}).`);
  return document as BenchDocument;
}

process.exitCode = await main();
