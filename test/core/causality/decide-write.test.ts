import { describe, expect, it } from 'vitest';
import {
  decideByIdentity,
  decideWrite,
  type ProposedWrite,
  type WriteDecision,
} from '../../../src/core/causality/decide-write.ts';
import { formatDot } from '../../../src/core/causality/dot.ts';
import { joinRecords } from '../../../src/core/causality/join.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import { MAX_WRITE_IDS } from '../../../src/core/limits.ts';
import {
  context,
  describeContext,
  dot,
  identity,
  incarnation,
  recordOf,
  textsOf,
  value,
} from './sample-records.ts';

const LIMITS = { maxSiblings: 3, maxRecordBytes: 100 };
const ID = { ...identity('id'), firstAttempt: false };

const BLIND: ProposedWrite = {
  content: value('new'),
  seen: undefined,
  writtenAtMs: 9,
  identity: undefined,
  n: 3,
};

function decide(
  local: KeyRecord | undefined,
  write: Partial<ProposedWrite>,
  openEpoch = (): number => 2,
): WriteDecision {
  return decideWrite(local, { ...BLIND, ...write }, { incarnation: incarnation('a'), openEpoch }, LIMITS);
}

function recordAfter(decision: WriteDecision): KeyRecord {
  if (decision.type !== 'minted') throw new Error(`the write was ${decision.type}`);
  return decision.record;
}

function siblings(...texts: readonly string[]): KeyRecord {
  return texts.map((text, index) => recordOf(dot('b', index + 1), text)).reduce(joinRecords);
}

/** A record whose window of write ids is full of others. */
function fullWindow(): KeyRecord {
  return Array.from({ length: MAX_WRITE_IDS }, (_, index) =>
    recordOf(dot('b', index + 1), 'x', {
      identity: identity(`other-${index}`),
      seen: index === 0 ? undefined : context({ b: [index] }),
    }),
  ).reduce(joinRecords);
}

describe('a write', () => {
  it('is the first record of its key', () => {
    const decision = decide(undefined, { writtenAtMs: 42 });
    expect(decision).toMatchObject({ type: 'minted', dot: dot('a', 1, 2) });
    expect(recordAfter(decision).siblings).toEqual([
      { dot: dot('a', 1, 2), content: value('new'), writtenAtMs: 42, writeId: undefined },
    ]);
  });

  it('becomes a sibling without a context, and supersedes what its context covers', () => {
    const local = siblings('one', 'two');
    expect(textsOf(recordAfter(decide(local, {})))).toEqual(['new', 'one', 'two']);
    expect(textsOf(recordAfter(decide(local, { seen: context({ b: [1] }) })))).toEqual(['new', 'two']);
    expect(textsOf(recordAfter(decide(local, { seen: context({ b: [2] }) })))).toEqual(['new']);
  });

  it('takes into its record what the client had seen elsewhere', () => {
    const record = recordAfter(decide(siblings('one'), { seen: context({ c: [4] }) }));
    expect(describeContext(record.context)).toContain(formatDot(dot('c', 4)).replace(/\.4$/, '<=4'));
    expect(textsOf(record)).toEqual(['new', 'one']);
  });

  it('that deletes is a tombstone beside what it does not cover', () => {
    const tombstone = { content: { type: 'tombstone' } as const, seen: context({ b: [1] }) };
    expect(textsOf(recordAfter(decide(siblings('one', 'two'), tombstone)))).toEqual(['(deleted)', 'two']);
  });

  it('stops if its client has seen what this very incarnation should know', () => {
    const refuse = (): number => {
      throw new Error('nothing is to be minted');
    };
    expect(decide(undefined, { seen: context({ a: [1] }) }, refuse)).toEqual({
      type: 'local-store-lost-something',
    });
    const local = recordOf(dot('a', 1), 'one');
    expect(decide(local, { seen: context({ a: [2] }) }, refuse).type).toBe('local-store-lost-something');
    expect(decide(local, { seen: context({ a: [1] }) }, refuse)).toMatchObject({ dot: dot('a', 2) });
  });
});

describe('a write with an id', () => {
  const first = recordOf(dot('b', 1), 'new', { identity: identity('id') });

  it('is minted and remembered the first time', () => {
    const record = recordAfter(decide(undefined, { identity: ID }));
    expect(record.writes).toMatchObject([{ ...identity('id'), dot: dot('a', 1, 2), writtenAtMs: 9 }]);
  });

  it('is the same event again, even with another context and after it was overwritten', () => {
    const overwritten = joinRecords(first, recordOf(dot('c', 1), 'later', { seen: first.context }));
    for (const seen of [undefined, context({ b: [1] }), context({ a: [5] })]) {
      const decision = decide(overwritten, { identity: ID, seen });
      expect(decision).toEqual({ type: 'repeated', write: first.writes[0], record: overwritten });
    }
  });

  it('is the same event even if the client says that it is new', () => {
    expect(decide(first, { identity: { ...ID, firstAttempt: true } }).type).toBe('repeated');
  });

  it('is refused if the id stands for other bytes', () => {
    const reuse = { ...ID, requestDigest: 'e'.repeat(16) };
    expect(decide(first, { identity: reuse })).toEqual({ type: 'reused' });
    const both = joinRecords(first, recordOf(dot('c', 1), 'other', { identity: reuse }));
    expect(decide(both, { identity: reuse })).toMatchObject({
      type: 'repeated',
      write: { dot: dot('c', 1) },
    });
    expect(decide(both, { identity: ID })).toMatchObject({ type: 'repeated', write: { dot: dot('b', 1) } });
  });

  it('is expired if the record may have forgotten it, unless it is new', () => {
    expect(decide(fullWindow(), { identity: ID })).toEqual({ type: 'expired' });
    expect(decide(fullWindow(), { identity: { ...ID, firstAttempt: true } }).type).toBe('minted');
    expect(decide(fullWindow(), {}).type).toBe('minted');
  });

  it('is decided by a record that was read elsewhere, if that knows it', () => {
    expect(decideByIdentity(first, { identity: ID })).toMatchObject({ type: 'repeated', record: first });
    expect(decideByIdentity(siblings('one'), { identity: ID })).toBeUndefined();
    expect(decideByIdentity(undefined, { identity: ID })).toBeUndefined();
    expect(decideByIdentity(first, { identity: undefined })).toBeUndefined();
  });
});

describe('the bounds of a record', () => {
  const three = siblings('one', 'two', 'three');

  it('refuse a blind write beyond them, with the facts', () => {
    expect(decide(three, {})).toEqual({ type: 'sibling-limit', siblings: 4, valueBytes: 14 });
    expect(decide(siblings('one', 'two'), {}).type).toBe('minted');
    const large = { content: value('x'.repeat(98)) };
    expect(decide(siblings('one'), large)).toEqual({ type: 'sibling-limit', siblings: 2, valueBytes: 101 });
    expect(decide(siblings('12'), large).type).toBe('minted');
  });

  it('count tombstones as siblings without bytes', () => {
    const tombstone = { content: { type: 'tombstone' } as const };
    expect(decide(three, tombstone)).toEqual({ type: 'sibling-limit', siblings: 4, valueBytes: 11 });
  });

  it('refuse a write whose context covers nothing of what is here', () => {
    expect(decide(three, { seen: context({ c: [1] }) }).type).toBe('sibling-limit');
  });

  it('refuse no write that makes siblings fewer, or leaves them as many', () => {
    const beyond = siblings('one', 'two', 'three', 'four', 'five');
    expect(textsOf(recordAfter(decide(beyond, { seen: context({ b: [5] }) })))).toEqual(['new']);
    expect(recordAfter(decide(beyond, { seen: context({ b: [2] }) })).siblings).toHaveLength(4);
    expect(recordAfter(decide(beyond, { seen: context({ b: [1] }) })).siblings).toHaveLength(5);
  });

  it('do not refuse the only value of a key, which has its own bound', () => {
    const huge = { content: value('x'.repeat(101)) };
    expect(decide(undefined, huge).type).toBe('minted');
    expect(decide(siblings('one'), { ...huge, seen: context({ b: [1] }) }).type).toBe('minted');
  });
});
