import fc from 'fast-check';
import { expect, expectTypeOf, test } from 'vitest';
import { largest, lastWriteWins, perField, smallest, union, unionBy } from '../../src/client/index.ts';
import type { Resolver, Sibling, Siblings } from '../../src/client/index.ts';

function siblingsOf<T>(...values: readonly [T, ...T[]]): Siblings<T> {
  const siblings = values.map((value, index): Sibling<T> => {
    return { id: `d${index}`, value, contentType: 'application/json', writtenAt: new Date(1_000 + index) };
  });
  return siblings as unknown as Siblings<T>;
}

test('the last write wins by time, then by id, in whatever order the siblings come', () => {
  const [one, two] = siblingsOf('old', 'new') as [Sibling<string>, Sibling<string>];
  expect(lastWriteWins([one, two])).toBe('new');
  expect(lastWriteWins([two, one])).toBe('new');
  const tied = { ...one, id: 'z', value: 'tied', writtenAt: two.writtenAt };
  expect([lastWriteWins([two, tied]), lastWriteWins([tied, two])]).toEqual(['tied', 'tied']);
});

test('union keeps every element once, whatever the order of names in it', () => {
  expect(union(siblingsOf([{ a: 1, b: 2 }, { a: 2 }], [{ b: 2, a: 1 }, { a: 3 }]))).toHaveLength(3);
  expect(union<unknown>(siblingsOf<unknown[]>([{ a: 1 }], [[['a', 1]]]))).toHaveLength(2);
});

test('union and lastWriteWins do not depend on the order of the siblings', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.nat({ max: 9 })), { minLength: 1, maxLength: 5 }), (values) => {
      const siblings = siblingsOf(...(values as [number[], ...number[][]]));
      const reversed = siblings.toReversed() as unknown as Siblings<number[]>;
      expect(union(reversed)).toEqual(union(siblings));
      expect(new Set(union(siblings))).toEqual(new Set(values.flat()));
      expect(lastWriteWins(reversed)).toBe(lastWriteWins(siblings));
    }),
  );
});

test('unionBy keeps the later of two elements with one identity', () => {
  const items = siblingsOf(
    [{ sku: 'x', count: 1 }],
    [
      { sku: 'x', count: 2 },
      { sku: 'y', count: 1 },
    ],
  );
  const merge = unionBy((item: { sku: string; count: number }) => item.sku);
  expect(merge(items)).toEqual([
    { sku: 'x', count: 2 },
    { sku: 'y', count: 1 },
  ]);
});

test('largest and smallest', () => {
  expect([largest(siblingsOf(1, 3, 2)), smallest(siblingsOf(2, 1, 3))]).toEqual([3, 1]);
  expect(largest(siblingsOf(new Date(1), new Date(2)))).toEqual(new Date(2));
});

interface Cart {
  readonly items: readonly string[];
  readonly total: number;
  readonly note?: string;
}

test('perField resolves each field by its own resolver and drops none', () => {
  const merge = perField<Cart>({ items: union, total: largest, note: lastWriteWins });
  expectTypeOf(merge).toEqualTypeOf<Resolver<Cart>>();
  const carts = siblingsOf<Cart>({ items: ['milk'], total: 9, note: 'ring' }, { items: ['bread'], total: 3 });
  expect(merge(carts)).toEqual({ items: ['milk', 'bread'], total: 9, note: 'ring' });
  const unforeseen = siblingsOf({ items: ['a'], total: 1, gift: true } as Cart, { items: ['b'], total: 2 });
  expect(merge(unforeseen)).toEqual({ items: ['a', 'b'], total: 2, gift: true });
  // @ts-expect-error each field needs a resolver
  perField<Cart>({ items: union });
});

test('a field called __proto__ is a field like any other', () => {
  const hostile = JSON.parse('{"__proto__":{"admin":true}}') as object;
  const merged = perField<object>({})(siblingsOf(hostile, {}));
  expect(Object.keys(merged)).toEqual(['__proto__']);
  expect((merged as { admin?: boolean }).admin).toBeUndefined();
});
