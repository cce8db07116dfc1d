/**
 * One read of a key at R of its home replicas, coordinated by one of them or, under a sloppy quorum, by a fallback (Dynamo,
 * section 4.5).
 *
 * The own replica is asked first: it costs no message, and what it holds goes along as a digest, so that a replica with an
 * equal record answers "same" and no bytes. As many others are asked as R needs; another one where a replica fails or is
 * late (a hedge, see hedge-policy.ts: reads change nothing, so asking twice is safe). "Absent" counts as an answer of a home replica; an
 * unreadable record counts for nothing.
 *
 * Under a sloppy quorum, fallbacks are asked when home replicas are down, suspected, failing, or late by STAND_IN_AFTER_MS.
 * What one holds counts; that it holds nothing counts for nothing. So "nothing alive" is an answer only of R home replicas:
 * a live value may lie where nobody could look.
 *
 * A share of the reads asks all home replicas, so that it is known how many of them are behind, and what no other read would
 * meet is repaired (Dynamo, section 5, repairs whoever a read finds behind; these reads are what finds the others). They are
 * answered at R like any other.
 *
 * The operation ends at R answers, but goes on listening: `onSettled` gets all that came, for read repair.
 */
import { recordDigest } from '../../codec/record-codec.ts';
import { type CausalContext, covers, EMPTY_CONTEXT } from '../../core/causality/causal-context.ts';
import type { KeyRecord } from '../../core/causality/record.ts';
import { liveSiblings } from '../../core/causality/visible-siblings.ts';
import type { EntryName, NodeId } from '../../core/ids.ts';
import { HEDGE_LATEST_MS, STAND_IN_AFTER_MS } from '../../core/limits.ts';
import type { ReadReply } from '../../core/message.ts';
import type { Failure } from '../../core/outcome.ts';
import type { HedgePolicy } from '../../core/quorum/hedge-policy.ts';
import { QuorumTally } from '../../core/quorum/quorum-tally.ts';
import type { PreferredNodes } from '../../core/ring/ring.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { Tracer } from '../../ports/tracer.ts';
import type { InFlight, Leave } from '../in-flight.ts';
import { mostUsable, type NoReply, type Replicas } from '../replica/replicas.ts';
import { Deadline } from './deadline.ts';
import { type Held, HeldRecords, type SettledRead } from './held-records.ts';
import { readFailure, type ReadFailureCode } from './read-failure.ts';

export interface ReadPorts {
  readonly replicas: Replicas;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly inFlight: InFlight;
}

export type ReadOperationPorts = ReadPorts & { readonly hedging: HedgePolicy };

export interface ReadTarget {
  readonly entry: EntryName;
  readonly nodes: PreferredNodes;
  readonly r: number;
  readonly timeoutMs: number;
  /** What the answer has to cover; undefined if it does not matter. */
  readonly atLeast?: CausalContext | undefined;
  /** Whether every home replica that is up is asked, however few make the quorum. */
  readonly asksAll?: boolean | undefined;
}

export interface ReadAnswer {
  readonly type: 'answer';
  /** The join of what was found; undefined if no replica ever held the key. */
  readonly record: KeyRecord | undefined;
  readonly acks: number;
  /** Whether a fallback's answer was needed for them. */
  readonly sloppy: boolean;
  /** Whether a replica has accepted a conditional write that is not known to be chosen, and may be. */
  readonly hasUnfinishedRound: boolean;
}

export class ReadOperation {
  readonly #ports: ReadOperationPorts;
  readonly #target: ReadTarget;
  readonly #onSettled: (settled: SettledRead) => void;
  readonly #deadline: Deadline;
  readonly #tally: QuorumTally;
  readonly #held: HeldRecords;
  #resolve: (result: ReadAnswer | Failure) => void = ignore;
  /** Whether those that are asked beyond the quorum have still to be. */
  #wantsAll: boolean;
  #answered = false;
  #settled = false;
  #hedgeTimer: Timer | undefined;
  #stopDeadline: () => void = ignore;
  #cancels: (() => void)[] = [];
  readonly #leave: Leave;

  constructor(ports: ReadOperationPorts, target: ReadTarget, onSettled: (settled: SettledRead) => void) {
    this.#ports = ports;
    this.#target = target;
    this.#leave = ports.inFlight.enter();
    this.#onSettled = onSettled;
    this.#wantsAll = target.asksAll === true;
    this.#held = new HeldRecords(target.entry, ports.replicas.self);
    this.#deadline = new Deadline(ports.clock, target.timeoutMs);
    this.#tally = new QuorumTally(target.nodes.homes, target.r, target.nodes.fallbacks);
  }

  run(): Promise<ReadAnswer | Failure> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      const { hedging, replicas } = this.#ports;
      hedging.began();
      if (this.#target.nodes.homes.includes(replicas.self)) this.#ask(replicas.self);
      else this.#proceed();
      // What the own replica answers at once is not waited for.
      if (!this.#settled) this.#watch();
    });
  }

  #ask(node: NodeId): void {
    const { replicas, hedging } = this.#ports;
    const { bucket, key } = this.#target.entry;
    const askedMs = this.#deadline.elapsedMs;
    this.#tally.ask(node);
    const own = node === replicas.self ? undefined : this.#held.of(replicas.self);
    const known = own === undefined ? undefined : recordDigest(own);
    const cancel = replicas.read(node, { type: 'read', bucket, key, known }, (reply) => {
      const isPeer = node !== replicas.self && reply.type !== 'no-reply';
      if (isPeer) hedging.answered(this.#deadline.elapsedMs - askedMs);
      this.#take(node, reply, own);
    });
    this.#cancels.push(cancel);
  }

  #take(node: NodeId, reply: ReadReply | NoReply, own: Held): void {
    if (this.#settled) return;
    const result = this.#held.keep(node, reply, own);
    if (this.#tally.settle(node, result, this.#deadline.elapsedMs)) this.#proceed();
  }

  #proceed(): void {
    if (!this.#answered) this.#askMissing();
    this.#askAll();
    if (!this.#answered) this.#conclude();
    if (this.#answered && this.#tally.outstanding === 0) this.#settle();
  }

  /**
   * Answers if there is a quorum that is new enough, and can tell whether anything is alive. If it is not, the nodes that were
   * not asked may be; when all have answered, what they hold is all there is.
   */
  #conclude(): void {
    this.#takeBackOwn();
    // Whoever was asked in its place may have answered at once.
    if (this.#answered) return;
    const { verdict } = this.#tally;
    if (verdict === 'impossible') this.#answer(this.#failure('quorum-unavailable'));
    if (verdict !== 'reached') return;
    if (this.#isConclusive() && this.#isNewEnough()) {
      this.#answer(this.#success());
      return;
    }
    for (let next = this.#nextNode(); next !== undefined; next = this.#nextNode()) this.#ask(next);
    if (this.#answered || this.#tally.outstanding > 0) return;
    if (!this.#isConclusive()) this.#answer(this.#failure('quorum-unavailable'));
    else this.#answer(this.#haveAllTold() ? this.#success() : this.#failure('session-too-new'));
  }

  /** What was said here before a peer told this node that its disk has lost something is no answer. */
  #takeBackOwn(): void {
    const { replicas } = this.#ports;
    if (replicas.mayLack(this.#target.entry) && this.#tally.revoke(replicas.self, 'recovering'))
      this.#askMissing();
  }

  /** Whether it can be said what is there: of nothing alive only home replicas can tell. */
  #isConclusive(): boolean {
    if (this.#tally.countedHomes >= this.#target.r) return true;
    const joined = this.#held.join();
    return joined !== undefined && liveSiblings(joined).length > 0;
  }

  /** Whether every node that may hold something has said what it holds. */
  #haveAllTold(): boolean {
    const { homes, fallbacks } = this.#target.nodes;
    return this.#held.told === homes.length + fallbacks.length;
  }

  #isNewEnough(): boolean {
    const { atLeast } = this.#target;
    return atLeast === undefined || covers(this.#held.join()?.context ?? EMPTY_CONTEXT, atLeast);
  }

  #askMissing(): void {
    for (let missing = this.#tally.missing; missing > 0; missing = this.#tally.missing) {
      const next = this.#nextNode();
      if (next === undefined) return;
      this.#ask(next);
    }
  }

  /**
   * After the own replica has said what it holds, so that equal ones answer with a digest; before the quorum ends the read. One
   * that is not up has nothing to tell, and a hint or an exchange brings it what it missed.
   */
  #askAll(): void {
    if (!this.#wantsAll) return;
    this.#wantsAll = false;
    for (const home of this.#unasked(this.#target.nodes.homes)) {
      if (this.#ports.replicas.state(home) === 'up') this.#ask(home);
    }
  }

  /** The next node in order of preference; those that have to be waited for, or fail at once, come last. */
  #nextNode(): NodeId | undefined {
    const { homes, fallbacks } = this.#target.nodes;
    return mostUsable(this.#ports.replicas, this.#unasked([...homes, ...fallbacks]));
  }

  #unasked(nodes: readonly NodeId[]): readonly NodeId[] {
    return nodes.filter((node) => this.#tally.isUnasked(node));
  }

  /** Sets the deadline, and the hedge that a late replica is covered by: another home replica soon, a fallback later. */
  #watch(): void {
    this.#stopDeadline = this.#deadline.onPassed(() => this.#passed());
    if (!this.#answered) this.#hedgeAfter(this.#ports.hedging.delayMs);
  }

  #hedgeAfter(ms: number): void {
    this.#hedgeTimer = this.#ports.clock.setTimer(ms, () => this.#hedge());
  }

  #hedge(): void {
    if (this.#answered) return;
    const { replicas, tracer, hedging } = this.#ports;
    const homes = this.#unasked(this.#target.nodes.homes);
    const nodes = homes.length > 0 ? homes : this.#unasked(this.#target.nodes.fallbacks);
    if (nodes.length === 0) return;
    const waitedMs = this.#deadline.elapsedMs;
    const isDue = homes.length > 0 ? hedging.allows(waitedMs) : waitedMs >= STAND_IN_AFTER_MS;
    if (!isDue) {
      this.#hedgeAfter((homes.length > 0 ? HEDGE_LATEST_MS : STAND_IN_AFTER_MS) - waitedMs);
      return;
    }
    const next = mostUsable(replicas, nodes) as NodeId;
    tracer.trace({ type: 'hedged-read', peer: next });
    this.#ask(next);
    // An answer may have come at once.
    if (!this.#answered) this.#hedgeAfter(hedging.delayMs);
  }

  #passed(): void {
    const isTooOld = this.#tally.verdict === 'reached' && this.#isConclusive();
    if (!this.#answered) this.#answer(this.#failure(isTooOld ? 'session-too-new' : 'quorum-timeout'));
    this.#settle();
  }

  #answer(result: ReadAnswer | Failure): void {
    this.#answered = true;
    this.#hedgeTimer?.cancel();
    this.#resolve(result);
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#stopDeadline();
    for (const cancel of this.#cancels) cancel();
    this.#cancels = [];
    const { homes } = this.#target.nodes;
    const differences = this.#held.differences(homes);
    if (this.#target.asksAll === true) this.#measure(differences?.behind.length ?? 0);
    if (differences !== undefined) this.#onSettled(differences);
    // What is repaired has been sent, or is being stored.
    this.#leave();
  }

  /** What cannot be known of those that did not answer is not taken for the best. */
  #measure(behind: number): void {
    const haveAllTold = this.#held.haveTold(this.#target.nodes.homes);
    const result = behind > 0 ? 'stale' : haveAllTold ? 'equal' : 'incomplete';
    this.#ports.tracer.trace({ type: 'read-of-all', result, behind });
  }

  #success(): ReadAnswer {
    const { counted, countedHomes } = this.#tally;
    const sloppy = countedHomes < this.#target.r;
    const acks = sloppy ? counted : countedHomes;
    const { hasUnfinishedRound } = this.#held;
    return { type: 'answer', record: this.#held.join(), acks, sloppy, hasUnfinishedRound };
  }

  #failure(code: ReadFailureCode): Failure {
    const { r, nodes } = this.#target;
    const counted = this.#isConclusive() ? this.#tally.counted : this.#tally.countedHomes;
    return readFailure(code, { r, nodes, counted, replicas: this.#tally.reports(this.#deadline.elapsedMs) });
  }
}

function ignore(): void {}
