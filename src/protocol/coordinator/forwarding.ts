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
import type { Replicas } from '../replica/replicas.ts';
import { Deadline } from './deadline.ts';
import { awaitUsableQuorum } from './usable-quorum.ts';

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

/** The operation with another time limit. */
export function withTimeout(operation: ForwardedOperation, timeoutMs: number): ForwardedOperation {
  switch (operation.type) {
    case 'coordinate-get':
      return { type: operation.type, request: { ...operation.request, timeoutMs } };
    case 'coordinate-put':
      return { type: operation.type, request: { ...operation.request, timeoutMs } };
    case 'coordinate-delete':
      return { type: operation.type, request: { ...operation.request, timeoutMs } };
  }
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
  /** Of a read: the first failure that a home replica answered, in case no other answers better. */
  #failure: ForwardedOutcome | undefined;
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
      void this.#askNext();
    });
  }

  get #isRead(): boolean {
    return this.#operation.type === 'coordinate-get';
  }

  /** Asks a home replica that can be reached now. What is not sent at once is not begun, so nothing is said of it. */
  async #askNext(): Promise<void> {
    const { peers, replicas, clock, tracer } = this.#ports;
    const unasked = [...this.#unasked];
    const isUsable = awaitUsableQuorum(replicas, unasked, 1, this.#deadline);
    const node = isUsable === true || (await isUsable) ? this.#usableNode() : undefined;
    if (this.#ended) return;
    if (node === undefined) {
      if (this.#outstanding === 0) this.#end(this.#failure ?? this.#unavailable());
      return;
    }
    this.#unasked.delete(node);
    this.#outstanding += 1;
    this.#reports.set(node, { node, result: 'no-answer', ms: 0 });
    tracer.trace({ type: 'forwarded', operation: operationOf(this.#operation), to: node });
    this.#stopHedge();
    if (this.#isRead) {
      const timer = clock.setTimer(FORWARD_HEDGE_DELAY_MS, () => void this.#askNext());
      this.#stopHedge = () => timer.cancel();
    }
    this.#cancels.push(peers.request(node, this.#shortened(), (answer) => this.#take(node, answer)));
  }

  #usableNode(): NodeId | undefined {
    return [...this.#unasked].find((node) => this.#ports.replicas.state(node) === 'up');
  }

  #shortened(): ForwardedOperation {
    const { leftMs } = this.#deadline;
    const timeoutMs = Math.max(1, leftMs - Math.min(MAX_MARGIN_MS, leftMs * MARGIN_SHARE));
    return withTimeout(this.#operation, timeoutMs);
  }

  #take(node: NodeId, answer: PeerAnswer): void {
    if (this.#ended) return;
    this.#outstanding -= 1;
    const outcome = answer.type === 'reply' ? outcomeOf(answer.reply) : undefined;
    if (outcome !== undefined && !(this.#isRead && outcome.type === 'failed')) {
      this.#end(outcome);
      return;
    }
    // Another home replica may reach those that this one does not.
    this.#failure ??= outcome;
    const result =
      answer.type === 'not-sent' ? 'unreachable' : answer.type === 'lost' ? 'connection-lost' : 'refused';
    this.#reports.set(node, { node, result, ms: this.#deadline.elapsedMs });
    if (answer.type === 'lost' && !this.#isRead) this.#end(this.#unknown(`The connection to ${node} broke`));
    else void this.#askNext();
  }

  #passed(): void {
    if (this.#isRead) this.#end(this.#failure ?? this.#unavailable('quorum-timeout'));
    // A write that still waits for a connection has not been sent, and will not be.
    else if (this.#outstanding === 0) this.#end(this.#unavailable());
    else this.#end(this.#unknown('No home replica answered in time'));
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
      detail: 'This node cannot coordinate the request, and no home replica of the key could take it.',
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
