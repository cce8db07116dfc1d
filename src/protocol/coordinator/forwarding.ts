/**
 * Gives an operation to a home replica of its key, from a node that is none (Dynamo, section 4.5).
 *
 * A write is given to the next home replica only if it was certainly not delivered, or not begun: two nodes that coordinate
 * one write would make two events of it. A read changes nothing, so it is also given to the next one when the first is
 * late or lost, and the first answer counts.
 */
import type { NodeId } from '../../core/ids.ts';
import { FORWARD_HEDGE_DELAY_MS } from '../../core/limits.ts';
import type { PeerReply } from '../../core/message.ts';
import type { DeleteOutcome, Failure, PutOutcome, ReadOutcome, ReplicaReport } from '../../core/outcome.ts';
import type { DeleteRequest, PutRequest, ReadRequest } from '../../core/request.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Tracer } from '../../ports/tracer.ts';
import type { PeerAnswer } from '../peers/pending-requests.ts';
import type { Peers } from '../peers/peers.ts';
import { mostUsable, type Replicas } from '../replica/replicas.ts';
import { Deadline } from './deadline.ts';

/** The home replica answers this much before the deadline of who asked it, so that its answer is not missed. */
const MAX_MARGIN_MS = 50;
const MARGIN_SHARE = 0.1;

export type ForwardedOperation =
  | { readonly type: 'coordinate-get'; readonly request: ReadRequest }
  | { readonly type: 'coordinate-put'; readonly request: PutRequest }
  | { readonly type: 'coordinate-delete'; readonly request: DeleteRequest };

export type ForwardedOutcome = ReadOutcome | PutOutcome | DeleteOutcome;

export interface ForwardingPorts {
  readonly peers: Peers;
  readonly replicas: Replicas;
  readonly clock: Clock;
  readonly tracer: Tracer;
}

/** Forwards to one of the home replicas after the other. */
export function forward(
  ports: ForwardingPorts,
  operation: ForwardedOperation,
  homes: readonly NodeId[],
): Promise<ForwardedOutcome> {
  return new Forward(ports, operation, homes).run();
}

class Forward {
  readonly #ports: ForwardingPorts;
  readonly #operation: ForwardedOperation;
  readonly #deadline: Deadline;
  readonly #unasked: Set<NodeId>;
  readonly #reports = new Map<NodeId, ReplicaReport>();
  readonly #cancels: (() => void)[] = [];
  #outstanding = 0;
  #ended = false;
  #resolve: (outcome: ForwardedOutcome) => void = ignore;
  #stopDeadline: () => void = ignore;
  #stopHedge: () => void = ignore;

  constructor(ports: ForwardingPorts, operation: ForwardedOperation, homes: readonly NodeId[]) {
    this.#ports = ports;
    this.#operation = operation;
    this.#deadline = new Deadline(ports.clock, operation.request.timeoutMs);
    this.#unasked = new Set(homes);
  }

  run(): Promise<ForwardedOutcome> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#stopDeadline = this.#deadline.onPassed(() => this.#passed());
      this.#askNext();
    });
  }

  get #isRead(): boolean {
    return this.#operation.type === 'coordinate-get';
  }

  #askNext(): void {
    const { peers, replicas, clock, tracer } = this.#ports;
    const node = mostUsable(replicas, [...this.#unasked]);
    if (node === undefined) {
      if (this.#outstanding === 0) this.#end(this.#unavailable());
      return;
    }
    this.#unasked.delete(node);
    this.#outstanding += 1;
    this.#reports.set(node, { node, result: 'no-answer', ms: 0 });
    tracer.trace({ type: 'forwarded', operation: operationOf(this.#operation), to: node });
    this.#stopHedge();
    if (this.#isRead) {
      const timer = clock.setTimer(FORWARD_HEDGE_DELAY_MS, () => this.#askNext());
      this.#stopHedge = () => timer.cancel();
    }
    this.#cancels.push(peers.request(node, this.#shortened(), (answer) => this.#take(node, answer)));
  }

  #shortened(): ForwardedOperation {
    const { leftMs } = this.#deadline;
    const timeoutMs = Math.max(1, leftMs - Math.min(MAX_MARGIN_MS, leftMs * MARGIN_SHARE));
    // One property is replaced; the type of the rest stays what it was.
    return {
      ...this.#operation,
      request: { ...this.#operation.request, timeoutMs },
    } as ForwardedOperation;
  }

  #take(node: NodeId, answer: PeerAnswer): void {
    if (this.#ended) return;
    this.#outstanding -= 1;
    const outcome = answer.type === 'reply' ? outcomeOf(answer.reply) : undefined;
    if (outcome !== undefined) {
      this.#end(outcome);
      return;
    }
    const result =
      answer.type === 'not-sent' ? 'unreachable' : answer.type === 'lost' ? 'connection-lost' : 'refused';
    this.#reports.set(node, { node, result, ms: this.#deadline.elapsedMs });
    if (answer.type === 'lost' && !this.#isRead) this.#end(this.#unknown(`The connection to ${node} broke`));
    else this.#askNext();
  }

  #passed(): void {
    this.#end(
      this.#isRead ? this.#unavailable('quorum-timeout') : this.#unknown('No home replica answered in time'),
    );
  }

  #end(outcome: ForwardedOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopDeadline();
    this.#stopHedge();
    for (const cancel of this.#cancels) cancel();
    this.#resolve(outcome);
  }

  #unavailable(code: 'quorum-unavailable' | 'quorum-timeout' = 'quorum-unavailable'): Failure {
    const { request } = this.#operation;
    const isRetry = 'identity' in request && request.identity?.firstAttempt === false;
    return {
      type: 'failed',
      code,
      certainty: isRetry ? 'unknown' : 'not-applied',
      detail: 'This node is no home replica of the key, and none of those that are could take the request.',
      ...this.#facts(),
    };
  }

  #unknown(why: string): Failure {
    return {
      type: 'failed',
      code: 'quorum-timeout',
      certainty: 'unknown',
      detail: `${why} after the request had been forwarded: it may have been carried out.`,
      ...this.#facts(),
    };
  }

  #facts(): Required<Pick<Failure, 'required' | 'received' | 'replicas'>> {
    const { request } = this.#operation;
    const required = 'w' in request ? request.w : request.r;
    return { required, received: 0, replicas: [...this.#reports.values()] };
  }
}

function outcomeOf(reply: PeerReply): ForwardedOutcome | undefined {
  switch (reply.type) {
    case 'coordinate-get':
    case 'coordinate-put':
    case 'coordinate-delete':
      return reply.outcome;
    default:
      return undefined;
  }
}

function operationOf({ type }: ForwardedOperation): 'get' | 'put' | 'delete' {
  switch (type) {
    case 'coordinate-get':
      return 'get';
    case 'coordinate-put':
      return 'put';
    case 'coordinate-delete':
      return 'delete';
  }
}

function ignore(): void {}
