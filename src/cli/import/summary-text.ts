/** The end of an import, for people. */
import { printable, type Terminal } from '../terminal.ts';
import { printTable } from '../table.ts';
import type { ImportSummary } from './import-tally.ts';

/** Prints the figures on stdout and the lines that were not imported on stderr. */
export function printImportSummary(terminal: Terminal, summary: ImportSummary): void {
  const { p50, p99, max } = summary.latencyMs;
  printTable(terminal, {
    head: ['import', ''],
    rows: [
      ['written', summary.written],
      ['failed (surely not written)', summary.failed],
      ['unknown (perhaps written)', summary.unknown],
      ['malformed lines', summary.malformed],
      ...(summary.withSiblings > 0 ? [['keys with several values now', summary.withSiblings]] : []),
      ['bytes written', summary.bytes],
      ['seconds', summary.seconds.toFixed(2)],
      ['records/s', summary.recordsPerSecond],
      ['latency p50 / p99 / max', `${milliseconds(p50)} / ${milliseconds(p99)} / ${milliseconds(max)}`],
      ...summary.errorsByCode.map(({ code, records }) => [`error ${code}`, records]),
    ],
  });
  printLines(terminal, summary);
  if (summary.withSiblings > 0) {
    terminal.stderr.write(
      'A key that held a value before, or that several lines have, holds all of them now: `quorate get` shows how to resolve that.\n',
    );
  }
  if (summary.stopped !== undefined) terminal.stderr.write(`Stopped: ${printable(summary.stopped)}.\n`);
  if (summary.failed + summary.unknown > 0 || summary.stopped !== undefined) {
    terminal.stderr.write(
      'Run the same command again to go on: lines that were written are not written twice.\n',
    );
  }
}

function printLines(terminal: Terminal, summary: ImportSummary): void {
  if (summary.lines.length === 0) return;
  terminal.stderr.write('\n');
  for (const { line, key, code, message } of summary.lines) {
    const name = key === undefined ? '' : ` (key ${printable(key)})`;
    terminal.stderr.write(`line ${line}${name}: ${code}: ${printable(message)}\n`);
  }
  const more = summary.failed + summary.unknown + summary.malformed - summary.lines.length;
  if (more > 0) terminal.stderr.write(`... and ${more} more.\n`);
}

function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`;
}
