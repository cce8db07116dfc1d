/** Lines and steps over numbers or categories, and bubbles: whatever has an upright axis of values. */
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
import { drawBubbles } from './bubbles.ts';

const HEIGHT = 340;
const NARROW = 520;
/** With more points than this a mark on each would hide the line. */
const MARKED_POINTS = 60;
const REACH = 22;
const DASH = [7, 5];

/** Draws a figure of that width into an element; answers the chart and what it can tell of its points. */
export function lineChart(
  figure: Figure,
  target: HTMLElement,
  width: number,
  theme: Theme,
): { readonly chart: uPlot; readonly spots: () => readonly Spot[] } {
  let spots: readonly Spot[] = [];
  const isBubbles = figure.type === 'bubbles';
  const options: uPlot.Options = {
    width,
    height: width < NARROW ? HEIGHT * 0.85 : HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { show: false }, x: false, y: false },
    padding: [18, 18, 0, 0],
    scales: scalesOf(figure),
    axes: [xAxis(figure, theme, width), yAxis(figure, theme)],
    series: [{}, ...figure.series.map((series, index) => seriesOptions(figure, series, theme.series(index)))],
    hooks: {
      draw: [
        (chart) => {
          drawEvents(chart, figure, theme);
          if (isBubbles) spots = drawBubbles(chart, figure, theme);
          else {
            drawWhiskers(chart, figure, theme);
            spots = spotsOf(chart, figure);
          }
        },
      ],
    },
  };
  return { chart: new uPlot(options, alignedData(figure), target), spots: () => spots };
}

/** One column of values for each series over all places; undefined where a series has no point, null where it has a gap. */
function alignedData(figure: Figure): uPlot.AlignedData {
  const places = [...new Set(figure.series.flatMap(({ points }) => points.map(({ x }) => x)))].toSorted(
    (one, other) => one - other,
  );
  const columns = figure.series.map(({ points }) => {
    const known = new Map(points.map(({ x, y }) => [x, y]));
    return places.map((x) => known.get(x));
  });
  return [places, ...columns];
}

function scalesOf({ x, y, series, type, ...figure }: Figure): uPlot.Scales {
  const { low, high } = extentOf({ x, y, series, type, ...figure });
  const places = series.flatMap(({ points }) => points.map((point) => point.x));
  const [first, last] = [Math.min(...places), Math.max(...places)];
  const room = type === 'bubbles' ? (last - first || 1) * 0.12 : 0;
  const bottom = low < 0 ? low * 1.05 : 0;
  const yRange: [number, number] =
    y.scale === 'logarithmic'
      ? logarithmicRange(low, high)
      : [bottom, high <= bottom ? bottom + 1 : high * 1.08];
  const isLogarithmic = x.scale === 'logarithmic';
  const xRange: [number, number] =
    x.scale === 'category'
      ? [-0.4, (x.categories?.length ?? 1) - 0.6]
      : isLogarithmic
        ? [first / 1.15, last * 1.15]
        : first === last
          ? [first - 1, last + 1]
          : [first - room, last + room];
  return {
    x: { time: false, distr: isLogarithmic ? 3 : 1, range: xRange },
    y: { distr: y.scale === 'logarithmic' ? 3 : 1, range: yRange },
  };
}

function xAxis({ x, series }: Figure, theme: Theme, width: number): uPlot.Axis {
  const axis: uPlot.Axis = {
    stroke: theme.quiet,
    font: FONT,
    grid: { stroke: theme.grid, width: 1 },
    ticks: { stroke: theme.grid, width: 1 },
    space: 56,
    size: 34,
  };
  if (x.scale === 'category') {
    const names = x.categories ?? [];
    const longest = Math.max(0, ...names.map((name) => name.length));
    const isTight = (longest * 7 + 12) * names.length > width;
    return {
      ...axis,
      splits: () => names.map((_, index) => index),
      values: (_chart, splits) => splits.map((index) => names[index] ?? ''),
      ...(isTight ? { rotate: -35, size: Math.min(120, 24 + longest * 4.2) } : {}),
    };
  }
  if (x.scale === 'logarithmic') {
    const places = [...new Set(series.flatMap(({ points }) => points.map((point) => point.x)))];
    // Few measured places say more than round numbers.
    if (places.length <= 10) {
      const sorted = places.toSorted((one, other) => one - other);
      return {
        ...axis,
        splits: () => sorted,
        values: (_chart, splits) => splits.map(shortNumber),
        filter: (_, all) => all,
      };
    }
    return { ...axis, values: (_chart, splits) => logarithmicLabels(splits) };
  }
  // Bubbles need room beside them, where there may be no such number.
  const isPositive = series.every(({ points }) => points.every((point) => point.x >= 0));
  return {
    ...axis,
    values: (_chart, splits) => splits.map((value) => (isPositive && value < 0 ? '' : shortNumber(value))),
  };
}

function yAxis({ y }: Figure, theme: Theme): uPlot.Axis {
  return {
    stroke: theme.quiet,
    font: FONT,
    grid: {
      stroke: theme.grid,
      width: 1,
      ...(y.scale === 'logarithmic'
        ? { filter: (_chart: uPlot, splits: number[]) => logarithmicPlaces(splits) }
        : {}),
    },
    ticks: { show: false },
    size: (_chart, values) => 14 + 7 * Math.max(3, ...(values ?? []).map((text) => text.length)),
    values: (_chart, splits) =>
      y.scale === 'logarithmic' ? logarithmicLabels(splits) : splits.map(shortNumber),
    ...(y.scale === 'logarithmic' ? { filter: (_chart: uPlot, splits: number[]) => splits } : {}),
  };
}

function seriesOptions(
  { type }: Figure,
  { origin, points }: Figure['series'][number],
  colour: string,
): uPlot.Series {
  if (type === 'bubbles') return { paths: () => null, points: { show: false } };
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  return {
    stroke: colour,
    width: 2,
    ...(origin === 'computed' ? { dash: DASH } : {}),
    ...(type === 'steps' && stepped !== undefined ? { paths: stepped } : {}),
    points: {
      show: type === 'lines' && origin === 'measured' && points.length <= MARKED_POINTS,
      size: 7,
      fill: colour,
      stroke: colour,
    },
  };
}

function drawWhiskers(chart: uPlot, figure: Figure, theme: Theme): void {
  const { ctx } = chart;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  figure.series.forEach(({ points }, index) => {
    ctx.strokeStyle = theme.series(index);
    for (const { x, y, low, high } of points) {
      if (y === null || low === undefined || high === undefined || low === high) continue;
      const place = chart.valToPos(x, 'x', true);
      const end = (value: number): [number, number] => [place, chart.valToPos(value, 'y', true)];
      drawWhisker(ctx, end(low), end(high), 4 * devicePixelRatio);
    }
  });
  ctx.restore();
}

/** A dashed line with its number; what it stands for is told below the plot. */
function drawEvents(chart: uPlot, { events = [] }: Figure, theme: Theme): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.strokeStyle = theme.quiet;
  ctx.fillStyle = theme.ink;
  ctx.lineWidth = devicePixelRatio;
  ctx.font = FONT.replace('12px', `${12 * devicePixelRatio}px`);
  ctx.textAlign = 'center';
  ctx.textBaseline = 'alphabetic';
  events.forEach(({ x }, index) => {
    const place = chart.valToPos(x, 'x', true);
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(place, bbox.top);
    ctx.lineTo(place, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillText(String(index + 1), place, bbox.top - 5 * devicePixelRatio);
  });
  ctx.restore();
}

function spotsOf(chart: uPlot, figure: Figure): readonly Spot[] {
  return figure.series.flatMap(({ name, points }) =>
    points
      .filter((point): point is Point & { readonly y: number } => point.y !== null)
      .map((point) => ({
        x: chart.valToPos(point.x, 'x'),
        y: chart.valToPos(point.y, 'y'),
        reachX: REACH,
        reachY: REACH,
        text: pointText(figure, name, point),
      })),
  );
}
