/** From the nodes' HTTP answers to what the client's callers see. */
import type { EntryBody, LiveSiblingBody } from '../api/bodies.ts';
import { DEFAULT_CONTENT_TYPE, HEADERS } from '../api/headers.ts';
import { problemOf } from './attempt-failure.ts';
import { bytesFromBase64 } from './base64.ts';
import type { Codec } from './codec.ts';
import type { AnswerFacts, Deleted, Entry, Quorum, Sibling, Siblings, Written } from './entry.ts';
import { QuorateError, messageOf } from './errors.ts';
import type { TransportResponse } from './transport.ts';

/** A header that only a Quorate node sends; its absence shows that something else answered. */
function contextOf(response: TransportResponse): string | undefined {
  const context = response.headers.get(HEADERS.context) ?? '';
  return context === '' ? undefined : context;
}

/** Certainly nothing: as many replicas as asked for said so. A node that knows no such path says no quorum. */
function isAbsence(response: TransportResponse): boolean {
  if (response.status !== 404 || problemOf(response)?.code !== 'not-found') return false;
  return (response.headers.get(HEADERS.quorum) ?? undefined) !== undefined;
}

/** One value, siblings, or certainly nothing. A 404 of a proxy is none of these. */
export function isReadAnswer(response: TransportResponse): boolean {
  if (response.status === 200) return contextOf(response) !== undefined;
  if (response.status === 300) return siblingsOf(response) !== undefined;
  return isAbsence(response);
}

export function isWriteAnswer(response: TransportResponse): boolean {
  const { status } = response;
  return (status === 200 || status === 201 || status === 204) && contextOf(response) !== undefined;
}

/**
 * A blind deletion may also find nothing to delete. But after an attempt that may have been applied, "nothing was there"
 * does not settle it: that attempt may still be on its way to a value that is written later.
 */
export function isBlindDeleteAnswer(response: TransportResponse, maybeApplied: boolean): boolean {
  return isWriteAnswer(response) || (!maybeApplied && isAbsence(response));
}

/** The entry in an answer that {@link isReadAnswer} let pass. Throws `bad-value` if the codec refuses a value. */
export function readEntry<T>(response: TransportResponse, codec: Codec<T>, what: string): Entry<T> {
  const facts = factsOf(response);
  if (response.status === 404) return { type: 'absent', context: contextOf(response), ...facts };
  if (response.status === 300) return readConflict(response, codec, what);
  const contentType = response.headers.get('content-type') ?? DEFAULT_CONTENT_TYPE;
  return {
    type: 'found',
    value: decoded(codec, response.body, contentType, what),
    context: contextOf(response) ?? '',
    etag: response.headers.get('etag') ?? '',
    contentType,
    resolvedFrom: 1,
    ...facts,
  };
}

function readConflict<T>(response: TransportResponse, codec: Codec<T>, what: string): Entry<T> {
  const body = siblingsOf(response);
  if (body === undefined)
    throw new QuorateError(`${what}: the siblings are not readable`, { code: 'bad-response' });
  const siblings = body.live.map((sibling) => readSibling(sibling, codec, what));
  return {
    type: 'conflict',
    siblings: siblings as unknown as Siblings<T>,
    context: body.entry.context,
    etag: body.entry.etag,
    ...factsOf(response),
  };
}

/** The envelope of a 300, if it is one with a live value; tombstones beside live values are the context's business. */
function siblingsOf(
  response: TransportResponse,
): { readonly entry: EntryBody; readonly live: readonly LiveSiblingBody[] } | undefined {
  try {
    const entry = JSON.parse(new TextDecoder().decode(response.body)) as EntryBody;
    if (typeof entry.context !== 'string' || typeof entry.etag !== 'string') return undefined;
    const live = entry.siblings.filter((sibling): sibling is LiveSiblingBody => !('deleted' in sibling));
    return live.length === 0 ? undefined : { entry, live };
  } catch {
    return undefined;
  }
}

/** One sibling of an envelope. Throws `bad-value` if the codec refuses it. */
export function readSibling<T>(body: LiveSiblingBody, codec: Codec<T>, what: string): Sibling<T> {
  return {
    id: body.id,
    value: decoded(codec, () => bytesOf(body), body.contentType, what),
    contentType: body.contentType,
    writtenAt: new Date(body.writtenAt),
    ...(body.writeId === undefined ? {} : { writeId: body.writeId }),
  };
}

function bytesOf(sibling: LiveSiblingBody): Uint8Array {
  if ('base64' in sibling) return bytesFromBase64(sibling.base64);
  return new TextEncoder().encode('text' in sibling ? sibling.text : JSON.stringify(sibling.json));
}

function decoded<T>(
  codec: Codec<T>,
  stored: Uint8Array | (() => Uint8Array),
  contentType: string,
  what: string,
): T {
  try {
    return codec.decode(typeof stored === 'function' ? stored() : stored, contentType);
  } catch (cause) {
    throw new QuorateError(
      `${what}: the stored value of type ${contentType} is not readable: ${messageOf(cause)}`,
      {
        code: 'bad-value',
        hint: `This bucket's codec is for ${codec.contentType}. The value was written as ${contentType}.`,
        cause,
      },
    );
  }
}

/** The bytes of a value. Throws `bad-value` if the codec refuses it. */
export function encoded<T>(codec: Codec<T>, value: T, what: string): Uint8Array {
  try {
    const bytes: unknown = codec.encode(value);
    if (isBytes(bytes)) return bytes;
    throw new TypeError('encode did not answer a Uint8Array');
  } catch (cause) {
    throw new QuorateError(
      `${what}: the value cannot be written as ${codec.contentType}: ${messageOf(cause)}`,
      {
        code: 'bad-value',
        cause,
      },
    );
  }
}

/** For untyped callers; by its name, for a page and its frames have a Uint8Array each. */
function isBytes(value: unknown): value is Uint8Array {
  return Object.prototype.toString.call(value) === '[object Uint8Array]';
}

/** What an answer that {@link isWriteAnswer} let pass says of a PUT. */
export function readWritten(response: TransportResponse, writeId: string): Written {
  return {
    type: 'written',
    context: contextOf(response) ?? '',
    created: response.status === 201,
    siblings: liveSiblings(response, 1),
    etag: response.headers.get('etag') ?? undefined,
    writeId,
    ...factsOf(response),
  };
}

/** What an answer that {@link isBlindDeleteAnswer} let pass says of a DELETE. */
export function readDeleted(response: TransportResponse, writeId: string): Deleted {
  return {
    type: 'deleted',
    existed: response.status !== 404,
    context: contextOf(response),
    siblings: liveSiblings(response, 0),
    writeId,
    ...factsOf(response),
  };
}

function liveSiblings(response: TransportResponse, otherwise: number): number {
  const count = Number.parseInt(response.headers.get(HEADERS.siblings) ?? '', 10);
  return Number.isNaN(count) ? otherwise : count;
}

/** What every answer tells beside its content. */
export function factsOf(response: TransportResponse): AnswerFacts {
  return {
    quorum: quorumOf(response.headers.get(HEADERS.quorum) ?? ''),
    coordinator: response.headers.get(HEADERS.coordinator) ?? undefined,
  };
}

/** `n=3, w=2, acks=2, sloppy=?0`; parts that this version does not know are passed over. */
function quorumOf(header: string): Quorum | undefined {
  const parts = new Map(
    header.split(',').map((part) => {
      const [name = '', value = ''] = part.trim().split('=');
      return [name, value] as const;
    }),
  );
  const n = Number.parseInt(parts.get('n') ?? '', 10);
  const required = Number.parseInt(parts.get('r') ?? parts.get('w') ?? '', 10);
  const acks = Number.parseInt(parts.get('acks') ?? '', 10);
  if (Number.isNaN(n + required + acks)) return undefined;
  return { n, required, acks, sloppy: parts.get('sloppy') === '?1' };
}
