import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contains, EMPTY_CONTEXT } from '../../../src/core/causality/causal-context.ts';
import { formatDot, incarnationOf } from '../../../src/core/causality/dot.ts';
import { isAheadOn, mintDot, recordOfWrite } from '../../../src/core/causality/mint.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import { ALL_DOTS, modelledContexts } from './arbitraries.ts';
import { context, describeContext, dot, identity, incarnation, recordOf, value } from './sample-records.ts';

const SELF = incarnation('a');

function recordKnowing(entries: Parameters<typeof context>[0]): KeyRecord {
  return { ...recordOf(dot('b', 1), 'x'), context: context(entries) };
}

describe('minting a dot', () => {
  const openEpoch = (): number => 7;

  it.each<readonly [string, KeyRecord | undefined, string]>([
    ['opens an epoch without a record', undefined, formatDot(dot('a', 1, 7))],
    [
      'opens an epoch if the record knows nothing of this incarnation',
      recordKnowing({ b: [4] }),
      formatDot(dot('a', 1, 7)),
    ],
    ['opens one for a record that knows nothing at all', recordKnowing({}), formatDot(dot('a', 1, 7))],
    ['continues the counter of this incarnation', recordKnowing({ a: [4], b: [9] }), formatDot(dot('a', 5))],
    ['continues above a hole', recordKnowing({ a: [4, 8, 9] }), formatDot(dot('a', 10))],
    ['continues where only a cloud is known', recordKnowing({ a: [0, 3, 3] }), formatDot(dot('a', 4))],
  ])('%s', (_, local, wanted) => {
    expect(formatDot(mintDot(local, SELF, openEpoch))).toBe(wanted);
  });

  it('continues the highest epoch of several, by number and not by text', () => {
    const local: KeyRecord = {
      ...recordOf(dot('a', 1), 'x'),
      context: {
        vector: new Map([9, 36, 10].map((epoch) => [dot('a', 1, epoch).actor, epoch])),
        cloud: new Map(),
      },
    };
    expect(formatDot(mintDot(local, SELF, openEpoch))).toBe(formatDot(dot('a', 37, 36)));
  });

  it('asks for an epoch only if it opens one', () => {
    const refuse = (): number => {
      throw new Error('no epoch is needed');
    };
    expect(() => mintDot(recordKnowing({ a: [1] }), SELF, refuse)).not.toThrow();
    expect(() => mintDot(undefined, SELF, refuse)).toThrow('no epoch is needed');
  });

  it('never gives a dot that the record knows', () => {
    fc.assert(
      fc.property(modelledContexts, ({ context: known }) => {
        const local = { ...recordOf(dot('a', 1), 'x'), context: known };
        const minted = mintDot(local, SELF, openEpoch);
        expect(contains(known, minted)).toBe(false);
        expect(incarnationOf(minted.actor)).toBe(SELF);
      }),
    );
  });
});

describe('what comes in is ahead of the local record', () => {
  it('iff it knows a dot of this incarnation that the record does not', () => {
    fc.assert(
      fc.property(modelledContexts, modelledContexts, (incoming, known) => {
        const local = { ...recordOf(dot('a', 1), 'x'), context: known.context };
        const own = ALL_DOTS.filter(({ actor }) => incarnationOf(actor) === SELF).map(formatDot);
        const isMissing = own.some((name) => incoming.dots.has(name) && !known.dots.has(name));
        expect(isAheadOn(SELF, incoming.context, local)).toBe(isMissing);
      }),
      { numRuns: 500 },
    );
  });

  it('if there is no record, but something of this incarnation is known elsewhere', () => {
    expect(isAheadOn(SELF, context({ a: [1] }), undefined)).toBe(true);
    expect(isAheadOn(SELF, context({ b: [1] }), undefined)).toBe(false);
    expect(isAheadOn(SELF, EMPTY_CONTEXT, undefined)).toBe(false);
  });

  it('if it knows another epoch of this incarnation', () => {
    const incoming = recordOf(dot('a', 1, 2), 'x').context;
    expect(isAheadOn(SELF, incoming, recordKnowing({ a: [9] }))).toBe(true);
  });
});

describe('the record of one write', () => {
  const write = { dot: dot('a', 3), content: value('x'), writtenAtMs: 5, n: 3, created: true };

  it('knows what its client had seen and its own dot, and no dot between', () => {
    const { context: known } = recordOfWrite({
      ...write,
      seen: context({ a: [1], b: [2] }),
      identity: undefined,
    });
    expect(describeContext(known)).toBe(describeContext(context({ a: [1, 3, 3], b: [2] })));
  });

  it('remembers its write id, and nothing without one', () => {
    const seen = context({ b: [2] });
    const record = recordOfWrite({ ...write, seen, identity: identity('id') });
    expect(record.writes).toEqual([
      { ...identity('id'), dot: write.dot, seenDigest: expect.any(Number), writtenAtMs: 5, created: true },
    ]);
    expect(record.siblings[0]?.writeId).toBe('id');
    expect(recordOfWrite({ ...write, seen, identity: undefined }).writes).toEqual([]);
  });

  it('is the same request again only with the same context', () => {
    const digest = (seen: Parameters<typeof context>[0] | undefined): number | undefined =>
      recordOfWrite({ ...write, seen: seen && context(seen), identity: identity('id') }).writes[0]
        ?.seenDigest;
    expect(digest({ b: [2] })).toBe(digest({ b: [2] }));
    expect(digest({ b: [2] })).not.toBe(digest({ b: [3] }));
    expect(digest(undefined)).toBe(digest({}));
  });
});
