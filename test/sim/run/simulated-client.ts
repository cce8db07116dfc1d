/**
 * Clients as a cluster sees them: they send a request to a node over a link of their own, wait for the answer no longer than
 * their deadline and a little, and carry contexts as opaque tokens. What a client has seen is kept beside each token: that
 * is what the oracle judges by.
 */
import { decodeContextToken, encodeContextToken } from '../../../src/codec/context-token.ts';
import type { CausalContext } from '../../../src/core/causality/causal-context.ts';
import type { EntryName, NodeId } from '../../../src/core/ids.ts';
import type {
  ConditionalOutcome,
  DeleteOutcome,
  PutOutcome,
  ReadOutcome,
} from '../../../src/core/outcome.ts';
import type { StorageNode } from '../../../src/protocol/storage-node.ts';
import type { WriteOutcome } from '../checkers/history.ts';
import { draw } from '../world/draw.ts';
import type { SimCluster } from '../world/sim-cluster.ts';
import type { RunLog } from './run-log.ts';

/** What came back from one attempt. */
export type Reply<Outcome> =
  | { readonly type: 'answer'; readonly outcome: Outcome }
  /** No process took the request. */
  | { readonly type: 'not-sent' }
  /** It was taken, and no answer came. */
  | { readonly type: 'no-answer' };

/** How much longer than its deadline a client waits for an answer, microseconds. */
const GRACE_US = 1_000_000;

export interface SeenToken {
  readonly token: string;
  /** Events that whoever holds the token has seen. */
  readonly known: ReadonlySet<number>;
}

/** Contexts that one client holds for one key. */
export interface Session {
  read: SeenToken | undefined;
  own: SeenToken | undefined;
  first: SeenToken | undefined;
  /** Of a linearizable read. */
  seen: SeenToken | undefined;
}

/** Sends requests from outside the cluster. */
export class ClientLink {
  readonly #world: SimCluster;
  #sent = 0;

  constructor(world: SimCluster) {
    this.#world = world;
  }

  /** Whether it holds calls back, and some are still to be answered: no deadline says by when. This one never does. */
  get isBusy(): boolean {
    return false;
  }

  /** Calls a node; `onReply` is called once. `onAnswered` is called when the node has answered, before that travels. */
  call<Outcome extends ReadOutcome | PutOutcome | DeleteOutcome | ConditionalOutcome>(
    nodeId: NodeId,
    timeoutMs: number,
    run: (node: StorageNode) => Promise<Outcome>,
    onReply: (reply: Reply<Outcome>) => void,
    onAnswered: (outcome: Outcome) => void,
  ): void {
    const { loop, outside } = this.#world;
    this.#sent += 1;
    const sent = this.#sent;
    let done = false;
    const reply = (answer: Reply<Outcome>): void => {
      if (done) return;
      done = true;
      giveUp.cancelled = true;
      onReply(answer);
    };
    const giveUp = loop.schedule(timeoutMs * 1_000 + GRACE_US, outside, 'client-timeout', () =>
      reply({ type: 'no-answer' }),
    );
    loop.schedule(this.#delayUs(sent, 'request'), outside, 'client-request', () => {
      const machine = this.#world.node(nodeId);
      const { life, storageNode } = machine;
      if (life === undefined || storageNode === undefined) {
        reply({ type: 'not-sent' });
        return;
      }
      loop.schedule(0, life, 'request', () => {
        run(storageNode).then(
          (outcome) => {
            if (!life.alive) return;
            onAnswered(outcome);
            loop.schedule(this.#delayUs(sent, 'reply'), outside, 'client-reply', () =>
              reply({ type: 'answer', outcome }),
            );
          },
          (error: unknown) => {
            if (life.alive) this.#world.observer.onBug?.(nodeId, error);
          },
        );
      });
    });
  }

  #delayUs(sent: number, direction: string): number {
    return 200 + draw(this.#world.options.seed, `client ${direction}`, sent) * 5_000;
  }
}

/** The context in a token, as the server's door reads it. Throws if the door would refuse it. */
export function contextIn(entry: EntryName, token: string): CausalContext {
  const decoded = decodeContextToken(entry, token);
  if (decoded.type === 'invalid') throw new Error(`a token of the store is refused by it: ${decoded.reason}`);
  return decoded.context;
}

export function tokenOf(entry: EntryName, context: CausalContext): string {
  return encodeContextToken(entry, context);
}

/** A DELETE that found nothing wrote nothing, and neither did a write whose condition did not hold. */
export function outcomeOf(reply: Reply<PutOutcome | DeleteOutcome | ConditionalOutcome>): WriteOutcome {
  if (reply.type === 'not-sent') return 'not-applied';
  if (reply.type === 'no-answer') return 'unknown';
  const { outcome } = reply;
  if (outcome.type === 'failed') return outcome.certainty;
  return outcome.type === 'written' ? 'ok' : 'not-applied';
}

/** For people. */
export function describeReply(reply: Reply<PutOutcome | DeleteOutcome | ConditionalOutcome>): string {
  if (reply.type !== 'answer') return reply.type;
  const { outcome } = reply;
  return outcome.type === 'failed' ? `${outcome.code}, ${outcome.certainty}` : outcome.type;
}

/** Counts the reason why a request was not carried out, if the node gave one. */
export function countFailure(
  log: RunLog,
  reply: Reply<ReadOutcome | PutOutcome | DeleteOutcome | ConditionalOutcome>,
): void {
  if (reply.type !== 'answer' || reply.outcome.type !== 'failed') return;
  log.count(reply.outcome.code);
  if (reply.outcome.replicas?.some(({ result }) => result === 'recovering') === true)
    log.count('recovering-read');
}
