/**
 * Nodes that have lately kept a round waiting. One whose disk hangs answers pings, and so counts as up; were it asked first all the same, each round
 * would wait for it until it asks others.
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
