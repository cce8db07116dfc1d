/** Replies between nodes as fields. */
import type { KeyRecord } from '../core/causality/record.ts';
import type { NodeId } from '../core/ids.ts';
import { MAX_NODES, MAX_REAP_ENTRIES } from '../core/limits.ts';
import type { PeerReply, ReadReply, StoreReply } from '../core/message.ts';
import {
  type Failure,
  FAILURE_CODES,
  type PutOutcome,
  type QuorumFacts,
  REPLICA_RESULTS,
  type ReadOutcome,
  type RemovalOutcome,
  type ReplicaReport,
} from '../core/outcome.ts';
import { contextFromFields, contextToFields, readDot } from './context-fields.ts';
import { type FieldReader, FormatError } from './packer.ts';
import { readReapAnswers } from './reap-fields.ts';
import { recordFromFields, recordToFields } from './record-fields.ts';
import {
  readTreeKeysPage,
  readTreeLeaves,
  readTreeRoots,
  treeKeysPageToFields,
  treeRootsToFields,
} from './tree-fields.ts';

const KIND = {
  read: 0,
  store: 1,
  coordinateGet: 2,
  coordinatePut: 3,
  coordinateDelete: 4,
  refused: 5,
  ping: 6,
  treeRoots: 7,
  treeLeaves: 8,
  treeKeys: 9,
  partitionKeys: 10,
  reapWatch: 11,
  reapSettle: 12,
  reapCheck: 13,
  reapDrop: 14,
  barrier: 15,
} as const;
const READ = { found: 0, same: 1, absent: 2, unreadable: 3, recovering: 4 } as const;
const OUTCOME = { failed: 0, read: 1, written: 2 } as const;

export function replyToFields(reply: PeerReply): readonly unknown[] {
  switch (reply.type) {
    case 'read':
      return [KIND.read, ...readReplyToFields(reply.reply)];
    case 'store':
      return [KIND.store, reply.reply.type === 'stored' ? null : reply.reply.reason];
    case 'ping':
      return [KIND.ping];
    case 'tree-roots':
      return [KIND.treeRoots, ...treeRootsToFields(reply)];
    case 'tree-leaves':
      return [KIND.treeLeaves, reply.leaves];
    case 'tree-keys':
      return [KIND.treeKeys, ...treeKeysPageToFields(reply.page)];
    case 'partition-keys':
      return [KIND.partitionKeys, ...treeKeysPageToFields(reply.page)];
    case 'reap-watch':
      return [KIND.reapWatch, reply.held];
    case 'reap-settle':
      return [KIND.reapSettle];
    case 'reap-check':
      return [KIND.reapCheck, reply.intact];
    case 'reap-drop':
      return [KIND.reapDrop, reply.dropped];
    case 'barrier':
      return [KIND.barrier];
    case 'coordinate-get':
      return [KIND.coordinateGet, ...outcomeToFields(reply.outcome)];
    case 'coordinate-put':
      return [KIND.coordinatePut, ...outcomeToFields(reply.outcome)];
    case 'coordinate-delete':
      return [KIND.coordinateDelete, ...outcomeToFields(reply.outcome)];
    case 'request-refused':
      return [KIND.refused, reply.reason];
  }
}

/** Throws FormatError. */
export function replyFromFields(fields: FieldReader): PeerReply {
  const kind = fields.integer(0);
  switch (kind) {
    case KIND.read:
      return { type: 'read', reply: readReadReply(fields) };
    case KIND.store:
      return { type: 'store', reply: readStoreReply(fields) };
    case KIND.ping:
      return { type: 'ping' };
    case KIND.treeRoots:
      return { type: 'tree-roots', ...readTreeRoots(fields) };
    case KIND.treeLeaves:
      return { type: 'tree-leaves', leaves: readTreeLeaves(fields) };
    case KIND.treeKeys:
      return { type: 'tree-keys', page: readTreeKeysPage(fields) };
    case KIND.partitionKeys:
      return { type: 'partition-keys', page: readTreeKeysPage(fields) };
    case KIND.reapWatch:
      return { type: 'reap-watch', held: readReapAnswers(fields.fields()) };
    case KIND.reapSettle:
      return { type: 'reap-settle' };
    case KIND.reapCheck:
      return { type: 'reap-check', intact: readReapAnswers(fields.fields()) };
    case KIND.reapDrop:
      return { type: 'reap-drop', dropped: fields.integer(0, MAX_REAP_ENTRIES) };
    case KIND.barrier:
      return { type: 'barrier' };
    case KIND.coordinateGet:
      return { type: 'coordinate-get', outcome: onlyRead(readOutcome(fields)) };
    case KIND.coordinatePut:
      return { type: 'coordinate-put', outcome: onlyWritten(readOutcome(fields)) };
    case KIND.coordinateDelete:
      return { type: 'coordinate-delete', outcome: onlyWritten(readOutcome(fields)) };
    case KIND.refused:
      return { type: 'request-refused', reason: fields.string() };
    default:
      throw new FormatError(`unknown reply kind ${kind}`);
  }
}

function readReplyToFields(reply: ReadReply): readonly unknown[] {
  switch (reply.type) {
    case 'found':
      return [READ.found, reply.record];
    case 'same':
      return [READ.same];
    case 'absent':
      return [READ.absent];
    case 'unreadable':
      return [READ.unreadable, reply.reason];
    case 'recovering':
      return [READ.recovering, reply.record ?? null];
  }
}

function readReadReply(fields: FieldReader): ReadReply {
  const kind = fields.integer(0);
  switch (kind) {
    case READ.found:
      return { type: 'found', record: fields.bytes() };
    case READ.same:
      return { type: 'same' };
    case READ.absent:
      return { type: 'absent' };
    case READ.unreadable:
      return { type: 'unreadable', reason: fields.string() };
    case READ.recovering:
      return { type: 'recovering', record: fields.optionalBytes() };
    default:
      throw new FormatError(`unknown read reply ${kind}`);
  }
}

function readStoreReply(fields: FieldReader): StoreReply {
  const reason = fields.optionalString();
  return reason === undefined ? { type: 'stored' } : { type: 'store-refused', reason };
}

type Outcome = ReadOutcome | PutOutcome | RemovalOutcome;

function outcomeToFields(outcome: Outcome): readonly unknown[] {
  switch (outcome.type) {
    case 'failed':
      return [OUTCOME.failed, ...failureToFields(outcome)];
    case 'read':
      return [OUTCOME.read, optionalRecordToFields(outcome.record), quorumToFields(outcome.quorum)];
    case 'written':
      return [
        OUTCOME.written,
        outcome.dot.actor,
        outcome.dot.counter,
        contextToFields(outcome.context),
        outcome.created,
        outcome.liveSiblings,
        outcome.etag ?? null,
        quorumToFields(outcome.quorum),
        optionalRecordToFields(outcome.record),
      ];
  }
}

function readOutcome(fields: FieldReader): Outcome {
  const kind = fields.integer(0);
  switch (kind) {
    case OUTCOME.failed:
      return readFailure(fields);
    case OUTCOME.read:
      return { type: 'read', record: readOptionalRecord(fields), quorum: readQuorum(fields.fields()) };
    case OUTCOME.written:
      return {
        type: 'written',
        dot: readDot(fields),
        context: contextFromFields(fields.fields()),
        created: fields.boolean(),
        liveSiblings: fields.integer(0),
        etag: fields.optionalString(64),
        quorum: readQuorum(fields.fields()),
        record: readOptionalRecord(fields),
      };
    default:
      throw new FormatError(`unknown outcome ${kind}`);
  }
}

function onlyRead(outcome: Outcome): ReadOutcome {
  if (outcome.type === 'read' || outcome.type === 'failed') return outcome;
  throw new FormatError(`a get cannot end in ${outcome.type}`);
}

function onlyWritten(outcome: Outcome): PutOutcome | RemovalOutcome {
  if (outcome.type === 'written' || outcome.type === 'failed') return outcome;
  throw new FormatError(`a write cannot end in ${outcome.type}`);
}

function optionalRecordToFields(record: KeyRecord | undefined): readonly unknown[] | null {
  return record === undefined ? null : recordToFields(record);
}

function readOptionalRecord(fields: FieldReader): KeyRecord | undefined {
  const record = fields.optionalFields();
  return record === undefined ? undefined : recordFromFields(record);
}

function quorumToFields({
  n,
  required,
  acks,
  sloppy,
  ordered,
  coordinator,
}: QuorumFacts): readonly unknown[] {
  return [n, required, acks, sloppy, ordered, coordinator];
}

function readQuorum(fields: FieldReader): QuorumFacts {
  return {
    n: fields.integer(1, MAX_NODES),
    required: fields.integer(1, MAX_NODES),
    acks: fields.integer(0, MAX_NODES),
    sloppy: fields.boolean(),
    ordered: fields.boolean(),
    coordinator: fields.string(256) as NodeId,
  };
}

function failureToFields(failure: Failure): readonly unknown[] {
  return [
    failure.code,
    failure.certainty,
    failure.detail,
    failure.required ?? null,
    failure.received ?? null,
    failure.replicas?.map(({ node, result, ms }) => [node, result, ms]) ?? null,
  ];
}

function readFailure(fields: FieldReader): Failure {
  const failure = {
    type: 'failed',
    code: fields.oneOf(FAILURE_CODES),
    certainty: fields.oneOf(['not-applied', 'unknown']),
    detail: fields.string(),
  } as const;
  const required = fields.optionalInteger(0);
  const received = fields.optionalInteger(0);
  const replicas = fields.optionalFields();
  return {
    ...failure,
    ...(required !== undefined && { required }),
    ...(received !== undefined && { received }),
    ...(replicas !== undefined && { replicas: replicas.each(readReport) }),
  };
}

function readReport(list: FieldReader): ReplicaReport {
  const fields = list.fields();
  return { node: fields.string(256) as NodeId, result: fields.oneOf(REPLICA_RESULTS), ms: fields.duration() };
}
