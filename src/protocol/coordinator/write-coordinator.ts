/**
 * PUT and DELETE, coordinated by a home replica of the key; one path for both (Dynamo, section 4.5).
 *
 *   1. a retry looks for its earlier attempt at R; a DELETE without a context reads at R what it shall cover
 *   2. too few home replicas reachable: refused, nothing was minted
 *   3. the own replica mints the dot in the key's serial section, and the joined record leaves for the others while the
 *      local sync runs
 *   4. the answer goes out at W durable acknowledgements of distinct nodes
 *
 * Up to step 3 a failure is `not-applied`, from then on `unknown`: other replicas may hold the record. A partial write is
 * never rolled back, for somebody may have read it.
 */
import { encodeRecord } from '../../codec/record-codec.ts';
import { etagOf, requestDigest } from '../../codec/hash.ts';
import { EMPTY_CONTEXT, withDot } from '../../core/causality/causal-context.ts';
import {
  decideByIdentity,
  type ProposedWrite,
  type WriteDecision,
} from '../../core/causality/decide-write.ts';
import { sameDot, type Dot } from '../../core/causality/dot.ts';
import type { KeyRecord, SiblingContent } from '../../core/causality/record.ts';
import { liveSiblings } from '../../core/causality/visible-siblings.ts';
import { bucketConfig, type ClusterConfig } from '../../core/cluster-config.ts';
import type { EntryName, NodeId } from '../../core/ids.ts';
import { MAX_COMMIT_QUEUE_BYTES } from '../../core/limits.ts';
import type {
  DeleteOutcome,
  Failure,
  FailureCode,
  PutOutcome,
  QuorumFacts,
  WriteSuccess,
} from '../../core/outcome.ts';
import { majority } from '../../core/quorum/quorum-tally.ts';
import type { DeleteRequest, PutRequest } from '../../core/request.ts';
import type { LocalReplica, MintedWrite, MintOutcome } from '../replica/local-replica.ts';
import { Deadline } from './deadline.ts';
import type { GetCoordinator } from './get-coordinator.ts';
import type { ReadPorts } from './read-operation.ts';
import { Spread, type SpreadDone } from './spread.ts';
import { awaitUsableQuorum } from './usable-quorum.ts';

export interface WritePorts extends ReadPorts {
  readonly config: ClusterConfig;
  readonly local: LocalReplica;
  readonly reads: GetCoordinator;
  /** Bytes that wait for the disk. */
  readonly commitQueueBytes: () => number;
  /** Whether the disk is below its reserve of free space. */
  readonly isLowOnSpace: () => boolean;
}

/** This node cannot tell what it holds of the key: another home replica has to coordinate. Nothing was done. */
export interface CannotCoordinate {
  readonly type: 'cannot-coordinate';
  readonly reason: string;
}

type WriteRequest = PutRequest | DeleteRequest;

/** One write on its way: what was asked, of whom, until when. */
interface Write {
  readonly request: WriteRequest;
  readonly entry: EntryName;
  readonly homes: readonly NodeId[];
  readonly deadline: Deadline;
  readonly proposed: ProposedWrite;
}

/** What the answer tells about the write itself; the rest follows from who stored it. */
interface Written {
  readonly dot: Dot;
  readonly record: KeyRecord;
  readonly created: boolean;
}

export class WriteCoordinator {
  readonly #ports: WritePorts;

  constructor(ports: WritePorts) {
    this.#ports = ports;
  }

  async put(request: PutRequest, homes: readonly NodeId[]): Promise<PutOutcome | CannotCoordinate> {
    const content: SiblingContent = { type: 'value', contentType: request.contentType, bytes: request.value };
    const digest = request.identity === undefined ? '' : requestDigest(request);
    return this.#write(this.#begin(request, homes, content, digest));
  }

  async delete(request: DeleteRequest, homes: readonly NodeId[]): Promise<DeleteOutcome | CannotCoordinate> {
    const digest = request.identity === undefined ? '' : requestDigest('delete');
    const write = this.#begin(request, homes, { type: 'tombstone' }, digest);
    return request.context === undefined ? this.#deleteWhatIsThere(request, write) : this.#write(write);
  }

  #begin(request: WriteRequest, homes: readonly NodeId[], content: SiblingContent, digest: string): Write {
    const { bucket, key, n, timeoutMs, context, identity } = request;
    const { clock } = this.#ports;
    return {
      request,
      entry: { bucket, key },
      homes,
      deadline: new Deadline(clock, timeoutMs),
      proposed: {
        content,
        seen: context,
        writtenAtMs: clock.wallMs(),
        identity: identity === undefined ? undefined : { ...identity, requestDigest: digest },
        n,
      },
    };
  }

  async #write(write: Write): Promise<WriteSuccess | Failure | CannotCoordinate> {
    const refusal = this.#refuse();
    if (refusal !== undefined) return honest(write.request, refusal);
    const { identity } = write.proposed;
    if (identity !== undefined && !identity.firstAttempt) {
      const earlier = await this.#findEarlierAttempt(write);
      if (earlier !== undefined) return earlier;
    }
    const { homes, request, deadline } = write;
    const isUsable = awaitUsableQuorum(this.#ports.replicas, homes, request.w, deadline);
    if (!(isUsable === true || (await isUsable))) return honest(request, this.#unavailable(write));
    return this.#mint(write);
  }

  /** Overload and a full disk are refused before anything is minted. */
  #refuse(): Failure | undefined {
    if (this.#ports.isLowOnSpace()) {
      return refused('no-space', 'The disk of the coordinating node is below its reserve of free space.');
    }
    if (this.#ports.commitQueueBytes() > MAX_COMMIT_QUEUE_BYTES) {
      return refused('overloaded', 'Too many writes wait for the disk of the coordinating node.');
    }
    return undefined;
  }

  async #deleteWhatIsThere(request: DeleteRequest, write: Write): Promise<DeleteOutcome | CannotCoordinate> {
    const { entry, homes, deadline } = write;
    const { n, r } = request;
    const found = await this.#ports.reads.read({ entry, homes, r, timeoutMs: deadline.leftMs });
    if (found.type === 'failed') return honest(request, notReadable(found));
    const { record, acks } = found;
    const earlier = decideByIdentity(record, write.proposed);
    if (record === undefined || (earlier === undefined && liveSiblings(record).length === 0)) {
      const quorum = { n, required: r, acks, sloppy: false, ordered: false };
      return {
        type: 'nothing-to-delete',
        record,
        quorum: { ...quorum, coordinator: this.#ports.replicas.self },
      };
    }
    return this.#write({ ...write, proposed: { ...write.proposed, seen: record.context } });
  }

  /** Asks at R whether an earlier attempt of this write id is known. Undefined: it is not, and the write may be minted. */
  async #findEarlierAttempt(write: Write): Promise<WriteSuccess | Failure | undefined> {
    const { entry, homes, deadline, request, proposed } = write;
    const r = Math.min(bucketConfig(this.#ports.config, entry.bucket).r, homes.length);
    const found = await this.#ports.reads.read({ entry, homes, r, timeoutMs: deadline.leftMs });
    if (found.type === 'failed') return honest(request, notReadable(found));
    const decision = decideByIdentity(found.record, proposed);
    return decision === undefined ? undefined : this.#decided(write, decision);
  }

  #mint(write: Write): Promise<WriteSuccess | Failure | CannotCoordinate> {
    const { entry, proposed, deadline, request } = write;
    const { local, replicas } = this.#ports;
    return new Promise((resolve) => {
      let spread: Spread | undefined;
      let givenUp = false;
      const stopWaiting = deadline.onPassed(() => {
        givenUp = true;
        resolve(
          honest(request, refused('overloaded', 'The writes before this one of the same key took too long.')),
        );
      });
      const onMinted = (minted: MintedWrite): void => {
        stopWaiting();
        spread = this.#spread(write, writtenOf(minted), resolve);
        for (const node of write.homes) if (node !== replicas.self) spread.sendTo(node, minted.encoded);
        this.#trace(entry, minted.record);
      };
      const ended = (outcome: MintOutcome): void => {
        stopWaiting();
        if (outcome.type === 'minted') spread?.settle(replicas.self, 'ok');
        else void this.#notMinted(write, outcome).then(resolve);
      };
      const failed = (error: unknown): void => {
        stopWaiting();
        // The record may have left for the others: if enough of them store it, the write stands without this node.
        if (spread !== undefined) spread.settle(replicas.self, 'refused');
        else resolve({ ...refused('internal', String(error)), certainty: 'unknown' });
      };
      local.mint(entry, proposed, { isGivenUp: () => givenUp, onMinted }).then(ended, failed);
    });
  }

  #notMinted(
    write: Write,
    outcome: Exclude<MintOutcome, { type: 'minted' }>,
  ): Promise<WriteSuccess | Failure | CannotCoordinate> {
    switch (outcome.type) {
      case 'unreadable':
        return Promise.resolve({ type: 'cannot-coordinate', reason: outcome.reason });
      case 'given-up':
        return Promise.resolve(honest(write.request, refused('overloaded', 'The deadline passed.')));
      default:
        return this.#decided(write, outcome);
    }
  }

  async #decided(
    write: Write,
    decision: Exclude<WriteDecision, { type: 'minted' | 'local-store-lost-something' }>,
  ): Promise<WriteSuccess | Failure> {
    switch (decision.type) {
      case 'repeated':
        return this.#repeat(write, decision.record, decision.write.dot);
      case 'reused':
        return refused('write-id-reused', 'This write id was used for a write with other bytes.');
      case 'expired':
        return {
          ...refused(
            'write-id-expired',
            'So many writes came after that it is not known whether this one was applied.',
          ),
          certainty: 'unknown',
        };
      case 'sibling-limit':
        return refused(
          'sibling-limit',
          `The write would bring this record to ${decision.siblings} siblings of ${decision.valueBytes} bytes.`,
        );
    }
  }

  /** The first answer again. The first attempt may have reached fewer than W replicas, so the record is spread anew. */
  #repeat(write: Write, record: KeyRecord, dot: Dot): Promise<WriteSuccess | Failure> {
    const encoded = encodeRecord(write.entry, record);
    return new Promise((resolve) => {
      const spread = this.#spread(write, { dot, record, created: false }, resolve);
      for (const node of write.homes) spread.sendTo(node, encoded);
    });
  }

  #spread(write: Write, written: Written, onEnd: (result: WriteSuccess | Failure) => void): Spread {
    const { entry, homes, deadline, request } = write;
    return new Spread(this.#ports.replicas, { entry, homes, deadline, w: request.w }, (result) =>
      onEnd(result.type === 'failed' ? result : this.#success(write, written, result)),
    );
  }

  #success(write: Write, written: Written, { stored }: SpreadDone): WriteSuccess {
    const { request, proposed } = write;
    const { dot, record, created } = written;
    const [sibling] = record.siblings;
    const isAlone = record.siblings.length === 1 && sibling !== undefined && sameDot(sibling.dot, dot);
    return {
      type: 'written',
      dot,
      // The context of the request, not of the record, which may cover siblings that the client has never seen.
      context: withDot(request.context ?? proposed.seen ?? EMPTY_CONTEXT, dot),
      created,
      liveSiblings: liveSiblings(record).length,
      etag: isAlone ? etagOf(record) : undefined,
      quorum: this.#facts(write, stored),
      record: request.returnRecord ? record : undefined,
    };
  }

  #facts({ entry, homes, request: { n, w } }: Write, stored: readonly NodeId[]): QuorumFacts {
    const bucketN = bucketConfig(this.#ports.config, entry.bucket).n;
    // Of two preference lists of one key the shorter is a prefix of the longer.
    const bucketHomes = new Set(homes.slice(0, bucketN));
    return {
      n,
      required: w,
      acks: stored.length,
      sloppy: false,
      ordered: stored.filter((node) => bucketHomes.has(node)).length >= majority(bucketN),
      coordinator: this.#ports.replicas.self,
    };
  }

  #unavailable({ homes, request }: Write): Failure {
    const { replicas } = this.#ports;
    const reports = homes.map((node) => ({
      node,
      result: replicas.state(node) === 'down' ? ('unreachable' as const) : ('not-asked' as const),
      ms: 0,
    }));
    const received = reports.filter(({ result }) => result === 'not-asked').length;
    return {
      ...refused(
        'quorum-unavailable',
        `${received} of ${homes.length} home replicas are reachable, but W is ${request.w}.`,
      ),
      required: request.w,
      received,
      replicas: reports,
    };
  }

  #trace({ bucket }: EntryName, record: KeyRecord): void {
    this.#ports.tracer.trace({ type: 'siblings', bucket, count: record.siblings.length });
  }
}

function writtenOf({ dot, record, before }: MintedWrite): Written {
  return { dot, record, created: before === undefined || liveSiblings(before).length === 0 };
}

function refused(code: FailureCode, detail: string): Failure {
  return { type: 'failed', code, certainty: 'not-applied', detail };
}

/** A write that could not read first: nothing was minted or sent, whatever the read met. */
function notReadable(failure: Failure): Failure {
  return { ...failure, code: 'quorum-unavailable', certainty: 'not-applied' };
}

/**
 * A write id names one write over all its attempts. Of a later attempt that did nothing it is not known whether an
 * earlier one was applied.
 */
function honest({ identity }: WriteRequest, failure: Failure): Failure {
  if (identity === undefined || identity.firstAttempt) return failure;
  return { ...failure, certainty: 'unknown' };
}
