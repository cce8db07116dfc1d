/** What one node may give another to coordinate. */
import type { PeerReply } from '../../core/message.ts';
import type { ConditionalOutcome, PutOutcome, ReadOutcome, RemovalOutcome } from '../../core/outcome.ts';
import type {
  ConditionalRequest,
  DeleteRequest,
  PutRequest,
  ReadRequest,
  WriteIdentity,
} from '../../core/request.ts';

export type ForwardedOperation =
  | { readonly type: 'coordinate-get'; readonly request: ReadRequest }
  | { readonly type: 'coordinate-put'; readonly request: PutRequest }
  | { readonly type: 'coordinate-delete'; readonly request: DeleteRequest }
  | { readonly type: 'coordinate-conditional'; readonly request: ConditionalRequest };

export type ForwardedOutcome = ReadOutcome | PutOutcome | RemovalOutcome | ConditionalOutcome;

export type CoordinatedReply = Extract<PeerReply, { readonly type: ForwardedOperation['type'] }>;

/** The operation with another time limit. */
export function withTimeout(operation: ForwardedOperation, timeoutMs: number): ForwardedOperation {
  switch (operation.type) {
    case 'coordinate-get':
      return { type: operation.type, request: { ...operation.request, timeoutMs } };
    case 'coordinate-put':
      return { type: operation.type, request: { ...operation.request, timeoutMs } };
    case 'coordinate-delete':
      return { type: operation.type, request: { ...operation.request, timeoutMs } };
    case 'coordinate-conditional':
      return { type: operation.type, request: { ...operation.request, timeoutMs } };
  }
}

/** A write with an id as it is for whoever may not be the first to be given it; all else as it is. */
export function asRetry(operation: ForwardedOperation): ForwardedOperation {
  switch (operation.type) {
    case 'coordinate-get':
      return operation;
    case 'coordinate-put':
      return { type: operation.type, request: { ...operation.request, ...retried(operation.request) } };
    case 'coordinate-delete':
      return { type: operation.type, request: { ...operation.request, ...retried(operation.request) } };
    case 'coordinate-conditional': {
      const write = operation.request.operation;
      if (write.type !== 'write') return operation;
      const identity = { ...write.identity, firstAttempt: false };
      return { type: operation.type, request: { ...operation.request, operation: { ...write, identity } } };
    }
  }
}

function retried({ identity }: PutRequest | DeleteRequest): Pick<PutRequest, 'identity'> {
  return { identity: identity === undefined ? undefined : { ...identity, firstAttempt: false } };
}

/** The id of a write; undefined if it has none, or is a read. */
export function identityIn(request: ForwardedOperation['request']): WriteIdentity | undefined {
  if ('operation' in request)
    return request.operation.type === 'write' ? request.operation.identity : undefined;
  return 'identity' in request ? request.identity : undefined;
}

/** How many nodes have to answer. */
export function requiredBy(request: ForwardedOperation['request']): number {
  if ('operation' in request) return Math.floor(request.n / 2) + 1;
  return 'w' in request ? request.w : request.r;
}

/** The outcome in a reply; undefined if it has none. */
export function outcomeOf(reply: PeerReply): ForwardedOutcome | undefined {
  switch (reply.type) {
    case 'coordinate-get':
    case 'coordinate-put':
    case 'coordinate-delete':
    case 'coordinate-conditional':
      return reply.outcome;
    default:
      return undefined;
  }
}

/** What it is for people. */
export function operationOf(operation: ForwardedOperation): 'get' | 'put' | 'delete' {
  switch (operation.type) {
    case 'coordinate-conditional': {
      const asked = operation.request.operation;
      if (asked.type !== 'write') return 'get';
      return asked.content.type === 'tombstone' ? 'delete' : 'put';
    }
    case 'coordinate-get':
      return 'get';
    case 'coordinate-put':
      return 'put';
    case 'coordinate-delete':
      return 'delete';
  }
}
