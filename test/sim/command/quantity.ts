/** A whole number for people: groups of three digits. Not by the machine's locale, so that two reports can be compared. */
export function quantity(value: number): string {
  return Math.round(value)
    .toString()
    .replaceAll(/\B(?=(\d{3})+$)/g, ',');
}
