import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { addConnectionOptions, withConnection, type ConnectionOptions } from '../connection.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandFailure } from '../failure.ts';
import { importLines, type WriteRecord } from '../import/import-run.ts';
import { ImportTally, type ImportSummary } from '../import/import-tally.ts';
import { linesOf } from '../import/lines.ts';
import { startProgress } from '../import/progress.ts';
import { recordWriter } from '../import/record-writer.ts';
import { printImportSummary } from '../import/summary-text.ts';
import { concurrency } from '../option-values.ts';
import { addQuorumOptions, type QuorumOptions } from '../quorum-options.ts';
import { printJson, type Terminal } from '../terminal.ts';

interface ImportOptions extends ConnectionOptions, QuorumOptions {
  readonly key: string;
  readonly concurrency: number;
  readonly strict?: boolean;
  readonly json?: boolean;
}

/** Records being written at once if not said otherwise. */
const DEFAULT_CONCURRENCY = 64;
/** Bytes of the file that are read at once. */
const CHUNK_BYTES = 256 * 1024;
/** Exit code of a process that was interrupted, by the shells' convention. */
const INTERRUPTED = 130;

/** `quorate import BUCKET FILE.ndjson --key FIELD`. */
export function addImportCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('import')
    .summary('load many records')
    .description(
      'Writes each line of an NDJSON file (one JSON object on each line) as one entry, through all nodes. ' +
        'The same line is the same write: running it again after a failure makes no siblings.',
    )
    .argument('<bucket>')
    .argument('<file>', 'an NDJSON file; - reads stdin')
    .requiredOption('--key <field>', 'the field that holds the key: a string or a whole number')
    .option('--concurrency <count>', 'records being written at once', concurrency, DEFAULT_CONCURRENCY)
    .option('--strict', 'stop at the first line that cannot be imported');
  addConnectionOptions(addQuorumOptions(command))
    .option('--json', 'print the summary as JSON')
    .action(async (bucket: string, file: string, options: ImportOptions) => {
      await runImport(context, bucket, file, options);
    });
}

async function runImport(
  context: CommandContext,
  bucket: string,
  file: string,
  options: ImportOptions,
): Promise<void> {
  const { terminal } = context;
  const tally = new ImportTally();
  const interrupt = new AbortController();
  const ignoreSignals = context.onStopSignal(() => {
    // Once: the records in flight end, and the summary is printed. The next signal ends the process.
    ignoreSignals();
    interrupt.abort();
  });
  try {
    const summary = await withConnection(terminal, options, async (connection) => {
      const write = recordWriter(connection, bucket, options);
      const input = await openInput(terminal, file);
      // Ends a wait for more lines, which may never come through a pipe.
      interrupt.signal.addEventListener('abort', () => input.stream.destroy(), { once: true });
      return importInput({ terminal, bucket, options, input, write, tally, signal: interrupt.signal });
    });
    print(terminal, summary, options.json === true);
  } finally {
    ignoreSignals();
  }
  const exitCode = tally.exitCode();
  if (exitCode !== EXIT.ok) context.finish(exitCode);
  else if (interrupt.signal.aborted) context.finish(INTERRUPTED);
}

interface ImportParts {
  readonly terminal: Terminal;
  readonly bucket: string;
  readonly options: ImportOptions;
  readonly input: Input;
  readonly write: WriteRecord;
  readonly tally: ImportTally;
  readonly signal: AbortSignal;
}

async function importInput(parts: ImportParts): Promise<ImportSummary> {
  const { terminal, bucket, options, input, write, tally, signal } = parts;
  let offset = 0;
  const progress = startProgress({
    terminal,
    totalBytes: input.totalBytes,
    read: () => ({ bytes: offset, written: tally.written, notWritten: tally.notWritten }),
  });
  const startMs = performance.now();
  try {
    const stopped = await importLines({
      lines: linesOf(input.stream),
      bucket,
      keyField: options.key,
      concurrency: options.concurrency,
      strict: options.strict === true,
      write,
      tally,
      onOffset: (endOffset) => {
        offset = endOffset;
      },
      signal,
    });
    return tally.summary((performance.now() - startMs) / 1000, stopped);
  } finally {
    progress.stop();
    input.stream.destroy();
  }
}

function print(terminal: Terminal, summary: ImportSummary, json: boolean): void {
  if (json) printJson(terminal, summary);
  else printImportSummary(terminal, summary);
}

interface Input {
  readonly stream: Readable;
  /** Undefined where it is not known before the end. */
  readonly totalBytes: number | undefined;
}

async function openInput(terminal: Terminal, file: string): Promise<Input> {
  if (file === '-') return { stream: terminal.stdin, totalBytes: undefined };
  try {
    const handle = await open(resolve(terminal.workingDirectory, file));
    const facts = await handle.stat();
    if (facts.isDirectory()) {
      await handle.close();
      throw new Error('it is a directory');
    }
    return {
      stream: handle.createReadStream({ highWaterMark: CHUNK_BYTES }),
      totalBytes: facts.isFile() ? facts.size : undefined,
    };
  } catch (thrown) {
    throw unreadable(file, thrown);
  }
}

function unreadable(file: string, thrown: unknown): CommandFailure {
  return new CommandFailure(
    `cannot read ${file}: ${thrown instanceof Error ? thrown.message : String(thrown)}.`,
    { exitCode: EXIT.usage, code: 'unreadable-file', cause: thrown },
  );
}
