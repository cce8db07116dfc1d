/** One home replica of the model: a production acceptor with its state, and the record that plain writes join into. */
import { mintDot, recordOfWrite } from '../../../../src/core/causality/mint.ts';
import type { CausalContext } from '../../../../src/core/causality/causal-context.ts';
import type { Dot } from '../../../../src/core/causality/dot.ts';
import type { KeyRecord } from '../../../../src/core/causality/record.ts';
import { joinIfAny, KEY_RECORDS } from '../../../../src/core/causality/record-order.ts';
import type { Incarnation, NodeId, StoreId } from '../../../../src/core/ids.ts';
import type { AcceptorNode, Decision } from '../../../../src/core/paxos/acceptor.ts';
import { type HeldKey, UNTOUCHED } from '../../../../src/core/paxos/acceptor-state.ts';
import { type Ballot, BallotClock, highestBallot } from '../../../../src/core/paxos/ballot.ts';
import type { Voters } from '../../../../src/core/paxos/messages.ts';
import { incarnation } from '../../causality/sample-records.ts';
import type { ModelRules } from './model-rules.ts';

const NOTHING: HeldKey = { state: UNTOUCHED, record: undefined };
const VALUE = { type: 'value', contentType: 'x', bytes: new Uint8Array() } as const;
const INCARNATIONS = new Map<string, Incarnation>();

export class ModelNode {
  readonly index: number;
  readonly id: NodeId;
  held: HeldKey = NOTHING;
  floor: Ballot | undefined;
  /** How often its disk was replaced, and how often that of each node was, as it knows. */
  generation = 0;
  isNewcomer = false;
  clock: BallotClock;
  skewMs: number;
  readonly #view: number[];
  readonly #rules: ModelRules;
  #starts = 0;
  #epochs = 0;
  #incarnation: Incarnation;
  #voters: Voters | undefined;

  constructor(index: number, nodes: number, skewMs: number, rules: ModelRules) {
    this.index = index;
    this.id = `n${index}` as NodeId;
    this.skewMs = skewMs;
    this.#rules = rules;
    this.#view = Array.from({ length: nodes }, () => 0);
    this.#incarnation = this.#newIncarnation();
    this.clock = new BallotClock(this.id, this.#incarnation);
  }

  get voters(): Voters {
    this.#voters ??= (this.#rules.storesAreCompared ? this.#view.join('.') : 'epoch') as Voters;
    return this.#voters;
  }

  get store(): StoreId {
    return `s${this.index}.${this.generation}` as StoreId;
  }

  get isVoting(): boolean {
    return !this.isNewcomer || this.held.state.admittedAs === this.store;
  }

  asAcceptor(nowMs: number): AcceptorNode {
    return {
      voters: this.voters,
      store: this.store,
      incarnation: this.#incarnation,
      isNewcomer: this.isNewcomer && this.#rules.newcomersWait,
      floor: this.#rules.floorIsKept ? this.floor : undefined,
      nowMs: nowMs + this.skewMs,
      records: KEY_RECORDS,
    };
  }

  carryOut<Reply>({ write, reply }: Decision<Reply>): Reply {
    if (write !== undefined) this.held = write;
    return reply;
  }

  joinIn(record: KeyRecord | undefined): void {
    this.held = { state: this.held.state, record: joinIfAny(this.held.record, record) };
  }

  /** A plain write, minted and stored here. */
  put(seen: CausalContext | undefined, nowMs: number, n: number): Dot {
    const dot = mintDot(this.held.record, this.#incarnation, () => (this.#epochs += 1));
    const writtenAtMs = nowMs;
    this.joinIn(
      recordOfWrite({ dot, content: VALUE, seen, writtenAtMs, identity: undefined, n, created: false }),
    );
    return dot;
  }

  knows(other: ModelNode): boolean {
    return this.#view[other.index] === other.generation;
  }

  hear(other: ModelNode): void {
    this.#view[other.index] = other.generation;
    this.#voters = undefined;
  }

  restart(): void {
    this.#incarnation = this.#newIncarnation();
    this.clock = new BallotClock(this.id, this.#incarnation);
    this.held = { state: this.#rules.afterRestart(this.held.state), record: this.held.record };
  }

  /** `isJustRecord`: what it has promised, accepted and knows to be chosen is still there. */
  wipe(isJustRecord = false): void {
    this.held = isJustRecord ? { ...this.held, record: undefined } : NOTHING;
    if (!isJustRecord) this.floor = undefined;
    this.generation += 1;
    this.isNewcomer = true;
    this.hear(this);
    this.restart();
  }

  /** Has back the records of the other one of two, which is all that it has to have. */
  regain(record: KeyRecord | undefined): void {
    this.joinIn(record);
    this.votesAgain();
  }

  /** On all keys, whatever was lost. */
  votesAgain(): void {
    this.isNewcomer = false;
  }

  collect(floor: Ballot): void {
    this.held = NOTHING;
    this.floor = highestBallot(this.floor, floor);
  }

  #newIncarnation(): Incarnation {
    this.#starts += 1;
    const name = `n${this.index}s${this.#starts}`;
    const known = INCARNATIONS.get(name) ?? incarnation(name);
    INCARNATIONS.set(name, known);
    return known;
  }
}
