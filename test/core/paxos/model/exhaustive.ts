/**
 * Every order in which the messages of a few proposers can reach three acceptors, none left out: breadth first, from state to state,
 * none of which is gone into twice, until nothing new comes or a number of deliveries is reached. Messages may stay on their way
 * for ever, which stands for their loss, and may come again.
 *
 * Each proposer runs one round: a conditional write, or a read that proposes what it finds. Plain writes reach one acceptor after the
 * other. Invariants, asked in every state:
 *
 * - Agreement: each chosen object comes from the one chosen under the ballot before; none knows less.
 * - What was chosen last any majority shows to the next round.
 * - What a proposer was told knows all that was chosen under lower ballots, and of several creates one at most wins.
 * - A plain write that a majority had stored before a round began is in what that round has chosen, and so is one before whose
 *   successor it was stored, if that is in it.
 *
 * A request and its answer are one delivery, or the answer is lost. That is every case: an answer that comes late says what it would
 * have said at once, and all that can follow from it is a message that may be late itself. A refusal is no delivery, for nothing
 * follows from it that does not follow from a loss; so what was delivered and changed nothing leads nowhere.
 *
 * All plans come to their end after 13 to 16 deliveries. Of the wrong rules these are caught, after so many: an accept that does not ask
 * what was promised (7), a refusal that is answered unwritten (7), no dirty reject (7), a dirty accept that is merged (7), promises (8)
 * and acceptances (5) that are not durable. That every accepted object is joined takes four rounds to show: scenarios.ts has it. The
 * others are about quick reads, retries, replaced stores, grants and forgotten keys, of which there are none here.
 */
import { isWithin } from '../../../../src/core/causality/record-order.ts';
import type { KeyRecord } from '../../../../src/core/causality/record.ts';
import type { Incarnation } from '../../../../src/core/ids.ts';
import type { HeldKey } from '../../../../src/core/paxos/acceptor-state.ts';
import type { Conditional, Verdict } from '../../../../src/core/paxos/conditional.ts';
import type { Commit, Promised } from '../../../../src/core/paxos/messages.ts';
import type { Round, RoundStep } from '../../../../src/core/paxos/round.ts';
import { textsOf } from '../../causality/sample-records.ts';
import { ALL, idOf, type Name, plain, put, READ, Stage } from '../stage.ts';
import type { ModelRules } from './model-rules.ts';
import { digestOf } from './record-names.ts';

export interface ExhaustivePlan {
  /** One round each; the ballots rise in this order. */
  readonly requests: readonly Conditional[];
  /** Each begins when a majority has stored the one before. */
  readonly plain: readonly KeyRecord[];
  /** How often acceptors are started again, all together. */
  readonly restarts: number;
  /** Deliveries in one order at most. */
  readonly depth: number;
}

const CREATE_A = put('a', undefined);
const CREATE_B = put('b', undefined);

/** What is gone through, to whatever depth. */
export const EXHAUSTIVE_PLANS: Readonly<Record<string, Omit<ExhaustivePlan, 'depth'>>> = {
  'two creates and a restart': { requests: [CREATE_A, CREATE_B], plain: [], restarts: 1 },
  'a create, a read and a plain write': { requests: [CREATE_A, READ], plain: [plain('u')], restarts: 0 },
  'a read beside three plain writes': {
    requests: [READ],
    plain: [plain('u'), plain('v'), plain('w')],
    restarts: 0,
  },
  'two creates and a read': { requests: [CREATE_A, CREATE_B, READ], plain: [], restarts: 0 },
};

export interface ExhaustiveResult {
  readonly states: number;
  /** Deliveries of the longest order that led to something new. */
  readonly depth: number;
  /** The first wrong state, of those with the fewest deliveries: how it came about. */
  readonly violation: string | undefined;
}

/** `p0A`: PREPARE of proposer 0 to A and its answer; `l`: and its answer is lost; `a`: ACCEPT; `c`: COMMIT; `u`: a plain write; `r`: a restart. */
type Delivery = string;

interface Proposer {
  /** Those that it was told of, and the acceptances; a round cannot be copied, but made anew from these. */
  readonly promises: ReadonlyMap<Name, Promised>;
  readonly accepts: ReadonlySet<Name>;
  /** What to send, once it is known. */
  readonly accept: Extract<RoundStep, { readonly type: 'accept' }> | undefined;
  /** What its request is told. */
  readonly verdict: Verdict | undefined;
  readonly commit: Commit | undefined;
  /** The plain writes that a majority had stored before its first message was delivered. */
  readonly before: readonly KeyRecord[] | undefined;
}

interface World {
  readonly held: Readonly<Record<Name, HeldKey>>;
  readonly proposers: readonly Proposer[];
  readonly restarts: Readonly<Record<Name, number>>;
  readonly path: readonly Delivery[];
}

const NOTHING_YET: Proposer = {
  promises: new Map(),
  accepts: new Set(),
  accept: undefined,
  verdict: undefined,
  commit: undefined,
  before: undefined,
};

export function explore(rules: ModelRules, plan: ExhaustivePlan): ExhaustiveResult {
  return new Exploration(rules, plan).run();
}

class Exploration {
  readonly #plan: ExhaustivePlan;
  /** Its nodes serve one world after the other. */
  readonly #stage: Stage;
  readonly #met = new Set<string>();

  constructor(rules: ModelRules, plan: ExhaustivePlan) {
    this.#plan = plan;
    this.#stage = new Stage(rules);
  }

  run(): ExhaustiveResult {
    const { A, B, C } = this.#stage;
    const held = { A: A.held, B: B.held, C: C.held };
    let worlds: readonly World[] = [
      {
        ...{ held, proposers: this.#plan.requests.map(() => NOTHING_YET) },
        ...{ restarts: { A: 0, B: 0, C: 0 }, path: [] },
      },
    ];
    let depth = 0;
    for (; depth < this.#plan.depth && worlds.length > 0; depth += 1) {
      const next: World[] = [];
      for (const world of worlds) {
        for (const successor of this.#successors(world)) {
          const name = nameOf(successor);
          if (this.#met.has(name)) continue;
          this.#met.add(name);
          const wrong = findWrong(successor.proposers, this.#plan) ?? this.#missedBy(successor);
          if (wrong !== undefined) {
            const violation = `${successor.path.join(' ')}: ${wrong}`;
            return { states: this.#met.size, depth: depth + 1, violation };
          }
          next.push(successor);
        }
      }
      worlds = next;
    }
    return { states: this.#met.size, depth: worlds.length > 0 ? depth : depth - 1, violation: undefined };
  }

  /** What was chosen last is what any majority would show to the next round. */
  #missedBy(world: World): string | undefined {
    const chosen = world.proposers.findLast(({ commit }) => commit !== undefined)?.commit?.object;
    if (chosen === undefined) return undefined;
    const missing = ALL.find((left) => {
      const round = this.#stage.round(this.#plan.requests.length + 1, [READ]);
      const others = ALL.filter((name) => name !== left);
      const promised = others.map((name) => {
        const { node } = this.#stage[name];
        const { reply } = this.#stage.rules.decidePrepare(world.held[name], round.prepare(), node);
        return round.onPrepareReply(idOf(name), reply);
      });
      const { accept, verdict } = toldBy(promised.at(-1) as RoundStep);
      const shown = verdict !== undefined && 'record' in verdict ? verdict.record : accept?.message.object;
      return !isWithin(chosen, shown);
    });
    return missing === undefined ? undefined : `a read without ${missing} misses ${textsOf(chosen).join()}`;
  }

  *#successors(world: World): Generator<World> {
    for (const name of ALL) {
      for (const index of this.#plan.requests.keys()) {
        yield* this.#prepare(world, index, name);
        yield* this.#accept(world, index, name);
        yield* this.#commit(world, index, name);
      }
      yield* this.#store(world, name);
      yield* this.#restart(world, name);
    }
  }

  *#store(world: World, name: Name): Generator<World> {
    for (const [index, record] of this.#plan.plain.entries()) {
      const earlier = this.#plan.plain[index - 1];
      if (earlier !== undefined && !isStoredByMajority(world, earlier)) return;
      if (isWithin(record, world.held[name].record)) continue;
      this.#node(world, name).store(record);
      yield this.#after(world, `u${index}${name}`, name);
    }
  }

  *#restart(world: World, name: Name): Generator<World> {
    const { A, B, C } = world.restarts;
    if (A + B + C >= this.#plan.restarts) return;
    this.#node(world, name).restart();
    const restarts = { ...world.restarts, [name]: world.restarts[name] + 1 };
    yield { ...this.#after(world, `r${name}`, name), restarts };
  }

  *#prepare(world: World, index: number, name: Name): Generator<World> {
    const round = this.#newRound(index);
    const reply = this.#node(world, name).prepare(round);
    if (reply.type === 'rejected') return;
    const proposer = world.proposers[index] as Proposer;
    const before = proposer.before ?? this.#plan.plain.filter((record) => isStoredByMajority(world, record));
    yield this.#after(world, `l${index}${name}`, name, index, { ...proposer, before });
    if (proposer.accept !== undefined || proposer.verdict !== undefined || proposer.promises.has(name))
      return;
    const promises = new Map(proposer.promises).set(name, reply);
    const step = lastStep(promises, (from, promise) => round.onPrepareReply(idOf(from), promise));
    const told = { ...proposer, before, promises, ...toldBy(step) };
    yield this.#after(world, `p${index}${name}`, name, index, told);
  }

  *#accept(world: World, index: number, name: Name): Generator<World> {
    const proposer = world.proposers[index] as Proposer;
    if (proposer.accept === undefined) return;
    const node = this.#node(world, name);
    const reply = node.accept(proposer.accept.message);
    const isNew = !proposer.accepts.has(name) && proposer.verdict === undefined;
    if (reply.type === 'rejected' || (!isNew && node.held === world.held[name])) return;
    if (!isNew) {
      yield this.#after(world, `a${index}${name}`, name);
      return;
    }
    const accepts = new Set(proposer.accepts).add(name);
    const round = this.#newRound(index);
    for (const [from, promise] of proposer.promises) round.onPrepareReply(idOf(from), promise);
    const step = lastStep(accepts, (from) => round.onAcceptReply(idOf(from), reply));
    yield this.#after(world, `a${index}${name}`, name, index, { ...proposer, accepts, ...toldBy(step) });
  }

  *#commit(world: World, index: number, name: Name): Generator<World> {
    const { commit } = world.proposers[index] as Proposer;
    if (commit === undefined) return;
    const node = this.#node(world, name);
    node.commit(commit);
    if (node.held !== world.held[name]) yield this.#after(world, `c${index}${name}`, name);
  }

  #newRound(index: number): Round {
    return this.#stage.round(index + 1, [this.#plan.requests[index] as Conditional]);
  }

  /** The acceptor, as it is in this world. */
  #node(world: World, name: Name): Stage[Name] {
    const node = this.#stage[name];
    node.held = world.held[name];
    node.node = { ...node.node, incarnation: incarnationOf(world, name) };
    return node;
  }

  /** The world with what the acceptor holds now, and with another proposer in the place of one. */
  #after(world: World, delivery: Delivery, name: Name, index = -1, proposer = NOTHING_YET): World {
    const held = { ...world.held, [name]: this.#stage[name].held };
    const proposers = world.proposers.map((known, place) => (place === index ? proposer : known));
    return { ...world, held, proposers, path: [...world.path, delivery] };
  }
}

function incarnationOf({ restarts }: World, name: Name): Incarnation {
  return `${name} after ${restarts[name]} restarts` as Incarnation;
}

/** Tells a round all of it, in the order in which it came: the step that the last one led to. */
function lastStep<Answer>(
  answers: ReadonlyMap<Name, Answer> | ReadonlySet<Name>,
  tell: (from: Name, answer: Answer) => RoundStep,
): RoundStep {
  let step: RoundStep = { type: 'wait' };
  for (const [from, answer] of answers.entries()) step = tell(from, answer as Answer);
  return step;
}

function toldBy(step: RoundStep): Partial<Pick<Proposer, 'accept' | 'verdict' | 'commit'>> {
  if (step.type === 'accept') return { accept: step };
  if (step.type === 'answered') return { verdict: step.verdicts[0] };
  return step.type === 'chosen' ? { verdict: step.verdicts[0], commit: step.commit } : {};
}

function isStoredByMajority({ held }: World, record: KeyRecord): boolean {
  return ALL.filter((name) => isWithin(record, held[name].record)).length > 1;
}

/**
 * What all that can still happen depends on: what acceptors hold, what each proposer was answered by each, and what it has come to.
 * The acceptors are alike, so it does not matter which of them is which.
 */
function nameOf(world: World): string {
  const { held, proposers, restarts } = world;
  const acceptors = ALL.map((name) => {
    const { state, record } = held[name];
    const { promised, accepted, object, chosen } = state;
    const told = proposers.map((proposer) => toldOf(proposer, name));
    const isOwn = state.acceptedIn === incarnationOf(world, name);
    const kept = [promised, accepted, digestOf(object), chosen, digestOf(record), isOwn];
    return [...kept, restarts[name], ...told].join('/');
  });
  const rounds = proposers.map(({ accept, verdict, before }) => {
    const proposed =
      accept === undefined ? '' : `${digestOf(accept.message.object)} of ${digestOf(accept.found)}`;
    return [proposed, verdict?.type, before?.length].join('/');
  });
  return [...acceptors.toSorted(), ...rounds].join(' | ');
}

/** What a proposer goes by of what this acceptor has told it. */
function toldOf({ promises, accepts, accept, verdict }: Proposer, name: Name): string {
  if (verdict !== undefined) return '';
  if (accept !== undefined) return accepts.has(name) ? 'accepted' : '';
  const promise = promises.get(name);
  if (promise === undefined) return '';
  const { accepted, object, chosen, record, promisedBefore } = promise;
  return [accepted, digestOf(object), chosen, digestOf(record), promisedBefore].join('-');
}

function findWrong(
  proposers: readonly Proposer[],
  { requests, plain: written }: ExhaustivePlan,
): string | undefined {
  const areCreates = requests.every(
    (request) => request.type !== 'write' || request.condition.type === 'if-absent',
  );
  let last: KeyRecord | undefined;
  for (const [index, { verdict, commit, before = [] }] of proposers.entries()) {
    if (commit !== undefined && !isWithin(last, commit.object))
      return `round ${index} lost ${textsOf(last).join()}`;
    last = commit?.object ?? last;
    if (verdict === undefined || !('record' in verdict)) continue;
    const { record } = verdict;
    if (!isWithin(last, record)) return `round ${index} was told less than was chosen, or told, before`;
    last = record;
    if (areCreates && written.length === 0 && textsOf(record).length > 1)
      return `round ${index} shows ${textsOf(record).join(' and ')}, both created`;
    if (before.some((one) => !isWithin(one, record))) return `round ${index} does not know a plain write`;
    const known = written.map((one) => isWithin(one, record));
    if (known.lastIndexOf(true) > known.indexOf(false) && known.includes(false))
      return `round ${index} knows a plain write, and not one that was stored before that began`;
  }
  const winners = proposers.filter(({ verdict }) => verdict?.type === 'written').length;
  return areCreates && winners > 1 ? `${winners} creates won` : undefined;
}
