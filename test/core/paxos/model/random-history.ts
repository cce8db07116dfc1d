/**
 * A random history of one key, as a function of its seed: two, three or five home replicas, up to eight operations of clients that
 * run side by side through any of the nodes. Messages are lost, late, and come twice, in any order; nodes restart; a disk is
 * replaced; clients repeat what they had no answer to through another node. Then the faults end, and a last read
 * shows what became of it all.
 *
 * In half of the histories rounds ask no more acceptors than make a quorum, whichever these are.
 *
 * In half of the histories plain writes are mixed with conditional ones, in the other half rounds save their PREPARE by what was
 * promised before, and deleted keys are forgotten; neither goes with plain writes.
 *
 * The history must be linearizable. A plain write counts as done if a majority of the home replicas that know the same
 * voters has stored it, and as unknown otherwise. One disk at a time is lost, and the next one after the node votes again:
 * a majority that forgets is more than the protocol promises to survive. Of two home replicas one disk is lost: its node votes again
 * when it has its records back, for the other one has a part in every majority; or it has lost no more than a record.
 */
import { formatDot } from '../../../../src/core/causality/dot.ts';
import { liveSiblings } from '../../../../src/core/causality/visible-siblings.ts';
import type { KeyRecord } from '../../../../src/core/causality/record.ts';
import { ballotOf, highestBallot } from '../../../../src/core/paxos/ballot.ts';
import type { Voters } from '../../../../src/core/paxos/messages.ts';
import type { NodeId } from '../../../../src/core/ids.ts';
import { incarnation } from '../../causality/sample-records.ts';
import { seededDraw } from '../../causality/seeded-draw.ts';
import { isLinearizable, type KeyOperation, type KeyRequest, type Writes } from './linearizability.ts';
import { ModelCoordinator } from './model-coordinator.ts';
import { ModelNode } from './model-node.ts';
import type { ModelHost, ModelOperation, Sight } from './model-operation.ts';
import type { ModelRules } from './model-rules.ts';
import { etagOf } from './record-names.ts';

const MAX_STEPS = 3_000;
/** One history in so many has two home replicas. */
const PAIR_EVERY = 8;
const ATTEMPTS = 3;
const NOBODY = incarnation('-');
const LAST_READ = { request: { type: 'read' }, seen: undefined } as const;

export interface HistoryOptions {
  readonly seed: number;
  readonly rules: ModelRules;
  /** Called with a line for all that happens. */
  readonly onEvent?: (line: string) => void;
}

export interface HistoryResult {
  readonly isLinearizable: boolean;
  readonly operations: readonly ModelOperation[];
  readonly kept: number;
  /** Whether it ended before its last read was answered, which no fair schedule should. */
  readonly stuck: boolean;
}

export function runHistory(options: HistoryOptions): HistoryResult {
  return new RandomHistory(options).run();
}

class RandomHistory implements ModelHost {
  readonly draw: (below: number) => number;
  nowMs = 1_000;
  readonly #onEvent: HistoryOptions['onEvent'];
  readonly #nodes: readonly ModelNode[];
  readonly #coordinators: readonly ModelCoordinator[];
  readonly #operations: ModelOperation[] = [];
  readonly #plannedOperations: number;
  readonly #sights: Sight[] = [];
  readonly #writesOfDots = new Map<string, number>();
  readonly #inFlight: (() => void)[] = [];
  readonly #isMixed: boolean;
  readonly #wipes: boolean;
  readonly #crashPercent: number;
  #lossPercent: number;
  #doublePercent: number;
  #order = 0;

  constructor({ seed, rules, onEvent }: HistoryOptions) {
    this.draw = seededDraw(seed);
    this.#onEvent = onEvent;
    const more = this.chance(80) ? 3 : 5;
    const nodes = seed % PAIR_EVERY === 1 ? 2 : more;
    this.#isMixed = this.chance(60);
    this.#wipes = this.chance(30);
    this.#plannedOperations = 3 + this.draw(6);
    this.#lossPercent = [0, 5, 20, 35][this.draw(4)] as number;
    this.#doublePercent = [0, 0, 10, 25][this.draw(4)] as number;
    this.#crashPercent = [0, 0, 1, 4][this.draw(4)] as number;
    this.#nodes = Array.from(
      { length: nodes },
      (_, index) => new ModelNode(index, nodes, this.draw(4) * 40, rules),
    );
    const usesGrants = this.#isMixed ? rules.grantsInMixedMode : this.chance(60);
    const mode = this.#isMixed ? 'mixed' : 'cas';
    const isThrifty = isThriftySeed(seed);
    this.#coordinators = this.#nodes.map(
      (node) => new ModelCoordinator(node, this.#nodes, this, rules, { mode, usesGrants, isThrifty }),
    );
  }

  run(): HistoryResult {
    for (let step = 0; step < MAX_STEPS && !this.#isDone(); step += 1) this.#step();
    const isQuiet = this.#isDone();
    const last = this.#readAtTheEnd();
    const operations = this.#operations.filter(isKept);
    return {
      isLinearizable: isLinearizable(operations),
      operations: this.#operations,
      kept: operations.length,
      stuck: !isQuiet || last.outcome?.type !== 'shown',
    };
  }

  chance(percent: number): boolean {
    return percent > 0 && this.draw(100) < percent;
  }

  send(deliver: () => void): void {
    if (this.chance(this.#lossPercent)) return;
    this.#inFlight.push(deliver);
    if (this.chance(this.#doublePercent)) this.#inFlight.push(deliver);
  }

  log(line: () => string): void {
    this.#onEvent?.(line());
  }

  answer(operation: ModelOperation, given: NonNullable<ModelOperation['outcome']>, record?: KeyRecord): void {
    // Its client has turned to another coordinator, and does not listen to this one any more.
    if (operation.outcome !== undefined || this.#operations[operation.number] !== operation) return;
    // The answer itself may be lost on its way to the client.
    const outcome =
      given.type !== 'failed' && this.chance(this.#lossPercent / 2) ? ({ type: 'unknown' } as const) : given;
    if (outcome.type === 'unknown') {
      if (operation.request.type === 'read') operation.outcome = { type: 'failed' };
      else if (operation.request.type !== 'put' && operation.attempts < ATTEMPTS && this.chance(70))
        this.#attempt(operation, true);
      else operation.outcome = outcome;
      return;
    }
    this.#order += 1;
    operation.returnedAt = this.#order;
    const sight = this.#see(record);
    operation.outcome = outcome.type === 'shown' ? { type: 'shown', state: sight.writes } : outcome;
    if (outcome.type === 'shown' || outcome.type === 'ok') this.#sights.push(sight);
    this.log(() => `${operation.number} ${operation.request.type}: ${JSON.stringify(operation.outcome)}`);
  }

  #step(): void {
    this.nowMs += 1;
    const kind = this.draw(100);
    if (kind < 12 && this.#operations.length < this.#plannedOperations) {
      this.#call();
      return;
    }
    if (kind >= 96 || this.#inFlight.length === 0) return this.#disturb();
    this.#deliver();
  }

  #deliver(): void {
    const index = this.draw(this.#inFlight.length);
    const deliver = this.#inFlight[index] as () => void;
    const last = this.#inFlight.pop() as () => void;
    if (index < this.#inFlight.length) this.#inFlight[index] = last;
    deliver();
  }

  #disturb(): void {
    const node = this.#pick(this.#nodes);
    const newcomer = this.#nodes.find(({ isVoting }) => !isVoting);
    switch (this.draw(7)) {
      case 6:
        if (this.#operations.length > 0) this.#overtake(this.#pick(this.#operations));
        return;
      case 0:
      case 1:
        return this.#coordinators[node.index]?.timeOut();
      case 2:
        if (this.chance(this.#crashPercent * 10)) this.#restart(node);
        return;
      case 3:
        if (newcomer !== undefined) return this.#recover(newcomer, node);
        if (this.#mayWipe && this.chance(15)) this.#wipe(node);
        return;
      case 4:
        this.#endRecovery(node);
        if (newcomer !== undefined) this.#recover(newcomer, node);
        else if (!this.#isMixed && this.chance(30)) this.#coordinators[node.index]?.collect();
        return;
      default:
        // Anti-entropy carries records, and nothing of what was accepted.
        if (this.#isMixed) this.#replicate(node, this.#pick(this.#nodes));
    }
  }

  #call(request = this.#drawRequest()): ModelOperation {
    this.#order += 1;
    const operation: ModelOperation = {
      number: this.#operations.length,
      ...request,
      calledAt: this.#order,
      notBefore: ballotOf({ timeMs: this.nowMs, logical: 0, node: '-' as NodeId, incarnation: NOBODY }),
      returnedAt: Infinity,
      outcome: undefined,
      attempts: 0,
      isRetry: false,
      lostRounds: [],
      rounds: 0,
    };
    this.#operations.push(operation);
    this.#attempt(operation, false);
    return operation;
  }

  #drawRequest(): { readonly request: KeyRequest; readonly seen: Sight | undefined } {
    const newest = this.chance(70) ? this.#sights.at(-1) : undefined;
    const seen = newest ?? this.#sights[this.draw(this.#sights.length + 1)];
    const kind = this.draw(100);
    if (this.#isMixed && kind < 35) {
      const blind = this.chance(50) ? undefined : seen;
      return { request: { type: 'put', replaces: blind?.writes ?? 0 }, seen: blind };
    }
    if (kind < 55) return { request: { type: 'read' }, seen };
    if (seen?.hasLive !== true || kind < 63) return { request: { type: 'create' }, seen };
    return { request: { type: kind < 75 ? 'cas-delete' : 'cas', expected: seen.writes }, seen };
  }

  /** A client tires of waiting, and asks another coordinator. The first one goes on. */
  #overtake(operation: ModelOperation): void {
    const { request, outcome, attempts } = operation;
    if (outcome !== undefined || request.type === 'read' || request.type === 'put' || attempts >= ATTEMPTS)
      return;
    const again = { ...operation, lostRounds: [] };
    this.#operations[operation.number] = again;
    this.#attempt(again, true);
  }

  #attempt(operation: ModelOperation, isRetry: boolean): void {
    const node = this.#pick(this.#nodes);
    operation.attempts += 1;
    operation.rounds = 0;
    operation.isRetry = isRetry;
    this.log(
      () =>
        `${operation.number} ${JSON.stringify(operation.request)} at ${node.id}, attempt ${operation.attempts}`,
    );
    if (operation.request.type === 'put') this.#put(operation, node);
    else this.#coordinators[node.index]?.take(operation);
  }

  /** Stored at its coordinator first, whose whole record then goes to the others. */
  #put(operation: ModelOperation, node: ModelNode): void {
    const { voters } = node;
    const dot = node.put(operation.seen?.context, this.nowMs, this.#nodes.length);
    this.#writesOfDots.set(formatDot(dot), operation.number);
    const { record } = node.held;
    const acknowledged = new Set([node]);
    const acknowledge = (from: ModelNode, as: Voters): void => {
      if (as !== voters) return;
      acknowledged.add(from);
      if (acknowledged.size * 2 > this.#nodes.length)
        this.answer(operation, { type: 'ok' }, node.held.record);
    };
    for (const other of this.#nodes) {
      if (other === node) continue;
      this.send(() => {
        other.joinIn(record);
        const as = other.voters;
        this.send(() => acknowledge(other, as));
      });
    }
  }

  #restart(node: ModelNode): void {
    this.log(() => `${node.id} restarts`);
    node.restart();
    this.#coordinators[node.index]?.crash();
  }

  get #isPair(): boolean {
    return this.#nodes.length === 2;
  }

  get #mayWipe(): boolean {
    return this.#wipes && !(this.#isPair && this.#nodes.some(({ generation }) => generation > 0));
  }

  #wipe(node: ModelNode): void {
    // What a round may rest on in the place of a third: that the other one knows what was chosen, and does not hold it.
    const isJustRecord = this.#isPair && this.chance(50);
    this.log(() => `${node.id} ${isJustRecord ? 'loses its record' : 'is wiped'}`);
    node.wipe(isJustRecord);
    this.#coordinators[node.index]?.crash();
  }

  /** Hears of a replaced store by and by; then has the others choose anew, and lets it vote again. */
  #recover(newcomer: ModelNode, node: ModelNode): void {
    if (node === newcomer) return;
    if (!node.knows(newcomer)) return node.hear(newcomer);
    newcomer.floor = highestBallot(...this.#nodes.map(({ floor }) => floor));
    if (this.#isPair) newcomer.regain(node.held.record);
    else this.#coordinators[node.index]?.admit(newcomer);
  }

  /** Who was let in on this key votes as if nothing had been lost, as soon as all others know its store. */
  #endRecovery(node: ModelNode): void {
    const admitted = this.#nodes.find(({ isNewcomer, isVoting }) => isNewcomer && isVoting);
    if (admitted === undefined) return;
    node.hear(admitted);
    if (this.#nodes.every((other) => other.knows(admitted))) admitted.votesAgain();
  }

  #replicate(from: ModelNode, to: ModelNode): void {
    const { record } = from.held;
    this.send(() => to.joinIn(record));
  }

  /** All that is open is given up where it does not end by itself. */
  #isDone(): boolean {
    if (this.#operations.length < this.#plannedOperations) return false;
    return this.#operations.every(({ outcome }) => outcome !== undefined) || this.#isOnlyWaitingForPuts();
  }

  #isOnlyWaitingForPuts(): boolean {
    if (this.#inFlight.length > 0) return false;
    return this.#operations.every(({ outcome, request }) => outcome !== undefined || request.type === 'put');
  }

  #readAtTheEnd(): ModelOperation {
    for (const operation of this.#operations) operation.outcome ??= { type: 'unknown' };
    this.#lossPercent = 0;
    this.#doublePercent = 0;
    for (const node of this.#nodes) for (const other of this.#nodes) node.hear(other);
    this.log(() => 'the faults end');
    let last = this.#call(LAST_READ);
    for (let tries = 0; tries < 300 && last.outcome?.type !== 'shown'; tries += 1) {
      while (this.#inFlight.length > 0 && last.outcome === undefined) this.#deliver();
      if (last.outcome?.type === 'failed') {
        this.#operations.pop();
        last = this.#call(LAST_READ);
      }
      const newcomer = this.#nodes.find(({ isVoting }) => !isVoting);
      if (newcomer !== undefined) this.#recover(newcomer, this.#pick(this.#nodes));
      this.nowMs += 10;
      this.#coordinators[this.draw(this.#nodes.length)]?.timeOut();
    }
    return last;
  }

  #see(record: KeyRecord | undefined): Sight {
    let writes: Writes = 0;
    for (const { dot, writeId } of record?.siblings ?? []) {
      const number =
        writeId === undefined
          ? this.#writesOfDots.get(formatDot(dot))
          : Number.parseInt(writeId.slice(2), 10);
      // A tombstone that nobody asked for keeps a refusal.
      if (number !== undefined) writes |= 1 << number;
    }
    if (record === undefined) return { writes, etag: undefined, context: undefined, hasLive: false };
    return {
      writes,
      etag: etagOf(record),
      context: record.context,
      hasLive: liveSiblings(record).length > 0,
    };
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.draw(items.length)] as Item;
  }
}

function isKept(operation: ModelOperation): operation is ModelOperation & KeyOperation {
  return operation.outcome !== undefined && operation.outcome.type !== 'failed';
}

/** By a draw of its own, in half of the histories: those that are known by their seed to show something stay what they are. */
function isThriftySeed(seed: number): boolean {
  return seededDraw(seed + 2_071_262_136)(100) < 50;
}
