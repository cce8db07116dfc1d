/**
 * Messages between nodes: arrays by position whose first field is the kind. A connection opens with a handshake
 * (hello, hello, proof); then come requests and replies, each with the asker's request number.
 */
import type { StoreMark } from '../core/membership/store-mark.ts';
import type { Hello, PeerReply, PeerRequest } from '../core/message.ts';
import { type FieldReader, FormatError, packFields, unpackFields } from './packer.ts';
import { replyFromFields, replyToFields } from './reply-fields.ts';
import {
  openingsToFields,
  readLostStores,
  readOpenings,
  readStoreMark,
  storeMarkToFields,
} from './store-meta.ts';
import { requestFromFields, requestToFields } from './request-fields.ts';

/** Raised with every change of what travels between nodes; peers of another version are refused. */
export const PROTOCOL_VERSION = 9;

export type PeerMessage =
  | {
      readonly type: 'hello';
      readonly hello: Hello;
      readonly proof: Uint8Array | undefined;
      /** As in a reply. */
      readonly clockMs?: number | undefined;
    }
  | { readonly type: 'proof'; readonly proof: Uint8Array }
  /** The handshake failed; the connection is closed after it. */
  | { readonly type: 'refused'; readonly reason: string }
  | {
      readonly type: 'request';
      readonly id: number;
      /** The sequence number that the store of the sender had reached; it may be left out. */
      readonly sequence?: number;
      /**
       * What the receiver's monotonic clock showed at the least when the request was made, milliseconds; it may be left out, and
       * is without a sequence number.
       */
      readonly madeAtMs?: number | undefined;
      /** The sender wants no reply, and gets none. */
      readonly isNotice?: true;
      readonly request: PeerRequest;
    }
  | {
      readonly type: 'reply';
      readonly id: number;
      /** The sequence number that the store of the sender had reached. */
      readonly sequence: number;
      /** What the sender's monotonic clock showed, milliseconds; it may be left out. */
      readonly clockMs?: number | undefined;
      readonly reply: PeerReply;
    };

const KIND = {
  hello: 0,
  proof: 1,
  refused: 2,
  request: 3,
  reply: 4,
  requestWithSequence: 5,
  requestWithTime: 6,
  replyWithClock: 7,
  notice: 8,
} as const;
const MAX_REASON_CHARACTERS = 4_096;

export function encodeMessage(message: PeerMessage): Uint8Array {
  switch (message.type) {
    case 'hello':
      return packFields([
        KIND.hello,
        ...helloToFields(message.hello),
        message.proof ?? null,
        ...(message.clockMs === undefined ? [] : [message.clockMs]),
      ]);
    case 'proof':
      return packFields([KIND.proof, message.proof]);
    case 'refused':
      return packFields([KIND.refused, message.reason.slice(0, MAX_REASON_CHARACTERS)]);
    case 'request':
      return packFields([...requestHeader(message), ...requestToFields(message.request)]);
    case 'reply':
      return packFields([...replyHeader(message), ...replyToFields(message.reply)]);
  }
}

function requestHeader(message: Extract<PeerMessage, { type: 'request' }>): readonly number[] {
  const { id, sequence, madeAtMs, isNotice } = message;
  if (sequence === undefined) return [KIND.request, id];
  if (isNotice === true) return [KIND.notice, id, sequence];
  if (madeAtMs === undefined) return [KIND.requestWithSequence, id, sequence];
  return [KIND.requestWithTime, id, sequence, madeAtMs];
}

function replyHeader(message: Extract<PeerMessage, { type: 'reply' }>): readonly number[] {
  const { id, sequence, clockMs } = message;
  return clockMs === undefined ? [KIND.reply, id, sequence] : [KIND.replyWithClock, id, sequence, clockMs];
}

/** Throws FormatError. Bytes in the message alias the input. */
export function decodeMessage(bytes: Uint8Array): PeerMessage {
  const fields = unpackFields(bytes);
  const message = readMessage(fields);
  fields.end();
  return message;
}

function readMessage(fields: FieldReader): PeerMessage {
  const kind = fields.integer(0);
  switch (kind) {
    case KIND.hello:
      return readHello(fields);
    case KIND.proof:
      return { type: 'proof', proof: fields.bytes() };
    case KIND.refused:
      return { type: 'refused', reason: fields.string(MAX_REASON_CHARACTERS) };
    case KIND.request:
      return { type: 'request', id: fields.integer(0), request: requestFromFields(fields) };
    case KIND.requestWithSequence:
      return {
        type: 'request',
        id: fields.integer(0),
        sequence: fields.integer(0),
        request: requestFromFields(fields),
      };
    case KIND.requestWithTime:
      return {
        type: 'request',
        id: fields.integer(0),
        sequence: fields.integer(0),
        madeAtMs: fields.number(),
        request: requestFromFields(fields),
      };
    case KIND.notice:
      return {
        type: 'request',
        id: fields.integer(0),
        sequence: fields.integer(0),
        isNotice: true,
        request: requestFromFields(fields),
      };
    case KIND.reply:
      return {
        type: 'reply',
        id: fields.integer(0),
        sequence: fields.integer(0),
        reply: replyFromFields(fields),
      };
    case KIND.replyWithClock:
      return {
        type: 'reply',
        id: fields.integer(0),
        sequence: fields.integer(0),
        clockMs: fields.duration(),
        reply: replyFromFields(fields),
      };
    default:
      throw new FormatError(`unknown message kind ${kind}`);
  }
}

function helloToFields(hello: Hello): readonly unknown[] {
  const { protocolVersion, cluster, nodeId, storeId, incarnation, epoch, nonce } = hello;
  const { opening, openedAt, earlier, lost, remembered } = hello;
  const mark = remembered === undefined ? null : storeMarkToFields(remembered);
  return [
    protocolVersion,
    cluster,
    nodeId,
    storeId,
    incarnation,
    epoch,
    nonce,
    opening,
    openedAt,
    ...openingsToFields(earlier),
    lost,
    mark,
  ];
}

/** The fields up to the nonce are those of every version: what another one adds is passed over, so that it can be refused. */
function readHello(fields: FieldReader): Extract<PeerMessage, { type: 'hello' }> {
  const common = {
    protocolVersion: fields.integer(0),
    cluster: fields.string(256),
    nodeId: fields.string(256),
    storeId: fields.string(64),
    incarnation: fields.string(64),
    epoch: fields.string(64),
    nonce: fields.bytes(),
  };
  if (common.protocolVersion !== PROTOCOL_VERSION) {
    fields.skip();
    const earlier = { openings: [], unlistedUpTo: 0 };
    const hello = { ...common, opening: '', openedAt: 0, earlier, lost: [], remembered: undefined };
    return { type: 'hello', hello, proof: undefined };
  }
  const hello = {
    ...common,
    opening: fields.string(64),
    openedAt: fields.integer(0),
    earlier: readOpenings(fields),
    lost: readLostStores(fields.fields()),
    remembered: readOptionalMark(fields),
  };
  const proof = fields.optionalBytes();
  return fields.remaining === 0
    ? { type: 'hello', hello, proof }
    : { type: 'hello', hello, proof, clockMs: fields.duration() };
}

function readOptionalMark(fields: FieldReader): StoreMark | undefined {
  const mark = fields.optionalFields();
  if (mark === undefined) return undefined;
  const read = readStoreMark(mark);
  mark.end();
  return read;
}
