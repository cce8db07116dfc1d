/** Reads the values of options; what is not possible is a usage error that names the option. */
import { InvalidArgumentError } from 'commander';

/** A whole number from 1; the nodes know the upper bound. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError('It must be a whole number from 1.');
  }
  return value;
}

/** Adds a value to those given before: for options that may be repeated. */
export function repeated(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}
