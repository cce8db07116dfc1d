/**
 * Whom to exchange with next. Those that came up come first, because they missed something; but only every other time, so
 * that a peer that goes and comes all the time keeps nobody else waiting.
 */
import type { NodeId } from '../../core/ids.ts';

export class ExchangeTurns {
  /** Who was exchanged with longest ago comes first. */
  #order: readonly NodeId[];
  readonly #returned = new Set<NodeId>();
  #wasReturned = false;

  constructor(peers: readonly NodeId[]) {
    this.#order = peers;
  }

  /** A peer came up, or has more to exchange than the time of its turn was enough for. */
  wants(peer: NodeId): void {
    this.#returned.add(peer);
  }

  /** Whether somebody who can be asked should not have to wait for its turn. */
  isWanted(isUsable: (peer: NodeId) => boolean): boolean {
    return [...this.#returned].some(isUsable);
  }

  /** Undefined if nobody can be asked. */
  next(isUsable: (peer: NodeId) => boolean): NodeId | undefined {
    const returned = this.#wasReturned ? undefined : [...this.#returned].find(isUsable);
    const peer = returned ?? this.#order.find(isUsable);
    this.#wasReturned = returned !== undefined;
    if (peer === undefined) return undefined;
    this.#returned.delete(peer);
    this.#order = [...this.#order.filter((other) => other !== peer), peer];
    return peer;
  }
}
