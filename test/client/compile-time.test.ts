/** What the compiler promises to users: each `@ts-expect-error` fails the type check if the line compiles. */
import { expect, expectTypeOf, test } from 'vitest';
import { bytes, connect, json, largest, lastWriteWins, text, union } from '../../src/client/index.ts';
import type {
  Absent,
  Bucket,
  Conflict,
  Entry,
  Found,
  ResolvedEntry,
  ResolvingBucket,
  SeenOptions,
} from '../../src/client/index.ts';

interface Cart {
  readonly items: readonly string[];
}

const client = connect({ nodes: ['http://a:1'], routing: 'round-robin' });

test('the value type comes from the codec', () => {
  expectTypeOf(client.bucket('b')).toEqualTypeOf<Bucket<unknown>>();
  expectTypeOf(client.bucket<Cart>('b')).toEqualTypeOf<Bucket<Cart>>();
  expectTypeOf(client.bucket('b', { codec: text })).toEqualTypeOf<Bucket<string>>();
  expectTypeOf(client.bucket('b', { codec: bytes })).toEqualTypeOf<Bucket<Uint8Array>>();
  expectTypeOf(client.bucket('b', { codec: json<Cart>() })).toEqualTypeOf<Bucket<Cart>>();
  expectTypeOf(client.bucket<Cart>('b', { resolve: lastWriteWins })).toEqualTypeOf<ResolvingBucket<Cart>>();
  expectTypeOf(client.bucket<string[]>('b', { resolve: union })).toEqualTypeOf<ResolvingBucket<string[]>>();
  expectTypeOf(client.bucket('b', { codec: json<string[]>(), resolve: union })).toEqualTypeOf<
    ResolvingBucket<string[]>
  >();
});

test('get answers the union, without conflict where there is a resolver', () => {
  const plain = client.bucket<Cart>('b');
  const resolving = client.bucket<Cart>('b', { resolve: lastWriteWins });
  type PlainEntry = Awaited<ReturnType<typeof plain.get>>;
  expectTypeOf<PlainEntry>().toEqualTypeOf<Found<Cart> | Conflict<Cart> | Absent>();
  expectTypeOf<Awaited<ReturnType<typeof resolving.get>>>().toEqualTypeOf<Found<Cart> | Absent>();
  const read = (entry: PlainEntry): unknown => {
    // @ts-expect-error only a found entry has a value
    return entry.value;
  };
  expect(read).toBeTypeOf('function');
});

test('a conflict has no value, and the compiler asks what shall happen with it', () => {
  expectTypeOf<Conflict<Cart>>().not.toHaveProperty('value');
  expectTypeOf<Absent>().not.toHaveProperty('value');
  expectTypeOf<Found<Cart>>().not.toHaveProperty('siblings');
  expectTypeOf<Conflict<Cart>['siblings'][0]['value']>().toEqualTypeOf<Cart>();
  const items = (entry: Entry<Cart>): readonly string[] => {
    switch (entry.type) {
      case 'found':
        return entry.value.items;
      case 'conflict':
        return entry.siblings[0].value.items;
      case 'absent':
        return [];
    }
  };
  const forgetful = (entry: Entry<Cart>): unknown => {
    if (entry.type === 'absent') return [];
    // @ts-expect-error it may be a conflict still
    return entry.value;
  };
  const hasConflict = (entry: ResolvedEntry<Cart>): boolean => {
    // @ts-expect-error a bucket with a resolver answers no conflict
    return entry.type === 'conflict';
  };
  expect([items, forgetful, hasConflict]).toHaveLength(3);
});

test('a resolver is for the values of its bucket', () => {
  expectTypeOf(client.bucket('b', { codec: text, resolve: largest })).toEqualTypeOf<
    ResolvingBucket<string>
  >();
  // @ts-expect-error a union of carts is no cart
  client.bucket<Cart>('b', { resolve: union });
  // @ts-expect-error a codec of texts does not read carts
  client.bucket<Cart>('b', { codec: text });
  const entry = { context: 'ctx' } as Entry<Cart>;
  expectTypeOf<Parameters<Bucket<Cart>['put']>[2]>().toExtend<{ readonly context: unknown }>();
  expectTypeOf(entry).toExtend<SeenOptions['context']>();
});

test('put without what was seen does not compile, and is refused', async () => {
  const plain = client.bucket<Cart>('b');
  // @ts-expect-error the context is missing
  await expect(plain.put('k', { items: [] })).rejects.toMatchObject({
    code: 'invalid-argument',
    hint: expect.stringMatching(/putBlind/) as string,
  });
  // @ts-expect-error the context is missing
  await expect(plain.delete('k', {})).rejects.toMatchObject({
    code: 'invalid-argument',
    hint: expect.stringMatching(/deleteBlind/) as string,
  });
  // @ts-expect-error a value of another type
  await expect(plain.put('k', 1, { context: 'two words' })).rejects.toMatchObject({ code: 'bad-context' });
});
