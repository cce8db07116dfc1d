/** A comparison for the terminal, and how to read it. */
import { CHANCE_LIMIT, type ComparedMetric, type Comparison } from './comparison.ts';
import { significant, withRange } from './number-format.ts';
import { formatTable } from './text-table.ts';

export function comparisonText({ metrics, onlyBefore, onlyAfter, conditions }: Comparison): string {
  const tested = metrics.filter(({ change }) => change !== 'too few');
  return [
    ...(conditions.length === 0
      ? []
      : [`What else differs:\n${formatTable(['', 'before', 'after'], conditions, [0, 1, 2])}`]),
    metrics.length === 0
      ? 'The two have no metric in common.'
      : formatTable(
          ['section', 'metric', 'before', 'after', 'after/before', 'chance', ''],
          metrics.map(rowOf),
          [0, 1, 6],
        ),
    ...(onlyBefore.length === 0 ? [] : [`Only before: ${onlyBefore.join(', ')}.`]),
    ...(onlyAfter.length === 0 ? [] : [`Only after: ${onlyAfter.join(', ')}.`]),
    `${metrics.length} metrics: ${countOf(metrics, 'better')} better, ${countOf(metrics, 'worse')} worse, ` +
      `${countOf(metrics, 'alike')} within the spread, ${countOf(metrics, 'too few')} with too few repeats to tell.`,
    HOW_TO_READ,
    ...(tested.length === 0
      ? []
      : [
          `Of ${tested.length} metrics about ${significant(tested.length * CHANCE_LIMIT)} look changed by chance alone: believe ` +
            'what moves in several related metrics, or measure again.',
        ]),
  ].join('\n\n');
}

const HOW_TO_READ =
  'Medians of the repeats (lowest-highest). `chance` is the probability that two runs of the same program differ that much (Mann and\n' +
  `Whitney's test of ranks, two-sided); up to ${CHANCE_LIMIT} it is called a change. It knows the spread within a run only: a machine that was\n` +
  'slower during one of them makes everything slower, so look at shares of the yardstick and at CPU time first. Four repeats on each\n' +
  'side are the fewest that can show anything.';

function rowOf({
  section,
  name,
  unit,
  before,
  after,
  ratio,
  chance,
  change,
}: ComparedMetric): readonly string[] {
  return [
    section,
    `${name}, ${unit}`,
    withRange(before, significant),
    withRange(after, significant),
    ratio === undefined ? '-' : ratio.toFixed(3),
    chance.toFixed(3),
    change,
  ];
}

function countOf(metrics: readonly ComparedMetric[], change: ComparedMetric['change']): number {
  return metrics.filter((metric) => metric.change === change).length;
}
