/**
 * Compares what a command printed with what the page says. `…` stands for any text within a line, and alone on a line for
 * any number of lines. Empty lines, and how wide the gaps between columns are, make no difference.
 */
const ANYTHING = '…';

/** Whether the output is the expected one, wholly. */
export function isExpectedOutput(expected: readonly string[], output: string): boolean {
  return matches(expected.map(normalized), output.split(/\r?\n/).map(normalized).filter(isNotEmpty));
}

function matches(expected: readonly string[], lines: readonly string[]): boolean {
  const [first, ...rest] = expected;
  if (first === undefined) return lines.length === 0;
  if (first !== ANYTHING)
    return lines[0] !== undefined && isLike(first, lines[0]) && matches(rest, lines.slice(1));
  return lines.some((_, index) => matches(rest, lines.slice(index))) || matches(rest, []);
}

function isLike(expected: string, line: string): boolean {
  const pattern = expected
    .split(ANYTHING)
    .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`));
  return new RegExp(`^${pattern.join('.*')}$`).test(line);
}

function normalized(line: string): string {
  return line.trim().replaceAll(/\s+/g, ' ');
}

function isNotEmpty(line: string): boolean {
  return line !== '';
}
