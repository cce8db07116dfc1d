/** Conditional requests that one node gives to another, as fields. */
import type { SiblingContent } from '../core/causality/record.ts';
import {
  MAX_CONDITION_ETAGS,
  MAX_CONTENT_TYPE_CHARACTERS,
  MAX_NODES,
  MAX_TIMEOUT_MS,
  MAX_WRITE_ID_CHARACTERS,
} from '../core/limits.ts';
import type { Condition } from '../core/paxos/conditional.ts';
import type { ConditionalOperation, ConditionalRequest } from '../core/request.ts';
import { readOptionalBallot } from './ballot-fields.ts';
import { readEntryName } from './entry-name-fields.ts';
import type { FieldReader } from './packer.ts';

type Write = Extract<ConditionalOperation, { readonly type: 'write' }>;

const MAX_ETAG_CHARACTERS = 64;

/** The operation is null for a read, and one field for a settlement: the write id. */
export function conditionalToFields(request: ConditionalRequest): readonly unknown[] {
  const { bucket, key, n, timeoutMs, returnRecord, operation } = request;
  return [bucket, key, n, timeoutMs, returnRecord, operationToFields(operation)];
}

function operationToFields(operation: ConditionalOperation): unknown {
  switch (operation.type) {
    case 'read':
      return null;
    case 'settle':
      return [operation.writeId];
    case 'write':
      return writeToFields(operation);
  }
}

/** Throws FormatError. */
export function readConditional(fields: FieldReader): ConditionalRequest {
  const request = {
    ...readEntryName(fields),
    n: fields.integer(1, MAX_NODES),
    timeoutMs: Math.min(fields.duration(), MAX_TIMEOUT_MS),
    returnRecord: fields.boolean(),
  };
  return { ...request, operation: readOperation(fields.optionalFields()) };
}

function readOperation(fields: FieldReader | undefined): ConditionalOperation {
  if (fields === undefined) return { type: 'read' };
  if (fields.remaining > 1) return readWrite(fields);
  return { type: 'settle', writeId: fields.string(MAX_WRITE_ID_CHARACTERS) };
}

/** The condition is null for `If-None-Match: *`; the content's two fields are left out for a tombstone. */
function writeToFields({ condition, identity, content }: Write): readonly unknown[] {
  const { id, firstAttempt, notBefore } = identity;
  const etags = condition.type === 'if-absent' ? null : [...condition.etags];
  const value = content.type === 'tombstone' ? [] : [content.contentType, content.bytes];
  return [etags, id, firstAttempt, notBefore ?? null, ...value];
}

function readWrite(fields: FieldReader): Write {
  const condition = readCondition(fields.optionalFields());
  const identity = {
    id: fields.string(MAX_WRITE_ID_CHARACTERS),
    firstAttempt: fields.boolean(),
    notBefore: readOptionalBallot(fields),
  };
  const content = readContent(fields);
  fields.end();
  return { type: 'write', condition, identity, content };
}

function readCondition(etags: FieldReader | undefined): Condition {
  if (etags === undefined) return { type: 'if-absent' };
  const listed = etags.atMost(MAX_CONDITION_ETAGS).each((reader) => reader.string(MAX_ETAG_CHARACTERS));
  return { type: 'if-match', etags: new Set(listed) };
}

function readContent(fields: FieldReader): SiblingContent {
  if (fields.remaining === 0) return { type: 'tombstone' };
  return { type: 'value', contentType: fields.string(MAX_CONTENT_TYPE_CHARACTERS), bytes: fields.bytes() };
}
