/**
 * Interleavings in which one rule each decides. A scenario gives undefined if all is well, and else says what went wrong, so that
 * the same scenarios show that the rules hold and that each of them is needed. A, B and C are the home replicas; pK is what a
 * conditional write proposes under ballot K, uK a plain write.
 */
import { formatDot } from '../../../src/core/causality/dot.ts';
import type { Voters } from '../../../src/core/paxos/messages.ts';
import type { ModelRules } from './model/model-rules.ts';
import { etagOf } from './model/record-names.ts';
import {
  ballot,
  etagOfBallot,
  grantOf,
  idOf,
  messageOf,
  type Name,
  plain,
  put,
  READ,
  remove,
  shownBy,
  Stage,
  toldBy,
} from './stage.ts';

export type Scenario = (rules: ModelRules) => string | undefined;

const NEXT_VOTERS = 'epoch, stores 2' as Voters;

function differs(shown: unknown, expected: unknown, what: string): string | undefined {
  const [left, right] = [JSON.stringify(shown), JSON.stringify(expected)];
  return left === right ? undefined : `${what}: ${left} instead of ${right}`;
}

/** p1 is chosen by all and committed everywhere. */
function withFirstWrite(
  rules: ModelRules,
  grants = false,
): { readonly stage: Stage; readonly grant: () => ReturnType<typeof grantOf> } {
  const stage = new Stage(rules);
  const round = stage.round(1, [put('p1', undefined)], grants ? { next: ballot(2) } : {});
  const step = stage.prepare(round, 'A', 'B');
  const chosen = stage.accept(round, step, 'A', 'B');
  stage.C.accept(messageOf(step));
  stage.commit(chosen, 'A', 'B', 'C');
  return { stage, grant: () => grantOf(chosen) };
}

/** B has lost its disk, and the others know it; `as`: the round in which they choose anew, to let it vote. */
function admitB(stage: Stage, as: number, lets: readonly Name[]): void {
  const acceptors = lets.map(idOf);
  const round = stage.round(as, [], { voters: stage.A.node.voters, acceptors, mustPropose: true });
  const chosen = stage.accept(round, stage.prepare(round, ...lets), ...lets);
  stage.commit(chosen, ...lets);
  if (chosen.type !== 'chosen') throw new Error(`nothing was chosen: ${chosen.type}`);
  const { voters, store } = stage.B.node;
  const { ballot: admitted, object } = chosen.commit;
  stage.B.carryOut(
    stage.rules.decideAdmit(
      stage.B.held,
      { type: 'admit', voters, store, ballot: admitted, object },
      stage.B.node,
    ),
  );
}

function voteAsStores2(stage: Stage): void {
  for (const name of ['A', 'C'] as const)
    stage[name].learn(stage.rules.storesAreCompared ? NEXT_VOTERS : stage[name].node.voters);
}

/** A round on the tombstone by all, after which all forget the key. */
function collect(stage: Stage, number: number): void {
  const round = stage.round(number, [], { quorum: 3, gather: 3, mustPropose: true });
  const chosen = stage.accept(round, stage.prepare(round, 'A', 'B', 'C'), 'A', 'B', 'C');
  stage.commit(chosen, 'A', 'B', 'C');
  if (chosen.type !== 'chosen' || chosen.commit.object === undefined)
    throw new Error('there is no tombstone');
  const { ballot: at, object } = chosen.commit;
  for (const name of ['A', 'B', 'C'] as const) {
    const node = stage[name];
    const { floor } = stage.rules.decideCollect(
      node.held,
      { type: 'collect', ballot: at, object },
      node.node,
    );
    if (floor === undefined) throw new Error(`${name} keeps the key`);
    node.wipe(node.node.voters);
    node.node = { ...node.node, isNewcomer: false, floor: stage.rules.floorIsKept ? floor : undefined };
  }
}

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'T1 ghosts in the join': (rules) => {
    const stage = new Stage(rules);
    const first = stage.round(1, [put('p1', undefined)]);
    const second = stage.round(2, [put('p2', undefined)]);
    const accept1 = stage.prepare(first, 'A', 'B');
    stage.C.prepare(first);
    const accept2 = stage.prepare(second, 'A', 'C');
    stage.accept(first, accept1, 'B');
    stage.accept(second, accept2, 'C');
    return (
      differs(stage.readByRound(3, 'A', 'B'), ['p1'], 'round 3') ??
      differs(stage.readByRound(4, 'B', 'C'), ['p1'], 'round 4')
    );
  },

  'T2 lost PUT': (rules) => {
    const { stage } = withFirstWrite(rules);
    const u0 = plain('u0');
    stage.A.store(u0);
    const second = stage.round(2, [put('p2', stage.A.held.record && etagOf(stage.A.held.record))]);
    stage.accept(second, stage.prepare(second, 'A', 'B'), 'A');
    const third = stage.round(3, [put('p3', etagOfBallot(1))]);
    stage.commit(stage.accept(third, stage.prepare(third, 'B', 'C'), 'B', 'C'), 'B', 'C');
    stage.B.store(u0);
    return differs(stage.readByRound(4, 'A', 'B'), ['p3', 'u0'], 'round 4');
  },

  'T3 dirty reject': (rules) => {
    const stage = new Stage(rules);
    const round = stage.round(1, [READ]);
    stage.prepare(round, 'C');
    const [u0, u1, u2] = [plain('u0'), plain('u1'), plain('u2')];
    for (const name of ['A', 'B'] as const) stage[name].store(u0);
    for (const name of ['A', 'C'] as const) stage[name].store(u1);
    stage.B.store(u2);
    const step = stage.prepare(round, 'B');
    const outcome = stage.accept(round, step, 'B', 'A', 'C');
    return outcome.type === 'lost' ? undefined : `it was answered: ${shownBy(outcome).join()}`;
  },

  'T4 outstanding promise': (rules) => {
    const stage = new Stage(rules);
    const create = stage.round(1, [put('p1', undefined)]);
    const step = stage.prepare(create, 'A', 'C');
    for (const name of ['B', 'C'] as const) stage[name].store(plain('u0'));
    stage.accept(create, step, 'A');
    const read = stage.readAtOnce('B', 'C');
    const shown = read === 'round-needed' ? stage.readByRound(2, 'B', 'C') : read;
    stage.accept(create, step, 'C');
    return differs(shown, ['u0'], 'the read') ?? differs(stage.readByRound(3, 'A', 'B'), ['u0'], 'round 3');
  },

  'T5 unwritten 412': (rules) => {
    const stage = new Stage(rules);
    const first = stage.round(1, [put('p1', undefined)]);
    stage.accept(first, stage.prepare(first, 'A', 'B'), 'B');
    const second = stage.round(2, [put('p2', undefined)]);
    const step = stage.prepare(second, 'A', 'B');
    const told = toldBy(step.type === 'accept' ? stage.accept(second, step, 'A', 'B') : step);
    const read = stage.readAtOnce('A', 'C');
    const shown = read === 'round-needed' ? stage.readByRound(3, 'A', 'C') : read;
    return differs(told, 'precondition-failed', 'the second write') ?? differs(shown, ['p1'], 'the read');
  },

  'T6 the vector is not the chosen-register': (rules) => {
    const stage = new Stage(rules);
    const ghost = stage.round(1, [put('p1', undefined)]);
    stage.accept(ghost, stage.prepare(ghost, 'A', 'B'), 'A');
    for (const name of ['B', 'C'] as const) stage[name].store(plain('u0'));
    const identity = stage.choose(2, [READ], 'B', 'C');
    const purged = [stage.B, stage.C].every(({ held }) => held.state.object === undefined);
    return (
      differs(shownBy(identity), ['u0'], 'round 2') ??
      differs(purged, true, 'purged') ??
      differs(stage.readByRound(3, 'A', 'B'), ['u0'], 'round 3')
    );
  },

  'T7 own success': (rules) => {
    const stage = new Stage(rules);
    const first = stage.round(1, [put('p1', undefined, { id: rules.writeId(1, 1) })]);
    stage.accept(first, stage.prepare(first, 'A', 'B'), 'A', 'B');
    const again = put('p1', undefined, { id: rules.writeId(1, 2), firstAttempt: false });
    const retry = stage.choose(2, [again], 'B', 'C');
    const verdict = retry.type === 'chosen' ? retry.verdicts[0] : undefined;
    const etag = verdict?.type === 'repeated' ? formatDot(verdict.write.dot) : verdict?.type;
    return (
      differs(etag, etagOfBallot(1), 'the retry') ??
      differs(stage.readByRound(3, 'A', 'C'), ['p1'], 'the read')
    );
  },

  'T8 wipe': (rules) => {
    const stage = new Stage(rules);
    const first = stage.round(1, [put('p1', undefined)]);
    const step = stage.prepare(first, 'A', 'B');
    stage.accept(first, step, 'B');
    stage.B.wipe(stage.rules.storesAreCompared ? NEXT_VOTERS : stage.B.node.voters);
    const chosen = stage.accept(first, step, 'A').type === 'chosen';
    const read = stage.readAtOnce('B', 'C');
    const voted =
      read === 'round-needed' ? stage.B.prepare(stage.round(2, [READ])).type : `${read.length} values`;
    if (voted !== 'rejected') return `chosen: ${chosen}, and B answers with ${voted}`;
    voteAsStores2(stage);
    admitB(stage, 3, ['A', 'C']);
    const round = stage.round(4, [READ], { voters: stage.B.node.voters });
    const prepared = stage.prepare(round, 'B', 'C');
    return differs(
      shownBy(prepared.type === 'accept' ? stage.accept(round, prepared, 'B', 'C') : prepared),
      ['p1'],
      'round 4',
    );
  },

  'a promise that was lost with a disk': (rules) => {
    const { stage } = withFirstWrite(rules);
    const slow = stage.round(9, [put('p9', etagOfBallot(1))]);
    stage.prepare(slow, 'B');
    stage.B.wipe(stage.rules.storesAreCompared ? NEXT_VOTERS : stage.B.node.voters);
    voteAsStores2(stage);
    admitB(stage, 5, ['A', 'C']);
    const step = stage.prepare(slow, 'C');
    const quick = stage.round(6, [put('p6', etagOfBallot(1))], { voters: stage.B.node.voters });
    const told = toldBy(stage.accept(quick, stage.prepare(quick, 'A', 'B'), 'A', 'B'));
    const slowlyTold = step.type === 'accept' ? toldBy(stage.accept(slow, step, 'B', 'C')) : 'nothing';
    return told === 'written' && slowlyTold === 'written' ? 'both writes won' : undefined;
  },

  'T9 late messages': (rules) => {
    const stage = new Stage(rules);
    const first = stage.round(1, [put('p1', undefined)]);
    const accept1 = stage.prepare(first, 'A', 'B');
    const chosen = stage.accept(first, accept1, 'A', 'B');
    stage.commit(chosen, 'A', 'B');
    stage.choose(2, [remove(etagOfBallot(1))], 'A', 'B');
    stage.readByRound(3, 'B', 'C');
    collect(stage, 4);
    for (const name of ['A', 'B', 'C'] as const) stage[name].accept(messageOf(accept1));
    stage.commit(chosen, 'A', 'B', 'C');
    return (
      differs(stage.readByRound(5, 'A', 'C'), [], 'round 5') ??
      differs(stage.A.texts.length, 0, 'what A stores')
    );
  },

  'a retry after its key was forgotten': (rules) => {
    const stage = new Stage(rules);
    const first = stage.round(1, [put('p1', undefined)]);
    stage.accept(first, stage.prepare(first, 'A', 'B'), 'A', 'B');
    stage.choose(2, [remove(etagOfBallot(1))], 'A', 'B');
    stage.readByRound(3, 'B', 'C');
    collect(stage, 4);
    const again = put('p1', etagOfBallot(7), { firstAttempt: false, notBefore: ballot(1) });
    const told = toldBy(stage.choose(5, [again], 'A', 'B'));
    const later = put('p8', undefined, { firstAttempt: false, notBefore: ballot(6) });
    return (
      differs(told, 'expired', 'the retry') ??
      differs(toldBy(stage.choose(8, [later], 'A', 'B')), 'written', 'a later write')
    );
  },

  'a retry that failed, and its first attempt': (rules) => {
    const stage = new Stage(rules);
    stage.choose(1, [put('p1', undefined)], 'A', 'B');
    const retry = put('p2', undefined, { firstAttempt: false, mayBeElsewhere: rules.retriesAreSettled });
    const told = toldBy(stage.choose(2, [retry], 'A', 'C'));
    stage.choose(3, [remove(etagOfBallot(1))], 'A', 'B');
    const first = toldBy(stage.choose(4, [put('p2', undefined)], 'B', 'C'));
    return differs([told, first], ['precondition-failed', 'refused'], 'the two attempts');
  },

  'an accept that was outbid': (rules) => {
    const stage = new Stage(rules);
    const [first, second] = [stage.round(1, [put('p1', undefined)]), stage.round(2, [put('p2', undefined)])];
    const accept1 = stage.prepare(first, 'A', 'B');
    const accept2 = stage.prepare(second, 'A', 'B');
    const told = [stage.accept(first, accept1, 'A', 'B'), stage.accept(second, accept2, 'A', 'B')].map(
      toldBy,
    );
    return differs(told, ['lost', 'written'], 'the two creates');
  },

  'a promise across a restart': (rules) => {
    const stage = new Stage(rules);
    const [first, second] = [stage.round(1, [put('p1', undefined)]), stage.round(2, [put('p2', undefined)])];
    const accept1 = stage.prepare(first, 'A', 'B');
    const accept2 = stage.prepare(second, 'A', 'B');
    stage.A.restart();
    const told = [stage.accept(first, accept1, 'A', 'B', 'C'), stage.accept(second, accept2, 'A', 'B')].map(
      toldBy,
    );
    return told.every((each) => each === 'written') ? 'both creates won' : undefined;
  },

  'an acceptance across a restart': (rules) => {
    const stage = new Stage(rules);
    const first = stage.round(1, [put('p1', undefined)]);
    stage.accept(first, stage.prepare(first, 'A', 'B'), 'A', 'B');
    stage.B.restart();
    return differs(stage.readByRound(2, 'B', 'C'), ['p1'], 'round 2');
  },

  'a read before the commit': (rules) => {
    const stage = new Stage(rules);
    const first = stage.round(1, [put('p1', undefined)]);
    stage.accept(first, stage.prepare(first, 'A', 'B'), 'A', 'B');
    return differs(stage.readAtOnce('A', 'B'), ['p1'], 'the read');
  },

  'a write of one round trip after a plain one': (rules) => {
    const { stage, grant } = withFirstWrite(rules, rules.grantsInMixedMode);
    for (const name of ['B', 'C'] as const) stage[name].store(plain('u0'));
    const late = stage.round(2, [put('p2', etagOfBallot(1))]);
    const step = rules.grantsInMixedMode ? late.startGranted(grant()) : stage.prepare(late, 'B', 'C');
    if (step.type === 'accept') stage.accept(late, step, 'A');
    return differs(stage.readByRound(3, 'A', 'B'), ['p1', 'u0'], 'round 3');
  },

  'a write of one round trip after one that was lost': (rules) => {
    const { stage, grant } = withFirstWrite(rules, true);
    const lost = stage.round(2, [put('p2', etagOfBallot(1))], { mode: 'cas' });
    stage.accept(lost, lost.startGranted(grant()), 'A');
    const next = stage.round(rules.grantsAreTaken ? 3 : 2, [put('p3', etagOfBallot(1))], { mode: 'cas' });
    const step = rules.grantsAreTaken ? stage.prepare(next, 'B', 'C') : next.startGranted(grant());
    stage.commit(stage.accept(next, step, 'B', 'C'), 'C');
    return differs(stage.readByRound(4, 'A', 'B'), ['p3'], 'round 4');
  },

  'an acceptance that comes twice': (rules) => {
    const stage = new Stage(rules);
    const round = stage.round(1, [put('p1', undefined)]);
    const step = stage.prepare(round, 'A', 'B');
    const told = [stage.accept(round, step, 'A'), stage.accept(round, step, 'A')].map(toldBy);
    return told.includes('written') ? differs(stage.readByRound(2, 'B', 'C'), ['p1'], 'round 2') : undefined;
  },

  'a record that is lost where it is known to be chosen': (rules) => {
    const stage = new Stage(rules);
    const first = stage.round(1, [put('p1', undefined)]);
    stage.commit(stage.accept(first, stage.prepare(first, 'A', 'B'), 'A', 'B'), 'A');
    stage.A.held = { ...stage.A.held, record: undefined };
    return differs(stage.readByRound(2, 'A', 'B'), ['p1'], 'round 2');
  },

  'a copy of an accept that is refused': (rules) => {
    const stage = new Stage(rules);
    const first = stage.round(1, [put('p1', undefined)]);
    const message = messageOf(stage.prepare(first, 'A', 'B'));
    // Accepted by A, whose answer is late; the second copy comes after another promise, and is answered first.
    stage.A.accept(message);
    const second = stage.round(2, [READ]);
    for (const name of ['A', 'B', 'C'] as const) stage[name].prepare(second);
    for (const name of ['A', 'B', 'C'] as const) {
      first.onAcceptReply(idOf(name), stage[name].accept(message));
    }
    const shown = stage.readByRound(3, 'A', 'B');
    return shown.length > 0 && first.exposed === undefined
      ? 'what was certainly not applied is there'
      : undefined;
  },
};
