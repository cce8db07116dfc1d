import Table from 'cli-table3';
import { isColoured, printable, type Terminal } from './terminal.ts';

/** A table for people. */
export interface TableContent {
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** Columns apart by two spaces, a line under the head, no frame: reads well and can be cut by other programs. */
const FRAMELESS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Prints a table, to stdout if not said otherwise. The head is bold where colours are allowed; cells cannot act on the terminal. */
export function printTable(terminal: Terminal, content: TableContent, output = terminal.stdout): void {
  const coloured = isColoured(output, terminal);
  const table = new Table({
    head: content.head.map((title) => title.toUpperCase()),
    chars: FRAMELESS,
    style: { head: coloured ? ['bold'] : [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of content.rows) table.push(row.map((cell) => printable(String(cell))));
  const lines = table.toString().split('\n');
  output.write(`${lines.map((line) => line.trimEnd()).join('\n')}\n`);
}
