/**
 * Gives an operation to a home replica of its key, from a node that is none (Dynamo, section 4.5).
 *
 * A write is given to the next home replica only if it was certainly not delivered, or not begun: two nodes that coordinate
 * one write would make two events of it. A read changes nothing, so it is also given to the next one when the first is
 * late or lost, and the first answer counts.
 *
 * A conditional write lies between the two. It has an id under which it takes place once, whoever coordinates it; so when who
 * was asked has gone, or is suspected, the next one is asked, and told that it is not the first. Not sooner, for two
 * coordinators outbid each other. From then on no failure says that nothing was done; nor does that the first one found the
 * condition not to hold, for it may hold when the next one looks. Only one that knows to be another attempt refuses for good.
 *
 * Under a sloppy quorum, fallbacks come after the home replicas, when none of these is up or about to be; the node itself is
 * one of them, and coordinates when its turn comes.
 */
import type { NodeId } from '../../core/ids.ts';
import { FORWARD_HEDGE_DELAY_MS, HEDGE_LATEST_MS, STAND_IN_AFTER_MS } from '../../core/limits.ts';
import type { PeerReply } from '../../core/message.ts';
import type { Failure, ReplicaReport } from '../../core/outcome.ts';
import type { HedgePolicy } from '../../core/quorum/hedge-policy.ts';
import type { PreferredNodes } from '../../core/ring/ring.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Tracer } from '../../ports/tracer.ts';
import type { PeerAnswer } from '../peers/pending-requests.ts';
import type { Peers } from '../peers/peers.ts';
import type { Replicas } from '../replica/replicas.ts';
import { Deadline } from './deadline.ts';
import { awaitConnection, awaitUsableQuorum } from './usable-quorum.ts';
import {
  type CoordinatedReply,
  type ForwardedOperation,
  type ForwardedOutcome,
  asRetry,
  operationOf,
  outcomeOf,
  withTimeout,
} from './forwarded-operation.ts';
import { notTaken, unknownFate } from './forward-failure.ts';
import type { CannotCoordinate } from './write-coordinator.ts';

/** The home replica answers this much before the deadline of who asked it, so that its answer is not missed. */
const MAX_MARGIN_MS = 50;
const MARGIN_SHARE = 0.1;

/** Coordinates an operation on this node. */
export type CoordinateHere = (operation: ForwardedOperation) => Promise<CoordinatedReply | CannotCoordinate>;

export interface ForwardingPorts {
  readonly peers: Peers;
  readonly replicas: Replicas;
  readonly clock: Clock;
  readonly tracer: Tracer;
  /** The one of all reads of this node: what waits for a slow node here asks as few others as what is coordinated here. */
  readonly hedging: HedgePolicy;
}

/** Forwards to one node after the other. `here`: for when this node's own turn comes, if it is a fallback. */
export function forward(
  ports: ForwardingPorts,
  operation: ForwardedOperation,
  nodes: PreferredNodes,
  here?: CoordinateHere,
): Promise<ForwardedOutcome> {
  return new Forward(ports, operation, nodes, here).run();
}

class Forward {
  readonly #ports: ForwardingPorts;
  readonly #operation: ForwardedOperation;
  readonly #deadline: Deadline;
  readonly #nodes: PreferredNodes;
  readonly #here: CoordinateHere | undefined;
  readonly #asked = new Set<NodeId>();
  readonly #reports = new Map<NodeId, ReplicaReport>();
  readonly #cancels: (() => void)[] = [];
  #outstanding = 0;
  /** The first failure that a home replica answered, in case no other answers better. */
  #failure: Failure | undefined;
  /** Of a conditional write: whether somebody may be doing it who has not answered. */
  #mayBeBegun = false;
  /** Of a conditional write: those that were told that they are not the first. */
  readonly #givenAgain = new Set<NodeId>();
  /** Whether who coordinated it has failed, and so has traced that. */
  #isToldFailed = false;
  #ended = false;
  #resolve: (outcome: ForwardedOutcome) => void = ignore;
  #stopDeadline: () => void = ignore;
  #stopHedge: () => void = ignore;

  constructor(
    ports: ForwardingPorts,
    operation: ForwardedOperation,
    nodes: PreferredNodes,
    here: CoordinateHere | undefined,
  ) {
    this.#ports = ports;
    this.#operation = operation;
    this.#deadline = new Deadline(ports.clock, operation.request.timeoutMs);
    this.#nodes = nodes;
    this.#here = here;
  }

  run(): Promise<ForwardedOutcome> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#stopDeadline = this.#deadline.onPassed(() => this.#passed());
      if (this.#isRead) this.#ports.hedging.began();
      void this.#askNext();
    });
  }

  get #isRead(): boolean {
    const { type, request } = this.#operation;
    return type === 'coordinate-conditional' ? request.operation.type !== 'write' : type === 'coordinate-get';
  }

  get #isConditionalWrite(): boolean {
    return this.#operation.type === 'coordinate-conditional' && !this.#isRead;
  }

  /** Asks a node that can be reached now. What is not sent at once is not begun, so nothing is said of it. */
  async #askNext(isHedge = false): Promise<void> {
    const { replicas, tracer } = this.#ports;
    if (this.#upOf(this.#nodes.homes) === undefined) await this.#awaitUsable();
    if (this.#ended) return;
    // Chosen without waiting any more, so that nobody is asked twice.
    const node = this.#upOf(this.#nodes.homes) ?? this.#upOf(this.#fallbacks);
    if (node === undefined) {
      if (this.#outstanding === 0) this.#end(this.#failed());
      return;
    }
    this.#asked.add(node);
    if (isHedge) tracer.trace({ type: 'hedged-read', peer: node });
    if (this.#mayBeBegun) this.#givenAgain.add(node);
    this.#outstanding += 1;
    this.#reports.set(node, { node, result: 'no-answer', ms: 0 });
    this.#stopHedge();
    if (this.#isRead || this.#isConditionalWrite) this.#hedge(node);
    if (node === replicas.self) {
      this.#coordinateHere();
      return;
    }
    tracer.trace({ type: 'forwarded', operation: operationOf(this.#operation), to: node });
    this.#cancels.push(
      this.#ports.peers.request(node, this.#shortened(), (answer) => this.#take(node, answer)),
    );
  }

  /** Asks another one when this one is late. */
  #hedge(node: NodeId, delayMs = FORWARD_HEDGE_DELAY_MS): void {
    const timer = this.#ports.clock.setTimer(delayMs, () => {
      if (!this.#mayHedge(node)) {
        this.#hedge(node, this.#isRead ? HEDGE_LATEST_MS - this.#deadline.elapsedMs : delayMs);
        return;
      }
      this.#mayBeBegun ||= this.#isConditionalWrite;
      void this.#askNext(this.#isRead);
    });
    this.#stopHedge = () => timer.cancel();
  }

  /** For a conditional write it has to be suspected, too; of reads only a share is given to another one at once (hedge-policy.ts). */
  #mayHedge(node: NodeId): boolean {
    const { replicas, hedging } = this.#ports;
    if (this.#isConditionalWrite) return replicas.state(node) !== 'up';
    const { homes, fallbacks } = this.#nodes;
    const hasAnother = this.#unasked([...homes, ...fallbacks]).length > 0;
    return !hasAnother || hedging.allows(this.#deadline.elapsedMs);
  }

  /** Waits for a home replica, but where a fallback may take the turn only for one that is being connected to. */
  async #awaitUsable(): Promise<void> {
    const { replicas, clock } = this.#ports;
    const homes = this.#unasked(this.#nodes.homes);
    if (this.#unasked(this.#fallbacks).length > 0) {
      for (const home of homes) replicas.dialSoon(home);
      const patienceMs = Math.min(STAND_IN_AFTER_MS, this.#deadline.leftMs / 2);
      await awaitConnection(replicas, homes, new Deadline(clock, patienceMs));
    }
    await awaitUsableQuorum(replicas, [...homes, ...this.#unasked(this.#fallbacks)], 1, this.#deadline);
  }

  /** What a home replica has answered no fallback knows better. */
  get #fallbacks(): readonly NodeId[] {
    return this.#failure === undefined ? this.#nodes.fallbacks : [];
  }

  #unasked(nodes: readonly NodeId[]): readonly NodeId[] {
    const isMine = (node: NodeId): boolean => node === this.#ports.replicas.self;
    return nodes.filter((node) => !this.#asked.has(node) && (this.#here !== undefined || !isMine(node)));
  }

  #upOf(nodes: readonly NodeId[]): NodeId | undefined {
    return this.#unasked(nodes).find((node) => this.#ports.replicas.state(node) === 'up');
  }

  #coordinateHere(): void {
    const { self } = this.#ports.replicas;
    const timeoutMs = Math.max(1, this.#deadline.leftMs);
    this.#here?.(this.#given(timeoutMs)).then(
      (result) => {
        const reply: PeerReply =
          result.type === 'cannot-coordinate' ? { type: 'request-refused', reason: result.reason } : result;
        this.#take(self, { type: 'reply', reply });
      },
      (error: unknown) => this.#take(self, { type: 'lost', reason: String(error) }),
    );
  }

  #shortened(): ForwardedOperation {
    const { leftMs } = this.#deadline;
    const timeoutMs = Math.max(1, leftMs - Math.min(MAX_MARGIN_MS, leftMs * MARGIN_SHARE));
    return this.#given(timeoutMs);
  }

  #given(timeoutMs: number): ForwardedOperation {
    const operation = withTimeout(this.#operation, timeoutMs);
    return this.#mayBeBegun ? asRetry(operation) : operation;
  }

  #take(node: NodeId, answer: PeerAnswer): void {
    if (this.#ended) return;
    this.#outstanding -= 1;
    const outcome = answer.type === 'reply' ? outcomeOf(answer.reply) : undefined;
    this.#isToldFailed ||= outcome?.type === 'failed';
    if (outcome !== undefined && this.#isFinal(node, outcome)) {
      this.#end(outcome.type === 'failed' ? this.#asCertain(outcome) : outcome);
      return;
    }
    // Another home replica may reach those that this one does not.
    if (outcome?.type === 'failed') this.#failure ??= outcome;
    const result =
      answer.type === 'not-sent' ? 'unreachable' : answer.type === 'lost' ? 'connection-lost' : 'refused';
    this.#reports.set(node, { node, result, ms: this.#deadline.elapsedMs });
    if (answer.type === 'lost' && !this.#isRead) this.#lost(node);
    else if (outcome === undefined || this.#isRead) void this.#askNext();
    else if (this.#outstanding === 0) this.#end(this.#unknown('The other home replicas did not answer'));
  }

  /** Whether what one node answers stands, or has to wait for what another one does. */
  #isFinal(node: NodeId, outcome: ForwardedOutcome): boolean {
    if (outcome.type === 'failed') return !this.#isRead && !(this.#mayBeBegun && this.#outstanding > 0);
    return (
      outcome.type !== 'precondition-failed' || this.#givenAgain.size === 0 || this.#givenAgain.has(node)
    );
  }

  #lost(node: NodeId): void {
    this.#failure ??= this.#unknown(`The connection to ${node} broke`);
    this.#mayBeBegun = this.#isConditionalWrite;
    if (this.#isConditionalWrite) void this.#askNext();
    else this.#end(this.#failure);
  }

  #failed(): Failure {
    return this.#asCertain(this.#failure ?? this.#notTaken());
  }

  /** What one node is certain of goes for that node alone. */
  #asCertain(failure: Failure): Failure {
    return this.#mayBeBegun ? { ...failure, certainty: 'unknown' } : failure;
  }

  #passed(): void {
    if (this.#isRead) this.#end(this.#failure ?? this.#notTaken('quorum-timeout'));
    // A write that still waits for a connection has not been sent, and will not be.
    else if (this.#outstanding === 0) this.#end(this.#failed());
    else this.#end(this.#unknown('Nobody answered in time'));
  }

  #end(outcome: ForwardedOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopDeadline();
    this.#stopHedge();
    for (const cancel of this.#cancels) cancel();
    if (outcome.type === 'failed') this.#tell(outcome);
    this.#resolve(outcome);
  }

  /** Of a conditional request that another one has failed, that one has told it: two would count it twice. */
  #tell({ code, certainty }: Failure): void {
    if (this.#operation.type !== 'coordinate-conditional' || this.#isToldFailed) return;
    this.#ports.tracer.trace({ type: 'conditional-failed', code, certainty });
  }

  #notTaken(code?: 'quorum-timeout'): Failure {
    return notTaken(this.#operation, this.#reports.values(), code);
  }

  #unknown(why: string): Failure {
    return unknownFate(this.#operation, this.#reports.values(), why);
  }
}

function ignore(): void {}
