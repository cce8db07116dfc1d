/** Numbers of the experiments as points and as text. */
import type { Point } from '../report/document.ts';
import { spreadOf } from '../report/statistics.ts';

/** The median of some repeats, with their range if there are several. Null if there is nothing. */
export function pointOf(samples: readonly (number | undefined)[]): Omit<Point, 'x'> {
  const spread = spreadOf(samples.filter((sample) => sample !== undefined));
  if (spread === undefined) return { y: null };
  const { median, min, max } = spread;
  return min === max ? { y: median } : { y: median, low: min, high: max };
}

/** The same on a logarithmic axis, which has no place for 0. */
export function positivePointOf(samples: readonly (number | undefined)[]): Omit<Point, 'x'> {
  return pointOf(samples.filter((sample) => sample !== undefined && sample > 0));
}

/** The median of some repeats. */
export function perSecondText(samples: readonly number[]): string {
  return (spreadOf(samples)?.median ?? 0).toFixed(0);
}

export function perMillionText(perMillion: number | undefined): string {
  return perMillion === undefined ? 'none acknowledged' : Math.round(perMillion).toLocaleString('en');
}

export function millisecondsText(ms: number | undefined): string {
  if (ms === undefined) return '-';
  return ms >= 100 ? ms.toFixed(0) : ms.toFixed(1);
}

/** `share`: 0 to 1. */
export function percentText(share: number | undefined): string {
  return share === undefined ? 'none' : `${(share * 100).toFixed(1)} %`;
}
