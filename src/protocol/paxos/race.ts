/**
 * Several clients that write one key again and again, each on the condition that nobody else has meanwhile. Of those that expect one
 * ETag one wins; all others are refused, come back at once with the ETag of the winner, and all but one lose again. Two things keep
 * that from being slow and unfair:
 *
 * - Whoever is nearest comes back first, would have the next round for itself, and win it, and so on for ever. So that round waits
 *   for a moment, until as many have come back as were told; and who of them is the first is drawn, among the clients of this node or
 *   among those of others: whichever have won less, each for itself.
 * - With 64 clients 63 tried in vain for each one that won, and refusing them was nearly all that the nodes did. So those that lose
 *   are told a few at a time, the longest waiting first: as many come back as have a chance, and the others wait where it
 *   costs nothing. Nobody is kept for longer than a moment. What a loser is told is true when it is told: the object that
 *   refuses it was chosen after it came.
 */
import type { KeyRecord } from '../../core/causality/record.ts';
import {
  GATHER_CONTENDERS_MS,
  LOSER_HOLD_MS,
  LOSER_RELEASE_SHARE,
  MIN_RACE_CONTENDERS,
} from '../../core/limits.ts';
import type { Verdict } from '../../core/paxos/conditional.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { WaitingRequest } from './waiting-request.ts';

/** What is kept of the wins before, at each: some thirty of them count. */
const KEPT_WINS = 1 - 1 / 32;

export interface RacePorts {
  readonly preciseClock: Clock;
  readonly random: Random;
  /** Answers one by what is there now; or has it wait for the next round, if that does not refuse it. */
  readonly refuse: (waiting: WaitingRequest, record: KeyRecord | undefined) => void;
}

interface Loser {
  readonly waiting: WaitingRequest;
  readonly heldAtMs: number;
}

export class Race {
  readonly #ports: RacePorts;
  /** The longest waiting first. */
  #losers: readonly Loser[] = [];
  /** Writes in the batch that is served, and those that were answered since it began. */
  #contenders = 0;
  #told = 0;
  /** Of late, of the clients of this node and of those of others: who comes anew is not in debt to whoever won without it. */
  readonly #wins = { near: 0, far: 0 };
  /** What the last round has chosen. */
  #record: KeyRecord | undefined;
  #timer: Timer | undefined;
  #onArrival: () => void = () => {};

  constructor(ports: RacePorts) {
    this.#ports = ports;
  }

  /** A batch is about to be served: in which order, if several compete. */
  start(batch: readonly WaitingRequest[]): readonly WaitingRequest[] {
    this.#contenders = batch.filter(({ conditional }) => conditional.type === 'write').length;
    this.#told = this.#contenders;
    return this.#contenders > 1 ? this.#inTurn(this.#shuffled(batch)) : batch;
  }

  /** One of the batch has won. */
  won({ isForwarded }: WaitingRequest): void {
    this.#wins.near *= KEPT_WINS;
    this.#wins.far *= KEPT_WINS;
    this.#wins[isForwarded ? 'far' : 'near'] += 1;
  }

  /** Whether one that has lost against another one of its batch is kept, to be told later. */
  holds(waiting: WaitingRequest, verdict: Verdict): boolean {
    const { conditional, deadline } = waiting;
    const isHeld =
      verdict.type === 'precondition-failed' &&
      this.#contenders + this.#losers.length >= MIN_RACE_CONTENDERS &&
      conditional.type === 'write' &&
      conditional.identity.firstAttempt &&
      deadline.leftMs > 4 * LOSER_HOLD_MS;
    if (!isHeld) return false;
    this.#told -= 1;
    this.#losers = [...this.#losers, { waiting, heldAtMs: this.#ports.preciseClock.nowMs() }];
    return true;
  }

  /** A round has chosen this: some losers are told. */
  chosen(record: KeyRecord | undefined): void {
    this.#record = record;
    this.#tell(Math.max(this.#due, Math.ceil(this.#losers.length * LOSER_RELEASE_SHARE)));
    this.#arm();
  }

  /** Somebody has come. */
  arrived(): void {
    this.#onArrival();
  }

  /** Resolves when as many wait as were told, by `waiting`, or a moment later. */
  async gather(waiting: () => number): Promise<void> {
    if (this.#contenders > 1 && waiting() < this.#told) await this.#arrivals(() => waiting() >= this.#told);
  }

  /** Nobody has come who could win: all that are left are told. */
  over(): void {
    this.#wins.near = 0;
    this.#wins.far = 0;
    this.#tell(this.#losers.length);
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  get #due(): number {
    const nowMs = this.#ports.preciseClock.nowMs();
    return this.#losers.filter(({ heldAtMs }) => nowMs - heldAtMs >= LOSER_HOLD_MS).length;
  }

  /** The rounds that follow may take long: nobody is to wait for their ends. */
  #arm(): void {
    const [first] = this.#losers;
    if (first === undefined || this.#timer !== undefined) return;
    const { preciseClock } = this.#ports;
    const leftMs = first.heldAtMs + LOSER_HOLD_MS - preciseClock.nowMs();
    this.#timer = preciseClock.setTimer(Math.max(1, leftMs), () => {
      this.#timer = undefined;
      this.#tell(this.#due);
      this.#arm();
    });
  }

  #arrivals(areThere: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#onArrival = () => {};
        timer.cancel();
        resolve();
      };
      const timer = this.#ports.preciseClock.setTimer(GATHER_CONTENDERS_MS, end);
      this.#onArrival = () => {
        if (areThere()) end();
      };
    });
  }

  #tell(count: number): void {
    const told = this.#losers.slice(0, count);
    this.#losers = this.#losers.slice(count);
    this.#told += told.length;
    for (const { waiting } of told) if (!waiting.isAnswered) this.#ports.refuse(waiting, this.#record);
  }

  /** First those of whom each has won less. A client has one request at a time here, so as many compete as are here. */
  #inTurn(batch: readonly WaitingRequest[]): readonly WaitingRequest[] {
    const all = [...batch, ...this.#losers.map(({ waiting }) => waiting)];
    const far = all.filter(({ isForwarded }) => isForwarded).length;
    const isTurnOfFar = this.#wins.far * (all.length - far) <= this.#wins.near * far;
    const isInTurn = (waiting: WaitingRequest): boolean => waiting.isForwarded === isTurnOfFar;
    return [...batch.filter(isInTurn), ...batch.filter((waiting) => !isInTurn(waiting))];
  }

  /** By Fisher and Yates. */
  #shuffled(batch: readonly WaitingRequest[]): readonly WaitingRequest[] {
    const shuffled = [...batch];
    for (let last = shuffled.length - 1; last > 0; last -= 1) {
      const drawn = Math.floor(this.#ports.random.fraction() * (last + 1));
      const [left, right] = [shuffled[last] as WaitingRequest, shuffled[drawn] as WaitingRequest];
      shuffled[last] = right;
      shuffled[drawn] = left;
    }
    return shuffled;
  }
}
