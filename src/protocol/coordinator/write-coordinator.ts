/**
 * PUT and DELETE, coordinated by a home replica of the key, or under a sloppy quorum by a fallback; one path for both
 * (Dynamo, section 4.5).
 *
 *   1. a retry looks for its earlier attempt at R
 *   2. too few nodes reachable that may store it: refused, nothing was minted
 *   3. the own replica mints the dot in the key's serial section, and the joined record leaves for the others while the
 *      local sync runs; a fallback keeps its own record with a hint, like any stand-in
 *   4. the answer goes out at W durable acknowledgements of distinct nodes
 *
 * Up to step 3 a failure is `not-applied`, from then on `unknown`: other replicas may hold the record. A partial write is
 * never rolled back, for somebody may have read it.
 */
import { requestDigest } from '../../codec/hash.ts';
import { encodeRecord } from '../../codec/record-codec.ts';
import { createsKey, decideByIdentity, type WriteDecision } from '../../core/causality/decide-write.ts';
import type { SiblingContent } from '../../core/causality/record.ts';
import { bucketConfig, type ClusterConfig } from '../../core/cluster-config.ts';
import type { NodeId } from '../../core/ids.ts';
import { MAX_COMMIT_QUEUE_BYTES } from '../../core/limits.ts';
import type { Failure, PutOutcome, RemovalOutcome, WriteSuccess } from '../../core/outcome.ts';
import type { DeleteRequest, PutRequest } from '../../core/request.ts';
import type { PreferredNodes } from '../../core/ring/ring.ts';
import type { LocalReplica } from '../replica/local-replica.ts';
import type { MintedWrite, MintOutcome } from '../replica/minting.ts';
import { Deadline } from './deadline.ts';
import type { GetCoordinator } from './get-coordinator.ts';
import type { ReadPorts } from './read-operation.ts';
import { Spread } from './spread.ts';
import { awaitUsableQuorum } from './usable-quorum.ts';
import { honest, notReadable, refused, successOf, unavailable, type Write, type Written } from './write.ts';

export interface WritePorts extends ReadPorts {
  readonly config: ClusterConfig;
  readonly local: LocalReplica;
  readonly reads: GetCoordinator;
  /** Bytes that wait for the disk. */
  readonly commitQueueBytes: () => number;
  /** Whether the disk is below its reserve of free space. */
  readonly isLowOnSpace: () => boolean;
}

/** This node cannot tell what it holds of the key, or may not keep it: another one has to coordinate. Nothing was done. */
export interface CannotCoordinate {
  readonly type: 'cannot-coordinate';
  readonly reason: string;
}

type WriteResult = WriteSuccess | Failure | CannotCoordinate;

export class WriteCoordinator {
  readonly #ports: WritePorts;

  constructor(ports: WritePorts) {
    this.#ports = ports;
  }

  async put(request: PutRequest, nodes: PreferredNodes): Promise<PutOutcome | CannotCoordinate> {
    const content: SiblingContent = { type: 'value', contentType: request.contentType, bytes: request.value };
    const digest = request.identity === undefined ? '' : requestDigest(request);
    return honest(request, await this.#write(this.#begin(request, nodes, content, digest)));
  }

  /** Deletes what the context covers (see blind-delete.ts for a DELETE without one). */
  async delete(request: DeleteRequest, nodes: PreferredNodes): Promise<RemovalOutcome | CannotCoordinate> {
    const digest = request.identity === undefined ? '' : requestDigest('delete');
    return honest(request, await this.#write(this.#begin(request, nodes, { type: 'tombstone' }, digest)));
  }

  #begin(request: Write['request'], nodes: PreferredNodes, content: SiblingContent, digest: string): Write {
    const { bucket, key, n, timeoutMs, context, identity } = request;
    const { clock, config } = this.#ports;
    return {
      request,
      entry: { bucket, key },
      nodes,
      bucketN: bucketConfig(config, bucket).n,
      deadline: new Deadline(clock, timeoutMs),
      proposed: {
        content,
        seen: context,
        writtenAtMs: Math.max(0, Math.trunc(clock.wallMs())),
        identity: identity === undefined ? undefined : { ...identity, requestDigest: digest },
        n,
      },
    };
  }

  async #write(write: Write): Promise<WriteResult> {
    const { nodes, request, deadline, proposed } = write;
    const { replicas } = this.#ports;
    const refusal = this.#refusal();
    if (refusal !== undefined) return refusal;
    if (proposed.identity?.firstAttempt === false) {
      const earlier = await this.#findEarlierAttempt(write);
      if (earlier !== undefined) return earlier;
    }
    const usable = [...nodes.homes, ...nodes.fallbacks];
    const isUsable = awaitUsableQuorum(replicas, usable, request.w, deadline);
    if (!(isUsable === true || (await isUsable))) return unavailable(write, replicas);
    return this.#mint(write);
  }

  /** Overload and a full disk are refused before anything is minted. */
  #refusal(): Failure | undefined {
    if (this.#ports.isLowOnSpace()) {
      return refused('no-space', 'The disk of the coordinating node is below its reserve of free space.');
    }
    if (this.#ports.commitQueueBytes() > MAX_COMMIT_QUEUE_BYTES) {
      return refused('overloaded', 'Too many writes wait for the disk of the coordinating node.');
    }
    return undefined;
  }

  /** Asks at R whether an earlier attempt of this write id is known. Undefined: it is not, and the write may be minted. */
  async #findEarlierAttempt(write: Write): Promise<WriteSuccess | Failure | undefined> {
    const { entry, nodes, deadline, proposed } = write;
    const r = Math.min(bucketConfig(this.#ports.config, entry.bucket).r, nodes.homes.length);
    const found = await this.#ports.reads.read({ entry, nodes, r, timeoutMs: deadline.leftMs });
    if (found.type === 'failed') return notReadable(found);
    const decision = decideByIdentity(found.record, proposed);
    return decision === undefined ? undefined : this.#decided(write, decision);
  }

  #mint(write: Write): Promise<WriteResult> {
    const { entry, proposed, deadline } = write;
    const { local, replicas, tracer } = this.#ports;
    return new Promise((resolve) => {
      let spread: Spread | undefined;
      let givenUp = false;
      let stopWaiting: () => void = () => {};
      const hintFor = this.#standsInFor(write.nodes);
      const onMinted = (minted: MintedWrite): void => {
        stopWaiting();
        spread = this.#spread(
          { write, encoded: minted.encoded, ownHintFor: hintFor },
          writtenOf(minted),
          resolve,
        );
        spread.begin(replicas.self);
        tracer.trace({ type: 'siblings', bucket: entry.bucket, count: minted.record.siblings.length });
      };
      const isGivenUp = (): boolean => givenUp || deadline.leftMs === 0;
      const minted = local.mint(entry, proposed, { isGivenUp, onMinted, hintFor });
      // Mostly the turn of the write has come at once.
      if (spread === undefined) {
        stopWaiting = deadline.onPassed(() => {
          givenUp = true;
          resolve(refused('overloaded', 'The writes of the same key before this one took too long.'));
        });
      }
      minted
        .then(async (outcome) => {
          stopWaiting();
          if (outcome.type === 'minted') spread?.settle(replicas.self, 'ok');
          else resolve(await this.#notMinted(write, outcome));
        })
        .catch((error: unknown) => {
          stopWaiting();
          // The record may have left for the others: if enough of them store it, the write stands without this node.
          if (spread === undefined) resolve({ ...refused('internal', String(error)), certainty: 'unknown' });
          else spread.settle(replicas.self, 'refused');
        });
    });
  }

  /** The first home replica that cannot be reached, if this node is none; if all can, the first of all. */
  #standsInFor({ homes }: PreferredNodes): NodeId | undefined {
    const { replicas } = this.#ports;
    if (homes.includes(replicas.self)) return undefined;
    return homes.find((home) => replicas.state(home) !== 'up') ?? homes[0];
  }

  async #notMinted(write: Write, outcome: Exclude<MintOutcome, { type: 'minted' }>): Promise<WriteResult> {
    switch (outcome.type) {
      case 'unreadable':
      case 'hint-refused':
        return { type: 'cannot-coordinate', reason: outcome.reason };
      case 'given-up':
        return refused('overloaded', 'The deadline passed before the turn of this write came.');
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
        return this.#repeat(write, decision);
      case 'reused':
        return refused('write-id-reused', 'This write id was used for a write with other bytes.');
      case 'refused':
        return refused(
          'write-id-reused',
          'This write id was refused for good: a conditional write of it was answered 412, or somebody asked what had become of it. Use another one.',
        );
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
  #repeat(
    write: Write,
    { record, write: { dot, created } }: Extract<WriteDecision, { type: 'repeated' }>,
  ): Promise<WriteSuccess | Failure> {
    // Where it was not written before it belongs from now on, if this attempt names more home replicas.
    const largestN = Math.max(record.largestN, write.request.n);
    const encoded = encodeRecord(write.entry, { ...record, largestN });
    return new Promise((resolve) => {
      this.#spread({ write, encoded }, { dot, record, created }, resolve).begin();
    });
  }

  #spread(
    { write, encoded, ownHintFor }: { write: Write; encoded: Uint8Array; ownHintFor?: NodeId | undefined },
    written: Written,
    onEnd: (result: WriteSuccess | Failure) => void,
  ): Spread {
    const { entry, nodes, deadline, request } = write;
    const target = { entry, nodes, deadline, record: encoded, w: request.w, ownHintFor };
    return new Spread(this.#ports, target, (result) =>
      onEnd(result.type === 'failed' ? result : successOf(write, written, result, this.#ports.replicas.self)),
    );
  }
}

function writtenOf({ dot, record, before }: MintedWrite): Written {
  return { dot, record, created: createsKey(before) };
}
