/** Replies between nodes as fields. */
import { MAX_REAP_ENTRIES } from '../core/limits.ts';
import type { PeerReply, ReadReply, StoreReply, VoteView } from '../core/message.ts';
import { readOptionalBallot } from './ballot-fields.ts';
import { onlyConditional, onlyRead, onlyWritten, outcomeToFields, readOutcome } from './outcome-fields.ts';
import { type FieldReader, FormatError } from './packer.ts';
import { PAXOS_TYPES, paxosReplyToFields, readPaxosReply } from './paxos-fields.ts';
import { readReapAnswers, readReapPlaces } from './reap-fields.ts';
import {
  floorsToFields,
  readFloors,
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
  /** The first of five, in the order of PAXOS_TYPES. */
  paxos: 16,
  coordinateConditional: 21,
  inspectVote: 23,
  votedKeys: 24,
  floors: 25,
} as const;
/** Those that say it all by coming. */
const BARE = { ping: KIND.ping, 'reap-settle': KIND.reapSettle, barrier: KIND.barrier } as const;
const COORDINATED = {
  'coordinate-get': KIND.coordinateGet,
  'coordinate-put': KIND.coordinatePut,
  'coordinate-delete': KIND.coordinateDelete,
  'coordinate-conditional': KIND.coordinateConditional,
} as const;
const READ = { found: 0, same: 1, absent: 2, unreadable: 3, recovering: 4 } as const;
/** As the first three of READ, with an unfinished round. */
const READ_UNFINISHED = { found: 5, same: 6, absent: 7 } as const;

export function replyToFields(reply: PeerReply): readonly unknown[] {
  if ('outcome' in reply) return [COORDINATED[reply.type], ...outcomeToFields(reply.outcome)];
  switch (reply.type) {
    case 'read':
      return [KIND.read, ...readReplyToFields(reply.reply)];
    case 'store':
      return [KIND.store, reply.reply.type === 'stored' ? null : reply.reply.reason];
    case 'tree-roots':
      return [KIND.treeRoots, ...treeRootsToFields(reply)];
    case 'tree-leaves':
      return [KIND.treeLeaves, reply.leaves];
    case 'tree-keys':
      return [KIND.treeKeys, ...treeKeysPageToFields(reply.page)];
    case 'partition-keys':
      return [KIND.partitionKeys, ...treeKeysPageToFields(reply.page)];
    case 'voted-keys':
      return [KIND.votedKeys, ...treeKeysPageToFields(reply.page)];
    case 'floors':
      return [KIND.floors, ...floorsToFields(reply.floors)];
    case 'reap-watch':
      return [KIND.reapWatch, reply.held, ...(reply.votedOn.length === 0 ? [] : [reply.votedOn])];
    case 'reap-check':
      return [KIND.reapCheck, reply.intact];
    case 'reap-drop':
      return [KIND.reapDrop, reply.dropped];
    case 'ping':
    case 'reap-settle':
    case 'barrier':
      return [BARE[reply.type]];
    case 'inspect-vote':
      return [KIND.inspectVote, ...voteViewToFields(reply.view)];
    case 'request-refused':
      return [KIND.refused, reply.reason];
    default:
      return [KIND.paxos + PAXOS_TYPES.indexOf(reply.type), ...paxosReplyToFields(reply)];
  }
}

/** Throws FormatError. */
export function replyFromFields(fields: FieldReader): PeerReply {
  const kind = fields.integer(0);
  const paxos = PAXOS_TYPES[kind - KIND.paxos];
  if (paxos !== undefined) return readPaxosReply(paxos, fields);
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
    case KIND.votedKeys:
      return { type: 'voted-keys', page: readTreeKeysPage(fields) };
    case KIND.reapWatch:
      return {
        type: 'reap-watch',
        held: readReapAnswers(fields.fields()),
        votedOn: fields.remaining === 0 ? [] : readReapPlaces(fields.fields()),
      };
    case KIND.floors:
      return { type: 'floors', floors: readFloors(fields) };
    case KIND.reapSettle:
      return { type: 'reap-settle' };
    case KIND.reapCheck:
      return { type: 'reap-check', intact: readReapAnswers(fields.fields()) };
    case KIND.reapDrop:
      return { type: 'reap-drop', dropped: fields.integer(0, MAX_REAP_ENTRIES) };
    case KIND.barrier:
      return { type: 'barrier' };
    case KIND.inspectVote:
      return { type: 'inspect-vote', view: readVoteView(fields) };
    case KIND.refused:
      return { type: 'request-refused', reason: fields.string() };
    default:
      return readCoordinated(kind, fields);
  }
}

function readCoordinated(kind: number, fields: FieldReader): PeerReply {
  switch (kind) {
    case KIND.coordinateGet:
      return { type: 'coordinate-get', outcome: onlyRead(readOutcome(fields)) };
    case KIND.coordinatePut:
      return { type: 'coordinate-put', outcome: onlyWritten(readOutcome(fields)) };
    case KIND.coordinateDelete:
      return { type: 'coordinate-delete', outcome: onlyWritten(readOutcome(fields)) };
    case KIND.coordinateConditional:
      return { type: 'coordinate-conditional', outcome: onlyConditional(readOutcome(fields)) };
    default:
      throw new FormatError(`unknown reply kind ${kind}`);
  }
}

function readReplyToFields(reply: ReadReply): readonly unknown[] {
  switch (reply.type) {
    case 'found':
      return [kindOf(reply), reply.record];
    case 'same':
    case 'absent':
      return [kindOf(reply)];
    case 'unreadable':
      return [READ.unreadable, reply.reason];
    case 'recovering':
      return [READ.recovering, reply.record ?? null];
  }
}

function kindOf({
  type,
  hasUnfinishedRound,
}: Extract<ReadReply, { type: 'found' | 'same' | 'absent' }>): number {
  return hasUnfinishedRound === true ? READ_UNFINISHED[type] : READ[type];
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
    case READ_UNFINISHED.found:
      return { type: 'found', record: fields.bytes(), hasUnfinishedRound: true };
    case READ_UNFINISHED.same:
      return { type: 'same', hasUnfinishedRound: true };
    case READ_UNFINISHED.absent:
      return { type: 'absent', hasUnfinishedRound: true };
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

function voteViewToFields({ promised, accepted, chosen, notVoting }: VoteView): readonly unknown[] {
  return [promised ?? null, accepted ?? null, chosen ?? null, notVoting ?? null];
}

function readVoteView(fields: FieldReader): VoteView {
  return {
    promised: readOptionalBallot(fields),
    accepted: readOptionalBallot(fields),
    chosen: readOptionalBallot(fields),
    notVoting: fields.optionalString(),
  };
}
