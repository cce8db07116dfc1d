/**
 * Conditional writes and linearizable reads, coordinated by a home replica of the key: one queue for each key that something
 * waits for, and rounds among its home replicas. Fallbacks have no part in it.
 */
import { bucketConfig, type ClusterConfig } from '../../core/cluster-config.ts';
import { type EntryName, type NodeId, nameOf } from '../../core/ids.ts';
import { ROUND_TIMEOUT_MS, SLOW_FINISH_TIMEOUT_MS } from '../../core/limits.ts';
import type { ConditionalOutcome, Failure } from '../../core/outcome.ts';
import { timeOfBallot } from '../../core/paxos/ballot.ts';
import type { ConditionalRequest } from '../../core/request.ts';
import type { WorkSizes } from '../../core/work-sizes.ts';
import type { Tracer } from '../../ports/tracer.ts';
import { Deadline, MovableDeadline } from '../coordinator/deadline.ts';
import { awaitUsableQuorum } from '../coordinator/usable-quorum.ts';
import type { RecordStore } from '../replica/record-store.ts';
import type { Replicas } from '../replica/replicas.ts';
import { commitRound } from './commit-round.ts';
import { quorumFacts, shown } from './conditional-outcome.ts';
import { Grants } from './grants.ts';
import { KeyQueue, type KeyQueuePorts } from './key-queue.ts';
import { KnownObjects } from './known-objects.ts';
import { newestKnownMs } from './newest-known.ts';
import { readQuickly } from './quick-read.ts';
import { type ConditionalResult, WaitingRequest, type WaitingOptions } from './waiting-request.ts';

export interface ConditionalPorts extends Omit<KeyQueuePorts, 'commit' | 'grants' | 'knownObjects'> {
  readonly config: ClusterConfig;
  readonly records: RecordStore;
  readonly replicas: Replicas;
  readonly tracer: Tracer;
  readonly sizes: Pick<WorkSizes, 'grants' | 'knownObjects'>;
  /** Whether the disk is below its reserve of free space. */
  readonly isLowOnSpace: () => boolean;
}

export class ConditionalCoordinator {
  readonly #ports: ConditionalPorts;
  readonly #queues = new Map<string, KeyQueue>();
  readonly #grants: Grants;
  readonly #knownObjects: KnownObjects;
  /** Of what has rounds finished at the moment. */
  readonly #finishing = new Set<MovableDeadline>();
  #isFinishingEnded = false;

  constructor(ports: ConditionalPorts) {
    this.#ports = ports;
    this.#grants = new Grants(ports.sizes.grants);
    this.#knownObjects = new KnownObjects(ports.sizes.knownObjects);
  }

  /**
   * `homes`: the home replicas of the bucket's N; `onTheWayMs`: how long ago it left whoever has forwarded it, at most; undefined: it
   * is of a client of this node. Never rejects.
   */
  async coordinate(
    request: ConditionalRequest,
    homes: readonly NodeId[],
    onTheWayMs: number | undefined,
  ): Promise<ConditionalResult> {
    // Before it waits for anything: another one may be given it meanwhile.
    const takenAtMs = this.#ports.clock.nowMs() - (onTheWayMs ?? 0);
    const origin = {
      takenAtMs,
      isForwarded: onTheWayMs !== undefined,
      knownMs: await this.#newestKnownMs(request, onTheWayMs ?? 0),
    };
    const result = await this.#coordinate(request, homes, origin);
    if (result.type === 'failed') {
      const { code, certainty } = result;
      this.#ports.tracer.trace({ type: 'conditional-failed', code, certainty });
    }
    return result;
  }

  async #coordinate(
    request: ConditionalRequest,
    homes: readonly NodeId[],
    origin: Pick<WaitingOptions, 'takenAtMs' | 'isForwarded' | 'knownMs'>,
  ): Promise<ConditionalResult> {
    const { replicas, clock, isLowOnSpace } = this.#ports;
    if (request.operation.type === 'write' && isLowOnSpace()) {
      return refused('no-space', 'The disk of the coordinating node is below its reserve of free space.');
    }
    const deadline = new Deadline(clock, request.timeoutMs);
    const quorum = Math.floor(homes.length / 2) + 1;
    const isUsable = awaitUsableQuorum(replicas, homes, quorum, deadline);
    if (!(isUsable === true || (await isUsable))) return unavailable(replicas, homes, quorum);
    return this.#enqueue(request, homes, deadline, { mustPropose: false, ...origin });
  }

  /**
   * What a linearizable read comes to without a round; undefined if only a round can tell. Any home replica may do it, for it is in
   * nobody's way.
   */
  async readQuickly(
    request: ConditionalRequest,
    homes: readonly NodeId[],
  ): Promise<ConditionalOutcome | undefined> {
    const { bucket, key, timeoutMs } = request;
    const standing = this.#ports.standingOn(request);
    if (standing.type === 'no-voter') return undefined;
    const { voters } = standing;
    const { mode } = bucketConfig(this.#ports.config, bucket);
    const quorum = Math.floor(homes.length / 2) + 1;
    const limitMs = Math.min(ROUND_TIMEOUT_MS, timeoutMs / 2);
    const { clock, tracer, acceptors } = this.#ports;
    const beganMs = clock.nowMs();
    const end = await readQuickly(this.#ports, {
      entry: { bucket, key },
      homes,
      voters,
      mode,
      quorum,
      limitMs,
    });
    if (end.type === 'round-needed') return undefined;
    tracer.trace({ type: 'quick-read', reads: 1 });
    const phases = [{ phase: 'read', ms: clock.nowMs() - beganMs }] as const;
    return {
      type: 'read',
      record: shown(end.record),
      quorum: quorumFacts(acceptors.self, homes.length, phases),
    };
  }

  /** The promises that were given beforehand for the key are not used any more. */
  dropGrant(entry: EntryName): void {
    this.#grants.drop(nameOf(entry));
  }

  /**
   * Has a round choose what is there, so that what was accepted and never committed is. It may take longer than `timeoutMs` if its
   * rounds run out of time: then longer ones help. Never rejects.
   */
  finish(entry: EntryName, homes: readonly NodeId[], timeoutMs: number): Promise<ConditionalResult> {
    const { bucket, key } = entry;
    const request: ConditionalRequest = {
      ...{ bucket, key, timeoutMs },
      n: homes.length,
      operation: { type: 'read' },
      returnRecord: false,
    };
    const { clock } = this.#ports;
    const options = { mustPropose: true, isForwarded: false, takenAtMs: clock.nowMs(), knownMs: 0 };
    const deadline = new MovableDeadline(clock, SLOW_FINISH_TIMEOUT_MS);
    const timer = clock.setTimer(timeoutMs, () => {
      if (this.#queues.get(nameOf(entry))?.isSlow !== true) deadline.passNow();
    });
    this.#finishing.add(deadline);
    if (this.#isFinishingEnded) deadline.passNow();
    return this.#enqueue(request, homes, deadline, options).finally(() => {
      timer.cancel();
      this.#finishing.delete(deadline);
    });
  }

  /** Nobody waits for `finish` any more, now or later: the node shuts down. Rounds that have begun go on as long as they can. */
  endFinishing(): void {
    this.#isFinishingEnded = true;
    for (const deadline of [...this.#finishing]) deadline.passNow();
  }

  #enqueue(
    request: ConditionalRequest,
    homes: readonly NodeId[],
    deadline: Deadline,
    options: Omit<WaitingOptions, 'floorMs' | 'resolve'>,
  ): Promise<ConditionalResult> {
    return new Promise((resolve) => {
      const floorMs = this.#floorMsOf(request);
      const waiting = new WaitingRequest(request, deadline, { ...options, floorMs, resolve });
      const { bucket, key } = request;
      const name = nameOf(request);
      const queue = this.#queues.get(name);
      if (queue !== undefined) {
        queue.add(waiting);
        return;
      }
      const commit: KeyQueuePorts['commit'] = (entry, voters, chosen) =>
        commitRound(this.#ports.acceptors, entry, voters, chosen);
      const { mode } = bucketConfig(this.#ports.config, bucket);
      const ports = { ...this.#ports, commit, grants: this.#grants, knownObjects: this.#knownObjects };
      const made = new KeyQueue(ports, { entry: { bucket, key }, name, mode, homes });
      made.add(waiting);
      this.#queues.set(name, made);
      void made.run(() => this.#queues.delete(name));
    });
  }

  /** By when it was sent here. Only writes need it. */
  async #newestKnownMs({ bucket, key, operation }: ConditionalRequest, onTheWayMs: number): Promise<number> {
    if (operation.type !== 'write') return 0;
    const ports = { ...this.#ports, knownObjects: this.#knownObjects };
    const knownMs = await newestKnownMs(ports, { bucket, key });
    return knownMs - onTheWayMs;
  }

  #floorMsOf(entry: EntryName): number {
    const floor = this.#ports.floorOf(entry);
    return floor === undefined ? 0 : timeOfBallot(floor);
  }
}

function refused(code: Failure['code'], detail: string): Failure {
  return { type: 'failed', code, certainty: 'not-applied', detail };
}

function unavailable(replicas: Replicas, homes: readonly NodeId[], required: number): Failure {
  const reports = homes.map((node) => ({
    node,
    result: replicas.state(node) === 'up' ? ('not-asked' as const) : ('unreachable' as const),
    ms: 0,
  }));
  const received = reports.filter(({ result }) => result === 'not-asked').length;
  return {
    ...refused(
      'quorum-unavailable',
      `${received} of ${homes.length} home replicas are reachable, but ${required} have to vote.`,
    ),
    required,
    received,
    replicas: reports,
  };
}
