/** What operations came to, as fields. */
import type { KeyRecord } from '../core/causality/record.ts';
import type { NodeId } from '../core/ids.ts';
import { MAX_NODES } from '../core/limits.ts';
import {
  type ConditionalOutcome,
  type Failure,
  FAILURE_CODES,
  type PhaseTime,
  type PutOutcome,
  type QuorumFacts,
  REPLICA_RESULTS,
  SETTLED_STATES,
  ROUND_PHASES,
  type ReadOutcome,
  type RemovalOutcome,
  type ReplicaReport,
} from '../core/outcome.ts';
import { contextFromFields, contextToFields, readDot } from './context-fields.ts';
import { type FieldReader, FormatError } from './packer.ts';
import { recordFromFields, recordToFields } from './record-fields.ts';

const OUTCOME = { failed: 0, read: 1, written: 2, preconditionFailed: 3, settled: 4 } as const;

type Outcome = ReadOutcome | PutOutcome | RemovalOutcome | ConditionalOutcome;

export function outcomeToFields(outcome: Outcome): readonly unknown[] {
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
    case 'precondition-failed':
      return [
        OUTCOME.preconditionFailed,
        optionalRecordToFields(outcome.record),
        quorumToFields(outcome.quorum),
        outcome.wasRefused,
      ];
    case 'settled':
      return [OUTCOME.settled, outcome.state, outcome.etag ?? null, quorumToFields(outcome.quorum)];
  }
}

/** Throws FormatError. */
export function readOutcome(fields: FieldReader): Outcome {
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
    case OUTCOME.preconditionFailed:
      return {
        type: 'precondition-failed',
        record: readOptionalRecord(fields),
        quorum: readQuorum(fields.fields()),
        wasRefused: fields.boolean(),
      };
    case OUTCOME.settled:
      return {
        type: 'settled',
        state: fields.oneOf(SETTLED_STATES),
        etag: fields.optionalString(64),
        quorum: readQuorum(fields.fields()),
      };
    default:
      throw new FormatError(`unknown outcome ${kind}`);
  }
}

/** Throws FormatError for an outcome that a read does not have. */
export function onlyRead(outcome: Outcome): ReadOutcome {
  if (outcome.type === 'read' || outcome.type === 'failed') return outcome;
  throw new FormatError(`a get cannot end in ${outcome.type}`);
}

/** Throws FormatError for an outcome that a plain write does not have. */
export function onlyWritten(outcome: Outcome): PutOutcome | RemovalOutcome {
  if (outcome.type === 'written' || outcome.type === 'failed') return outcome;
  throw new FormatError(`a write cannot end in ${outcome.type}`);
}

/** Every outcome is one of a conditional request, whatever it was. */
export function onlyConditional(outcome: Outcome): ConditionalOutcome {
  return outcome;
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
  phases,
}: QuorumFacts): readonly unknown[] {
  const facts = [n, required, acks, sloppy, ordered, coordinator];
  return phases === undefined ? facts : [...facts, phases.map(({ phase, ms }) => [phase, ms])];
}

function readQuorum(fields: FieldReader): QuorumFacts {
  const facts = {
    n: fields.integer(1, MAX_NODES),
    required: fields.integer(1, MAX_NODES),
    acks: fields.integer(0, MAX_NODES),
    sloppy: fields.boolean(),
    ordered: fields.boolean(),
    coordinator: fields.string(256) as NodeId,
  };
  if (fields.remaining === 0) return facts;
  return { ...facts, phases: fields.fields().atMost(ROUND_PHASES.length).each(readPhase) };
}

function readPhase(list: FieldReader): PhaseTime {
  const fields = list.fields();
  return { phase: fields.oneOf(ROUND_PHASES), ms: fields.duration() };
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
