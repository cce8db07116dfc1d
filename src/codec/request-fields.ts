/** Requests between nodes as fields. */
import type { DeleteRequest, PutRequest, ReadRequest, WriteIdentity } from '../core/request.ts';
import type { NodeId } from '../core/ids.ts';
import type {
  FloorsRequest,
  InspectVote,
  PeerRequest,
  StoreReplica,
  VotedKeysRequest,
} from '../core/message.ts';
import type { PaxosRequest } from '../core/paxos/peer-messages.ts';
import {
  MAX_BUCKET_CHARACTERS,
  MAX_CONTENT_TYPE_CHARACTERS,
  MAX_NODES,
  MAX_TIMEOUT_MS,
  MAX_WRITE_ID_CHARACTERS,
} from '../core/limits.ts';
import { conditionalToFields, readConditional } from './conditional-fields.ts';
import { contextFromFields, contextToFields } from './context-fields.ts';
import { readEntryName } from './entry-name-fields.ts';
import { type FieldReader, FormatError } from './packer.ts';
import { PAXOS_TYPES, paxosRequestToFields, readPaxosRequest } from './paxos-fields.ts';
import { readReapRequest, reapRequestToFields } from './reap-fields.ts';
import {
  partitionKeysRequestToFields,
  readPartitionKeysRequest,
  readFloorsRequest,
  readTreeKeysRequest,
  readTreeName,
  readVotedKeysRequest,
  treeKeysRequestToFields,
  treeNameToFields,
  votedKeysRequestToFields,
} from './tree-fields.ts';

const KIND = {
  read: 0,
  store: 1,
  coordinateGet: 2,
  coordinatePut: 3,
  coordinateDelete: 4,
  ping: 5,
  treeRoots: 6,
  treeLeaves: 7,
  treeKeys: 8,
  partitionKeys: 9,
  reapWatch: 10,
  reapSettle: 11,
  reapCheck: 12,
  reapDrop: 13,
  barrier: 14,
  /** The first of five, in the order of PAXOS_TYPES. */
  paxos: 15,
  coordinateConditional: 20,
  inspectVote: 23,
  votedKeys: 24,
  floors: 25,
} as const;

export function requestToFields(request: PeerRequest): readonly unknown[] {
  switch (request.type) {
    case 'read':
      return [KIND.read, request.bucket, request.key, request.known ?? null];
    case 'store':
      return [KIND.store, request.bucket, request.key, request.record, request.hintFor ?? null];
    case 'ping':
      return [KIND.ping];
    case 'tree-roots':
      return [KIND.treeRoots];
    case 'tree-leaves':
      return [KIND.treeLeaves, ...treeNameToFields(request.tree)];
    case 'tree-keys':
      return [KIND.treeKeys, ...treeKeysRequestToFields(request)];
    case 'partition-keys':
      return [KIND.partitionKeys, ...partitionKeysRequestToFields(request)];
    case 'reap-watch':
      return [KIND.reapWatch, ...reapRequestToFields(request)];
    case 'reap-settle':
      return [KIND.reapSettle, ...reapRequestToFields(request)];
    case 'reap-check':
      return [KIND.reapCheck, ...reapRequestToFields(request)];
    case 'reap-drop':
      return [KIND.reapDrop, ...reapRequestToFields(request)];
    case 'barrier':
      return [KIND.barrier];
    case 'coordinate-conditional':
      return [KIND.coordinateConditional, ...conditionalToFields(request.request)];
    case 'coordinate-get':
      return [KIND.coordinateGet, ...readRequestToFields(request.request)];
    case 'coordinate-put': {
      const { contentType, value } = request.request;
      return [KIND.coordinatePut, ...writeToFields(request.request), contentType, value];
    }
    case 'coordinate-delete': {
      // With a context nothing is read: then R is whatever the client sent, and may exceed N.
      const { context, n, r } = request.request;
      return [KIND.coordinateDelete, ...writeToFields(request.request), context === undefined ? r : n];
    }
    default:
      return voteRequestToFields(request);
  }
}

function voteRequestToFields(
  request: PaxosRequest | InspectVote | VotedKeysRequest | FloorsRequest,
): readonly unknown[] {
  if (request.type === 'floors') return [KIND.floors, request.node, request.store];
  if (request.type === 'inspect-vote') return [KIND.inspectVote, request.bucket, request.key];
  if (request.type === 'voted-keys') return [KIND.votedKeys, ...votedKeysRequestToFields(request)];
  return [KIND.paxos + PAXOS_TYPES.indexOf(request.type), ...paxosRequestToFields(request)];
}

/** Throws FormatError. */
export function requestFromFields(fields: FieldReader): PeerRequest {
  const kind = fields.integer(0);
  const paxos = PAXOS_TYPES[kind - KIND.paxos];
  if (paxos !== undefined) return readPaxosRequest(paxos, fields);
  switch (kind) {
    case KIND.read:
      return { type: 'read', ...readEntryName(fields), known: fields.optionalBytes() };
    case KIND.store:
      return readStore(fields);
    case KIND.ping:
      return { type: 'ping' };
    case KIND.treeRoots:
      return { type: 'tree-roots' };
    case KIND.treeLeaves:
      return { type: 'tree-leaves', tree: readTreeName(fields) };
    case KIND.treeKeys:
      return readTreeKeysRequest(fields);
    case KIND.partitionKeys:
      return readPartitionKeysRequest(fields);
    case KIND.reapWatch:
      return readReapRequest('reap-watch', fields);
    case KIND.reapSettle:
      return readReapRequest('reap-settle', fields);
    case KIND.reapCheck:
      return readReapRequest('reap-check', fields);
    case KIND.reapDrop:
      return readReapRequest('reap-drop', fields);
    case KIND.barrier:
      return { type: 'barrier' };
    case KIND.coordinateConditional:
      return { type: 'coordinate-conditional', request: readConditional(fields) };
    case KIND.coordinateGet:
      return { type: 'coordinate-get', request: readReadRequest(fields) };
    case KIND.coordinatePut:
      return { type: 'coordinate-put', request: readPutRequest(fields) };
    case KIND.coordinateDelete:
      return { type: 'coordinate-delete', request: readDeleteRequest(fields) };
    default:
      return readVoteRequest(kind, fields);
  }
}

function readVoteRequest(kind: number, fields: FieldReader): PeerRequest {
  switch (kind) {
    case KIND.inspectVote:
      return { type: 'inspect-vote', ...readEntryName(fields) };
    case KIND.votedKeys:
      return readVotedKeysRequest(fields);
    case KIND.floors:
      return readFloorsRequest(fields);
    default:
      throw new FormatError(`unknown request kind ${kind}`);
  }
}

function readStore(fields: FieldReader): StoreReplica {
  const target = { ...readEntryName(fields), record: fields.bytes() };
  const hintFor = fields.optionalString(MAX_BUCKET_CHARACTERS) as NodeId | undefined;
  return { type: 'store', ...target, ...(hintFor === undefined ? {} : { hintFor }) };
}

function readRequestToFields(request: ReadRequest): readonly unknown[] {
  const { bucket, key, n, r, sloppy, timeoutMs, atLeast } = request;
  return [bucket, key, n, r, sloppy, timeoutMs, atLeast === undefined ? null : contextToFields(atLeast)];
}

function readReadRequest(fields: FieldReader): ReadRequest {
  const target = readEntryName(fields);
  const n = fields.integer(1, MAX_NODES);
  const quorum = { n, r: fields.integer(1, n), sloppy: fields.boolean() };
  const timeoutMs = readTimeout(fields);
  const atLeast = fields.optionalFields();
  return {
    ...target,
    ...quorum,
    timeoutMs,
    atLeast: atLeast === undefined ? undefined : contextFromFields(atLeast),
  };
}

type CommonWrite = Omit<PutRequest, 'contentType' | 'value'>;

function writeToFields(request: CommonWrite): readonly unknown[] {
  const { bucket, key, n, w, sloppy, timeoutMs, context, identity, returnRecord } = request;
  return [
    bucket,
    key,
    n,
    w,
    sloppy,
    timeoutMs,
    context === undefined ? null : contextToFields(context),
    identity === undefined ? null : [identity.id, identity.firstAttempt],
    returnRecord,
  ];
}

function readWrite(fields: FieldReader): CommonWrite {
  const target = readEntryName(fields);
  const n = fields.integer(1, MAX_NODES);
  const w = fields.integer(1, n);
  const sloppy = fields.boolean();
  const timeoutMs = readTimeout(fields);
  const context = fields.optionalFields();
  const identity = fields.optionalFields();
  return {
    ...target,
    n,
    w,
    sloppy,
    timeoutMs,
    context: context === undefined ? undefined : contextFromFields(context),
    identity: identity === undefined ? undefined : readIdentity(identity),
    returnRecord: fields.boolean(),
  };
}

function readPutRequest(fields: FieldReader): PutRequest {
  return {
    ...readWrite(fields),
    contentType: fields.string(MAX_CONTENT_TYPE_CHARACTERS),
    value: fields.bytes(),
  };
}

function readDeleteRequest(fields: FieldReader): DeleteRequest {
  const write = readWrite(fields);
  const r = fields.integer(1, write.n);
  // As it is written: what a context is there for is not read.
  return { ...write, r: write.context === undefined ? r : write.n };
}

function readIdentity(fields: FieldReader): WriteIdentity {
  const identity = { id: fields.string(MAX_WRITE_ID_CHARACTERS), firstAttempt: fields.boolean() };
  fields.end();
  return identity;
}

function readTimeout(fields: FieldReader): number {
  return Math.min(fields.duration(), MAX_TIMEOUT_MS);
}
