import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  actorsOf,
  type CausalContext,
  contains,
  contextFrom,
  covers,
  coversActor,
  EMPTY_CONTEXT,
  highestCounter,
  isEmptyContext,
  joinContexts,
  type Ranges,
  sameContext,
  withDot,
} from '../../../src/core/causality/causal-context.ts';
import { contextDigest } from '../../../src/core/causality/context-digest.ts';
import { formatDot } from '../../../src/core/causality/dot.ts';
import { ALL_DOTS, contextOf, dotLists, HIGHEST_COUNTER, modelledContexts } from './arbitraries.ts';
import { context, describeContext, dot } from './sample-records.ts';

const A = dot('a', 1).actor;

function dotsIn(known: CausalContext): Set<string> {
  return new Set(ALL_DOTS.filter((candidate) => contains(known, candidate)).map(formatDot));
}

function isSubset(part: ReadonlySet<string>, whole: ReadonlySet<string>): boolean {
  return [...part].every((name) => whole.has(name));
}

/** What the header of causal-context.ts calls the normal form; undefined if the context is in it. */
function findFlaw({ vector, cloud }: CausalContext): string | undefined {
  for (const [actor, upTo] of vector) if (upTo < 1) return `${actor} has the entry ${upTo}`;
  for (const [actor, ranges] of cloud) {
    if (ranges.length === 0 || ranges.length % 2 === 1) return `${actor} has ${ranges.length} bounds`;
    let previous = vector.get(actor) ?? 0;
    for (let i = 0; i < ranges.length; i += 2) {
      const [first, last] = [ranges[i] as number, ranges[i + 1] as number];
      if (first < previous + 2 || last < first)
        return `${actor} has the range ${first}..${last} after ${previous}`;
      previous = last;
    }
  }
  return undefined;
}

describe('a causal context', () => {
  it('holds exactly the dots that were put in, in whatever order', () => {
    fc.assert(
      fc.property(modelledContexts, ({ context: known, dots }) => {
        expect(findFlaw(known)).toBeUndefined();
        expect(dotsIn(known)).toEqual(dots);
        expect(isEmptyContext(known)).toBe(dots.size === 0);
      }),
      { numRuns: 500 },
    );
  });

  it('is one structure for one set', () => {
    fc.assert(
      fc.property(dotLists, (dots) => {
        const [forth, back] = [contextOf(dots), contextOf(dots.toReversed())];
        expect(describeContext(forth)).toBe(describeContext(back));
        expect(sameContext(forth, back)).toBe(true);
        expect(contextDigest(forth)).toBe(contextDigest(back));
      }),
    );
  });

  it('knows for each actor its highest counter, and every actor once', () => {
    fc.assert(
      fc.property(dotLists, (dots) => {
        const known = contextOf(dots);
        const actors = new Set(dots.map(({ actor }) => actor));
        expect(actorsOf(known)).toEqual(actors);
        for (const { actor } of ALL_DOTS) {
          const counters = dots.filter((each) => each.actor === actor).map(({ counter }) => counter);
          expect(highestCounter(known, actor)).toBe(Math.max(0, ...counters));
        }
      }),
    );
  });

  it('takes two numbers for any stretch of dots', () => {
    const stretch = Array.from({ length: 1000 }, (_, index) => dot('a', index + 5));
    const { vector, cloud } = contextOf(stretch);
    expect(vector.size).toBe(0);
    expect(cloud.get(A)).toEqual([5, 1004]);
    const closed = [1, 2, 3, 4].map((counter) => dot('a', counter)).reduce(withDot, { vector, cloud });
    expect(describeContext(closed)).toBe(describeContext(context({ a: [1004] })));
  });
});

describe('the union of contexts', () => {
  it('is the union of their dots', () => {
    fc.assert(
      fc.property(modelledContexts, modelledContexts, (left, right) => {
        const union = joinContexts(left.context, right.context);
        expect(findFlaw(union)).toBeUndefined();
        expect(dotsIn(union)).toEqual(new Set([...left.dots, ...right.dots]));
      }),
      { numRuns: 500 },
    );
  });

  it('is commutative, associative and idempotent', () => {
    fc.assert(
      fc.property(modelledContexts, modelledContexts, modelledContexts, (first, second, third) => {
        const [a, b, c] = [first.context, second.context, third.context];
        const text = describeContext(joinContexts(joinContexts(a, b), c));
        expect(describeContext(joinContexts(a, joinContexts(b, c)))).toBe(text);
        expect(describeContext(joinContexts(joinContexts(c, b), a))).toBe(text);
        expect(joinContexts(a, a)).toBe(a);
        expect(sameContext(joinContexts(a, contextOf([])), a)).toBe(true);
      }),
    );
  });

  it('changes neither of the two', () => {
    fc.assert(
      fc.property(modelledContexts, modelledContexts, (left, right) => {
        const before = [describeContext(left.context), describeContext(right.context)];
        joinContexts(left.context, right.context);
        expect([describeContext(left.context), describeContext(right.context)]).toEqual(before);
      }),
    );
  });

  it('is the larger one itself where it holds the other', () => {
    const [small, large] = [context({ a: [2] }), context({ a: [2, 5, 7], b: [1] })];
    expect(joinContexts(small, large)).toBe(large);
    expect(joinContexts(large, small)).toBe(large);
    expect(withDot(large, dot('a', 6))).toBe(large);
  });
});

describe('covering', () => {
  it('is to hold every dot of the other', () => {
    fc.assert(
      fc.property(modelledContexts, modelledContexts, (whole, part) => {
        expect(covers(whole.context, part.context)).toBe(isSubset(part.dots, whole.dots));
        expect(sameContext(whole.context, part.context)).toBe(
          isSubset(part.dots, whole.dots) && isSubset(whole.dots, part.dots),
        );
        const both = joinContexts(whole.context, part.context);
        expect(covers(both, whole.context) && covers(both, part.context)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('is asked of one actor alone, too', () => {
    fc.assert(
      fc.property(modelledContexts, modelledContexts, (whole, part) => {
        const dotsOfA = new Set(ALL_DOTS.filter(({ actor }) => actor === A).map(formatDot));
        const wanted = [...part.dots].filter((name) => dotsOfA.has(name));
        expect(coversActor(whole.context, part.context, A)).toBe(
          wanted.every((name) => whole.dots.has(name)),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('sees a hole that a higher counter hides', () => {
    expect(covers(context({ a: [3, 7, 7] }), context({ a: [0, 5, 5] }))).toBe(false);
    expect(covers(context({ a: [3, 7, 9] }), context({ a: [0, 2, 2, 8, 9] }))).toBe(true);
    expect(covers(context({ a: [3, 7, 9] }), context({ a: [0, 3, 7] }))).toBe(false);
  });
});

describe('a context from decoded entries', () => {
  const counters = fc.uniqueArray(fc.integer({ min: 1, max: HIGHEST_COUNTER }));

  it('is in normal form, however its entries were cut into ranges', () => {
    fc.assert(
      fc.property(counters, fc.integer({ min: 0, max: HIGHEST_COUNTER }), (above, upTo) => {
        const ranges = above.toSorted((a, b) => a - b).reduce<number[]>(appendCounter, []);
        const built = contextFrom([[A, upTo, ranges]]) as CausalContext;
        const wanted = [...above, ...Array.from({ length: upTo }, (_, index) => index + 1)];
        expect(findFlaw(built)).toBeUndefined();
        expect(dotsIn(built)).toEqual(dotsIn(contextOf(wanted.map((counter) => dot('a', counter)))));
      }),
    );
  });

  it.each<readonly [string, number, Ranges]>([
    ['a negative entry', -1, []],
    ['a fraction', 1.5, []],
    ['no number', Number.NaN, []],
    ['an entry above the safe integers', 2 ** 53, []],
    ['half a range', 0, [3]],
    ['a range that ends before it begins', 0, [5, 4]],
    ['a range of zero', 0, [0, 0]],
    ['ranges that overlap', 0, [2, 5, 5, 6]],
    ['ranges that touch', 0, [2, 5, 6, 7]],
    ['ranges that are not sorted', 0, [6, 7, 2, 3]],
    ['a range above the safe integers', 0, [2, 2 ** 53]],
    ['a range that is no number', 0, [Number.NaN, 5]],
  ])('is refused for %s', (_, upTo, ranges) => {
    expect(contextFrom([[A, upTo, ranges]])).toBeUndefined();
  });

  it('is refused if an actor stands there twice', () => {
    expect(
      contextFrom([
        [A, 1, []],
        [A, 2, []],
      ]),
    ).toBeUndefined();
    expect(
      contextFrom([
        [A, 0, [4, 5]],
        [A, 2, []],
      ]),
    ).toBeUndefined();
  });

  it('may be empty', () => {
    expect(contextFrom([])).toEqual(EMPTY_CONTEXT);
    expect(contextFrom([[A, 0, []]])).toEqual(EMPTY_CONTEXT);
  });
});

describe('the digest of a context', () => {
  it('is 0 for the empty one, and tells apart what clients bring', () => {
    const sets = [
      {},
      { a: [1] },
      { a: [2] },
      { b: [1] },
      { a: [1], b: [1] },
      { a: [1, 3, 3] },
      { a: [1, 3, 4] },
    ];
    const digests = sets.map((entries) => contextDigest(context(entries as Record<string, [number]>)));
    expect(digests[0]).toBe(0);
    expect(new Set(digests).size).toBe(sets.length);
    for (const digest of digests) expect(digest === digest >>> 0).toBe(true);
  });
});

/** The highest stretch grows by the counter if it touches it, else a new one begins: sorted and not adjacent. */
function appendCounter(ranges: number[], counter: number): number[] {
  if (ranges.at(-1) === counter - 1) ranges[ranges.length - 1] = counter;
  else ranges.push(counter, counter);
  return ranges;
}
