/** One text for all values that are equal for the formats, whatever holds their bytes and in whatever order maps grew. */
export function comparable(value: unknown): string {
  return JSON.stringify(plain(value));
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { hex: Buffer.from(value).toString('hex') };
  if (value instanceof Map) {
    const entries = [...(value as ReadonlyMap<string, unknown>)].map(
      ([name, each]) => [name, plain(each)] as const,
    );
    return { map: entries.toSorted(([left], [right]) => (left < right ? -1 : 1)) };
  }
  if (value instanceof Set) return { set: [...value].map(plain) };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, each]) => each !== undefined);
  return fields.map(([name, each]) => [name, plain(each)] as const).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
