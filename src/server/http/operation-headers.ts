/** The other request headers of the entry paths, each checked before anything is done. */
import type { IncomingHttpHeaders } from 'node:http';
import { DEFAULT_CONTENT_TYPE, HEADERS } from '../../api/headers.ts';
import { decodeContextToken } from '../../codec/context-token.ts';
import type { CausalContext } from '../../core/causality/causal-context.ts';
import type { EntryName } from '../../core/ids.ts';
import {
  DEFAULT_TIMEOUT_MS,
  MAX_CONTENT_TYPE_CHARACTERS,
  MAX_TIMEOUT_MS,
  MAX_WRITE_ID_CHARACTERS,
  MIN_TIMEOUT_MS,
} from '../../core/limits.ts';
import type { WriteIdentity } from '../../core/request.ts';
import { didYouMean } from '../did-you-mean.ts';
import { headerOf } from './exchange.ts';
import { wholeNumber } from './number-header.ts';
import { Problem } from './problem.ts';

const PREFIX = 'quorate-';
const KNOWN_NAMES = Object.values(HEADERS);
const KNOWN: ReadonlySet<string> = new Set(KNOWN_NAMES.map((name) => name.toLowerCase()));
const WRITE_ID = /^[!-~]+$/;
const PRINTABLE = /^[ -~]+$/;

/** A misspelt header would silently lose its meaning, so an unknown `Quorate-` name is refused. */
export function refuseUnknownHeaders(headers: IncomingHttpHeaders): void {
  for (const name in headers) {
    if (name.startsWith(PREFIX) && !KNOWN.has(name)) {
      throw new Problem('bad-request', `There is no header ${name}.${didYouMean(name, KNOWN_NAMES)}`, {
        hint: `Known are ${KNOWN_NAMES.join(', ')}.`,
      });
    }
  }
}

/** Milliseconds that the whole request may take. */
export function timeoutOf(headers: IncomingHttpHeaders): number {
  const text = headerOf(headers, 'quorate-timeout-ms');
  if (text === undefined) return DEFAULT_TIMEOUT_MS;
  const value = wholeNumber(text);
  if (value !== undefined && value >= MIN_TIMEOUT_MS && value <= MAX_TIMEOUT_MS) return value;
  throw new Problem(
    'bad-request',
    `${HEADERS.timeoutMs} must be a whole number of milliseconds from ${MIN_TIMEOUT_MS} to ${MAX_TIMEOUT_MS}, not "${text}".`,
  );
}

/** What the client says it has seen; undefined if it says nothing. */
export function contextOf(headers: IncomingHttpHeaders, entry: EntryName): CausalContext | undefined {
  const token = headerOf(headers, 'quorate-context');
  if (token === undefined) return undefined;
  const decoded = decodeContextToken(entry, token);
  if (decoded.type === 'context') return decoded.context;
  throw new Problem('bad-context', `${HEADERS.context} cannot be used here: ${decoded.reason}`);
}

/** The client's own name for its write; undefined if it gives none. */
export function identityOf(headers: IncomingHttpHeaders): WriteIdentity | undefined {
  const attempt = headerOf(headers, 'quorate-attempt');
  const attemptNumber = attempt === undefined ? undefined : wholeNumber(attempt);
  if (attempt !== undefined && (attemptNumber === undefined || attemptNumber < 1)) {
    throw new Problem(
      'bad-request',
      `${HEADERS.attempt} is 1 on the first try of a write id, and left out later, not "${attempt}".`,
    );
  }
  const id = headerOf(headers, 'quorate-write-id');
  if (id === undefined) return undefined;
  return { id: checkedWriteId(id, HEADERS.writeId), firstAttempt: attemptNumber === 1 };
}

/** `name`: of what gave it, for people. */
export function checkedWriteId(id: string, name: string): string {
  if (WRITE_ID.test(id) && id.length <= MAX_WRITE_ID_CHARACTERS) return id;
  throw new Problem(
    'bad-request',
    `${name} must be 1 to ${MAX_WRITE_ID_CHARACTERS} visible ASCII characters without spaces.`,
  );
}

/** The content type to keep with a value. */
export function contentTypeOf(headers: IncomingHttpHeaders): string {
  const type = headers['content-type'];
  if (type === undefined || type === '') return DEFAULT_CONTENT_TYPE;
  if (type.length <= MAX_CONTENT_TYPE_CHARACTERS && PRINTABLE.test(type)) return type;
  throw new Problem(
    'bad-request',
    `Content-Type must be 1 to ${MAX_CONTENT_TYPE_CHARACTERS} printable ASCII characters.`,
  );
}

/** A value is kept as it was sent: an encoded one could not be told from another, and a part is not a value. */
export function refuseEncodedBodies(headers: IncomingHttpHeaders): void {
  const encoding = headerOf(headers, 'content-encoding');
  const transfer = headers['transfer-encoding'];
  const plainTransfer = transfer === undefined || transfer.toLowerCase() === 'chunked';
  const plainContent = encoding === undefined || encoding === '' || encoding.toLowerCase() === 'identity';
  if (!plainContent || !plainTransfer) {
    throw new Problem(
      'unsupported-encoding',
      `A body with ${plainContent ? 'Transfer-Encoding' : 'Content-Encoding'} "${plainContent ? transfer : encoding}" is not taken. Send the value unencoded.`,
      {
        headers: { 'Accept-Encoding': 'identity' },
        hint: 'A compressed value can be stored as such: name the compression in its Content-Type.',
      },
    );
  }
  if (headers['content-range'] !== undefined) {
    throw new Problem('bad-request', 'A PUT writes the whole value: Content-Range is not taken.');
  }
}

/** Whether `Prefer` asks for the entry in the answer (RFC 7240). */
export function wantsRepresentation(headers: IncomingHttpHeaders): boolean {
  const prefer = headerOf(headers, 'prefer');
  if (prefer === undefined) return false;
  return prefer
    .split(',')
    .some((preference) => /^\s*return\s*=\s*"?representation"?\s*(;|$)/i.test(preference));
}
