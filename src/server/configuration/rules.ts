/**
 * Rules for single values, as zod schemas. Each states in one sentence what is allowed, and that sentence is the message
 * of whatever goes wrong with the value: missing, of another type, or out of range.
 */
import { z } from 'zod';
import { didYouMean } from '../did-you-mean.ts';

const MAX_SHOWN_CHARACTERS = 60;

interface Rejected {
  readonly input?: unknown;
}

interface Message {
  readonly error: (rejected: Rejected) => string;
}

/** `rule` completes "It must be …"; `advice` may add a sentence, with a space before it, that depends on the value. */
export function says(rule: string, advice: (input: unknown) => string = () => ''): Message {
  return {
    error: ({ input }) =>
      input === undefined
        ? `It is missing. It must be ${rule}.`
        : `It must be ${rule}, not ${shown(input)}.${advice(input)}`,
  };
}

/** The same without the value, for what must not end up in a log. */
export function saysOfSecret(rule: string): Message {
  return { error: ({ input }) => `${input === undefined ? 'It is missing. ' : ''}It must be ${rule}.` };
}

/** A value as a message shows it. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const json = JSON.stringify(value) ?? String(value);
  return json.length <= MAX_SHOWN_CHARACTERS ? json : `${json.slice(0, MAX_SHOWN_CHARACTERS)}…`;
}

/** Bounds are inclusive. */
export interface IntegerRange {
  readonly min: number;
  readonly max: number;
  readonly unit?: string;
}

/** A whole number in a range. */
export function integer({ min, max, unit }: IntegerRange) {
  const error = says(`a whole number ${unit === undefined ? '' : `of ${unit} `}from ${min} to ${max}`);
  return z.int(error).min(min, error).max(max, error);
}

/** A part of a whole: 0 is none of it, 1 all. */
export function share() {
  const error = says('a number from 0 to 1');
  return z.number(error).min(0, error).max(1, error);
}

/** A power of two in a range. */
export function powerOfTwo({ min, max }: IntegerRange) {
  const error = says(`a power of two from ${min} to ${max}`);
  const isAllowed = (value: number): boolean =>
    value >= min && value <= max && Number.isInteger(Math.log2(value));
  return z.number(error).refine(isAllowed, error);
}

/** A text that passes a test; rule and advice as for `says`. */
export function text(
  rule: string,
  isAllowed: (value: string) => boolean,
  advice?: (input: unknown) => string,
) {
  const error = says(rule, advice);
  return z.string(error).refine(isAllowed, error);
}

/** A text that is never shown. */
export function secretText(rule: string, isAllowed: (value: string) => boolean) {
  const error = saysOfSecret(rule);
  return z.string(error).refine(isAllowed, error);
}

/** One of these texts. */
export function choice<const Options extends readonly string[]>(options: Options) {
  const rule = `one of ${options.map((option) => `"${option}"`).join(', ')}`;
  const advice = (input: unknown): string => (typeof input === 'string' ? didYouMean(input, options) : '');
  return z.enum(options, says(rule, advice));
}

/** An object of these members and no others. It may be left out, and so may each of them that is optional. */
export function section<Shape extends z.core.$ZodShape>(shape: Shape) {
  const names = Object.keys(shape).map((key) => `"${key}"`);
  return z.strictObject(shape, says(`an object that may have ${names.join(', ')}`)).optional();
}
