/** Draws bubbles and finds a free place for the name of each. */
import type { Figure } from '../document.ts';
import { FONT, pointText, type Spot, type Theme } from './chart.ts';

const SMALLEST_RADIUS = 5;
const LARGEST_RADIUS = 26;
const LINE_HEIGHT = 15;

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

interface Bubble {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly colour: string;
  readonly label: string;
  readonly text: string;
}

/** Everything is placed in CSS pixels of the plotting area, and drawn in those of the canvas. */
export function drawBubbles(chart: uPlot, figure: Figure, theme: Theme): readonly Spot[] {
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  const bubbles = bubblesOf(chart, figure, theme).toSorted((one, other) => other.radius - one.radius);
  ctx.save();
  ctx.translate(bbox.left, bbox.top);
  ctx.scale(ratio, ratio);
  ctx.font = FONT;
  // uPlot leaves the canvas as its axes needed it.
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  ctx.lineWidth = 1.5;
  for (const { x, y, radius, colour } of bubbles) {
    ctx.beginPath();
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
    ctx.globalAlpha = 0.35;
    ctx.fillStyle = colour;
    ctx.fill();
    ctx.globalAlpha = 1;
    ctx.strokeStyle = colour;
    ctx.stroke();
  }
  const size = { width: bbox.width / ratio, height: bbox.height / ratio };
  const taken: Box[] = bubbles.map(({ x, y, radius }) => boxAround(x, y, radius * 0.8));
  for (const bubble of bubbles) {
    const box = placeOf(bubble, ctx.measureText(bubble.label).width, size, taken);
    taken.push(box);
    ctx.fillStyle = theme.ink;
    ctx.fillText(bubble.label, box.left, (box.top + box.bottom) / 2);
  }
  ctx.restore();
  return bubbles.map(({ x, y, radius, text }) => ({
    x,
    y,
    reachX: Math.max(radius, 14),
    reachY: Math.max(radius, 14),
    text,
  }));
}

function bubblesOf(chart: uPlot, figure: Figure, theme: Theme): readonly Bubble[] {
  return figure.series.flatMap(({ name, points }, index) =>
    points.flatMap((point) => {
      if (point.y === null) return [];
      const radius = SMALLEST_RADIUS + Math.sqrt(point.size ?? 0) * (LARGEST_RADIUS - SMALLEST_RADIUS);
      return {
        x: chart.valToPos(point.x, 'x'),
        y: chart.valToPos(point.y, 'y'),
        radius,
        colour: theme.series(index),
        label: point.label ?? name,
        text: pointText(figure, name, point),
      };
    }),
  );
}

/** The first of four sides that is inside and free; else below, as far as it takes. */
function placeOf(
  { x, y, radius }: Bubble,
  width: number,
  size: { readonly width: number; readonly height: number },
  taken: readonly Box[],
): Box {
  const gap = radius + 5;
  const box = (left: number, middle: number): Box => ({
    left,
    top: middle - LINE_HEIGHT / 2,
    right: left + width,
    bottom: middle + LINE_HEIGHT / 2,
  });
  const inside = (left: number): number => Math.min(Math.max(0, left), Math.max(0, size.width - width));
  const centred = inside(x - width / 2);
  const steps = Array.from({ length: 8 }, (_, step) => gap + LINE_HEIGHT / 2 + step * LINE_HEIGHT);
  const places = [
    box(x + gap, y),
    box(x - gap - width, y),
    ...steps.flatMap((step) => [box(centred, y - step), box(centred, y + step)]),
  ];
  const isFree = (place: Box): boolean =>
    place.left >= 0 &&
    place.right <= size.width &&
    place.top >= 0 &&
    place.bottom <= size.height &&
    taken.every((other) => !overlap(place, other));
  return places.find(isFree) ?? box(centred, y);
}

function boxAround(x: number, y: number, radius: number): Box {
  return { left: x - radius, top: y - radius, right: x + radius, bottom: y + radius };
}

function overlap(one: Box, other: Box): boolean {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}
