/**
 * Carries one round (core/paxos/round.ts) out among the home replicas of a key. When the round has ended, what acceptors still
 * answer to the ACCEPT is told to it all the same: their refusals may prove that a write was not applied.
 */
import { decodeRecord, encodeRecord, sameBytes } from '../../codec/record-codec.ts';
import type { KeyRecord } from '../../core/causality/record.ts';
import type { EntryName, NodeId } from '../../core/ids.ts';
import type { PhaseTime } from '../../core/outcome.ts';
import type { Accept, Promised, Rejected } from '../../core/paxos/messages.ts';
import type { PaxosReply } from '../../core/paxos/peer-messages.ts';
import type { Grant, Round, RoundStep } from '../../core/paxos/round.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Acceptors } from './acceptors.ts';

export interface RoundRunPorts {
  readonly acceptors: Acceptors;
  readonly clock: Clock;
}

export interface RoundTarget {
  readonly entry: EntryName;
  readonly homes: readonly NodeId[];
  /** Milliseconds for the whole round. */
  readonly limitMs: number;
  /** Milliseconds to wait for more promises than a quorum's, if the round gathers more. */
  readonly gatherMs: number;
}

export type RoundEnd = Exclude<RoundStep, { readonly type: 'wait' | 'accept' }>;

export class RoundRun {
  readonly #ports: RoundRunPorts;
  readonly #target: RoundTarget;
  readonly #round: Round;
  #resolve: (end: RoundEnd) => void = () => {};
  #isProposed = false;
  /** Records of promises, by their bytes: replicas hold the same, as a rule. */
  readonly #decodedRecords: { readonly encoded: Uint8Array; readonly record: KeyRecord }[] = [];
  #proposal: Uint8Array | undefined;
  #cancelTimers: () => void = () => {};
  /** By the monotonic clock, milliseconds; undefined as long as it has not come to that. */
  #beganMs: number | undefined;
  #proposedMs: number | undefined;
  #endedMs: number | undefined;

  constructor(ports: RoundRunPorts, target: RoundTarget, round: Round) {
    this.#ports = ports;
    this.#target = target;
    this.#round = round;
  }

  /** Resolves when the round is answered, chosen or lost. With a grant it is prepared already. Never rejects. */
  run(grant: Grant | undefined): Promise<RoundEnd> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#startTimers();
      if (grant === undefined) this.#prepare();
      else this.#take(this.#round.startGranted(grant));
    });
  }

  /**
   * Ends the round if it has not proposed anything yet. From now on it is certain that it proposes nothing that it has not, so
   * whoever waits for it and is not in its proposal may be told that nothing of it was sent.
   */
  giveUpUnproposed(): void {
    if (!this.#isProposed) this.#take(this.#round.abandon());
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
    const limit = clock.setTimer(limitMs, () => this.#take(this.#round.abandon()));
    const gather = clock.setTimer(gatherMs, () => this.#take(this.#round.proceed()));
    this.#cancelTimers = () => {
      limit.cancel();
      gather.cancel();
    };
  }

  #prepare(): void {
    const { acceptors, clock } = this.#ports;
    this.#beganMs = clock.nowMs();
    const { entry, homes } = this.#target;
    const { voters, ballot } = this.#round.prepare();
    const { bucket, key } = entry;
    for (const node of homes) {
      acceptors.ask(node, { type: 'paxos-prepare', bucket, key, voters, ballot }, (reply) =>
        this.#take(this.#promised(node, reply)),
      );
    }
  }

  #promised(node: NodeId, reply: PaxosReply | undefined): RoundStep {
    if (reply?.type !== 'paxos-prepare') return this.#round.onFailure(node);
    const decoded = this.#decoded(reply);
    return decoded === undefined ? this.#round.onFailure(node) : this.#round.onPrepareReply(node, decoded);
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

  #recordOf(encoded: Uint8Array | undefined): KeyRecord | undefined {
    if (encoded === undefined) return undefined;
    const known = this.#decodedRecords.find((one) => sameBytes(one.encoded, encoded));
    if (known !== undefined) return known.record;
    const record = decodeRecord(this.#target.entry, encoded);
    this.#decodedRecords.push({ encoded, record });
    return record;
  }

  /** What was proposed, as it travels; undefined if it is nothing. */
  get proposal(): Uint8Array | undefined {
    return this.#proposal;
  }

  #take(step: RoundStep): void {
    switch (step.type) {
      case 'wait':
        return;
      case 'accept':
        this.#propose(step.message);
        return;
      default:
        this.#cancelTimers();
        this.#endedMs ??= this.#ports.clock.nowMs();
        this.#resolve(step);
    }
  }

  #propose({ voters, ballot, object, next }: Accept): void {
    const { entry, homes } = this.#target;
    const { bucket, key } = entry;
    this.#isProposed = true;
    this.#proposedMs = this.#ports.clock.nowMs();
    const encoded = object === undefined ? undefined : encodeRecord(entry, object);
    this.#proposal = encoded;
    const request = { type: 'paxos-accept', bucket, key, voters, ballot, object: encoded, next } as const;
    for (const node of homes) {
      this.#ports.acceptors.ask(node, request, (reply) => {
        const isAnswer = reply?.type === 'paxos-accept';
        this.#take(isAnswer ? this.#round.onAcceptReply(node, reply.reply) : this.#round.onFailure(node));
      });
    }
  }
}

function phase(
  name: PhaseTime['phase'],
  fromMs: number | undefined,
  toMs: number | undefined,
): readonly PhaseTime[] {
  return fromMs === undefined || toMs === undefined ? [] : [{ phase: name, ms: toMs - fromMs }];
}
