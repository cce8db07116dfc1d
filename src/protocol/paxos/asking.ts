/**
 * Whom a phase of a round asks, and when. As many as make a quorum are asked at once: each more costs a message, a section and a place
 * in a batch, for an answer that nobody waits for. In the place of each that refuses or fails the next one is asked; and all of them, when one is later than
 * it should be (core/quorum/hedge-policy.ts). What is chosen is told to all home replicas anyway.
 */
import type { NodeId } from '../../core/ids.ts';
import { HEDGE_LATEST_MS } from '../../core/limits.ts';
import type { HedgePolicy } from '../../core/quorum/hedge-policy.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { LateNodes } from './late-nodes.ts';

export interface AskingPorts {
  readonly clock: Clock;
  readonly hedging: HedgePolicy;
  readonly late: LateNodes;
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

  /** One that was asked has answered, or will not. `isYes`: what the phase wants of it. */
  answered(node: NodeId, isYes: boolean): void {
    const { clock, hedging } = this.#ports;
    const askedMs = this.#outstanding.get(node) ?? this.#beganMs;
    this.#outstanding.delete(node);
    if (isYes) hedging.answered(clock.nowMs() - askedMs);
    // What all those that were asked have said was not enough.
    if (this.#outstanding.size === 0) this.#ask(this.#unasked.length);
    else if (!isYes) this.#ask(1);
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
    const { hedging, late, clock } = this.#ports;
    const latestMs = Math.min(HEDGE_LATEST_MS, this.#target.patienceMs);
    if (waitedMs < latestMs && !hedging.allows(waitedMs)) {
      this.#hedgeAfter(latestMs - waitedMs);
      return;
    }
    for (const node of this.#outstanding.keys()) late.note(node, clock.nowMs());
    this.#ask(this.#unasked.length);
  }
}
