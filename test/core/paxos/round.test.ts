import { describe, expect, it } from 'vitest';
import { paxosDot } from '../../../src/core/causality/dot.ts';
import { MAX_WRITE_IDS } from '../../../src/core/limits.ts';
import type { Conditional } from '../../../src/core/paxos/conditional.ts';
import type { Promised, Rejected, Voters } from '../../../src/core/paxos/messages.ts';
import { certaintyOf } from '../../../src/core/paxos/write-certainty.ts';
import type { Round, RoundStep } from '../../../src/core/paxos/round.ts';
import {
  ballot,
  etagOfBallot,
  grantOf,
  idOf,
  messageOf,
  plain,
  put,
  READ,
  remove,
  shownBy,
  Stage,
  toldBy,
} from './stage.ts';
import type { ActorId } from '../../../src/core/ids.ts';
import { recordOf, textsOf } from '../causality/sample-records.ts';

function told(step: RoundStep): readonly string[] {
  return step.type === 'chosen' || step.type === 'answered'
    ? step.verdicts.map(({ type }) => type)
    : [step.type];
}

function refusal(reason: Rejected['reason'], more: Partial<Rejected> = {}): Rejected {
  return { type: 'rejected', reason, highest: undefined, accepted: undefined, ...more };
}

/** A round that has sent its ACCEPT, and that nobody has answered yet. */
function proposed(requests: readonly Conditional[] = [put('p1', undefined)]): {
  readonly stage: Stage;
  readonly round: Round;
} {
  const stage = new Stage();
  const round = stage.round(1, requests);
  stage.prepare(round, 'A', 'B');
  return { stage, round };
}

describe('a conditional request', () => {
  it('writes where its condition holds, with the dot of the ballot, in the place of all that was there', () => {
    const stage = new Stage();
    for (const name of ['A', 'B', 'C'] as const) stage[name].store(plain('u0'));
    stage.B.store(plain('u1'));
    const round = stage.round(4, [
      put('p4', `${plain('u0').siblings[0]?.dot.actor}.1,${plain('u1').siblings[0]?.dot.actor}.1`),
    ]);
    const step = stage.prepare(round, 'A', 'B');
    const { object } = messageOf(step);
    expect(textsOf(object)).toEqual(['p4']);
    expect(object?.siblings[0]?.dot).toEqual(paxosDot(ballot(4)));
    expect(object?.writes).toMatchObject([
      { id: 'p4', dot: paxosDot(ballot(4)), writtenAtMs: 4, created: false },
    ]);
    // C does not hold less than it, A and B do not either.
    expect(told(stage.accept(round, step, 'A', 'B', 'C'))).toEqual(['written']);
  });

  it('creates where nothing is alive: absent, or deleted', () => {
    const stage = new Stage();
    expect(told(stage.choose(1, [put('p1', undefined)], 'A', 'B'))).toEqual(['written']);
    expect(told(stage.choose(2, [put('p2', undefined)], 'B', 'C'))).toEqual(['precondition-failed']);
    expect(told(stage.choose(3, [remove(etagOfBallot(1))], 'B', 'C'))).toEqual(['written']);
    expect(told(stage.choose(4, [put('p4', etagOfBallot(1))], 'A', 'B'))).toEqual(['precondition-failed']);
    const created = stage.choose(5, [put('p5', undefined)], 'A', 'C');
    expect(created.type === 'chosen' && created.verdicts[0]).toMatchObject({
      type: 'written',
      created: true,
    });
  });

  it('matches nothing where nothing was ever written', () => {
    const stage = new Stage();
    expect(told(stage.choose(1, [put('p1', '')], 'A', 'B'))).toEqual(['precondition-failed']);
  });

  it('is refused without another round trip if the promises prove what is chosen', () => {
    const stage = new Stage();
    stage.choose(1, [put('p1', undefined)], 'A', 'B');
    const step = stage.prepare(stage.round(2, [put('p2', undefined), READ]), 'A', 'B');
    expect([step.type, ...told(step)]).toEqual(['answered', 'precondition-failed', 'read']);
    expect(shownBy(step)).toEqual(['p1']);
    // Their promise to the round before is open now.
    expect(stage.prepare(stage.round(3, [READ]), 'A', 'B').type).toBe('accept');
  });

  it('is proposed all the same by a round that is there for its ballot', () => {
    const stage = new Stage();
    stage.choose(1, [put('p1', undefined)], 'A', 'B');
    expect(stage.prepare(stage.round(2, [], { mustPropose: true }), 'A', 'B').type).toBe('accept');
  });
});

describe('several requests in one round', () => {
  it('have one winner at most: the first whose condition holds', () => {
    const stage = new Stage();
    stage.choose(1, [put('p1', undefined)], 'A', 'B');
    const etag = etagOfBallot(1);
    const step = stage.choose(
      2,
      [put('early', undefined), READ, put('a', etag), put('b', etag), READ, put('c', etag)],
      'A',
      'B',
    );
    expect(told(step)).toEqual([
      'precondition-failed',
      'read',
      'written',
      'precondition-failed',
      'read',
      'precondition-failed',
    ]);
    const records =
      step.type === 'chosen'
        ? step.verdicts.map((verdict) => ('record' in verdict ? textsOf(verdict.record) : []))
        : [];
    expect(records).toEqual([['p1'], ['p1'], ['a'], ['a'], ['a'], ['a']]);
  });

  it('leave for the next round what may hold only after this one', () => {
    const stage = new Stage();
    stage.choose(1, [put('p1', undefined)], 'A', 'B');
    const step = stage.choose(2, [remove(etagOfBallot(1)), put('p2', undefined), READ], 'A', 'B');
    expect(told(step)).toEqual(['written', 'deferred', 'read']);
  });
});

describe('a request that was sent before', () => {
  const again = { firstAttempt: false };

  it('finds its own success, whatever has come after it', () => {
    const stage = new Stage();
    stage.choose(1, [put('p1', undefined)], 'A', 'B');
    stage.choose(2, [put('p2', etagOfBallot(1))], 'B', 'C');
    const step = stage.choose(3, [put('p1', undefined, again)], 'A', 'C');
    expect(step.type === 'chosen' && step.verdicts[0]).toMatchObject({
      type: 'repeated',
      write: { dot: paxosDot(ballot(1)), created: true },
    });
  });

  it('is a mistake under the id of another one', () => {
    const stage = new Stage();
    stage.choose(1, [put('p1', undefined)], 'A', 'B');
    expect(told(stage.choose(2, [put('other', undefined, { id: 'p1' })], 'A', 'C'))).toEqual(['reused']);
  });

  it('is unknown, and not refused, once its id may have been forgotten', () => {
    const stage = new Stage();
    let etag: string | undefined;
    for (let number = 1; number <= MAX_WRITE_IDS + 1; number += 1) {
      stage.choose(number, [put(`p${number}`, etag)], 'A', 'B');
      etag = etagOfBallot(number);
    }
    expect(told(stage.choose(100, [put('p1', undefined, again), put('new', undefined)], 'A', 'C'))).toEqual([
      'expired',
      'precondition-failed',
    ]);
    expect(told(stage.choose(101, [put('p2', etagOfBallot(1), again)], 'A', 'C'))).toEqual(['repeated']);
  });

  it('is unknown as well if all ids of the partition may be forgotten', () => {
    const stage = new Stage();
    for (const name of ['A', 'B'] as const) stage[name].node = { ...stage[name].node, floor: ballot(5) };
    const requests = [
      put('p1', undefined, again),
      put('p2', undefined, { ...again, notBefore: ballot(5) }),
      put('p3', 'x', { ...again, notBefore: ballot(6) }),
    ];
    expect(told(stage.choose(7, requests, 'A', 'B'))).toEqual(['expired', 'expired', 'precondition-failed']);
  });
});

describe('a retry that fails, while its first attempt may go on elsewhere', () => {
  const retry = { firstAttempt: false, mayBeElsewhere: true };

  it('is refused for good: what it waited for may come, and it is not written all the same', () => {
    const stage = new Stage();
    stage.choose(1, [put('p1', undefined)], 'A', 'B');
    const failed = stage.choose(2, [put('p2', undefined, retry)], 'A', 'B');
    expect([failed.type, told(failed)]).toEqual(['chosen', ['precondition-failed']]);
    stage.choose(3, [remove(etagOfBallot(1))], 'B', 'C');
    expect(told(stage.choose(4, [put('p2', undefined)], 'A', 'C'))).toEqual(['refused']);
    expect(told(stage.choose(5, [put('p5', undefined)], 'A', 'C'))).toEqual(['written']);
  });

  it('leaves a note that is answered from then on, without another one', () => {
    const stage = new Stage();
    stage.choose(1, [put('p1', undefined)], 'A', 'B');
    stage.choose(2, [put('p2', undefined, retry)], 'A', 'B', 'C');
    const again = stage.choose(3, [put('p2', undefined, retry)], 'A', 'B');
    expect([again.type, told(again)]).toEqual(['answered', ['refused']]);
  });

  it('leaves nothing behind if it was the first attempt', () => {
    const stage = new Stage();
    stage.choose(1, [put('p1', undefined)], 'A', 'B');
    const failed = stage.choose(2, [put('p2', undefined)], 'A', 'B');
    expect([failed.type, told(failed)]).toEqual(['answered', ['precondition-failed']]);
  });
});

describe('a write whose ACCEPT was sent', () => {
  it('does not fail by what promises show, for it may be taken up yet', () => {
    const stage = new Stage();
    stage.choose(1, [put('p1', undefined)], 'A', 'B', 'C');
    const deleted = stage.round(2, [remove(etagOfBallot(1))]);
    stage.accept(deleted, stage.prepare(deleted, 'A', 'B'), 'A');
    const created = stage.round(3, [put('p3', undefined)]);
    stage.accept(created, stage.prepare(created, 'A', 'B'), 'A');
    // B and C show p1, and have promised more than they accepted.
    const again = put('p3', undefined, { firstAttempt: false, notBefore: ballot(3) });
    for (const [request, end] of [[again, 'accept'] as const, [put('p4', undefined), 'answered'] as const]) {
      const round = stage.round(end === 'accept' ? 4 : 5, [request], { mode: 'cas' });
      expect(stage.prepare(round, 'B', 'C').type).toBe(end);
    }
  });
});

describe('a first attempt that has waited for long', () => {
  const fill = (stage: Stage): string => {
    let etag: string | undefined;
    for (let number = 1; number <= MAX_WRITE_IDS; number += 1) {
      stage.choose(number, [put(`p${number}`, etag)], 'A', 'B');
      etag = etagOfBallot(number);
    }
    return etag as string;
  };

  it('is not written if a refusal of it may have been forgotten meanwhile', () => {
    const stage = new Stage();
    const etag = fill(stage);
    expect(told(stage.choose(100, [put('new', etag, { takenAtMs: 1 })], 'A', 'B'))).toEqual(['expired']);
    expect(told(stage.choose(101, [put('new', etag, { takenAtMs: 2 })], 'A', 'B'))).toEqual(['written']);
  });

  it("nor if its coordinator's clock is ahead: then what it knew of the key says when it came", () => {
    const stage = new Stage();
    const etag = fill(stage);
    expect(told(stage.choose(100, [put('new', etag, { knownMs: 1 })], 'A', 'B'))).toEqual(['expired']);
    expect(told(stage.choose(101, [put('new', etag, { knownMs: 2 })], 'A', 'B'))).toEqual(['written']);
  });

  it('nor if the key may have been forgotten altogether', () => {
    const stage = new Stage();
    for (const name of ['A', 'B'] as const) stage[name].node = { ...stage[name].node, floor: ballot(5) };
    const requests = [put('p1', undefined, { takenAtMs: 5 }), put('p2', undefined, { takenAtMs: 6 })];
    expect(told(stage.choose(7, requests, 'A', 'B'))).toEqual(['expired', 'written']);
  });

  it('and a later attempt of one coordinator goes on if nothing since its first has been forgotten', () => {
    const stage = new Stage();
    const etag = fill(stage);
    const again = { firstAttempt: false, notBefore: ballot(2) };
    expect(told(stage.choose(100, [put('new', etag, again)], 'A', 'B'))).toEqual(['written']);
  });
});

describe('what became of a write', () => {
  const settle = (writeId: string): Conditional => ({ type: 'settle', writeId });

  it('is told of one that took place, whatever came after it', () => {
    const stage = new Stage();
    stage.choose(1, [put('p1', undefined)], 'A', 'B');
    stage.choose(2, [put('p2', etagOfBallot(1))], 'B', 'C');
    const step = stage.choose(3, [settle('p1'), settle('p2')], 'A', 'C');
    expect(step.type === 'chosen' && step.verdicts).toMatchObject([
      { type: 'settled', write: { dot: paxosDot(ballot(1)) } },
      { type: 'settled', write: { dot: paxosDot(ballot(2)) } },
    ]);
  });

  it('is nothing for good, if it was nothing so far: also where the key held nothing', () => {
    const stage = new Stage();
    const step = stage.choose(1, [settle('p2')], 'A', 'B');
    expect(step.type === 'chosen' && step.verdicts[0]).toMatchObject({ type: 'settled', write: undefined });
    expect(told(stage.choose(2, [put('p2', undefined)], 'B', 'C'))).toEqual(['refused']);
    expect(told(stage.choose(3, [put('p3', undefined)], 'B', 'C'))).toEqual(['written']);
  });

  it('comes after what the same round writes, whichever waits first', () => {
    const stage = new Stage();
    const step = stage.choose(1, [settle('p1'), settle('p2'), put('p1', undefined)], 'A', 'B');
    expect(step.type === 'chosen' && step.verdicts).toMatchObject([
      { type: 'settled', write: { dot: paxosDot(ballot(1)) } },
      { type: 'settled', write: undefined },
      { type: 'written' },
    ]);
    expect(told(stage.choose(2, [put('p2', etagOfBallot(1))], 'B', 'C'))).toEqual(['refused']);
  });

  it('comes after what waits before it in the same round', () => {
    const stage = new Stage();
    const step = stage.choose(1, [put('p1', undefined), settle('p1')], 'A', 'B');
    expect(step.type === 'chosen' && step.verdicts).toMatchObject([
      { type: 'written' },
      { type: 'settled', write: { dot: paxosDot(ballot(1)) } },
    ]);
  });

  it('cannot be told once the key may have forgotten it', () => {
    const stage = new Stage();
    let etag: string | undefined;
    for (let number = 1; number <= MAX_WRITE_IDS + 1; number += 1) {
      stage.choose(number, [put(`p${number}`, etag)], 'A', 'B');
      etag = etagOfBallot(number);
    }
    expect(told(stage.choose(100, [settle('p1'), settle('p2')], 'A', 'B'))).toEqual(['expired', 'settled']);
  });
});

describe('a round', () => {
  it('goes on with a quorum of distinct nodes of the same voters', () => {
    const stage = new Stage();
    const round = stage.round(1, [READ]);
    const reply = stage.A.prepare(round);
    for (let copies = 0; copies < 3; copies += 1)
      expect(round.onPrepareReply(idOf('A'), reply).type).toBe('wait');
    const other = { ...stage.B.prepare(round), voters: 'others' as Voters };
    expect(round.onPrepareReply(idOf('B'), other).type).toBe('wait');
    expect(stage.prepare(round, 'C').type).toBe('answered');
  });

  it('is chosen by a quorum of distinct nodes, and not twice', () => {
    const { stage, round } = proposed();
    const accepted = { type: 'accepted', voters: stage.A.node.voters } as const;
    for (let copies = 0; copies < 3; copies += 1)
      expect(round.onAcceptReply(idOf('A'), accepted).type).toBe('wait');
    expect(round.onAcceptReply(idOf('B'), { ...accepted, voters: 'others' as Voters }).type).toBe('wait');
    expect(round.onAcceptReply(idOf('C'), accepted).type).toBe('chosen');
    expect(round.onAcceptReply(idOf('B'), accepted).type).toBe('wait');
    expect(round.onFailure(idOf('B')).type).toBe('wait');
  });

  it('proposes nothing under a ballot that the key claims to know already, and tells that one', () => {
    const stage = new Stage();
    const forged = recordOf({ actor: 'a' as ActorId, counter: 1 }, 'forged');
    const round = stage.round(1, [put('p1', undefined)]);
    const record = { ...forged, context: { ...forged.context, ballot: ballot(5) } };
    const promise = { ...(stage.A.prepare(round) as Promised), record };
    round.onPrepareReply(idOf('A'), promise);
    expect(round.onPrepareReply(idOf('B'), stage.B.prepare(round))).toEqual({
      type: 'lost',
      refusals: ['outbid'],
      highest: ballot(5),
    });
    expect(round.exposed).toBeUndefined();
  });

  it('is lost once no quorum can promise, and tells the highest ballot', () => {
    const stage = new Stage();
    const round = stage.round(1, [put('p1', undefined)]);
    expect(round.onPrepareReply(idOf('A'), refusal('outbid', { highest: ballot(7) })).type).toBe('wait');
    expect(round.onPrepareReply(idOf('C'), refusal('collected', { highest: ballot(6) }))).toEqual({
      type: 'lost',
      refusals: ['outbid', 'collected'],
      highest: ballot(7),
    });
    expect(round.exposed).toBeUndefined();
  });

  it('passes on what was heard', () => {
    const round = new Stage().round(10, [put('p1', undefined)], { heard: ballot(9) });
    expect(round.prepare()).toMatchObject({ ballot: ballot(10), heard: ballot(9) });
  });

  it('waits for more promises if it is told to, as long as they may come', () => {
    const stage = new Stage();
    const round = stage.round(1, [READ], { gather: 3 });
    expect(stage.prepare(round, 'A', 'B').type).toBe('wait');
    expect(round.onFailure(idOf('C')).type).toBe('answered');
    const another = stage.round(2, [READ], { gather: 3 });
    stage.prepare(another, 'A');
    expect(another.proceed().type).toBe('wait');
    stage.prepare(another, 'B');
    expect(another.proceed().type).toBe('accept');
  });

  it('counts an acceptance that comes after a refusal of the same node', () => {
    const { stage, round } = proposed();
    const accepted = { type: 'accepted', voters: stage.A.node.voters } as const;
    round.onAcceptReply(idOf('A'), refusal('outbid', { accepted: ballot(1) }));
    round.onAcceptReply(idOf('A'), accepted);
    expect(toldBy(round.onAcceptReply(idOf('B'), accepted))).toBe('written');
  });

  it('begins with what was promised beforehand, and gives on what is promised with it', () => {
    const stage = new Stage();
    const first = stage.round(1, [put('p1', undefined)], { next: ballot(2) });
    const grant = grantOf(stage.accept(first, stage.prepare(first, 'A', 'B'), 'A', 'B'));
    expect(grant).toMatchObject({ ballot: ballot(2), floor: undefined });
    const second = stage.round(2, [put('p2', etagOfBallot(1))], { next: ballot(3) });
    const chosen = stage.accept(second, second.startGranted(grant), 'A', 'B');
    expect([toldBy(chosen), grantOf(chosen).ballot]).toEqual(['written', ballot(3)]);
    // It may not answer a refusal by what it was promised, however long ago.
    const third = stage.round(3, [put('p3', undefined)]);
    expect(third.startGranted(grantOf(chosen)).type).toBe('accept');
  });
});

describe('a write without an answer', () => {
  it('is not applied for certain if those that were asked refused it, and nobody else was', () => {
    const { round } = proposed();
    for (const name of ['A', 'B'] as const) round.onAcceptReply(idOf(name), refusal('outbid'));
    const unknown = certaintyOf({ firstAttempt: true, rounds: [round] });
    round.neverAsked(idOf('C'));
    expect([unknown, certaintyOf({ firstAttempt: true, rounds: [round] })]).toEqual([
      'unknown',
      'not-applied',
    ]);
  });

  it('is certainly not applied only if no acceptor can ever have taken it', () => {
    const [safe, exposed] = [{ exposed: undefined }, { exposed: 0 }];
    expect(certaintyOf({ firstAttempt: true, rounds: [] })).toBe('not-applied');
    expect(certaintyOf({ firstAttempt: true, rounds: [safe, safe] })).toBe('not-applied');
    expect(certaintyOf({ firstAttempt: true, rounds: [safe, exposed] })).toBe('unknown');
    expect(certaintyOf({ firstAttempt: false, rounds: [safe] })).toBe('unknown');
  });
});

describe('what a lost round may have brought about', () => {
  it('is nothing before an ACCEPT was sent', () => {
    const stage = new Stage();
    const round = stage.round(1, [put('p1', undefined)]);
    stage.prepare(round, 'A');
    round.abandon();
    expect(round.exposed).toBeUndefined();
  });

  it('is nothing without a write', () => {
    const stage = new Stage();
    stage.A.store(plain('u0'));
    const round = stage.round(1, [READ]);
    expect(stage.prepare(round, 'A', 'B').type).toBe('accept');
    round.abandon();
    expect(round.exposed).toBeUndefined();
  });

  it('is its write, until all acceptors have proved that they never will accept it', () => {
    const { round } = proposed([READ, put('p1', undefined)]);
    expect(round.exposed).toBe(1);
    round.onAcceptReply(idOf('A'), refusal('outbid'));
    expect(round.onAcceptReply(idOf('B'), refusal('dirty')).type).toBe('lost');
    expect(round.exposed).toBe(1);
    round.onAcceptReply(idOf('C'), refusal('outbid'));
    expect(round.exposed).toBeUndefined();
  });

  it.each([
    refusal('outbid', { accepted: ballot(1) }),
    refusal('outbid', { accepted: ballot(2) }),
    refusal('collected'),
    refusal('not-voting'),
    refusal('other-voters'),
    refusal('other-incarnation', { accepted: ballot(1) }),
  ])('is its write, if an acceptor says %j', (last) => {
    const { round } = proposed();
    for (const name of ['A', 'B'] as const) round.onAcceptReply(idOf(name), refusal('outbid'));
    round.onAcceptReply(idOf('C'), last);
    expect(round.exposed).toBe(0);
  });

  it('is its write, if an acceptor cannot be reached', () => {
    const { round } = proposed();
    for (const name of ['A', 'B', 'C'] as const) round.onFailure(idOf(name));
    expect(round.exposed).toBe(0);
  });
});
