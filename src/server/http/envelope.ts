/**
 * The JSON envelope of an entry: all its siblings, sorted by dot, so that equal records give equal bytes. A JSON value is
 * put in as the text that was stored, not parsed and printed again, which would round large numbers.
 */
import { encodeContextToken } from '../../codec/context-token.ts';
import { etagOf } from '../../codec/hash.ts';
import { formatDot } from '../../core/causality/dot.ts';
import type { KeyRecord, Sibling } from '../../core/causality/record.ts';
import { visibleSiblings } from '../../core/causality/visible-siblings.ts';
import type { EntryName } from '../../core/ids.ts';

const JSON_TYPE = /^\s*(?:application|text)\/(?:[^;\s]+\+)?json\s*(?:;|$)|^[^;]+\+json\s*(?:;|$)/i;
// A byte order mark is part of the value: it stays in the text, and keeps it from being JSON.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** JSON text of an `EntryBody`. */
export function envelopeText(entry: EntryName, record: KeyRecord): string {
  const head = JSON.stringify({
    bucket: entry.bucket,
    key: entry.key,
    context: encodeContextToken(entry, record.context),
    etag: quotedEtag(record),
  });
  const siblings = visibleSiblings(record).map(siblingText);
  return `${head.slice(0, -1)},"siblings":[${siblings.join(',')}]}`;
}

/** The value of the ETag header. */
export function quotedEtag(record: KeyRecord): string {
  return `"${etagOf(record)}"`;
}

function siblingText(sibling: Sibling): string {
  const { content } = sibling;
  const id = formatDot(sibling.dot);
  if (content.type === 'tombstone') return JSON.stringify({ id, deleted: true });
  const head = JSON.stringify({ id, contentType: content.contentType });
  const tail = JSON.stringify({
    writtenAt: new Date(sibling.writtenAtMs).toISOString(),
    ...(sibling.writeId === undefined ? {} : { writeId: sibling.writeId }),
  });
  return `${head.slice(0, -1)},${valueMember(content.contentType, content.bytes)},${tail.slice(1)}`;
}

function valueMember(contentType: string, bytes: Uint8Array): string {
  const text = decoded(bytes);
  if (text === undefined)
    return `"base64":${JSON.stringify(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'))}`;
  if (JSON_TYPE.test(contentType) && isJson(text)) return `"json":${text.trim()}`;
  return `"text":${JSON.stringify(text)}`;
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
