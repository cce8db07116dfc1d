/**
 * The link of the clients at the end of a run in which nodes take few operations at once. Every key is read and written through every
 * node there, and each has to be served; so they ask for no more at once than any one node takes. What a node still does for an
 * answer that nobody waits for any more may fill it up all the same: who is told so asks again, as clients do, but not for ever.
 */
import type { NodeId } from '../../../src/core/ids.ts';
import type {
  ConditionalOutcome,
  DeleteOutcome,
  PutOutcome,
  ReadOutcome,
} from '../../../src/core/outcome.ts';
import type { StorageNode } from '../../../src/protocol/storage-node.ts';
import type { SimCluster } from '../world/sim-cluster.ts';
import { ClientLink, type Reply } from './simulated-client.ts';

/** Who is overloaded for so many times in a row stays so. */
const MAX_ATTEMPTS = 20;
const AGAIN_AFTER_US = 200_000;

export class PatientLink extends ClientLink {
  readonly #world: SimCluster;
  readonly #maxOpen: number;
  readonly #waiting: (() => void)[] = [];
  #open = 0;

  /** `maxOpen`: operations that one node takes at once. */
  constructor(world: SimCluster, maxOpen: number) {
    super(world);
    this.#world = world;
    this.#maxOpen = maxOpen;
  }

  override get isBusy(): boolean {
    return this.#open > 0;
  }

  override call<Outcome extends ReadOutcome | PutOutcome | DeleteOutcome | ConditionalOutcome>(
    nodeId: NodeId,
    timeoutMs: number,
    run: (node: StorageNode) => Promise<Outcome>,
    onReply: (reply: Reply<Outcome>) => void,
    onAnswered: (outcome: Outcome) => void,
  ): void {
    const { loop, outside } = this.#world;
    const attempt = (number: number): void => {
      const onEnd = (reply: Reply<Outcome>): void => {
        if (isOverloaded(reply) && number < MAX_ATTEMPTS) {
          loop.schedule(AGAIN_AFTER_US, outside, 'client-again', () => attempt(number + 1));
          return;
        }
        this.#open -= 1;
        onReply(reply);
        this.#beginWaiting();
      };
      super.call(nodeId, timeoutMs, run, onEnd, onAnswered);
    };
    this.#waiting.push(() => attempt(1));
    this.#beginWaiting();
  }

  #beginWaiting(): void {
    while (this.#open < this.#maxOpen) {
      const begin = this.#waiting.shift();
      if (begin === undefined) return;
      this.#open += 1;
      begin();
    }
  }
}

/** Nothing was begun, so that it may be asked for again, and no write takes place twice. */
function isOverloaded(reply: Reply<ReadOutcome | PutOutcome | DeleteOutcome | ConditionalOutcome>): boolean {
  return (
    reply.type === 'answer' &&
    reply.outcome.type === 'failed' &&
    reply.outcome.code === 'overloaded' &&
    reply.outcome.certainty === 'not-applied'
  );
}
