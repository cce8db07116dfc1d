/**
 * GET, coordinated by a home replica of the key, or by a fallback: read at R, answer, then repair what differs. A drawn share
 * of them asks all home replicas: a read at R meets no difference beyond the R that it asks, and always asks the same ones.
 *
 * A read that has to see what is acknowledged, because R and a majority overlap, does not answer beside an unfinished round
 * of a conditional write: it has the round finished first.
 */
import { type CausalContext, covers, EMPTY_CONTEXT } from '../../core/causality/causal-context.ts';
import { joinIfAny } from '../../core/causality/record-order.ts';
import { bucketConfig, type ClusterConfig } from '../../core/cluster-config.ts';
import type { EntryName } from '../../core/ids.ts';
import type { ConditionalOutcome, Failure, ReadOutcome } from '../../core/outcome.ts';
import type { ConditionalRequest, ReadRequest } from '../../core/request.ts';
import { majority } from '../../core/quorum/quorum-tally.ts';
import type { PreferredNodes } from '../../core/ring/ring.ts';
import type { Random } from '../../ports/random.ts';
import { Deadline } from './deadline.ts';
import {
  type ReadAnswer,
  ReadOperation,
  type ReadOperationPorts,
  type ReadTarget,
} from './read-operation.ts';
import { ReadRepair } from './read-repair.ts';

export interface GetPorts extends ReadOperationPorts {
  readonly random: Random;
  readonly config: ClusterConfig;
  /** Reads by Paxos. */
  readonly linearizableRead: (request: ConditionalRequest) => Promise<ConditionalOutcome>;
  /** Whether what differs is repaired; so it is if this is not set. */
  readonly readRepair?: boolean | undefined;
  /** Share of the reads of clients that ask all home replicas: 0 to 1. */
  readonly askAllShare: number;
}

type Finished = Pick<ReadAnswer, 'record'> & { readonly type: 'finished' };

const NOTHING_MORE: Finished = { type: 'finished', record: undefined };

export class GetCoordinator {
  readonly #ports: GetPorts;
  readonly #repair: ReadRepair | undefined;

  constructor(ports: GetPorts) {
    this.#ports = ports;
    this.#repair = ports.readRepair === false ? undefined : new ReadRepair(ports.replicas, ports.tracer);
  }

  async get(request: ReadRequest, nodes: PreferredNodes): Promise<ReadOutcome> {
    const { bucket, key, n, r, timeoutMs, atLeast } = request;
    const deadline = new Deadline(this.#ports.clock, timeoutMs);
    const target = { entry: { bucket, key }, nodes, r, timeoutMs, atLeast, asksAll: this.#drawsAll() };
    const first = await this.read(target);
    // All have told what they hold. But a record may have gone home after its owner was asked, and before its keeper was.
    const result = isOlder(first, atLeast)
      ? await this.read({ ...target, timeoutMs: Math.max(1, deadline.leftMs) })
      : first;
    if (result.type === 'failed') return result;
    const finished = this.#mayLack(request, result)
      ? await this.#finishRound(request, deadline)
      : NOTHING_MORE;
    if (finished.type === 'failed') return finished;
    const { acks, sloppy } = result;
    const coordinator = this.#ports.replicas.self;
    return {
      type: 'read',
      record: joinIfAny(result.record, finished.record),
      quorum: { n, required: r, acks, sloppy, ordered: false, coordinator },
    };
  }

  /** The same read for a write that has to know what is there. */
  read(target: ReadTarget & { readonly entry: EntryName }): Promise<ReadAnswer | Failure> {
    return new ReadOperation(this.#ports, target, (settled) => this.#repair?.repair(settled)).run();
  }

  /** Whether this read has met an unfinished round, and has to see what is acknowledged. */
  #mayLack({ bucket, r }: ReadRequest, { hasUnfinishedRound }: ReadAnswer): boolean {
    if (!hasUnfinishedRound) return false;
    const { n } = bucketConfig(this.#ports.config, bucket);
    return r + majority(n) > n;
  }

  /** What is there by a linearizable read, which finishes the round. */
  async #finishRound({ bucket, key }: ReadRequest, deadline: Deadline): Promise<Failure | Finished> {
    const { config, linearizableRead } = this.#ports;
    const { n } = bucketConfig(config, bucket);
    const timeoutMs = Math.max(1, deadline.leftMs);
    const outcome = await linearizableRead({
      ...{ bucket, key, n, timeoutMs },
      operation: { type: 'read' },
      returnRecord: false,
    });
    if (outcome.type === 'read') return { type: 'finished', record: outcome.record };
    if (outcome.type === 'failed') return { ...outcome, certainty: 'not-applied' };
    throw new Error(`a read ended in ${outcome.type}`);
  }

  /** A share that leaves nothing to chance draws nothing. */
  #drawsAll(): boolean {
    const { askAllShare, random } = this.#ports;
    return askAllShare >= 1 || (askAllShare > 0 && random.fraction() < askAllShare);
  }
}

/** Whether an answer lacks something of a context. */
function isOlder(result: ReadAnswer | Failure, atLeast: CausalContext | undefined): boolean {
  if (result.type === 'failed' || atLeast === undefined) return false;
  return !covers(result.record?.context ?? EMPTY_CONTEXT, atLeast);
}
