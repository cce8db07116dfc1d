/**
 * Nodes that have lately kept a round waiting, or were of no use to one: a node whose disk hangs, or that has not got back yet what it lost,
 * answers pings, and so counts as up. Were it asked first all the same, each round would wait for it until it asks others.
 */
import type { NodeId } from '../../core/ids.ts';
import { LATE_FOR_MS } from '../../core/limits.ts';

export class LateNodes {
  /** By the monotonic clock, milliseconds. */
  readonly #notedMs = new Map<NodeId, number>();

  note(node: NodeId, nowMs: number): void {
    this.#notedMs.set(node, nowMs);
  }

  /** Whether others are to be asked before it. */
  has(node: NodeId, nowMs: number): boolean {
    const notedMs = this.#notedMs.get(node);
    return notedMs !== undefined && nowMs - notedMs < LATE_FOR_MS;
  }
}
