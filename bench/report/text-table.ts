/** Tables of the bench: figures to the right, no lines between rows. */
import Table from 'cli-table3';

const NO_LINES_BETWEEN_ROWS = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };

/** Columns named in `texts` (by index) are aligned to the left. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  texts: readonly number[] = [0],
): string {
  const table = new Table({
    head: [...head],
    chars: NO_LINES_BETWEEN_ROWS,
    style: { head: [], border: [] },
    colAligns: head.map((_, column) => (texts.includes(column) ? 'left' : 'right')),
  });
  for (const row of rows) table.push([...row]);
  return table.toString();
}
