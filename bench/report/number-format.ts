/** Numbers as the reports write them. */
import { spreadOf } from './statistics.ts';

const MEGABYTE = 1e6;

/** The median, and the range in brackets where there is one; a dash for nothing. */
export function withRange(values: readonly number[], format: (value: number) => string): string {
  const spread = spreadOf(values);
  if (spread === undefined) return '-';
  const [low, high] = [format(spread.min), format(spread.max)];
  return low === high ? format(spread.median) : `${format(spread.median)} (${low}-${high})`;
}

/** The median alone; a dash for nothing. */
export function medianOf(values: readonly number[], format: (value: number) => string): string {
  const spread = spreadOf(values);
  return spread === undefined ? '-' : format(spread.median);
}

/** With commas between thousands, and no digits behind the point. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** With three significant digits, whatever its size; whole from 1,000 on. */
export function significant(value: number): string {
  if (value === 0) return '0';
  if (Math.abs(value) >= 1_000) return whole(value);
  return String(Number(value.toPrecision(3)));
}

/** Of microseconds, without the unit. */
export function milliseconds(microseconds: number): string {
  return (microseconds / 1000).toFixed(2);
}

export function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}

export function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? '-' : `${(bytes / MEGABYTE).toFixed(1)} MB`;
}
