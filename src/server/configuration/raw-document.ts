/**
 * The parsed file before it is checked: anything may stand anywhere. Only `buckets` is made a Map at once, if it is an
 * object, because names of buckets are data, and one may be `__proto__`.
 */
import type { SettingPath } from './problem.ts';

export type RawDocument = Record<string, unknown>;

/** Undefined if the parsed text is no object. */
export function rawDocument(parsed: unknown): RawDocument | undefined {
  if (!isObject(parsed)) return undefined;
  const { buckets } = parsed;
  return isObject(buckets) ? { ...parsed, buckets: new Map(Object.entries(buckets)) } : parsed;
}

/** The nodes that have an id of text, each with its place in the list. */
export function rawNodes({ nodes }: RawDocument): readonly { readonly index: number; readonly id: string }[] {
  if (!Array.isArray(nodes)) return [];
  return nodes.flatMap((node: unknown, index) =>
    isObject(node) && typeof node['id'] === 'string' ? [{ index, id: node['id'] }] : [],
  );
}

export function rawBucketNames({ buckets }: RawDocument): readonly string[] {
  return buckets instanceof Map ? [...(buckets as ReadonlyMap<string, unknown>).keys()] : [];
}

/** The value at a path; undefined if there is none. */
function valueAt(document: RawDocument, path: SettingPath): unknown {
  let value: unknown = document;
  for (const segment of path) value = memberOf(value, segment);
  return value;
}

/** Sets the value at a path and makes the sections that are missing. False if something else is in their place. */
export function setValue(document: RawDocument, path: SettingPath, value: unknown): boolean {
  let container: unknown = document;
  for (const segment of path.slice(0, -1)) {
    if (memberOf(container, segment) === undefined) setMember(container, segment, {});
    container = memberOf(container, segment);
  }
  return setMember(container, path.at(-1), value);
}

/** Takes out what stands at a path, so that nothing relies on it. Elements of lists keep their places. */
export function removeValue(document: RawDocument, path: SettingPath): void {
  setMember(valueAt(document, path.slice(0, -1)), path.at(-1), undefined);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map);
}

function memberOf(container: unknown, segment: string | number): unknown {
  if (container instanceof Map) return (container as ReadonlyMap<unknown, unknown>).get(segment);
  if (Array.isArray(container)) return container[Number(segment)] as unknown;
  return isObject(container) && Object.hasOwn(container, segment) ? container[segment] : undefined;
}

function setMember(container: unknown, segment: string | number | undefined, value: unknown): boolean {
  if (segment === undefined) return false;
  if (container instanceof Map) (container as Map<unknown, unknown>).set(segment, value);
  else if (Array.isArray(container)) container[Number(segment)] = value;
  else if (isObject(container)) container[segment] = value;
  else return false;
  return true;
}
