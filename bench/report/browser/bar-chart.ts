/**
 * Bars lie, with the name of each group above it: names of scenarios are sentences, for which there is room neither below
 * upright bars nor beside lying ones on a telephone.
 */
import type { Figure, Point } from '../document.ts';
import {
  drawWhisker,
  extentOf,
  FONT,
  logarithmicLabels,
  logarithmicPlaces,
  logarithmicRange,
  pointText,
  shortNumber,
  type Spot,
  type Theme,
} from './chart.ts';

const NAME_HEIGHT = 18;
const BAR_HEIGHT = 15;
const BAR_GAP = 2;
const GROUP_GAP = 9;
const AXIS_HEIGHT = 36;

/** Draws a figure of that width into an element; answers the chart and what it can tell of its bars. */
export function barChart(
  figure: Figure,
  target: HTMLElement,
  width: number,
  theme: Theme,
): { readonly chart: uPlot; readonly spots: () => readonly Spot[] } {
  let spots: readonly Spot[] = [];
  const groups = figure.x.categories?.length ?? 0;
  const groupHeight = NAME_HEIGHT + figure.series.length * (BAR_HEIGHT + BAR_GAP) + GROUP_GAP;
  const isLogarithmic = figure.y.scale === 'logarithmic';
  const { low, high } = extentOf(figure);
  // Room for the value behind the longest bar.
  const range: [number, number] = isLogarithmic
    ? logarithmicRange(low / 2, high * 2)
    : [Math.min(0, low), (high <= 0 ? 1 : high) * 1.14];
  const options: uPlot.Options = {
    width,
    height: groups * groupHeight + AXIS_HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { show: false }, x: false, y: false },
    padding: [0, 14, 0, 4],
    scales: {
      x: { time: false, ori: 1, dir: -1, range: [0, Math.max(1, groups)] },
      y: { ori: 0, dir: 1, distr: isLogarithmic ? 3 : 1, range },
    },
    axes: [
      { scale: 'x', side: 3, show: false },
      {
        scale: 'y',
        side: 2,
        stroke: theme.quiet,
        font: FONT,
        size: AXIS_HEIGHT,
        space: 64,
        grid: {
          stroke: theme.grid,
          width: 1,
          ...(isLogarithmic
            ? { filter: (_chart: uPlot, splits: number[]) => logarithmicPlaces(splits) }
            : {}),
        },
        ticks: { show: false },
        values: (_chart, splits) => (isLogarithmic ? logarithmicLabels(splits) : splits.map(shortNumber)),
        ...(isLogarithmic ? { filter: (_chart: uPlot, splits: number[]) => splits } : {}),
      },
    ],
    series: [{}, ...figure.series.map(() => ({ paths: () => null, points: { show: false } }))],
    hooks: {
      draw: [
        (chart) => {
          spots = drawBars(chart, figure, theme, groupHeight);
        },
      ],
    },
  };
  const places = Array.from({ length: groups }, (_, index) => index);
  const columns = figure.series.map(({ points }) => {
    const known = new Map(points.map(({ x, y }) => [x, y]));
    return places.map((x) => known.get(x) ?? null);
  });
  return { chart: new uPlot(options, [places, ...columns], target), spots: () => spots };
}

function drawBars(chart: uPlot, figure: Figure, theme: Theme, groupHeight: number): readonly Spot[] {
  const { ctx, bbox } = chart;
  const spots: Spot[] = [];
  ctx.save();
  ctx.translate(bbox.left, bbox.top);
  ctx.scale(devicePixelRatio, devicePixelRatio);
  ctx.font = FONT;
  // uPlot leaves the canvas as its axes needed it.
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  (figure.x.categories ?? []).forEach((name, group) => {
    const top = group * groupHeight;
    ctx.fillStyle = theme.ink;
    ctx.fillText(name, 0, top + NAME_HEIGHT / 2 + 2);
    figure.series.forEach(({ name: series, points, origin }, index) => {
      const point = points.find(({ x }) => x === group);
      if (point === undefined) return;
      const middle = top + NAME_HEIGHT + index * (BAR_HEIGHT + BAR_GAP) + BAR_HEIGHT / 2;
      const end = drawBar(chart, point, middle, {
        colour: theme.series(index),
        theme,
        isComputed: origin === 'computed',
      });
      const reachX = Math.max(30, end / 2 + 30);
      spots.push({
        x: end / 2,
        y: middle,
        reachX,
        reachY: BAR_HEIGHT / 2 + 1,
        text: pointText(figure, series, point),
      });
    });
  });
  ctx.restore();
  return spots;
}

/** Answers where the bar ends. */
function drawBar(
  chart: uPlot,
  { y, low, high }: Point,
  middle: number,
  {
    colour,
    theme,
    isComputed,
  }: { readonly colour: string; readonly theme: Theme; readonly isComputed: boolean },
): number {
  const { ctx } = chart;
  const base = chart.scales['y']?.distr === 3 ? 0 : chart.valToPos(0, 'y');
  if (y === null) {
    ctx.fillStyle = theme.quiet;
    ctx.fillText('not measured', base + 4, middle);
    return base;
  }
  const end = chart.valToPos(y, 'y');
  ctx.fillStyle = colour;
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.5;
  if (isComputed) {
    ctx.setLineDash([5, 4]);
    ctx.strokeRect(base, middle - BAR_HEIGHT / 2 + 1, Math.max(1, end - base), BAR_HEIGHT - 2);
    ctx.setLineDash([]);
  } else ctx.fillRect(base, middle - BAR_HEIGHT / 2, Math.max(1, end - base), BAR_HEIGHT);
  let textStart = end;
  if (low !== undefined && high !== undefined && low !== high) {
    const [from, to] = [chart.valToPos(low, 'y'), chart.valToPos(high, 'y')];
    ctx.strokeStyle = theme.ink;
    drawWhisker(ctx, [from, middle], [to, middle], 4);
    textStart = Math.max(end, to);
  }
  ctx.fillStyle = theme.ink;
  ctx.fillText(shortNumber(y), textStart + 6, middle);
  return end;
}
