/**
 * One read of a key at R of its home replicas, coordinated by one of them (Dynamo, section 4.5).
 *
 * The own replica is asked first: it costs no message, and what it holds goes along as a digest, so that a replica with an
 * equal record answers "same" and no bytes. As many others are asked as R needs; another one where a replica fails, or is
 * late (a hedge: reads change nothing, so asking twice is safe). "Absent" counts as an answer of a home replica; an
 * unreadable record counts for nothing.
 *
 * The operation ends at R answers, but goes on listening: `onSettled` gets all that came, for read repair.
 */
import {
  decodeCheckedRecord,
  decodeRecord,
  encodeRecord,
  recordDigest,
  sameBytes,
} from '../../codec/record-codec.ts';
import { type CausalContext, covers, EMPTY_CONTEXT } from '../../core/causality/causal-context.ts';
import { joinRecords } from '../../core/causality/join.ts';
import type { KeyRecord } from '../../core/causality/record.ts';
import type { EntryName, NodeId } from '../../core/ids.ts';
import { HEDGE_DELAY_MS } from '../../core/limits.ts';
import type { ReadReply } from '../../core/message.ts';
import type { Failure } from '../../core/outcome.ts';
import { QuorumTally } from '../../core/quorum/quorum-tally.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { Tracer } from '../../ports/tracer.ts';
import { mostUsable, type NoReply, type Replicas } from '../replica/replicas.ts';
import { Deadline } from './deadline.ts';

export interface ReadPorts {
  readonly replicas: Replicas;
  readonly clock: Clock;
  readonly tracer: Tracer;
}

export interface ReadTarget {
  readonly entry: EntryName;
  /** Home replicas, in order of preference. */
  readonly homes: readonly NodeId[];
  readonly r: number;
  readonly timeoutMs: number;
  /** What the answer has to cover; undefined if it does not matter. */
  readonly atLeast?: CausalContext | undefined;
}

export interface ReadAnswer {
  readonly type: 'answer';
  /** The join of what was found; undefined if no replica ever held the key. */
  readonly record: KeyRecord | undefined;
  readonly acks: number;
}

/** What was found where, when no more answers come: what read repair starts from. */
export interface SettledRead {
  readonly entry: EntryName;
  /** Encoded. */
  readonly joined: Uint8Array;
  /** Home replicas that answered and hold something else than the join. */
  readonly behind: readonly NodeId[];
}

/** What one replica holds: its encoded record, or undefined if it holds nothing. */
type Held = Uint8Array | undefined;

export class ReadOperation {
  readonly #ports: ReadPorts;
  readonly #target: ReadTarget;
  readonly #onSettled: (settled: SettledRead) => void;
  readonly #deadline: Deadline;
  readonly #tally: QuorumTally;
  readonly #held = new Map<NodeId, Held>();
  readonly #decoded = new Map<NodeId, KeyRecord>();
  #resolve: (result: ReadAnswer | Failure) => void = ignore;
  #answered = false;
  #settled = false;
  #hedgeTimer: Timer | undefined;
  #stopDeadline: () => void = ignore;
  #cancels: (() => void)[] = [];

  constructor(ports: ReadPorts, target: ReadTarget, onSettled: (settled: SettledRead) => void) {
    this.#ports = ports;
    this.#target = target;
    this.#onSettled = onSettled;
    this.#deadline = new Deadline(ports.clock, target.timeoutMs);
    this.#tally = new QuorumTally(target.homes, target.r);
  }

  run(): Promise<ReadAnswer | Failure> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      const { self } = this.#ports.replicas;
      this.#watch();
      if (this.#tally.isUnasked(self)) this.#ask(self);
      else this.#proceed();
    });
  }

  #ask(node: NodeId): void {
    const { replicas } = this.#ports;
    const { entry } = this.#target;
    this.#tally.ask(node);
    const own = node === replicas.self ? undefined : this.#held.get(replicas.self);
    const known = own === undefined ? undefined : recordDigest(own);
    const cancel = replicas.read(node, { type: 'read', ...entry, known }, (reply) =>
      this.#take(node, reply, own),
    );
    this.#cancels.push(cancel);
  }

  #take(node: NodeId, reply: ReadReply | NoReply, own: Held): void {
    if (this.#settled) return;
    const result = this.#keep(node, reply, own);
    if (this.#tally.settle(node, result, this.#deadline.elapsedMs)) this.#proceed();
  }

  /** Keeps what a replica holds; answers how it counts. */
  #keep(node: NodeId, reply: ReadReply | NoReply, own: Held): Parameters<QuorumTally['settle']>[1] {
    switch (reply.type) {
      case 'found':
        return this.#keepFound(node, reply.record);
      case 'same':
        this.#held.set(node, own);
        return 'ok';
      case 'absent':
        this.#held.set(node, undefined);
        return 'not-found';
      case 'unreadable':
        return 'unreadable';
      case 'no-reply':
        return reply.result;
    }
  }

  /** What cannot be decoded is as good as unreadable. */
  #keepFound(node: NodeId, encoded: Uint8Array): 'ok' | 'unreadable' {
    try {
      // What the own replica gives it has just checked.
      const isOwn = node === this.#ports.replicas.self;
      const record = isOwn ? decodeCheckedRecord(encoded) : decodeRecord(this.#target.entry, encoded);
      this.#decoded.set(node, record);
    } catch {
      return 'unreadable';
    }
    this.#held.set(node, encoded);
    return 'ok';
  }

  #proceed(): void {
    if (!this.#answered) this.#askMissing();
    if (!this.#answered) this.#conclude();
    if (this.#answered && this.#tally.outstanding === 0) this.#settle();
  }

  /**
   * Answers if there is a quorum that is new enough. If it is not, the replicas that were not asked may be; when all home
   * replicas have answered, what they hold is all there is.
   */
  #conclude(): void {
    const { verdict } = this.#tally;
    if (verdict === 'impossible') this.#answer(this.#failure('quorum-unavailable'));
    if (verdict !== 'reached') return;
    if (this.#isNewEnough()) {
      this.#answer(this.#success());
      return;
    }
    for (let next = this.#nextNode(); next !== undefined; next = this.#nextNode()) this.#ask(next);
    if (this.#answered || this.#tally.outstanding > 0) return;
    const isAll = this.#tally.counted === this.#target.homes.length;
    this.#answer(isAll ? this.#success() : this.#failure('session-too-new'));
  }

  #isNewEnough(): boolean {
    const { atLeast } = this.#target;
    return atLeast === undefined || covers(this.#join()?.context ?? EMPTY_CONTEXT, atLeast);
  }

  #askMissing(): void {
    for (let missing = this.#tally.missing; missing > 0; missing = this.#tally.missing) {
      const next = this.#nextNode();
      if (next === undefined) return;
      this.#ask(next);
    }
  }

  /** The next home replica in order of preference; those that have to be waited for, or fail at once, come last. */
  #nextNode(): NodeId | undefined {
    const { replicas } = this.#ports;
    return mostUsable(
      replicas,
      this.#target.homes.filter((node) => this.#tally.isUnasked(node)),
    );
  }

  /** Sets the deadline, and the hedge that a late replica is covered by. */
  #watch(): void {
    const { clock, tracer } = this.#ports;
    this.#stopDeadline = this.#deadline.onPassed(() => this.#passed());
    const hedge = (): void => {
      if (this.#answered) return;
      const next = this.#nextNode();
      if (next === undefined) return;
      tracer.trace({ type: 'hedged-read', peer: next });
      this.#ask(next);
      this.#hedgeTimer = clock.setTimer(HEDGE_DELAY_MS, hedge);
    };
    this.#hedgeTimer = clock.setTimer(HEDGE_DELAY_MS, hedge);
  }

  #passed(): void {
    const isTooOld = this.#tally.verdict === 'reached';
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
    this.#reportDifferences();
  }

  #success(): ReadAnswer {
    return { type: 'answer', record: this.#join(), acks: this.#tally.counted };
  }

  #join(): KeyRecord | undefined {
    let joined: KeyRecord | undefined;
    for (const record of this.#decoded.values()) {
      joined = joined === undefined ? record : joinRecords(joined, record);
    }
    return joined;
  }

  #failure(code: 'quorum-unavailable' | 'quorum-timeout' | 'session-too-new'): Failure {
    const { r, homes } = this.#target;
    const { counted } = this.#tally;
    const answered = `${counted} of ${homes.length} home replicas could tell what they hold`;
    const details = {
      'quorum-timeout': `${answered}, but R is ${r}, in time.`,
      'quorum-unavailable': `${answered}, but R is ${r}, and no more can be asked.`,
      'session-too-new': `${answered}, and none of it is as new as the context of the request.`,
    };
    return {
      type: 'failed',
      code,
      certainty: 'not-applied',
      detail: details[code],
      required: r,
      received: counted,
      replicas: this.#tally.reports(this.#deadline.elapsedMs),
    };
  }

  #reportDifferences(): void {
    const records = new Set([...this.#held.values()].map(digestKey));
    if (records.size < 2 || this.#decoded.size === 0) return;
    const joined = this.#join();
    if (joined === undefined) return;
    const encoded = encodeRecord(this.#target.entry, joined);
    const digest = recordDigest(encoded);
    const behind = [...this.#held].filter(
      ([, held]) => held === undefined || !sameBytes(recordDigest(held), digest),
    );
    this.#onSettled({ entry: this.#target.entry, joined: encoded, behind: behind.map(([node]) => node) });
  }
}

function digestKey(held: Held): string {
  return held === undefined ? '' : Buffer.from(recordDigest(held)).toString('latin1');
}

function ignore(): void {}
