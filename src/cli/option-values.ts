/** Reads the values of options; what is not possible is a usage error that names the option. */
import { InvalidArgumentError } from 'commander';

/** A whole number from 1; the nodes know the upper bound. */
export function positiveInteger(text: string): number {
  return integerUpTo(text, Number.MAX_SAFE_INTEGER, 'It must be a whole number from 1.');
}

/** Milliseconds of a deadline: the client's own range. */
export function timeoutMs(text: string): number {
  return integerUpTo(text, 600_000, 'It must be a whole number of milliseconds from 1 to 600000.');
}

/** Records being written at once. */
export function concurrency(text: string): number {
  return integerUpTo(text, 1_024, 'It must be a whole number from 1 to 1024.');
}

/** What a request header can carry as it is: a value that cannot be sent must not look like an unreachable node. */
export function headerText(text: string): string {
  return matching(text, /^[\x21-\x7e]+$/, 'It must be visible ASCII without spaces.');
}

/** An id of a write. */
export function writeId(text: string): string {
  return matching(text, /^[\x21-\x7e]{1,64}$/, 'It must be 1 to 64 visible ASCII characters.');
}

/** A content type; nodes keep at most 256 characters. */
export function contentType(text: string): string {
  return matching(text, /^[\x21-\x7e][\x20-\x7e]{0,255}$/, 'It must be 1 to 256 characters of ASCII.');
}

/** Adds a value to those given before: for options that may be repeated. */
export function repeated(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}

function integerUpTo(text: string, highest: number, otherwise: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= highest) return value;
  throw new InvalidArgumentError(otherwise);
}

function matching(text: string, pattern: RegExp, otherwise: string): string {
  if (pattern.test(text)) return text;
  throw new InvalidArgumentError(otherwise);
}
