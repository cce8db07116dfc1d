/** A message between nodes in a few words: what kind, about which key, which events. For people who read a failing run. */
import { decodeMessage, type PeerMessage } from '../../../src/codec/message-codec.ts';
import { decodeRecord } from '../../../src/codec/record-codec.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import type { EntryName } from '../../../src/core/ids.ts';
import type { PeerReply, PeerRequest, ReadReply, TreeName } from '../../../src/core/message.ts';
import type { ConditionalOutcome } from '../../../src/core/outcome.ts';
import type { PaxosReply } from '../../../src/core/paxos/peer-messages.ts';
import { eventOf } from '../checkers/dots.ts';

/** Replies name no key on the wire, so a reader of frames has to remember what was asked. */
export class MessageReader {
  /** Entries that were asked about, by the link of the request and its number. */
  readonly #asked = new Map<string, EntryName>();

  /** What a frame says. */
  describe(from: string, to: string, frame: Uint8Array): string {
    let message: PeerMessage;
    try {
      message = decodeMessage(frame);
    } catch {
      return `part of a message, ${frame.length} bytes`;
    }
    switch (message.type) {
      case 'hello':
      case 'proof':
        return message.type;
      case 'refused':
        return `refused: ${message.reason}`;
      case 'request': {
        const entry = entryOf(message.request);
        if (entry !== undefined) this.#asked.set(`${from}>${to} ${message.id}`, entry);
        return `${describeRequest(message.request)} #${message.id}`;
      }
      case 'reply': {
        const entry = this.#asked.get(`${to}>${from} ${message.id}`);
        return `${describeReply(message.reply, entry).trimEnd()} #${message.id}`;
      }
    }
  }
}

function entryOf(request: PeerRequest): EntryName | undefined {
  if ('request' in request) return request.request;
  return 'key' in request ? request : undefined;
}

function describeRequest(request: PeerRequest): string {
  switch (request.type) {
    case 'ping':
      return 'ping';
    case 'read':
      return `read ${request.key}`;
    case 'store':
      return `store ${request.key} ${describeRecord(request, request.record)}`;
    case 'tree-roots':
      return 'roots of all trees';
    case 'tree-leaves':
      return `leaves of ${describeTree(request.tree)}`;
    case 'tree-keys':
      return `keys in ${request.leaves.length} leaves of ${describeTree(request.tree)}`;
    case 'partition-keys':
      return `keys of partition ${request.partition}`;
    case 'reap-watch':
      return `reap: watch ${request.entries.map(({ key }) => key).join(' ')}`;
    case 'reap-settle':
      return 'reap: settle';
    case 'reap-check':
      return 'reap: check';
    case 'reap-drop':
      return `reap: drop ${request.places.join(' ')}`;
    case 'barrier':
      return 'barrier';
    case 'coordinate-get':
      return `get ${request.request.key}`;
    case 'coordinate-put': {
      const { key, value, identity } = request.request;
      const event = new TextDecoder().decode(value.subarray(0, 12)).split(':')[0];
      return `put ${event} of ${key}${identity?.firstAttempt === false ? ', again' : ''}`;
    }
    case 'coordinate-delete':
      return `delete ${request.request.identity?.id ?? ''} of ${request.request.key}`;
    default:
      return describePaxosRequest(request);
  }
}

type PaxosKind = Extract<
  PeerRequest,
  { type: `paxos-${string}` | 'coordinate-conditional' | 'inspect-vote' | 'voted-keys' | 'floors' }
>;

function describePaxosRequest(request: PaxosKind): string {
  switch (request.type) {
    case 'floors':
      return 'ballot floors';
    case 'paxos-prepare':
      return `prepare ${request.ballot} of ${request.key}`;
    case 'paxos-accept':
    case 'paxos-commit':
    case 'paxos-admit': {
      const { object: sent } = request;
      const object = sent === undefined ? '{}' : sent === 'accepted' ? sent : describeRecord(request, sent);
      return `${request.type.slice('paxos-'.length)} ${request.ballot} of ${request.key} ${object}`;
    }
    case 'inspect-vote':
      return `inspect the vote on ${request.key}`;
    case 'voted-keys':
      return `keys that rounds have reached, for ${request.node}`;
    case 'paxos-read':
      return `read by Paxos ${request.key}`;
    case 'coordinate-conditional': {
      const { operation, key } = request.request;
      if (operation.type === 'read') return `linearizable get ${key}`;
      if (operation.type === 'settle') return `what became of ${operation.writeId} of ${key}`;
      return `conditional write ${operation.identity.id} of ${key}`;
    }
  }
}

function describeReply(reply: PeerReply, entry: EntryName | undefined): string {
  if ('outcome' in reply) return `${describeOutcome(reply.outcome)} ${nameOf(entry)}`;
  switch (reply.type) {
    case 'request-refused':
      return `refused: ${reply.reason}`;
    case 'read':
      return describeReadReply(reply.reply, entry);
    case 'store':
      return reply.reply.type === 'stored'
        ? `stored ${nameOf(entry)}`
        : `not stored ${nameOf(entry)}: ${reply.reply.reason}`;
    case 'tree-roots':
      return `${reply.roots.length} roots, ${reply.unbuilt.length} partitions unbuilt, ${reply.doubtful.length} in doubt`;
    case 'tree-keys':
    case 'partition-keys':
    case 'voted-keys':
      return `keys ${reply.page.keys.map(({ key }) => key).join(' ')}`;
    case 'floors':
      return `floors of ${reply.floors.length} partitions`;
    case 'reap-watch':
      return `held: ${reply.held.join(' ')}`;
    case 'reap-check':
      return `intact: ${reply.intact.join(' ')}`;
    case 'reap-drop':
      return `dropped ${reply.dropped}`;
    case 'ping':
    case 'tree-leaves':
    case 'reap-settle':
    case 'barrier':
    case 'inspect-vote':
      return `answer to ${reply.type}`;
    default:
      return `${describePaxosReply(reply.reply)} ${nameOf(entry)}`;
  }
}

function describeOutcome(outcome: ConditionalOutcome): string {
  return outcome.type === 'failed' ? `${outcome.code}, ${outcome.certainty}` : outcome.type;
}

function describePaxosReply(reply: PaxosReply['reply']): string {
  return reply.type === 'rejected' ? `rejected as ${reply.reason}` : reply.type;
}

function describeTree({ partition, n }: TreeName): string {
  return `partition ${partition} at N=${n}`;
}

function nameOf(entry: EntryName | undefined): string {
  return entry?.key ?? '';
}

function describeReadReply(reply: ReadReply, entry: EntryName | undefined): string {
  if (reply.type === 'unreadable') return `unreadable ${nameOf(entry)}: ${reply.reason}`;
  if (reply.type !== 'found') return `${reply.type} ${nameOf(entry)}`;
  return `found ${nameOf(entry)} ${entry === undefined ? '' : describeRecord(entry, reply.record)}`;
}

function describeRecord({ bucket, key }: EntryName, bytes: Uint8Array): string {
  let record: KeyRecord;
  try {
    record = decodeRecord({ bucket, key }, bytes);
  } catch {
    return '(not a record)';
  }
  const events = record.siblings.map((sibling) => {
    const event = eventOf(sibling) ?? '?';
    return sibling.content.type === 'tombstone' ? `-${event}` : `${event}`;
  });
  return `{${events.join(' ')}}`;
}
