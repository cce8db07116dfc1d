/**
 * Carries one round (core/paxos/round.ts) out among the home replicas of a key. When the round has ended, what acceptors still
 * answer to the ACCEPT is told to it all the same: their refusals may prove that a write was not applied.
 */
import { EncodedRecord } from '../../codec/encoded-record.ts';
import { checkRecord } from '../../codec/record-codec.ts';
import { FormatError } from '../../codec/packer.ts';
import type { KeyRecord } from '../../core/causality/record.ts';
import type { EntryName, NodeId } from '../../core/ids.ts';
import type { PhaseTime } from '../../core/outcome.ts';
import type { Accept, Promised, Refusal, Rejected } from '../../core/paxos/messages.ts';
import type { PaxosReply, PaxosRequest } from '../../core/paxos/peer-messages.ts';
import type { Grant, Round, RoundStep } from '../../core/paxos/round.ts';
import type { Acceptors } from './acceptors.ts';
import { type Answer, Asking, type AskingPorts } from './asking.ts';

export interface RoundRunPorts extends AskingPorts {
  readonly acceptors: Acceptors;
}

export interface RoundTarget {
  readonly entry: EntryName;
  readonly homes: readonly NodeId[];
  /** How many of them are asked at first: as many as the round needs; all, where it matters that each has its part in it. */
  readonly askedFirst: number;
  /** Milliseconds for the whole round. */
  readonly limitMs: number;
  /** Milliseconds to wait for more promises than a quorum's, if the round gathers more. */
  readonly gatherMs: number;
  /** What the key may still hold, by what this node knows. */
  readonly known: EncodedRecord | undefined;
}

/** A round that has little time asks others sooner. */
const HEDGE_SHARE_OF_LIMIT = 0.25;

/** Ranks of whom to ask last. No answer takes 2^100 times as long as a prompt one. */
const LATE = 1_000;
const AWAY = 2_000;

const OVERTAKEN: ReadonlySet<Refusal> = new Set(['outbid', 'dirty', 'collected']);

export type RoundEnd = Exclude<RoundStep, { readonly type: 'wait' | 'accept' }>;

export class RoundRun {
  readonly #ports: RoundRunPorts;
  readonly #target: RoundTarget;
  readonly #round: Round;
  #resolve: (end: RoundEnd) => void = () => {};
  #isProposed = false;
  /** Different ones that promises hold, or may hold: replicas hold the same, as a rule. */
  readonly #records: EncodedRecord[];
  #proposal: EncodedRecord | undefined;
  #cancelTimers: () => void = () => {};
  #asking: Asking | undefined;
  readonly #promised = new Set<NodeId>();
  #isOutOfTime = false;
  #hasSomebodyFailed = false;
  /** By the monotonic clock, milliseconds; undefined as long as it has not come to that. */
  #beganMs: number | undefined;
  #proposedMs: number | undefined;
  #endedMs: number | undefined;

  constructor(ports: RoundRunPorts, target: RoundTarget, round: Round) {
    this.#ports = ports;
    this.#target = target;
    this.#round = round;
    this.#records = target.known === undefined ? [] : [target.known];
  }

  /** Resolves when the round is answered, chosen or lost. With a grant it is prepared already. Never rejects. */
  run(grant: Grant | undefined): Promise<RoundEnd> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#startTimers();
      if (grant === undefined) this.#prepare();
      else {
        for (const node of grant.promisedBy) this.#promised.add(node);
        this.#take(this.#round.startGranted(grant));
      }
    });
  }

  /**
   * Ends the round if it has not proposed anything yet. From now on it is certain that it proposes nothing that it has not, so
   * whoever waits for it and is not in its proposal may be told that nothing of it was sent.
   */
  giveUpUnproposed(): void {
    if (!this.#isProposed) this.#take(this.#round.abandon());
  }

  /** Whether it was lost because it took as long as it may. */
  get isOutOfTime(): boolean {
    return this.#isOutOfTime;
  }

  /** Whether some acceptor did not answer it, and will not. */
  get hasSomebodyFailed(): boolean {
    return this.#hasSomebodyFailed;
  }

  /** How long its phases took; of one that has not ended, those that have. The commit comes after the answer, and is none. */
  get phases(): readonly PhaseTime[] {
    const promisedMs = this.#proposedMs ?? this.#endedMs;
    return [
      ...phase('prepare', this.#beganMs, promisedMs),
      ...phase('accept', this.#proposedMs, this.#endedMs),
    ];
  }

  #startTimers(): void {
    const { clock } = this.#ports;
    const { limitMs, gatherMs } = this.#target;
    const limit = clock.setTimer(limitMs, () => {
      this.#isOutOfTime = true;
      this.#take(this.#round.abandon());
    });
    const gather = clock.setTimer(gatherMs, () => this.#take(this.#round.proceed()));
    this.#cancelTimers = () => {
      limit.cancel();
      gather.cancel();
    };
  }

  #prepare(): void {
    this.#beganMs = this.#ports.clock.nowMs();
    const { entry, known } = this.#target;
    const { voters, ballot, heard } = this.#round.prepare();
    const { bucket, key } = entry;
    const prepare = { voters, ballot, heard, known: known?.digest };
    const request = { type: 'paxos-prepare', bucket, key, ...prepare } as const;
    this.#ask(request, (node, reply) => {
      const decoded = reply.type === 'paxos-prepare' ? this.#decoded(reply) : undefined;
      if (decoded === undefined) return undefined;
      if (decoded.type === 'promised') this.#promised.add(node);
      return this.#round.onPrepareReply(node, decoded);
    });
  }

  /** `stepOf`: what comes of an answer; undefined if it is none. */
  #ask(request: PaxosRequest, stepOf: (node: NodeId, reply: PaxosReply) => RoundStep | undefined): void {
    const { askedFirst, limitMs } = this.#target;
    const target = { nodes: this.#order(), count: askedFirst, patienceMs: limitMs * HEDGE_SHARE_OF_LIMIT };
    const asking = new Asking(this.#ports, target, (node) =>
      this.#ports.acceptors.ask(node, request, (reply) => {
        const step = reply === undefined ? undefined : stepOf(node, reply);
        if (step !== undefined) this.#take(step);
        // In a phase that is over nobody waits for it.
        else if (!asking.isEnded) this.#fail(node);
        asking.answered(node, answerOf(step, reply));
      }),
    );
    this.#asking?.end();
    this.#asking = asking;
    asking.start();
  }

  /** Those that have promised first, then those that answer soonest, and of these this node. */
  #order(): readonly NodeId[] {
    const { acceptors, promptness, clock } = this.#ports;
    const nowMs = clock.nowMs();
    const rank = (node: NodeId): number => {
      if (!acceptors.isUp(node)) return AWAY;
      if (promptness.isLate(node, nowMs)) return LATE;
      if (this.#promised.has(node)) return 0;
      return 1 + 2 * promptness.slowness(node, nowMs) + (node === acceptors.self ? 0 : 1);
    };
    return this.#target.homes.toSorted((left, right) => rank(left) - rank(right));
  }

  #fail(node: NodeId): void {
    const { promptness, clock } = this.#ports;
    this.#hasSomebodyFailed = true;
    promptness.noteLate(node, clock.nowMs());
    this.#take(this.#round.onFailure(node));
  }

  /** What cannot be read is no promise. */
  #decoded({ reply }: Extract<PaxosReply, { type: 'paxos-prepare' }>): Promised | Rejected | undefined {
    if (reply.type === 'rejected') return reply;
    try {
      return { ...reply, object: this.#recordOf(reply.object), record: this.#recordOf(reply.record) };
    } catch {
      return undefined;
    }
  }

  /** Equal records are one value. Throws FormatError. */
  #recordOf(bytes: Uint8Array | 'known' | undefined): KeyRecord | undefined {
    if (bytes === undefined) return undefined;
    if (bytes === 'known') return this.#knownRecord();
    checkRecord(this.#target.entry, bytes);
    const record = new EncodedRecord(bytes);
    const same = this.#records.find((one) => one.equals(record));
    if (same !== undefined) return same.decoded();
    this.#records.push(record);
    return record.decoded();
  }

  #knownRecord(): KeyRecord {
    const { known } = this.#target;
    if (known === undefined) throw new FormatError('a record that nobody has named');
    return known.decoded();
  }

  /** What was proposed; undefined if it is nothing. */
  get proposal(): EncodedRecord | undefined {
    return this.#proposal;
  }

  #take(step: RoundStep): void {
    switch (step.type) {
      case 'wait':
        return;
      case 'accept':
        this.#propose(step.message, step.found);
        return;
      default:
        this.#cancelTimers();
        this.#asking?.end();
        if (this.#isProposed) for (const node of this.#asking?.unasked ?? []) this.#round.neverAsked(node);
        this.#endedMs ??= this.#ports.clock.nowMs();
        this.#resolve(step);
    }
  }

  #propose({ voters, ballot, object, next }: Accept, found: KeyRecord | undefined): void {
    const { entry } = this.#target;
    const { bucket, key } = entry;
    this.#isProposed = true;
    this.#proposedMs = this.#ports.clock.nowMs();
    // Of what was found in several records at once none is the base.
    const base = this.#records.find((one) => one.isOf(found));
    this.#proposal = encodedProposal(entry, object, base);
    const proposal = { object: this.#proposal?.bytes, base: base?.digest, next };
    const request = { type: 'paxos-accept', bucket, key, voters, ballot, ...proposal } as const;
    this.#ask(request, (node, reply) =>
      reply.type === 'paxos-accept' ? this.#round.onAcceptReply(node, reply.reply) : undefined,
    );
  }
}

/** `step`: what came of the reply; undefined if it was none. */
function answerOf(step: RoundStep | undefined, reply: PaxosReply | undefined): Answer {
  if (step === undefined || reply === undefined) return 'failed';
  switch (reply.reply.type) {
    case 'promised':
    case 'accepted':
      return 'yes';
    case 'rejected':
      return OVERTAKEN.has(reply.reply.reason) ? 'overtaken' : 'failed';
    default:
      return 'failed';
  }
}

function encodedProposal(
  entry: EntryName,
  object: KeyRecord | undefined,
  base: EncodedRecord | undefined,
): EncodedRecord | undefined {
  if (object === undefined) return undefined;
  if (base?.isOf(object) === true) return base;
  return EncodedRecord.of(entry, object, base?.digest);
}

function phase(
  name: PhaseTime['phase'],
  fromMs: number | undefined,
  toMs: number | undefined,
): readonly PhaseTime[] {
  return fromMs === undefined || toMs === undefined ? [] : [{ phase: name, ms: toMs - fromMs }];
}
