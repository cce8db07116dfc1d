/** What all charts of the page have in common: colours of the theme, numbers on axes, the tip over what is pointed at. */
import type { Axis, Figure, Point } from '../document.ts';

/** A place on the plot that has something to say, in CSS pixels of the plotting area. */
export interface Spot {
  readonly x: number;
  readonly y: number;
  /** Half of the extent in which it is meant by a pointer. */
  readonly reachX: number;
  readonly reachY: number;
  readonly text: string;
}

export interface Theme {
  readonly ink: string;
  readonly quiet: string;
  readonly grid: string;
  readonly card: string;
  readonly series: (index: number) => string;
}

export const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const SERIES_COLOURS = 8;

export function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: colour('ink'),
    quiet: colour('quiet'),
    grid: colour('grid'),
    card: colour('card'),
    series: (index) => colour(`series-${index % SERIES_COLOURS}`),
  };
}

/** Three significant digits; thousands and more in short. */
export function shortNumber(value: number): string {
  if (Math.abs(value) >= 10_000) {
    return value.toLocaleString('en', { notation: 'compact', maximumSignificantDigits: 3 });
  }
  return value.toLocaleString('en', { maximumSignificantDigits: Math.abs(value) >= 1_000 ? 4 : 3 });
}

function withUnit(text: string, { unit }: Axis): string {
  return unit === undefined ? text : `${text} ${unit}`;
}

/** What the tip says of a point. */
export function pointText(figure: Figure, seriesName: string, point: Point): string {
  const { x, y } = figure;
  const place =
    x.scale === 'category' ? (x.categories?.[point.x] ?? '') : `${x.label} ${shortNumber(point.x)}`;
  const range =
    point.low === undefined || point.high === undefined || point.low === point.high
      ? ''
      : ` (${shortNumber(point.low)}–${shortNumber(point.high)})`;
  const lines = [
    ...(point.label === undefined ? [] : [point.label]),
    seriesName,
    x.scale === 'category' ? place : withUnit(place, x),
    `${y.label} ${withUnit(shortNumber(point.y ?? 0) + range, y)}`,
    ...(point.size === undefined ? [] : [`${figure.sizeLabel ?? 'size'} ${shortNumber(point.size * 100)} %`]),
  ];
  return lines.filter((line) => line !== '').join('\n');
}

/** Lowest and highest value that has to be in sight. */
export function extentOf(figure: Figure): { readonly low: number; readonly high: number } {
  const values = figure.series
    .flatMap(({ points }) => points)
    .flatMap(({ y, low, high }) => [y, low, high])
    .filter((value): value is number => typeof value === 'number' && Number.isFinite(value));
  return values.length === 0 ? { low: 0, high: 1 } : { low: Math.min(...values), high: Math.max(...values) };
}

/** From one of 1, 2, 5 to one of them, times powers of ten. */
export function logarithmicRange(low: number, high: number): [number, number] {
  const from = roundNumbers(Math.max(low, 1e-9)).findLast((value) => value <= Math.max(low, 1e-9)) ?? low;
  const to = roundNumbers(high).find((value) => value >= high && value > from) ?? high;
  return [from, to];
}

function roundNumbers(value: number): readonly number[] {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power);
}

/** What a logarithmic axis names, of the places it has: powers of ten, and 2 and 5 between them where these are few. */
export function logarithmicPlaces(splits: readonly number[]): (number | null)[] {
  const shown = splits.filter((value) => isPowerOfTen(value)).length >= 4 ? [1] : [1, 2, 5];
  return splits.map((value) => (shown.some((factor) => isPowerOfTen(value / factor)) ? value : null));
}

export function logarithmicLabels(splits: readonly number[]): string[] {
  return logarithmicPlaces(splits).map((value) => (value === null ? '' : shortNumber(value)));
}

function isPowerOfTen(value: number): boolean {
  const exponent = Math.log10(value);
  return Math.abs(exponent - Math.round(exponent)) < 1e-9;
}

/** A thin line from the lowest to the highest, with ends. */
export function drawWhisker(
  context: CanvasRenderingContext2D,
  from: readonly [number, number],
  to: readonly [number, number],
  cap: number,
): void {
  const isUpright = from[0] === to[0];
  const [dx, dy] = isUpright ? [cap, 0] : [0, cap];
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  for (const [x, y] of [from, to]) {
    context.moveTo(x - dx, y - dy);
    context.lineTo(x + dx, y + dy);
  }
  context.stroke();
}

/** Shows the text of the nearest spot while something points at the plot. */
export function showTips(plot: HTMLElement, over: HTMLElement, spots: () => readonly Spot[]): void {
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  plot.append(tip);
  const show = (event: PointerEvent): void => {
    const box = over.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const distance = (spot: Spot): number =>
      Math.hypot((spot.x - x) / spot.reachX, (spot.y - y) / spot.reachY);
    const meant = spots()
      .filter((spot) => Math.abs(spot.x - x) <= spot.reachX && Math.abs(spot.y - y) <= spot.reachY)
      .toSorted((one, other) => distance(one) - distance(other))[0];
    tip.hidden = meant === undefined;
    if (meant === undefined) return;
    tip.textContent = meant.text;
    const frame = plot.getBoundingClientRect();
    const left = box.left - frame.left + meant.x + 12;
    const isRight = left + tip.offsetWidth > frame.width;
    tip.style.left = `${Math.max(0, isRight ? left - tip.offsetWidth - 24 : left)}px`;
    tip.style.top = `${Math.max(0, box.top - frame.top + meant.y - tip.offsetHeight / 2)}px`;
  };
  over.addEventListener('pointermove', show);
  over.addEventListener('pointerdown', show);
  over.addEventListener('pointerleave', () => {
    tip.hidden = true;
  });
}
