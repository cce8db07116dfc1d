/**
 * The last rows of a run as a space-time diagram on its side: time goes down, each node is a column, and what happened at it
 * stands in it. A message stands where and when it arrives, with its sender in front.
 */
import type { TraceRow } from './flight-recorder.ts';

const MAX_COLUMN = 38;
const MAX_CLIENTS = 66;
const GAP = '  ';

/** Lines of text without trailing blanks. */
export function spaceTimeTable(nodes: readonly string[], rows: readonly TraceRow[]): readonly string[] {
  const places = ['clients', ...nodes];
  const widths = places.map((place) => {
    const longest = rows.reduce(
      (width, row) => (row.place === place ? Math.max(width, row.text.length) : width),
      0,
    );
    return Math.min(Math.max(longest, place.length), place === 'clients' ? MAX_CLIENTS : MAX_COLUMN);
  });
  const line = (time: string, cells: readonly string[]): string =>
    [time.padStart(11), ...cells.map((cell, index) => fit(cell, widths[index] as number))]
      .join(GAP)
      .trimEnd();
  return [
    line('s', places),
    ...rows.map(({ atUs, place, text }) => {
      const time = (atUs / 1_000_000).toFixed(6);
      if (place === undefined) return `${time.padStart(11)}${GAP}== ${text}`;
      return line(
        time,
        places.map((column) => (column === place ? text : column === 'clients' ? '' : '|')),
      );
    }),
  ];
}

function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}
