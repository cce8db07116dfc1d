/**
 * What core/paxos/acceptor.ts decides upon a message as it travels, and the answer as it travels. Records stay the bytes that they
 * are, unless a decision has to look into them.
 */
import { EncodedRecord } from '../../codec/encoded-record.ts';
import { checkRecord, sameBytes } from '../../codec/record-codec.ts';
import {
  type AcceptorNode,
  decideAccept,
  decideAdmit,
  decideCommit,
  decideCommitAccepted,
  decidePrepare,
  decideRead,
} from '../../core/paxos/acceptor.ts';
import type { HeldKey } from '../../core/paxos/acceptor-state.ts';
import type { KeyView, Promised, Rejected } from '../../core/paxos/messages.ts';
import type {
  EncodedPromise,
  EncodedView,
  PaxosReply,
  PaxosRequest,
} from '../../core/paxos/peer-messages.ts';

/** The key as it lies here. */
export type Held = HeldKey<EncodedRecord>;

/** What was decided, and what is to be answered when it is durable. */
export interface DecidedVote {
  readonly write: Held | undefined;
  readonly answer: PaxosReply;
}

/** `object`: that of the request. To run in the key's serial section. Throws FormatError if a record is not what a replica holds. */
export function decideVote(
  request: PaxosRequest,
  object: EncodedRecord | undefined,
  held: Held,
  node: AcceptorNode<EncodedRecord>,
): DecidedVote {
  const { type } = request;
  switch (type) {
    case 'paxos-prepare': {
      const { write, reply } = decidePrepare(held, { ...request, type: 'prepare' }, node);
      return { write, answer: { type, reply: encodedPromise(request.known, reply) } };
    }
    case 'paxos-accept': {
      const { write, reply } = decideAccept(held, { ...request, type: 'accept', object }, node);
      return { write, answer: { type, reply } };
    }
    case 'paxos-commit': {
      const { write, reply } =
        request.object === 'accepted'
          ? decideCommitAccepted(held, { ...request, type: 'commit-accepted' }, node)
          : decideCommit(held, { ...request, type: 'commit', object }, node);
      return { write, answer: { type, reply } };
    }
    case 'paxos-admit': {
      const { write, reply } = decideAdmit(held, { ...request, type: 'admit', object }, node);
      return { write, answer: { type, reply } };
    }
    case 'paxos-read': {
      const { reply } = decideRead(held, { ...request, type: 'read-key' }, node);
      return { write: undefined, answer: { type, reply: encodedView(request.known, reply) } };
    }
  }
}

/** The record that a request carries. Throws FormatError unless it is a whole one of the key. */
export function objectOf(request: PaxosRequest): EncodedRecord | undefined {
  if (!('object' in request) || request.object === undefined || request.object === 'accepted')
    return undefined;
  checkRecord(request, request.object);
  return new EncodedRecord(request.object, 'base' in request ? request.base : undefined);
}

function encodedPromise(
  known: Uint8Array | undefined,
  reply: Promised<EncodedRecord> | Rejected,
): EncodedPromise | Rejected {
  if (reply.type === 'rejected') return reply;
  const { object, record } = reply;
  return { ...reply, object: object?.bytes, record: isKnown(known, record) ? 'known' : record?.bytes };
}

function encodedView(
  known: Uint8Array | undefined,
  reply: KeyView<EncodedRecord> | Rejected,
): EncodedView | Rejected {
  if (reply.type === 'rejected') return reply;
  const { record } = reply;
  return {
    ...reply,
    digest: record?.digest,
    record: isKnown(known, record) ? undefined : record?.bytes,
  };
}

function isKnown(known: Uint8Array | undefined, record: EncodedRecord | undefined): boolean {
  return known !== undefined && record !== undefined && sameBytes(record.digest, known);
}
