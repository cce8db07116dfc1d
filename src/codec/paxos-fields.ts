/** The messages of Paxos rounds as fields. Their first field, the kind, is the caller's. */
import type { Refusal, Rejected } from '../core/paxos/messages.ts';
import type {
  EncodedPromise,
  EncodedView,
  PaxosCommit,
  PaxosReply,
  PaxosRequest,
} from '../core/paxos/peer-messages.ts';
import {
  readBallot,
  readOptionalBallot,
  readOptionalDigest,
  readStoreId,
  readVoters,
} from './ballot-fields.ts';
import { readEntryName } from './entry-name-fields.ts';
import { type FieldReader, FormatError } from './packer.ts';

/** In the order of their numbers on the wire, which those of requests and of replies have in common. */
export const PAXOS_TYPES = [
  'paxos-prepare',
  'paxos-accept',
  'paxos-commit',
  'paxos-admit',
  'paxos-read',
] as const;

/** In the order of their numbers on the wire. */
const REFUSALS: readonly Refusal[] = [
  'outbid',
  'dirty',
  'collected',
  'too-far-ahead',
  'not-voting',
  'other-voters',
  'other-incarnation',
];

/** First field of each reply: what was asked was done, or refused. */
const REPLY = { rejected: 0, done: 1 } as const;

export function paxosRequestToFields(request: PaxosRequest): readonly unknown[] {
  const { bucket, key } = request;
  switch (request.type) {
    case 'paxos-prepare':
      // The last field is left out for nothing.
      return [
        ...[bucket, key, request.voters, request.ballot, request.known ?? null],
        ...(request.heard === undefined ? [] : [request.heard]),
      ];
    case 'paxos-accept':
      return [
        ...[bucket, key, request.voters, request.ballot],
        ...[request.object ?? null, request.next ?? null, request.base ?? null],
      ];
    case 'paxos-commit':
      // The last fields are left out for what was accepted.
      return [
        bucket,
        key,
        request.ballot,
        ...(request.object === 'accepted' ? [] : [request.object ?? null, request.base ?? null]),
      ];
    case 'paxos-admit':
      return [bucket, key, request.voters, request.store, request.ballot, request.object ?? null];
    case 'paxos-read':
      return [bucket, key, request.voters, request.known ?? null];
  }
}

/** Throws FormatError. */
export function readPaxosRequest(type: PaxosRequest['type'], fields: FieldReader): PaxosRequest {
  const entry = readEntryName(fields);
  switch (type) {
    case 'paxos-prepare':
      return {
        ...{ type, ...entry, voters: readVoters(fields), ballot: readBallot(fields) },
        known: readOptionalDigest(fields),
        heard: fields.remaining === 0 ? undefined : readBallot(fields),
      };
    case 'paxos-accept':
      return {
        ...{ type, ...entry, voters: readVoters(fields), ballot: readBallot(fields) },
        object: fields.optionalBytes(),
        next: readOptionalBallot(fields),
        base: readOptionalDigest(fields),
      };
    case 'paxos-commit':
      return { type, ...entry, ballot: readBallot(fields), ...readChosen(fields) };
    case 'paxos-admit': {
      const admitted = { voters: readVoters(fields), store: readStoreId(fields) };
      return { type, ...entry, ...admitted, ballot: readBallot(fields), object: fields.optionalBytes() };
    }
    case 'paxos-read':
      return { type, ...entry, voters: readVoters(fields), known: readOptionalDigest(fields) };
  }
}

function readChosen(fields: FieldReader): Pick<PaxosCommit, 'object' | 'base'> {
  if (fields.remaining === 0) return { object: 'accepted' };
  return { object: fields.optionalBytes(), base: readOptionalDigest(fields) };
}

export function paxosReplyToFields(message: PaxosReply): readonly unknown[] {
  const { reply } = message;
  if (reply.type === 'rejected') {
    const { reason, highest, accepted } = reply;
    return [REPLY.rejected, REFUSALS.indexOf(reason), highest ?? null, accepted ?? null];
  }
  switch (reply.type) {
    case 'promised':
      return [REPLY.done, ...promiseToFields(reply)];
    case 'accepted':
      return [REPLY.done, reply.voters];
    case 'committed':
      return [REPLY.done];
    case 'key-view':
      return [REPLY.done, ...viewToFields(reply)];
  }
}

/** Throws FormatError. */
export function readPaxosReply(type: PaxosReply['type'], fields: FieldReader): PaxosReply {
  if (fields.integer(0, REPLY.done) === REPLY.rejected) return { type, reply: readRejected(fields) };
  switch (type) {
    case 'paxos-prepare':
      return { type, reply: readPromise(fields) };
    case 'paxos-accept':
      return { type, reply: { type: 'accepted', voters: readVoters(fields) } };
    case 'paxos-commit':
    case 'paxos-admit':
      return { type, reply: { type: 'committed' } };
    case 'paxos-read':
      return { type, reply: readView(fields) };
  }
}

function readRejected(fields: FieldReader): Rejected {
  const reason = REFUSALS[fields.integer(0, REFUSALS.length - 1)] as Refusal;
  return {
    type: 'rejected',
    reason,
    highest: readOptionalBallot(fields),
    accepted: readOptionalBallot(fields),
  };
}

function promiseToFields(promise: EncodedPromise): readonly unknown[] {
  const { voters, accepted, object, chosen, record, promisedBefore, floor } = promise;
  const ballots = [accepted, chosen, promisedBefore, floor].map((ballot) => ballot ?? null);
  // The last field is left out for what the proposer knows.
  return [voters, ...ballots, object ?? null, ...(record === 'known' ? [] : [record ?? null])];
}

function readPromise(fields: FieldReader): EncodedPromise {
  return {
    type: 'promised',
    voters: readVoters(fields),
    accepted: readOptionalBallot(fields),
    chosen: readOptionalBallot(fields),
    promisedBefore: readOptionalBallot(fields),
    floor: readOptionalBallot(fields),
    object: fields.optionalBytes(),
    record: fields.remaining === 0 ? 'known' : fields.optionalBytes(),
  };
}

function viewToFields({
  voters,
  promised,
  accepted,
  chosen,
  digest,
  record,
}: EncodedView): readonly unknown[] {
  const ballots = [promised, accepted, chosen].map((ballot) => ballot ?? null);
  return [voters, ...ballots, digest ?? null, record ?? null];
}

function readView(fields: FieldReader): EncodedView {
  const view = {
    type: 'key-view',
    voters: readVoters(fields),
    promised: readOptionalBallot(fields),
    accepted: readOptionalBallot(fields),
    chosen: readOptionalBallot(fields),
    digest: readOptionalDigest(fields),
    record: fields.optionalBytes(),
  } as const;
  if (view.digest === undefined && view.record !== undefined)
    throw new FormatError('a record without its digest');
  return view;
}
