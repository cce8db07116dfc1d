/** Acceptors A, B, C whose messages a test delivers by hand: production decisions, and nothing that happens by itself. */
import { recordOfWrite } from '../../../src/core/causality/mint.ts';
import { joinIfAny, KEY_RECORDS } from '../../../src/core/causality/record-order.ts';
import type { CausalContext } from '../../../src/core/causality/causal-context.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import type { Incarnation, NodeId, StoreId } from '../../../src/core/ids.ts';
import type { AcceptorNode, Decision } from '../../../src/core/paxos/acceptor.ts';
import { type HeldKey, UNTOUCHED } from '../../../src/core/paxos/acceptor-state.ts';
import { type Ballot, ballotOf } from '../../../src/core/paxos/ballot.ts';
import type { Conditional, ConditionalWrite } from '../../../src/core/paxos/conditional.ts';
import type { Accept, AcceptReply, Commit, PrepareReply, Voters } from '../../../src/core/paxos/messages.ts';
import type { Grant, Round, RoundOptions, RoundStep } from '../../../src/core/paxos/round.ts';
import { dot, incarnation, textsOf, value } from '../causality/sample-records.ts';
import { type ModelRules, PRODUCTION_RULES } from './model/model-rules.ts';
import { digestOf, etagOf } from './model/record-names.ts';

export type Name = 'A' | 'B' | 'C';
export const ALL: readonly Name[] = ['A', 'B', 'C'];
const VOTERS = 'epoch, stores 1' as Voters;

/** The ballot K of the scenarios: above all smaller ones. */
export function ballot(number: number, node = 'n'): Ballot {
  return ballotOf({ timeMs: number, logical: 0, node: node as NodeId, incarnation: incarnation(node) });
}

export const READ: Conditional = { type: 'read' };

/** Later than all ballots of the scenarios. */
const LATE_MS = 1_000_000;

interface WriteOptions {
  readonly id?: string;
  readonly firstAttempt?: boolean;
  readonly notBefore?: Ballot;
  readonly mayBeElsewhere?: boolean;
  readonly takenAtMs?: number;
  readonly knownMs?: number;
}

/** A conditional PUT of the text; `etag` undefined: `If-None-Match: *`. */
export function put(text: string, etag: string | undefined, options: WriteOptions = {}): ConditionalWrite {
  const { id = text, firstAttempt = true, notBefore, mayBeElsewhere = false } = options;
  const { takenAtMs = LATE_MS, knownMs = LATE_MS } = options;
  return {
    type: 'write',
    condition: etag === undefined ? { type: 'if-absent' } : { type: 'if-match', etags: new Set([etag]) },
    content: value(text),
    identity: { id, requestDigest: text, firstAttempt, notBefore, mayBeElsewhere, takenAtMs, knownMs },
  };
}

export function remove(etag: string, id = `delete ${etag}`): ConditionalWrite {
  return { ...put(id, etag), content: { type: 'tombstone' } };
}

export class StageNode {
  held: HeldKey = { state: UNTOUCHED, record: undefined };
  node: AcceptorNode;
  readonly #rules: ModelRules;

  constructor(name: Name, rules: ModelRules) {
    this.#rules = rules;
    this.node = {
      voters: VOTERS,
      store: `${name}1` as StoreId,
      incarnation: `${name} first` as Incarnation,
      isNewcomer: false,
      floor: undefined,
      nowMs: 1_000,
      records: KEY_RECORDS,
    };
  }

  /** What its record shows. */
  get texts(): readonly string[] {
    return textsOf(this.held.record);
  }

  carryOut<Reply>({ write, reply }: Decision<Reply>): Reply {
    if (write !== undefined) this.held = write;
    return reply;
  }

  prepare(round: Round): PrepareReply {
    return this.carryOut(this.#rules.decidePrepare(this.held, round.prepare(), this.node));
  }

  accept(message: Accept): AcceptReply {
    return this.carryOut(this.#rules.decideAccept(this.held, message, this.node));
  }

  commit(message: Commit): string {
    return this.carryOut(this.#rules.decideCommit(this.held, message, this.node)).type;
  }

  /** A plain write, or a copy of it. */
  store(record: KeyRecord | undefined): void {
    this.held = { state: this.held.state, record: joinIfAny(this.held.record, record) };
  }

  restart(): void {
    const name = `${this.node.incarnation} again` as Incarnation;
    this.node = { ...this.node, incarnation: name };
    this.held = { ...this.held, state: this.#rules.afterRestart(this.held.state) };
  }

  wipe(voters: Voters): void {
    this.held = { state: UNTOUCHED, record: undefined };
    this.node = {
      ...this.node,
      voters,
      store: `${this.node.store}, next` as StoreId,
      isNewcomer: this.#rules.newcomersWait,
      floor: undefined,
    };
  }

  /** Peers hear that a store was replaced. */
  learn(voters: Voters): void {
    this.node = { ...this.node, voters };
  }
}

export class Stage {
  readonly A: StageNode;
  readonly B: StageNode;
  readonly C: StageNode;
  readonly rules: ModelRules;

  constructor(rules: ModelRules = PRODUCTION_RULES) {
    this.rules = rules;
    this.A = new StageNode('A', rules);
    this.B = new StageNode('B', rules);
    this.C = new StageNode('C', rules);
  }

  round(number: number, requests: readonly Conditional[], options: Partial<RoundOptions> = {}): Round {
    return this.rules.newRound({
      mode: 'mixed',
      ballot: ballot(number),
      heard: undefined,
      voters: VOTERS,
      acceptors: ALL.map(idOf),
      quorum: 2,
      gather: 2,
      requests,
      n: 3,
      etagOf,
      ...options,
    });
  }

  /** Delivers the PREPARE to these, and their answers; gives what they led to. */
  prepare(round: Round, ...names: readonly Name[]): RoundStep {
    return firstOf(names.map((name) => round.onPrepareReply(idOf(name), this[name].prepare(round))));
  }

  /** Delivers the ACCEPT to these, and their answers. */
  accept(round: Round, step: RoundStep, ...names: readonly Name[]): RoundStep {
    const message = messageOf(step);
    return firstOf(names.map((name) => round.onAcceptReply(idOf(name), this[name].accept(message))));
  }

  commit(step: RoundStep, ...names: readonly Name[]): void {
    if (step.type !== 'chosen') throw new Error(`nothing was chosen: ${step.type}`);
    for (const name of names) this[name].commit(step.commit);
  }

  /** A whole round of a quorum, committed by it. */
  choose(number: number, requests: readonly Conditional[], ...names: readonly Name[]): RoundStep {
    const round = this.round(number, requests);
    const prepared = this.prepare(round, ...names);
    if (prepared.type !== 'accept') return prepared;
    const step = this.accept(round, prepared, ...names);
    this.commit(step, ...names);
    return step;
  }

  /** A linearizable read by a whole round: what it answers. */
  readByRound(number: number, ...names: readonly Name[]): readonly string[] {
    const round = this.round(number, [READ]);
    const prepared = this.prepare(round, ...names);
    return shownBy(prepared.type === 'answered' ? prepared : this.accept(round, prepared, ...names));
  }

  /** A linearizable read in one round trip: what it shows, or that a round is needed. */
  readAtOnce(...names: readonly Name[]): readonly string[] | 'round-needed' {
    const read = this.rules.newRead({ voters: VOTERS, acceptors: names.map(idOf), quorum: 2, mode: 'mixed' });
    for (const name of names) {
      const { held, node } = this[name];
      const { reply } = this.rules.decideRead(held, { type: 'read-key', voters: VOTERS }, node);
      const view = reply.type === 'key-view' ? { ...reply, digest: digestOf(reply.record) } : undefined;
      const verdict = read.onReply(idOf(name), view);
      if (verdict.type === 'settled' && reply.type === 'key-view') return textsOf(reply.record);
    }
    return 'round-needed';
  }
}

export function idOf(name: Name): NodeId {
  return name as string as NodeId;
}

/** The one that does not ask to wait. */
function firstOf(steps: readonly RoundStep[]): RoundStep {
  return steps.find(({ type }) => type !== 'wait') ?? { type: 'wait' };
}

export function messageOf(step: RoundStep): Accept {
  if (step.type !== 'accept') throw new Error(`nothing is to be accepted: ${step.type}`);
  return step.message;
}

export function grantOf(step: RoundStep): Grant {
  if (step.type !== 'chosen' || step.grant === undefined) throw new Error('nothing was granted');
  return step.grant;
}

/** The type of what the first request is told; the type of the step if there is nothing to tell. */
export function toldBy(step: RoundStep): string {
  return step.type === 'chosen' || step.type === 'answered'
    ? (step.verdicts[0]?.type ?? 'nothing')
    : step.type;
}

/** What the first request is shown. */
export function shownBy(step: RoundStep): readonly string[] {
  if (step.type !== 'chosen' && step.type !== 'answered')
    throw new Error(`nothing was answered: ${step.type}`);
  const [verdict] = step.verdicts;
  return verdict !== undefined && 'record' in verdict ? textsOf(verdict.record) : [];
}

/** The ETag of a record that a conditional write under this ballot made. */
export function etagOfBallot(number: number): string {
  return `paxos.${ballot(number)}.1`;
}

/** A plain write of this text by a client that had seen this. */
export function plain(text: string, seen?: CausalContext): KeyRecord {
  return recordOfWrite({
    dot: dot(text, 1),
    content: value(text),
    seen,
    writtenAtMs: 1,
    identity: undefined,
    n: 3,
    created: false,
  });
}
