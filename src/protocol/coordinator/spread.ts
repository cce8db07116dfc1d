/**
 * Brings one record to its home replicas and waits until W of them hold it durably (Dynamo, section 4.5). The whole joined
 * record travels, never the request: whoever stores it holds a result, and a result can be joined anywhere, any number of
 * times.
 *
 * Acknowledgements are counted by node. What is not acknowledged at the deadline may still arrive: a failure is `unknown`.
 */
import type { EntryName, NodeId } from '../../core/ids.ts';
import type { StoreReply } from '../../core/message.ts';
import type { Failure, ReplicaResult } from '../../core/outcome.ts';
import { QuorumTally } from '../../core/quorum/quorum-tally.ts';
import type { NoReply, Replicas } from '../replica/replicas.ts';
import type { Deadline } from './deadline.ts';

export interface SpreadTarget {
  readonly entry: EntryName;
  readonly homes: readonly NodeId[];
  readonly w: number;
  readonly deadline: Deadline;
}

/** Home replicas that hold the record durably. */
export interface SpreadDone {
  readonly type: 'spread';
  readonly stored: readonly NodeId[];
}

export class Spread {
  readonly #replicas: Replicas;
  readonly #target: SpreadTarget;
  readonly #tally: QuorumTally;
  readonly #onEnd: (result: SpreadDone | Failure) => void;
  readonly #stopDeadline: () => void;
  #ended = false;

  /** `onEnd` is called once: when W replicas hold the record, or cannot any more, or at the deadline. */
  constructor(replicas: Replicas, target: SpreadTarget, onEnd: (result: SpreadDone | Failure) => void) {
    this.#replicas = replicas;
    this.#target = target;
    this.#onEnd = onEnd;
    this.#tally = new QuorumTally(target.homes, target.w);
    for (const node of target.homes) this.#tally.ask(node);
    this.#stopDeadline = target.deadline.onPassed(() => this.#end());
  }

  /** Sends the record to a home replica. */
  sendTo(node: NodeId, record: Uint8Array): void {
    this.#replicas.store(node, { type: 'store', ...this.#target.entry, record }, (reply) =>
      this.settle(node, resultOf(reply)),
    );
  }

  /** Notes what a home replica came to. */
  settle(node: NodeId, result: ReplicaResult): void {
    if (this.#ended || !this.#tally.settle(node, result, this.#target.deadline.elapsedMs)) return;
    if (this.#tally.verdict !== 'open') this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopDeadline();
    this.#onEnd(this.#tally.verdict === 'reached' ? this.#done() : this.#failure());
  }

  #done(): SpreadDone {
    return { type: 'spread', stored: this.#target.homes.filter((node) => this.#tally.counts(node)) };
  }

  #failure(): Failure {
    const { w, deadline, homes } = this.#target;
    const { counted } = this.#tally;
    return {
      type: 'failed',
      code: 'quorum-timeout',
      certainty: 'unknown',
      detail: `${counted} of ${homes.length} home replicas confirmed the write, but W is ${w}.`,
      required: w,
      received: counted,
      replicas: this.#tally.reports(deadline.elapsedMs),
    };
  }
}

function resultOf(reply: StoreReply | NoReply): ReplicaResult {
  switch (reply.type) {
    case 'stored':
      return 'ok';
    case 'store-refused':
      return 'refused';
    case 'no-reply':
      return reply.result;
  }
}
