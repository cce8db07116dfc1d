/** Where two traces of one plan part. */

const LINES_BEFORE = 10;

/** The lines before the first difference, and what either trace goes on with. */
export function firstDifference(left: readonly string[], right: readonly string[]): string {
  const length = Math.max(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    if (left[index] === right[index]) continue;
    return [
      `at line ${index + 1} of ${left.length} and ${right.length}, after`,
      ...left.slice(Math.max(0, index - LINES_BEFORE), index),
      `  one goes on: ${left[index] ?? '(it ends)'}`,
      `  the other:   ${right[index] ?? '(it ends)'}`,
    ].join('\n');
  }
  return 'but two more runs were equal';
}
