/**
 * Whom a phase of a round asks, and when. As many as make a quorum are asked at once: each more costs a message, a section and a place
 * in a batch, for an answer that nobody waits for. In the place of each that fails the next one is asked; and all others, when one is
 * later than it should be (core/quorum/hedge-policy.ts), or when all that were asked have answered and that was not enough. Whom somebody
 * else has overtaken elsewhere asks nobody in the place of who says so: most often the next one says it, too, and then nobody is left
 * with something accepted that comes to nothing. What is chosen is told to all home replicas anyway.
 */
import type { NodeId } from '../../core/ids.ts';
import { HEDGE_LATEST_MS } from '../../core/limits.ts';
import type { HedgePolicy } from '../../core/quorum/hedge-policy.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { Promptness } from './promptness.ts';

/** What one that was asked has come to: what the phase wants of it; a refusal because others were quicker; a refusal of anybody, or nothing. */
export type Answer = 'yes' | 'overtaken' | 'failed';

export interface AskingPorts {
  readonly clock: Clock;
  readonly hedging: HedgePolicy;
  readonly promptness: Promptness;
}

export interface AskingTarget {
  /** Those that are asked first come first. */
  readonly nodes: readonly NodeId[];
  /** How many are asked at once. */
  readonly count: number;
  /** Milliseconds after which the others are asked at the latest. */
  readonly patienceMs: number;
}

export class Asking {
  readonly #ports: AskingPorts;
  readonly #target: AskingTarget;
  readonly #send: (node: NodeId) => void;
  readonly #beganMs: number;
  #unasked: readonly NodeId[];
  /** When those were asked that have not answered yet. */
  readonly #outstanding = new Map<NodeId, number>();
  #timer: Timer | undefined;
  #isEnded = false;

  constructor(ports: AskingPorts, target: AskingTarget, send: (node: NodeId) => void) {
    this.#ports = ports;
    this.#target = target;
    this.#send = send;
    this.#unasked = target.nodes;
    this.#beganMs = ports.clock.nowMs();
  }

  /** Those that were not asked; once this has ended they never will be. */
  get unasked(): readonly NodeId[] {
    return this.#unasked;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  start(): void {
    const { count, patienceMs } = this.#target;
    const { hedging } = this.#ports;
    hedging.began();
    if (count < this.#unasked.length) this.#hedgeAfter(Math.min(hedging.delayMs, patienceMs));
    this.#ask(count);
  }

  /** One that was asked has answered, or will not. */
  answered(node: NodeId, answer: Answer): void {
    const { clock, hedging, promptness } = this.#ports;
    const nowMs = clock.nowMs();
    const tookMs = nowMs - (this.#outstanding.get(node) ?? this.#beganMs);
    this.#outstanding.delete(node);
    if (answer !== 'failed') promptness.answered(node, tookMs, nowMs);
    if (answer === 'yes') hedging.answered(tookMs);
    if (this.#outstanding.size === 0) this.#ask(this.#unasked.length);
    else if (answer === 'failed') this.#ask(1);
  }

  /** Nobody is asked any more. */
  end(): void {
    this.#isEnded = true;
    this.#timer?.cancel();
  }

  #ask(count: number): void {
    if (this.#isEnded) return;
    const { clock } = this.#ports;
    const nodes = this.#unasked.slice(0, count);
    this.#unasked = this.#unasked.slice(count);
    if (this.#unasked.length === 0) this.#timer?.cancel();
    for (const node of nodes) this.#outstanding.set(node, clock.nowMs());
    for (const node of nodes) this.#send(node);
  }

  #hedgeAfter(ms: number): void {
    const { clock } = this.#ports;
    this.#timer = clock.setTimer(ms, () => this.#hedge(clock.nowMs() - this.#beganMs));
  }

  #hedge(waitedMs: number): void {
    const { hedging } = this.#ports;
    const latestMs = Math.min(HEDGE_LATEST_MS, this.#target.patienceMs);
    if (waitedMs < latestMs && !this.#areKnownAsLate() && !hedging.allows(waitedMs)) {
      this.#hedgeAfter(latestMs - waitedMs);
      return;
    }
    this.#noteLate();
    this.#ask(this.#unasked.length);
  }

  /** Others have found out already that whoever this phase waits for keeps everybody waiting: that is no matter of a budget. */
  #areKnownAsLate(): boolean {
    const { promptness, clock } = this.#ports;
    return [...this.#outstanding.keys()].every((node) => promptness.isLate(node, clock.nowMs()));
  }

  #noteLate(): void {
    const { promptness, clock } = this.#ports;
    const nowMs = clock.nowMs();
    // Not those that were asked a moment ago in the place of others.
    for (const [node, askedMs] of this.#outstanding)
      if (askedMs === this.#beganMs) promptness.noteLate(node, nowMs);
  }
}
