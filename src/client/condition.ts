/** What a conditional write expects, as a header, and what its answers mean. */
import type { EntryBody, LiveSiblingBody } from '../api/bodies.ts';
import { HEADERS } from '../api/headers.ts';
import { factsOf, isWriteAnswer, readDeleted, readSibling, readWritten } from './answer.ts';
import { problemOf } from './attempt-failure.ts';
import type { Codec } from './codec.ts';
import type { Conflict, DeleteIfResult, Entry, Found, LostRace, Siblings, Swapped } from './entry.ts';
import { invalidArgument } from './options.ts';
import type { ConditionOptions } from './options.ts';
import type { TransportResponse } from './transport.ts';

const STRONG_TAG = /^"[\x21\x23-\x7e]*"$/;

/** The header of a condition. Throws `invalid-argument` for what is none, also from untyped code. */
export function conditionHeaders({ if: expected }: ConditionOptions): Record<string, string> {
  if (expected === 'absent') return { 'If-None-Match': '*' };
  const isAnswer = typeof expected === 'object' && expected !== null;
  if (isAnswer && 'type' in expected && expected.type === 'absent') return { 'If-None-Match': '*' };
  const etag = isAnswer ? (expected as { readonly etag?: unknown }).etag : expected;
  if (typeof etag === 'string' && STRONG_TAG.test(etag)) return { 'If-Match': etag };
  throw invalidArgument(
    isAnswer ? 'The answer given as `if` has no ETag' : '`if` is no ETag',
    "Give 'absent', the `etag` of an earlier answer with its quotes, or that answer itself. A write that left siblings has none: read the key.",
  );
}

/**
 * Whether this is an answer to a conditional write. So is a lost race after an attempt that may have been applied: the nodes look
 * for the write by its id first, and refuse the id for good before they say that a later attempt has lost.
 */
export function isConditionalAnswer(response: TransportResponse): boolean {
  return isWriteAnswer(response) || isLostRace(response);
}

/** What an answer that {@link isConditionalAnswer} let pass says of a conditional PUT. */
export function readSwapped<T>(
  response: TransportResponse,
  { codec, what, writeId }: { readonly codec: Codec<T>; readonly what: string; readonly writeId: string },
): Swapped | LostRace<Entry<T>> {
  if (response.status === 412) return readLostRace(response, codec, what);
  const written = readWritten(response, writeId);
  return { ...written, ok: true, etag: written.etag ?? '' };
}

/** The same of a conditional DELETE. */
export function readSwappedAway<T>(
  response: TransportResponse,
  { codec, what, writeId }: { readonly codec: Codec<T>; readonly what: string; readonly writeId: string },
): DeleteIfResult<Entry<T>> {
  if (response.status === 412) return readLostRace(response, codec, what);
  return { ...readDeleted(response, writeId), ok: true };
}

/** A 412 that tells what is there: the entry, or that it is nothing. A proxy's is none. */
function isLostRace(response: TransportResponse): boolean {
  if (response.status !== 412 || problemOf(response)?.code !== 'precondition-failed') return false;
  return entryIn(response) !== undefined || response.headers.get(HEADERS.siblings) === '0';
}

function readLostRace<T>(response: TransportResponse, codec: Codec<T>, what: string): LostRace<Entry<T>> {
  const facts = factsOf(response);
  const entry = entryIn(response);
  const [first, ...others] = entry === undefined ? [] : liveIn(entry);
  if (entry === undefined || first === undefined) {
    const context = response.headers.get(HEADERS.context) ?? undefined;
    return { ok: false, current: { type: 'absent', context, ...facts } };
  }
  const { context, etag } = entry;
  const one = readSibling(first, codec, what);
  if (others.length > 0) {
    const siblings: Siblings<T> = [one, ...others.map((sibling) => readSibling(sibling, codec, what))];
    const conflict: Conflict<T> = { type: 'conflict', siblings, context, etag, ...facts };
    return { ok: false, current: conflict };
  }
  const { value, contentType } = one;
  const found: Found<T> = { type: 'found', value, context, etag, contentType, resolvedFrom: 1, ...facts };
  return { ok: false, current: found };
}

/** The envelope in a 412. */
function entryIn(response: TransportResponse): EntryBody | undefined {
  const entry = problemOf(response)?.['entry'] as Partial<EntryBody> | null | undefined;
  const isEnvelope =
    typeof entry?.context === 'string' && typeof entry.etag === 'string' && Array.isArray(entry.siblings);
  return isEnvelope ? (entry as EntryBody) : undefined;
}

function liveIn({ siblings }: EntryBody): readonly LiveSiblingBody[] {
  return siblings.filter((sibling): sibling is LiveSiblingBody => !('deleted' in sibling));
}
