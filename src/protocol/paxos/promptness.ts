/**
 * How soon nodes have answered rounds, and so who is asked first.
 *
 * One that has lately kept a round waiting, or was of no use to one, is asked after all others for a while: a node whose disk hangs, or
 * that has not got back yet what it lost, answers pings, and so counts as up. Of the rest those come first that answer sooner: where
 * replicas stand in several places, a round is to go to the near ones. Only a difference of about two times counts, so that what
 * chance makes of nodes that stand side by side does not matter; and what was measured is forgotten after a while, as one that is
 * not asked is not measured either.
 */
import type { NodeId } from '../../core/ids.ts';
import { LATE_FOR_MS, PROMPTNESS_KNOWN_FOR_MS, PROMPT_MS } from '../../core/limits.ts';

/** What the newest answer counts for in the mean. */
const SHARE_OF_NEWEST = 1 / 8;

interface AnswerTime {
  readonly meanMs: number;
  /** Of the newest answer, by the monotonic clock, milliseconds. */
  readonly atMs: number;
}

export class Promptness {
  /** By the monotonic clock, milliseconds. */
  readonly #lateAtMs = new Map<NodeId, number>();
  readonly #times = new Map<NodeId, AnswerTime>();

  noteLate(node: NodeId, nowMs: number): void {
    this.#lateAtMs.set(node, nowMs);
  }

  /** It has answered after so many milliseconds. */
  answered(node: NodeId, ms: number, nowMs: number): void {
    const meanMs = this.#known(node, nowMs)?.meanMs ?? ms;
    this.#times.set(node, { meanMs: meanMs + (ms - meanMs) * SHARE_OF_NEWEST, atMs: nowMs });
  }

  /** Whether all others are to be asked before it. */
  isLate(node: NodeId, nowMs: number): boolean {
    const atMs = this.#lateAtMs.get(node);
    return atMs !== undefined && nowMs - atMs < LATE_FOR_MS;
  }

  /** 0 if it answers soon, or if nothing is known; each one more is a time twice as long. */
  slowness(node: NodeId, nowMs: number): number {
    const { meanMs = 0 } = this.#known(node, nowMs) ?? {};
    return meanMs <= PROMPT_MS ? 0 : Math.ceil(Math.log2(meanMs / PROMPT_MS));
  }

  #known(node: NodeId, nowMs: number): AnswerTime | undefined {
    const time = this.#times.get(node);
    return time === undefined || nowMs - time.atMs > PROMPTNESS_KNOWN_FOR_MS ? undefined : time;
  }
}
