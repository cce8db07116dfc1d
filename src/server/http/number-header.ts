const WHOLE_NUMBER = /^[0-9]{1,9}$/;

/** A header's value as a whole number in decimal digits; undefined if it is none (signs, spaces, lists, fractions). */
export function wholeNumber(text: string): number | undefined {
  return WHOLE_NUMBER.test(text) ? Number(text) : undefined;
}
