/**
 * Decides who coordinates an operation: this node if it is a home replica of the key and can tell what it holds, else one of
 * the home replicas (never both: two coordinators of one write would make two events). Under a sloppy quorum, if no home
 * replica can be reached, it is the next node of the list, which may be this one. What a peer forwarded is coordinated here or
 * refused, never forwarded again.
 *
 * What a peer forwarded may have lain in a socket, or before a paused process, for long, and so may a client's own request. Its time
 * limit runs on the way: what comes after it is not begun, for the client has given up long ago, and may have asked what became of
 * it, or another node to do it.
 */
import { placementHash } from '../../codec/hash.ts';
import type { EntryName, NodeId, Partition } from '../../core/ids.ts';
import type { PeerReply } from '../../core/message.ts';
import type {
  ConditionalOutcome,
  DeleteOutcome,
  Failure,
  PutOutcome,
  ReadOutcome,
  RemovalOutcome,
} from '../../core/outcome.ts';
import type { ConditionalRequest, DeleteRequest, PutRequest, ReadRequest } from '../../core/request.ts';
import { MAX_WAY_OF_FIRST_ATTEMPT_MS } from '../../core/limits.ts';
import { partitionOf, type PreferredNodes, preferredNodes, type Ring } from '../../core/ring/ring.ts';
import type { InFlight } from '../in-flight.ts';
import type { ConditionalCoordinator } from '../paxos/conditional-coordinator.ts';
import type { RunningOperations } from '../running-operations.ts';
import { deleteWhatIsThere } from './blind-delete.ts';
import { Deadline } from './deadline.ts';
import {
  asRetry,
  type CoordinatedReply,
  type ForwardedOperation,
  type ForwardedOutcome,
  identityIn,
  withTimeout,
} from './forwarded-operation.ts';
import { forward, type ForwardingPorts } from './forwarding.ts';
import type { GetCoordinator } from './get-coordinator.ts';
import type { CannotCoordinate, WriteCoordinator } from './write-coordinator.ts';
import { honest } from './write.ts';

export interface RouterPorts extends ForwardingPorts {
  readonly ring: Ring;
  readonly reads: GetCoordinator;
  readonly writes: WriteCoordinator;
  readonly conditionals: ConditionalCoordinator;
  /** N of the bucket of an entry. */
  readonly votersOf: (entry: EntryName) => number;
  readonly operations: RunningOperations;
  readonly inFlight: InFlight;
}

export class OperationRouter {
  readonly #ports: RouterPorts;

  constructor(ports: RouterPorts) {
    this.#ports = ports;
  }

  get(request: ReadRequest): Promise<ReadOutcome> {
    return this.#run<ReadOutcome>({ type: 'coordinate-get', request });
  }

  async put(request: PutRequest): Promise<PutOutcome> {
    const operation = { type: 'coordinate-put', request } as const;
    return honest(request, await this.#inTime(operation, (timely) => this.#run<PutOutcome>(timely)));
  }

  async delete(request: DeleteRequest): Promise<DeleteOutcome> {
    const operation = { type: 'coordinate-delete', request } as const;
    return honest(request, await this.#inTime(operation, (timely) => this.#delete(timely.request)));
  }

  async #delete(request: DeleteRequest): Promise<DeleteOutcome> {
    const remove = (removal: DeleteRequest): Promise<RemovalOutcome> =>
      this.#run<RemovalOutcome>({ type: 'coordinate-delete', request: removal });
    if (request.context !== undefined) return remove(request);
    const steps = { read: (read: ReadRequest) => this.get(read), remove };
    return deleteWhatIsThere(this.#ports.clock, request, steps);
  }

  /** A conditional write or a linearizable read: the first home replica that is up coordinates it. */
  async conditional(request: ConditionalRequest): Promise<ConditionalOutcome> {
    const operation = { type: 'coordinate-conditional', request } as const;
    if (request.operation.type !== 'write') return this.#run<ConditionalOutcome>(operation);
    const run = (timely: ForwardedOperation) => this.#run<ConditionalOutcome>(timely);
    return honest(request.operation, await this.#inTime(operation, run));
  }

  /** A linearizable read within an operation that runs already, and that is finished even if none is begun any more. */
  readWithin(request: ConditionalRequest): Promise<ConditionalOutcome> {
    const operation = { type: 'coordinate-conditional', request } as const;
    return this.#coordinateOrForward(operation);
  }

  /** What a peer forwarded; `onTheWayMs`: how long it took to come here, at most. */
  async serve(operation: ForwardedOperation, onTheWayMs: number): Promise<PeerReply> {
    const { replicas, operations } = this.#ports;
    const nodes = this.#nodesOf(operation);
    // Who forwarded it could not reach a home replica; under a sloppy quorum any node may take its place.
    if (!nodes.homes.includes(replicas.self) && !isSloppy(operation))
      return refuse(`${replicas.self} is no home replica of this key`);
    const inTime = limitedByWay(operation, onTheWayMs);
    if (inTime === undefined)
      return refuse(`it was on its way for up to ${Math.round(onTheWayMs)} ms, and came too late`);
    const refusal = operations.refusal();
    if (refusal !== undefined) return refuse(refusal.detail);
    const result = await operations.run(() => this.#coordinate(inTime, nodes, onTheWayMs));
    return result.type === 'cannot-coordinate' ? refuse(result.reason) : result;
  }

  partitionOf(entry: EntryName): Partition {
    return partitionOf(this.#ports.ring, placementHash(entry));
  }

  /** Begins a client's write, with what is left of it if it may have lain before this process while that stood still. */
  async #inTime<Operation extends ForwardedOperation, Outcome>(
    operation: Operation,
    begin: (timely: Operation) => Promise<Outcome | Failure>,
  ): Promise<Outcome | Failure> {
    const waitedMs = this.#ports.operations.mayHaveWaitedMs();
    const timely = waitedMs === 0 ? operation : limitedByWay(operation, waitedMs);
    if (timely !== undefined) return begin(timely as Operation);
    const detail = `This node stood still, and the write may have waited for up to ${Math.round(waitedMs)} ms: it was not begun.`;
    return { type: 'failed', code: 'overloaded', certainty: 'not-applied', detail };
  }

  /** The codec lets only a reply of the operation's own kind through, so the outcome is of the kind that is asked for. */
  async #run<Outcome extends ForwardedOutcome>(operation: ForwardedOperation): Promise<Outcome | Failure> {
    const { operations } = this.#ports;
    const refusal = operations.refusal();
    if (refusal !== undefined) return { type: 'failed', certainty: 'not-applied', ...refusal };
    return (await operations.run(() => this.#coordinateOrForward(operation))) as Outcome;
  }

  async #coordinateOrForward(operation: ForwardedOperation): Promise<ForwardedOutcome> {
    const { replicas, clock, inFlight } = this.#ports;
    const nodes = this.#nodesOf(operation);
    const { homes, fallbacks } = nodes;
    const reading = this.#readQuickly(operation, homes);
    const read = reading === undefined ? undefined : await reading;
    if (read !== undefined) return read;
    if (!homes.includes(replicas.self) || this.#isForAnother(operation, homes)) {
      // What is coordinated here may go on for a moment after who forwards has given it up, with a record in its hands.
      return forward(this.#ports, operation, nodes, (here) =>
        inFlight.track(() => this.#coordinate(here, nodes)),
      );
    }
    const deadline = new Deadline(clock, operation.request.timeoutMs);
    const result = await this.#coordinate(operation, nodes);
    if (result.type !== 'cannot-coordinate') return result.outcome;
    const others = { homes: homes.filter((node) => node !== replicas.self), fallbacks };
    return forward(this.#ports, withTimeout(operation, Math.max(1, deadline.leftMs)), others);
  }

  /** A linearizable read that needs no round is in nobody's way: every home replica does its own. */
  #readQuickly(
    { type, request }: ForwardedOperation,
    homes: readonly NodeId[],
  ): Promise<ConditionalOutcome | undefined> | undefined {
    const { replicas, conditionals, votersOf } = this.#ports;
    if (type !== 'coordinate-conditional' || request.operation.type !== 'read') return undefined;
    const mayRead = homes.includes(replicas.self) && request.n === votersOf(request);
    return mayRead ? conditionals.readQuickly(request, homes) : undefined;
  }

  /** The conditional requests of a key are all given to one node, as long as it is up: they would outbid each other. */
  #isForAnother({ type }: ForwardedOperation, homes: readonly NodeId[]): boolean {
    const { replicas } = this.#ports;
    const first = homes.find((node) => replicas.state(node) === 'up');
    return type === 'coordinate-conditional' && first !== replicas.self;
  }

  async #coordinate(
    operation: ForwardedOperation,
    nodes: PreferredNodes,
    onTheWayMs?: number,
  ): Promise<CoordinatedReply | CannotCoordinate> {
    const { reads, writes, conditionals } = this.#ports;
    switch (operation.type) {
      case 'coordinate-get':
        return { type: operation.type, outcome: await reads.get(operation.request, nodes) };
      case 'coordinate-put': {
        const outcome = await writes.put(operation.request, nodes);
        return outcome.type === 'cannot-coordinate' ? outcome : { type: operation.type, outcome };
      }
      case 'coordinate-delete': {
        const outcome = await writes.delete(operation.request, nodes);
        return outcome.type === 'cannot-coordinate' ? outcome : { type: operation.type, outcome };
      }
      case 'coordinate-conditional': {
        const { request } = operation;
        // The voters of a key are always the same.
        if (request.n !== this.#ports.votersOf(request))
          return { type: 'cannot-coordinate', reason: 'the bucket has another N' };
        const outcome = await conditionals.coordinate(request, nodes.homes, onTheWayMs);
        return outcome.type === 'cannot-coordinate' ? outcome : { type: operation.type, outcome };
      }
    }
  }

  #nodesOf(operation: ForwardedOperation): PreferredNodes {
    const { bucket, key, n } = operation.request;
    const quorum = { n, sloppy: isSloppy(operation) };
    return preferredNodes(this.#ports.ring, this.partitionOf({ bucket, key }), quorum);
  }
}

/**
 * What is left of an operation that was on its way so long; undefined: nothing. Who sends a write again, or asks what became of
 * it, may have done so while its first attempt was still on its way, and what they were told may have been forgotten since. So
 * if that took long, a plain write is looked for first, as a retry is. A conditional one is not begun, for its sender has
 * suspected this node by now, and asked another one.
 */
function limitedByWay(operation: ForwardedOperation, onTheWayMs: number): ForwardedOperation | undefined {
  const leftMs = operation.request.timeoutMs - onTheWayMs;
  if (leftMs <= 0) return undefined;
  const limited = withTimeout(operation, leftMs);
  const isLate =
    onTheWayMs > MAX_WAY_OF_FIRST_ATTEMPT_MS && identityIn(operation.request)?.firstAttempt === true;
  if (!isLate) return limited;
  return operation.type === 'coordinate-conditional' ? undefined : asRetry(limited);
}

/** Fallbacks never vote. */
function isSloppy({ type, request }: ForwardedOperation): boolean {
  return type !== 'coordinate-conditional' && request.sloppy;
}

function refuse(reason: string): PeerReply {
  return { type: 'request-refused', reason };
}
