import { describe, expect, it } from 'vitest';
import {
  actorsOf,
  contains,
  contextFrom,
  covers,
  EMPTY_CONTEXT,
  isEmptyContext,
  joinContexts,
  sameContext,
  withDot,
} from '../../../src/core/causality/causal-context.ts';
import { contextDigest } from '../../../src/core/causality/context-digest.ts';
import { ballotOfActor, compareDots, isActorId, paxosDot } from '../../../src/core/causality/dot.ts';
import { joinRecords } from '../../../src/core/causality/join.ts';
import { isWithin, joinIfAny, sameRecord } from '../../../src/core/causality/record-order.ts';
import { ballot } from '../paxos/stage.ts';
import { context, dot, recordOf, textsOf } from './sample-records.ts';

const [p1, p2, p3] = [1, 2, 3].map((number) => paxosDot(ballot(number))) as [
  ReturnType<typeof paxosDot>,
  ReturnType<typeof paxosDot>,
  ReturnType<typeof paxosDot>,
];

describe('Paxos dots', () => {
  it('are dots of an actor of their own, in the order of their ballots', () => {
    expect(ballotOfActor(p1.actor)).toBe(ballot(1));
    expect(ballotOfActor(dot('a', 1).actor)).toBeUndefined();
    expect(isActorId(p1.actor)).toBe(true);
    expect(isActorId(`${p1.actor}x`)).toBe(false);
    expect([p3, p1, p2].sort(compareDots)).toEqual([p1, p2, p3]);
  });

  it('are known to a context by their maximum', () => {
    const known = withDot(context({ a: [2] }), p2);
    expect([p1, p2, p3].map((each) => contains(known, each))).toEqual([true, true, false]);
    expect([...actorsOf(known)]).toEqual([dot('a', 1).actor]);
    expect(withDot(known, p1)).toBe(known);
    expect(withDot(known, p3).ballot).toBe(ballot(3));
    expect(isEmptyContext(withDot(EMPTY_CONTEXT, p1))).toBe(false);
  });

  it('are part of what contexts are compared and joined by', () => {
    const [low, high] = [withDot(context({ a: [5] }), p1), withDot(context({ a: [2] }), p2)];
    const joined = joinContexts(low, high);
    expect(sameContext(joined, withDot(context({ a: [5] }), p2))).toBe(true);
    expect([covers(joined, low), covers(joined, high), covers(low, high), covers(high, low)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(sameContext(low, context({ a: [5] }))).toBe(false);
    expect(contextDigest(low)).not.toBe(contextDigest(context({ a: [5] })));
  });

  it('are not taken for entries of a vector', () => {
    expect(contextFrom([[p1.actor, 1, []]])).toBeUndefined();
    expect(contextFrom([], ballot(1))).toEqual(withDot(EMPTY_CONTEXT, p1));
  });
});

describe('the order of records', () => {
  const plain = recordOf(dot('a', 1), 'plain');
  const chosen = recordOf(p1, 'chosen', { seen: plain.context });

  it('has one within another if that knows all of it', () => {
    expect(isWithin(plain, chosen)).toBe(true);
    expect(isWithin(chosen, plain)).toBe(false);
    expect(isWithin(undefined, plain)).toBe(true);
    expect(isWithin(plain, undefined)).toBe(false);
    expect(isWithin(recordOf(dot('b', 1), 'another'), chosen)).toBe(false);
    expect(isWithin({ ...plain, largestN: 5 }, chosen)).toBe(false);
  });

  it('has the join above both', () => {
    const other = recordOf(dot('b', 1), 'another');
    const both = joinRecords(chosen, other);
    expect(textsOf(both).sort()).toEqual(['another', 'chosen']);
    expect([isWithin(chosen, both), isWithin(other, both), isWithin(both, chosen)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(sameRecord(joinIfAny(both, chosen), both)).toBe(true);
    expect(joinIfAny(undefined, undefined)).toBeUndefined();
  });

  it('tells records apart by each part', () => {
    expect(sameRecord(plain, { ...plain })).toBe(true);
    expect(sameRecord(plain, undefined)).toBe(false);
    expect(sameRecord(plain, { ...plain, siblings: [] })).toBe(false);
    expect(sameRecord(plain, { ...plain, context: chosen.context })).toBe(false);
    expect(
      sameRecord(plain, recordOf(dot('a', 1), 'plain', { identity: { id: 'x', requestDigest: 'y' } })),
    ).toBe(false);
  });
});
