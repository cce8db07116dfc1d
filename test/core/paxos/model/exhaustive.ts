/**
 * Every order in which the messages of a few proposers can reach three acceptors, none left out. The state of all of them is a
 * function of what was delivered so far; states that were met before are not gone into again, so that orders which come to the
 * same cost nothing. Messages may stay on their way for ever, which stands for their loss.
 *
 * Each proposer runs one round: a conditional write, or a read that proposes what it finds. Plain writes reach one acceptor after the
 * other. Invariants, asked in every state:
 *
 * - Agreement: each chosen object comes from the one chosen under the ballot before; none knows less.
 * - What a proposer was told knows all that was chosen under lower ballots, and of several creates one at most wins.
 * - A plain write that a majority had stored before a round began is in what that round has chosen.
 */
import { isWithin } from '../../../../src/core/causality/record-order.ts';
import type { KeyRecord } from '../../../../src/core/causality/record.ts';
import type { Conditional, Verdict } from '../../../../src/core/paxos/conditional.ts';
import type { AcceptReply, Commit, PrepareReply } from '../../../../src/core/paxos/messages.ts';
import type { Round, RoundStep } from '../../../../src/core/paxos/round.ts';
import { describeRecord, textsOf } from '../../causality/sample-records.ts';
import { ALL, idOf, type Name, plain, put, READ, Stage, type StageNode } from '../stage.ts';
import type { ModelRules } from './model-rules.ts';

export interface ExhaustivePlan {
  /** One round each; the ballots rise in this order. */
  readonly requests: readonly Conditional[];
  readonly plain: readonly KeyRecord[];
  /** Deliveries in one order at most; a request and its answer are one. */
  readonly depth: number;
}

/** What is gone through, to whatever depth. */
export const EXHAUSTIVE_PLANS: Readonly<Record<string, Omit<ExhaustivePlan, 'depth'>>> = {
  'two creates': { requests: [put('a', undefined), put('b', undefined)], plain: [] },
  'a create, a read and a plain write': { requests: [put('a', undefined), READ], plain: [plain('u')] },
  'two creates and a read': { requests: [put('a', undefined), put('b', undefined), READ], plain: [] },
};

export interface ExhaustiveResult {
  readonly states: number;
  /** The first wrong state: how it came about. */
  readonly violation: string | undefined;
}

/** `p0A`: PREPARE of proposer 0 to A and its answer; `a`: ACCEPT; `c`: COMMIT; `u`: a plain write. */
type Delivery = string;

interface Proposer {
  readonly round: Round;
  /** What to send, once it is known. */
  accept: RoundStep | undefined;
  /** What its request is told. */
  verdict: Verdict | undefined;
  commit: Commit | undefined;
  /** The plain writes that a majority had stored before its first message was delivered. */
  before: readonly KeyRecord[] | undefined;
}

interface World {
  readonly stage: Stage;
  readonly proposers: readonly Proposer[];
  /** What each delivery was answered, by acceptor. */
  readonly answers: Readonly<Record<Name, readonly string[]>>;
}

export function explore(rules: ModelRules, plan: ExhaustivePlan): ExhaustiveResult {
  const met = new Set<string>();
  let violation: string | undefined;
  const visit = (path: readonly Delivery[]): void => {
    if (violation !== undefined) return;
    const world = replay(rules, plan, path);
    const name = nameOf(world);
    if (met.has(name)) return;
    met.add(name);
    const wrong = findWrong(world.proposers, plan);
    if (wrong !== undefined) violation = `${path.join(' ')}: ${wrong}`;
    else if (path.length < plan.depth) {
      for (const next of deliverable(world, plan, path)) visit([...path, next]);
    }
  };
  visit([]);
  return { states: met.size, violation };
}

/** Rounds cannot be copied, so each path is gone from its beginning: paths are short. */
function replay(rules: ModelRules, plan: ExhaustivePlan, path: readonly Delivery[]): World {
  const stage = new Stage(rules);
  const proposers = plan.requests.map((request, index): Proposer => {
    const round = stage.round(index + 1, [request]);
    return { round, accept: undefined, verdict: undefined, commit: undefined, before: undefined };
  });
  const answers: Record<Name, string[]> = { A: [], B: [], C: [] };
  for (const delivery of path) {
    const [kind, index, name] = [delivery[0], Number(delivery[1]), delivery[2] as Name];
    const proposer = proposers[index];
    if (kind === 'u') {
      stage[name].store(plan.plain[index]);
      answers[name].push(delivery.slice(0, 2));
    } else if (proposer !== undefined) {
      if (kind === 'p') proposer.before ??= plan.plain.filter((record) => isStoredByMajority(stage, record));
      answers[name].push(`${kind}${index} ${deliver(stage[name], kind, proposer, name)}`);
    }
  }
  return { stage, proposers, answers };
}

function deliver(node: StageNode, kind: string | undefined, proposer: Proposer, name: Name): string {
  const { round, accept, commit } = proposer;
  if (kind === 'c') return commit === undefined ? '' : node.commit(commit);
  if (kind === 'p') {
    const reply = node.prepare(round);
    note(proposer, round.onPrepareReply(idOf(name), reply));
    return describeReply(reply);
  }
  if (accept?.type !== 'accept') return '';
  const reply = node.accept(accept.message);
  note(proposer, round.onAcceptReply(idOf(name), reply));
  return describeReply(reply);
}

function note(proposer: Proposer, step: RoundStep): void {
  if (step.type === 'accept') proposer.accept = step;
  if (step.type === 'chosen' || step.type === 'answered') [proposer.verdict] = step.verdicts;
  if (step.type === 'chosen') proposer.commit = step.commit;
}

function isStoredByMajority(stage: Stage, record: KeyRecord): boolean {
  return ALL.filter((name) => isWithin(record, stage[name].held.record)).length > 1;
}

function deliverable(
  { proposers }: World,
  plan: ExhaustivePlan,
  path: readonly Delivery[],
): readonly Delivery[] {
  const open: Delivery[] = [];
  for (const name of ALL) {
    for (const [index, { accept, commit }] of proposers.entries()) {
      // A PREPARE that comes after the ACCEPT of its own round has no effect that its loss would not have.
      if (!path.includes(`a${index}${name}`)) open.push(`p${index}${name}`);
      if (accept !== undefined) open.push(`a${index}${name}`);
      if (commit !== undefined) open.push(`c${index}${name}`);
    }
    for (const index of plan.plain.keys()) open.push(`u${index}${name}`);
  }
  return open.filter((delivery) => !path.includes(delivery));
}

/**
 * What all that can still happen depends on: what acceptors hold, what each proposer was answered by each, and what it has come to.
 * The acceptors are alike, so it does not matter which of them is which.
 */
function nameOf({ stage, proposers, answers }: World): string {
  const acceptors = ALL.map((name) => {
    const { state, record } = stage[name].held;
    const { promised, accepted, object, chosen } = state;
    const held = [promised, accepted, describe(object), chosen, describe(record)];
    return [...held, ...answers[name].toSorted()].join('/');
  });
  const rounds = proposers.map(({ accept, verdict, before }) => {
    const proposed = accept?.type === 'accept' ? describe(accept.message.object) : 'nothing yet';
    return [proposed, verdict?.type, before?.length].join('/');
  });
  return [...acceptors.toSorted(), ...rounds].join(' | ');
}

function describe(record: KeyRecord | undefined): string {
  return record === undefined ? '' : describeRecord(record);
}

function describeReply(reply: PrepareReply | AcceptReply): string {
  if (reply.type === 'rejected') return `${reply.reason} ${reply.accepted}`;
  if (reply.type === 'accepted') return reply.type;
  const { accepted, object, chosen, record, promisedBefore } = reply;
  return [accepted, describe(object), chosen, describe(record), promisedBefore].join('-');
}

function findWrong(proposers: readonly Proposer[], plan: ExhaustivePlan): string | undefined {
  let last: KeyRecord | undefined;
  let winners = 0;
  for (const [index, { verdict, commit, before = [] }] of proposers.entries()) {
    if (commit !== undefined && !isWithin(last, commit.object))
      return `round ${index} lost ${textsOf(last).join()}`;
    last = commit?.object ?? last;
    if (verdict?.type === 'written') winners += 1;
    if (verdict === undefined || !('record' in verdict)) continue;
    if (!isWithin(last, verdict.record)) return `round ${index} was told less than was chosen before`;
    if (before.some((record) => !isWithin(record, verdict.record)))
      return `round ${index} does not know a plain write`;
  }
  const areCreates = plan.requests.every(
    (request) => request.type !== 'write' || request.condition.type === 'if-absent',
  );
  return areCreates && winners > 1 ? `${winners} creates won` : undefined;
}
