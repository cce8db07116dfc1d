/**
 * A storage node of one replica in memory, for tests of the HTTP layer: records are minted and joined by the real core, so
 * that siblings, contexts and tags are what a cluster gives, and every method can be scripted to answer anything else.
 */
import { randomBytes } from 'node:crypto';
import { requestDigestOf } from '../../../src/codec/conditional-digest.ts';
import { etagOf, placementHash, requestDigest } from '../../../src/codec/hash.ts';
import { EMPTY_CONTEXT, withDot } from '../../../src/core/causality/causal-context.ts';
import { decideWrite } from '../../../src/core/causality/decide-write.ts';
import type { KeyRecord, SiblingContent } from '../../../src/core/causality/record.ts';
import { liveSiblings } from '../../../src/core/causality/visible-siblings.ts';
import type { ClusterConfig } from '../../../src/core/cluster-config.ts';
import type { Incarnation, NodeId } from '../../../src/core/ids.ts';
import { BallotClock } from '../../../src/core/paxos/ballot.ts';
import type { Conditional, Verdict } from '../../../src/core/paxos/conditional.ts';
import { planRound } from '../../../src/core/paxos/round-plan.ts';
import { outcomeOf } from '../../../src/protocol/paxos/conditional-outcome.ts';
import type {
  ConditionalOutcome,
  DeleteOutcome,
  Failure,
  PutOutcome,
  QuorumFacts,
  ReadOutcome,
  WriteSuccess,
} from '../../../src/core/outcome.ts';
import type {
  ConditionalRequest,
  DeleteRequest,
  PutRequest,
  ReadRequest,
} from '../../../src/core/request.ts';
import { partitionOf } from '../../../src/core/ring/ring.ts';
import type {
  Inspection,
  MemberStatus,
  OwnRecovery,
  StorageNode,
} from '../../../src/protocol/storage-node.ts';

/** What a test puts in the place of the node's own answers. */
export type Script = {
  -readonly [Method in
    | 'get'
    | 'put'
    | 'delete'
    | 'conditional'
    | 'inspect'
    | 'members'
    | 'recovery'
    | 'notReady'
    | 'hasMajorities'
    | 'probeStorage']?: StorageNode[Method];
};

export class MemoryNode implements StorageNode {
  readonly nodeId: NodeId;
  readonly preferenceLists: readonly (readonly NodeId[])[];
  readonly script: Script = {};
  /** What the HTTP layer asked for, in order. */
  readonly reads: ReadRequest[] = [];
  readonly puts: PutRequest[] = [];
  readonly deletes: DeleteRequest[] = [];
  readonly conditionals: ConditionalRequest[] = [];
  readonly #config: ClusterConfig;
  readonly #incarnation = randomBytes(16).toString('base64url') as Incarnation;
  readonly #records = new Map<string, KeyRecord>();
  #epochs = 0;
  readonly #ballots: BallotClock;

  constructor(config: ClusterConfig) {
    const ids = config.nodes.map(({ id }) => id);
    this.#config = config;
    this.nodeId = ids[0] as NodeId;
    this.#ballots = new BallotClock(this.nodeId, this.#incarnation);
    this.preferenceLists = Array.from({ length: config.partitions }, (_, partition) =>
      ids.map((_id, index) => ids[(partition + index) % ids.length] as NodeId),
    );
  }

  /** Everything that reached the storage engine. */
  get requestCount(): number {
    return this.reads.length + this.puts.length + this.deletes.length + this.conditionals.length;
  }

  async get(request: ReadRequest): Promise<ReadOutcome> {
    this.reads.push(request);
    if (this.script.get !== undefined) return this.script.get(request);
    return { type: 'read', record: this.recordOf(request), quorum: this.#facts(request.n, request.r) };
  }

  async put(request: PutRequest): Promise<PutOutcome> {
    this.puts.push(request);
    if (this.script.put !== undefined) return this.script.put(request);
    const { contentType, value: bytes } = request;
    return this.#write(request, { type: 'value', contentType, bytes });
  }

  async delete(request: DeleteRequest): Promise<DeleteOutcome> {
    this.deletes.push(request);
    if (this.script.delete !== undefined) return this.script.delete(request);
    const record = this.recordOf(request);
    if (request.context !== undefined) return this.#write(request, { type: 'tombstone' });
    if (record === undefined || liveSiblings(record).length === 0) {
      return { type: 'nothing-to-delete', record, quorum: this.#facts(request.n, request.r) };
    }
    return this.#write({ ...request, context: record.context }, { type: 'tombstone' });
  }

  async conditional(request: ConditionalRequest): Promise<ConditionalOutcome> {
    this.conditionals.push(request);
    if (this.script.conditional !== undefined) return this.script.conditional(request);
    const { operation, n } = request;
    const majority = Math.floor(n / 2) + 1;
    const quorum = { ...this.#facts(n, majority), ordered: true };
    const ballot = this.#ballots.next({ wallMs: Date.now(), nowMs: performance.now() }, undefined);
    const asked: Conditional =
      operation.type !== 'write'
        ? operation
        : {
            ...operation,
            identity: {
              ...operation.identity,
              requestDigest: requestDigestOf(operation),
              mayBeElsewhere: !operation.identity.firstAttempt,
              takenAtMs: Date.now(),
              knownMs: Date.now(),
            },
          };
    const plan = planRound(this.recordOf(request), [asked], { ballot, n, floor: undefined, etagOf });
    if (plan.object !== undefined) this.#records.set(`${request.bucket}/${request.key}`, plan.object);
    return outcomeOf(plan.verdicts[0] as Verdict, request, quorum) as ConditionalOutcome;
  }

  async inspect(entry: { bucket: string; key: string }, timeoutMs: number): Promise<Inspection> {
    if (this.script.inspect !== undefined) return this.script.inspect(entry, timeoutMs);
    const partition = partitionOf(this.#config, placementHash(entry));
    const record = this.recordOf(entry);
    const found = { result: 'found', record, digest: 'd1' } as const;
    const preferenceList = this.preferenceLists[partition] as readonly NodeId[];
    const replicas = preferenceList.map((node) =>
      record === undefined ? { node, ms: 1, result: 'absent' as const } : { ...found, record, node, ms: 1 },
    );
    return { partition, preferenceList, n: this.#config.defaults.n, replicas };
  }

  members(): readonly MemberStatus[] {
    if (this.script.members !== undefined) return this.script.members();
    return this.#config.nodes.map(({ id }) => ({
      node: id,
      state: id === this.nodeId ? 'self' : 'up',
      sinceMs: Date.UTC(2024, 0, 2),
      storeId: undefined,
      incarnation: undefined,
      reason: undefined,
      hints: undefined,
    }));
  }

  recovery(): OwnRecovery {
    return this.script.recovery?.() ?? { partitions: 0, waitingFor: [] };
  }

  notReady(): readonly string[] {
    return this.script.notReady?.() ?? [];
  }

  hasMajorities(): boolean {
    return this.script.hasMajorities?.() ?? true;
  }

  async probeStorage(): Promise<void> {
    await this.script.probeStorage?.();
  }

  drain(): void {}

  async close(): Promise<void> {}

  recordOf({ bucket, key }: { readonly bucket: string; readonly key: string }): KeyRecord | undefined {
    return this.#records.get(`${bucket}/${key}`);
  }

  #write(request: PutRequest | DeleteRequest, content: SiblingContent): WriteSuccess | Failure {
    const { bucket, key, n, w, context: seen, identity } = request;
    const before = this.recordOf(request);
    const digest = requestDigest('value' in request ? request : 'delete');
    const decision = decideWrite(
      before,
      {
        content,
        seen,
        n,
        writtenAtMs: Date.UTC(2024, 0, 1),
        identity: identity === undefined ? undefined : { ...identity, requestDigest: digest },
      },
      { incarnation: this.#incarnation, openEpoch: () => (this.#epochs += 1) },
      this.#config.limits,
    );
    if (decision.type !== 'minted' && decision.type !== 'repeated') {
      const code = decision.type === 'sibling-limit' ? 'sibling-limit' : 'write-id-reused';
      return { type: 'failed', code, certainty: 'not-applied', detail: `The node says ${code}.` };
    }
    const { record } = decision;
    const dot = decision.type === 'minted' ? decision.dot : decision.write.dot;
    this.#records.set(`${bucket}/${key}`, record);
    return {
      type: 'written',
      dot,
      context: withDot(seen ?? EMPTY_CONTEXT, dot),
      created: before === undefined || liveSiblings(before).length === 0,
      liveSiblings: liveSiblings(record).length,
      etag: record.siblings.length === 1 ? etagOf(record) : undefined,
      quorum: this.#facts(n, w),
      record: request.returnRecord ? record : undefined,
    };
  }

  #facts(n: number, required: number): QuorumFacts {
    return { n, required, acks: required, sloppy: false, ordered: false, coordinator: this.nodeId };
  }
}
