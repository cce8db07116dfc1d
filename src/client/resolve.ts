/**
 * Resolvers: pure functions from siblings to one value. They may be called on a conflict's siblings directly, or given to
 * a bucket, which then never answers `conflict`.
 *
 * Several clients may resolve the same siblings at the same time, so a resolver should depend on nothing but the siblings.
 * Then all of them come to the same value.
 */
import type { Sibling, Siblings } from './entry.ts';

/** Makes one value of several. */
export type Resolver<T> = (siblings: Siblings<T>) => T;

/** Oldest first; the id decides between equal times, so that everybody sorts alike. */
function byAge(a: Sibling<unknown>, b: Sibling<unknown>): number {
  const difference = a.writtenAt.getTime() - b.writtenAt.getTime();
  if (difference !== 0) return difference;
  return a.id < b.id ? -1 : Number(a.id > b.id);
}

/**
 * The sibling that was written last by the nodes' clocks. The others are lost, and clocks differ between nodes: right
 * where losing a concurrent write does no harm.
 */
export function lastWriteWins<T>(siblings: Siblings<T>): T {
  return siblings.reduce((last, sibling) => (byAge(last, sibling) < 0 ? sibling : last)).value;
}

/**
 * All elements of all siblings, each once; `identify` says which elements are the same, and of the same elements the
 * one that was written last stays. No addition is lost, but an element that one writer removed while another wrote
 * comes back.
 */
export function unionBy<E>(identify: (element: E) => unknown): (siblings: Siblings<readonly E[]>) => E[] {
  return (siblings) => {
    const elements = new Map<unknown, E>();
    for (const sibling of siblings.toSorted(byAge)) {
      for (const element of sibling.value) elements.set(identify(element), element);
    }
    return [...elements.values()];
  };
}

/** All elements of all siblings, each once; elements with equal JSON are the same. See {@link unionBy}. */
export function union<E>(siblings: Siblings<readonly E[]>): E[] {
  return unionBy<E>(canonicalJson)(siblings);
}

/** JSON with the names of each object sorted, so that equal values have equal texts. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** Values that `<` and `>` order. */
type Ordered = number | bigint | string | Date;

/** The largest value: for what only grows, such as a high score or a version. */
export function largest<T extends Ordered>(siblings: Siblings<T>): T {
  return siblings.reduce((best, sibling) => (sibling.value > best.value ? sibling : best)).value;
}

/** The smallest value: for what only shrinks. */
export function smallest<T extends Ordered>(siblings: Siblings<T>): T {
  return siblings.reduce((best, sibling) => (sibling.value < best.value ? sibling : best)).value;
}

/**
 * Resolves objects field by field: `perField({ items: union, total: largest })`. A field's resolver sees the siblings
 * that have the field. Fields that are there but have no resolver go by {@link lastWriteWins}; none is dropped.
 */
export function perField<T extends object>(
  resolvers: {
    readonly [Field in keyof T]-?: Resolver<Exclude<T[Field], undefined>>;
  },
): Resolver<T> {
  const byName = new Map<string, unknown>(Object.entries(resolvers));
  return (siblings) => {
    const names = new Set(siblings.flatMap((sibling) => Object.keys(sibling.value)));
    const fields = [...names].map((name) => {
      const resolver = (byName.get(name) ?? lastWriteWins) as Resolver<unknown>;
      return [name, resolver(siblingsOfField(siblings, name))] as const;
    });
    return Object.fromEntries(fields) as T;
  };
}

/** The caller took `name` from one of the siblings, so at least one has it. */
function siblingsOfField<T extends object>(siblings: Siblings<T>, name: string): Siblings<unknown> {
  const having = siblings.filter((sibling) => Object.hasOwn(sibling.value, name));
  return having.map((sibling) => ({
    ...sibling,
    value: (sibling.value as Readonly<Record<string, unknown>>)[name],
  })) as unknown as Siblings<unknown>;
}
