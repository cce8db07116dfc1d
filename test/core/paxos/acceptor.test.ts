import { describe, expect, it } from 'vitest';
import { KEY_RECORDS } from '../../../src/core/causality/record-order.ts';
import type { Incarnation, StoreId } from '../../../src/core/ids.ts';
import { MAX_BALLOT_AHEAD_MS } from '../../../src/core/limits.ts';
import {
  type AcceptorNode,
  decideAccept,
  decideAdmit,
  decideCollect,
  decideCommit,
  decideCommitAccepted,
  decidePrepare,
  decideRead,
} from '../../../src/core/paxos/acceptor.ts';
import {
  type AcceptorState,
  type HeldKey,
  isUnfinished,
  NO_STORE,
  UNTOUCHED,
} from '../../../src/core/paxos/acceptor-state.ts';
import type { Accept, Prepare, Rejected, Voters } from '../../../src/core/paxos/messages.ts';
import { recordOf } from '../causality/sample-records.ts';
import { paxosDot } from '../../../src/core/causality/dot.ts';
import { ballot, plain } from './stage.ts';

const VOTERS = 'all' as Voters;
const NODE: AcceptorNode = {
  voters: VOTERS,
  store: 'store' as StoreId,
  incarnation: 'first' as Incarnation,
  isNewcomer: false,
  floor: undefined,
  nowMs: 1_000,
  records: KEY_RECORDS,
};
const NEWCOMER = { ...NODE, isNewcomer: true };
const U0 = plain('u0');
const P3 = recordOf(paxosDot(ballot(3)), 'p3', { seen: U0.context });
const TOMBSTONE = recordOf(paxosDot(ballot(3)), '', { content: { type: 'tombstone' } });

function held(state: Partial<AcceptorState> = {}, record = undefined as HeldKey['record']): HeldKey {
  return { state: { ...UNTOUCHED, ...state }, record };
}

function prepare(number: number): Parameters<typeof decidePrepare>[1] {
  return { type: 'prepare', voters: VOTERS, ballot: ballot(number), heard: undefined };
}

function accept(number: number, more: Partial<Accept> = {}): Accept {
  return { type: 'accept', voters: VOTERS, ballot: ballot(number), object: P3, next: undefined, ...more };
}

function why({
  write,
  reply,
}: {
  readonly write: unknown;
  readonly reply: { readonly type: string };
}): string {
  if (reply.type !== 'rejected') return reply.type;
  expect(write).toBeUndefined();
  return (reply as Rejected).reason;
}

describe('PREPARE', () => {
  it('is promised above all that was promised, accepted and chosen before, and tells of it', () => {
    const before = held({ promised: ballot(2), accepted: ballot(1), object: P3, chosen: undefined }, U0);
    const { write, reply } = decidePrepare(before, prepare(3), NODE);
    expect(write).toEqual({ state: { ...before.state, promised: ballot(3) }, record: U0 });
    expect(reply).toEqual({
      type: 'promised',
      voters: VOTERS,
      accepted: ballot(1),
      object: P3,
      chosen: undefined,
      record: U0,
      promisedBefore: ballot(2),
      floor: undefined,
    });
  });

  it.each([
    ['promised', { promised: ballot(3) }],
    ['accepted', { accepted: ballot(3) }],
    ['chosen', { chosen: ballot(3) }],
  ])('is refused at or below what was %s, and told the highest', (_, state) => {
    for (const number of [2, 3]) {
      const decision = decidePrepare(held(state), prepare(number), NODE);
      expect(why(decision)).toBe('outbid');
      expect(decision.reply).toMatchObject({ highest: ballot(3) });
    }
    expect(why(decidePrepare(held(state), prepare(4), NODE))).toBe('promised');
  });

  it('is refused at or below the floor', () => {
    expect(why(decidePrepare(held(), prepare(3), { ...NODE, floor: ballot(3) }))).toBe('collected');
    expect(why(decidePrepare(held(), prepare(4), { ...NODE, floor: ballot(3) }))).toBe('promised');
  });

  it('is refused too far ahead, unless the key is there already', () => {
    const far = 2_000 + MAX_BALLOT_AHEAD_MS;
    expect(why(decidePrepare(held(), prepare(far), NODE))).toBe('too-far-ahead');
    for (const there of [
      { promised: ballot(far - 1) },
      { accepted: ballot(far - 1) },
      { chosen: ballot(far - 1) },
    ])
      expect(why(decidePrepare(held(there), prepare(far), NODE))).toBe('promised');
  });

  it('is not too far ahead where the proposer has heard of such a ballot from another acceptor', () => {
    const far = 2_000 + MAX_BALLOT_AHEAD_MS;
    const told = (number: number): Prepare => ({ ...prepare(far), heard: ballot(number) });
    expect(why(decidePrepare(held(), told(far - 1), NODE))).toBe('promised');
    expect(why(decidePrepare(held(), told(1_000), NODE))).toBe('too-far-ahead');
  });

  it('is refused by who knows other voters, or does not vote', () => {
    expect(why(decidePrepare(held(), prepare(1), { ...NODE, voters: 'others' as Voters }))).toBe(
      'other-voters',
    );
    expect(why(decidePrepare(held(), prepare(1), NEWCOMER))).toBe('not-voting');
    expect(why(decidePrepare(held({ admittedAs: 'before' as StoreId }), prepare(1), NEWCOMER))).toBe(
      'not-voting',
    );
    expect(why(decidePrepare(held({ admittedAs: NODE.store }), prepare(1), NEWCOMER))).toBe('promised');
  });

  it('is not told the bytes of what is known to be chosen', () => {
    const state = { accepted: ballot(1), object: P3, chosen: ballot(1) };
    expect(decidePrepare(held(state), prepare(2), NODE).reply).toMatchObject({ object: undefined });
  });
});

describe('ACCEPT', () => {
  it('is taken at what was promised, and above', () => {
    for (const number of [3, 4]) {
      const { write, reply } = decideAccept(held({ promised: ballot(3) }, U0), accept(number), NODE);
      expect(reply.type).toBe('accepted');
      expect(write).toEqual({
        state: {
          ...UNTOUCHED,
          promised: ballot(number),
          accepted: ballot(number),
          object: P3,
          acceptedIn: NODE.incarnation,
        },
        record: U0,
      });
    }
  });

  it.each([{ promised: ballot(4) }, { accepted: ballot(4) }, { chosen: ballot(4) }])(
    'is refused below %j',
    (state) => {
      expect(why(decideAccept(held(state), accept(3), NODE))).toBe('outbid');
    },
  );

  it('is refused at or below the floor, by who knows other voters, and by who does not vote', () => {
    expect(why(decideAccept(held(), accept(3), { ...NODE, floor: ballot(3) }))).toBe('collected');
    expect(why(decideAccept(held(), accept(3), { ...NODE, voters: 'others' as Voters }))).toBe(
      'other-voters',
    );
    expect(why(decideAccept(held(), accept(3), NEWCOMER))).toBe('not-voting');
  });

  it('is refused as dirty if the record holds what the object does not know', () => {
    expect(why(decideAccept(held({}, plain('u1')), accept(3), NODE))).toBe('dirty');
    expect(why(decideAccept(held({}, U0), accept(3, { object: undefined }), NODE))).toBe('dirty');
    expect(why(decideAccept(held(), accept(3, { object: undefined }), NODE))).toBe('accepted');
  });

  it('is confirmed again only by the process that accepted it', () => {
    const { write } = decideAccept(held(), accept(3), NODE);
    const dirty = { ...(write as HeldKey), record: plain('u1') };
    expect(why(decideAccept(dirty, accept(3), NODE))).toBe('accepted');
    expect(decideAccept(dirty, accept(3), NODE).write).toBeUndefined();
    expect(why(decideAccept(dirty, accept(3), { ...NODE, incarnation: 'second' as Incarnation }))).toBe(
      'other-incarnation',
    );
  });

  it('may promise the next ballot of the same proposer', () => {
    const { write } = decideAccept(held(), accept(3, { next: ballot(7) }), NODE);
    expect(write?.state).toMatchObject({ promised: ballot(7), accepted: ballot(3) });
    expect(why(decidePrepare(write as HeldKey, prepare(6), NODE))).toBe('outbid');
    expect(why(decideAccept(write as HeldKey, accept(7), NODE))).toBe('accepted');
  });
});

describe('COMMIT', () => {
  const message = { type: 'commit', ballot: ballot(3), object: P3 } as const;

  it('puts the object into the record and lets go of what was accepted, in one write', () => {
    const before = held({ promised: ballot(3), accepted: ballot(3), object: P3 }, U0);
    expect(isUnfinished(before.state)).toBe(true);
    const { write } = decideCommit(before, message, NODE);
    expect(write).toEqual({ state: { ...before.state, chosen: ballot(3), object: undefined }, record: P3 });
    expect(isUnfinished((write as HeldKey).state)).toBe(false);
  });

  it('keeps what was accepted under a higher ballot', () => {
    const { write } = decideCommit(held({ accepted: ballot(4), object: TOMBSTONE }), message, NODE);
    expect(write?.state).toMatchObject({ accepted: ballot(4), object: TOMBSTONE, chosen: ballot(3) });
  });

  it('changes nothing the second time, or late', () => {
    expect(decideCommit(held({ chosen: ballot(3) }, P3), message, NODE)).toEqual({
      write: undefined,
      reply: { type: 'committed' },
    });
    expect(decideCommit(held({ chosen: ballot(4) }, P3), message, NODE).write).toBeUndefined();
  });

  it('is refused at or below the floor', () => {
    expect(why(decideCommit(held(), message, { ...NODE, floor: ballot(3) }))).toBe('collected');
  });

  it('reaches those that do not vote, for it is no vote', () => {
    expect(decideCommit(held(), message, NEWCOMER).write?.record).toEqual(P3);
  });
});

describe('COMMIT of what was accepted', () => {
  const message = { type: 'commit-accepted', ballot: ballot(3) } as const;

  it('is as good as one that brings the object', () => {
    const before = held({ promised: ballot(3), accepted: ballot(3), object: P3 }, U0);
    const whole = decideCommit(before, { type: 'commit', ballot: ballot(3), object: P3 }, NODE);
    expect(decideCommitAccepted(before, message, NODE)).toEqual(whole);
    expect(decideCommitAccepted(held(whole.write?.state, P3), message, NODE)).toEqual({
      write: undefined,
      reply: { type: 'committed' },
    });
  });

  it('says nothing of what was accepted under another ballot', () => {
    expect(why(decideCommitAccepted(held({ accepted: ballot(4), object: P3 }), message, NODE))).toBe(
      'outbid',
    );
    expect(why(decideCommitAccepted(held(), message, NODE))).toBe('outbid');
  });

  it('is refused by what may have lost the object', () => {
    const before = held({ accepted: ballot(3), admittedAs: NO_STORE });
    expect(why(decideCommitAccepted(before, message, NODE))).toBe('not-voting');
  });
});

describe('a node whose store is new', () => {
  const message = {
    type: 'admit',
    voters: VOTERS,
    store: NODE.store,
    ballot: ballot(5),
    object: P3,
  } as const;

  it('votes from the ballot on under which it was let in', () => {
    const { write, reply } = decideAdmit(held({ promised: ballot(1) }, U0), message, NEWCOMER);
    expect(reply.type).toBe('committed');
    expect(write).toMatchObject({
      state: { promised: ballot(5), chosen: ballot(5), admittedAs: NODE.store },
      record: P3,
    });
    expect(why(decidePrepare(write as HeldKey, prepare(5), NEWCOMER))).toBe('outbid');
    expect(why(decidePrepare(write as HeldKey, prepare(6), NEWCOMER))).toBe('promised');
  });

  it('keeps a higher promise of its own', () => {
    expect(
      decideAdmit(held({ promised: ballot(9), chosen: ballot(6) }), message, NEWCOMER).write?.state,
    ).toMatchObject({
      promised: ballot(9),
      chosen: ballot(6),
      admittedAs: NODE.store,
    });
  });

  it('is let in as the store that it is, by those that know it, and above the floor', () => {
    expect(why(decideAdmit(held(), { ...message, store: 'another' as StoreId }, NEWCOMER))).toBe(
      'other-voters',
    );
    expect(why(decideAdmit(held(), { ...message, voters: 'others' as Voters }, NEWCOMER))).toBe(
      'other-voters',
    );
    expect(why(decideAdmit(held(), message, { ...NEWCOMER, floor: ballot(5) }))).toBe('collected');
  });

  it('is not asked by a read either', () => {
    expect(why(decideRead(held({}, U0), { type: 'read-key', voters: VOTERS }, NEWCOMER))).toBe('not-voting');
  });

  it('takes it for a commit if it votes already', () => {
    expect(decideAdmit(held({ promised: ballot(2) }), message, NODE).write?.state).toMatchObject({
      promised: ballot(2),
      chosen: ballot(5),
      admittedAs: undefined,
    });
  });
});

describe('a read', () => {
  it('shows what was accepted together with the record, and changes nothing', () => {
    const state = { promised: ballot(4), accepted: ballot(3), object: P3 };
    const { write, reply } = decideRead(held(state, U0), { type: 'read-key', voters: VOTERS }, NODE);
    expect(write).toBeUndefined();
    expect(reply).toEqual({
      type: 'key-view',
      voters: VOTERS,
      promised: ballot(4),
      accepted: ballot(3),
      chosen: undefined,
      record: P3,
    });
    expect(why(decideRead(held(), { type: 'read-key', voters: 'others' as Voters }, NODE))).toBe(
      'other-voters',
    );
  });
});

describe('forgetting a deleted key', () => {
  const state = { promised: ballot(4), accepted: ballot(4), chosen: ballot(4) };
  const message = { type: 'collect', ballot: ballot(4), object: TOMBSTONE } as const;

  it('raises the floor to its last ballot', () => {
    expect(decideCollect(held(state, TOMBSTONE), message, NODE)).toMatchObject({
      floor: ballot(4),
      reply: { type: 'collected' },
    });
    const higher = { ...NODE, floor: ballot(9) };
    expect(decideCollect(held(state, TOMBSTONE), message, higher).floor).toBe(ballot(9));
  });

  it.each([
    ['something else was promised', held({ ...state, promised: ballot(5) }, TOMBSTONE)],
    ['something else was accepted', held({ ...state, accepted: ballot(3) }, TOMBSTONE)],
    ['the record is another one', held(state, plain('u0'))],
    ['nothing is held', held()],
  ])('is refused if %s', (_, before) => {
    expect(decideCollect(before, message, NODE)).toMatchObject({
      floor: undefined,
      reply: { type: 'rejected' },
    });
  });

  it('is refused by a store that was let in on single keys only', () => {
    const letIn = held({ ...state, admittedAs: NEWCOMER.store }, TOMBSTONE);
    expect(decideCollect(letIn, message, NEWCOMER)).toMatchObject({
      floor: undefined,
      reply: { type: 'rejected', reason: 'not-voting' },
    });
    expect(decideCollect(letIn, message, NODE).floor).toBe(ballot(4));
  });

  it('is refused for what is alive', () => {
    expect(decideCollect(held(state, P3), { ...message, object: P3 }, NODE).floor).toBeUndefined();
  });
});
