/**
 * Makes sure that nothing which this node began before now is under way any more: first what is in its own memory, then what
 * it has sent. Requests on one connection are begun in their order, so a peer that has begun to answer a barrier has begun all
 * that was sent before it; it answers when these have ended. What is still to come on older connections it cuts off.
 */
import { REAP_STEP_MS } from '../../core/limits.ts';
import { askPeer, type QuestionPorts } from '../background/peer-question.ts';
import type { InFlight } from '../in-flight.ts';

export interface BarrierPorts extends QuestionPorts {
  readonly inFlight: InFlight;
}

/** Rejects with ExchangeBroken if a member does not answer. */
export async function settleEverywhere(ports: BarrierPorts): Promise<void> {
  await ports.inFlight.settled();
  await Promise.all(
    ports.peers.others.map((peer) => askPeer(ports, peer, { type: 'barrier' }, REAP_STEP_MS)),
  );
}
