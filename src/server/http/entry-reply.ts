/** Headers and bodies that describe an entry, shared by the answers to GET, PUT and DELETE. */
import { ENTRY_MEDIA_TYPE, HEADERS } from '../../api/headers.ts';
import { encodeContextToken } from '../../codec/context-token.ts';
import type { KeyRecord } from '../../core/causality/record.ts';
import type { LiveSibling } from '../../core/causality/visible-siblings.ts';
import type { EntryName } from '../../core/ids.ts';
import type { QuorumFacts } from '../../core/outcome.ts';
import { envelopeText, quotedEtag } from './envelope.ts';
import type { Reply } from './reply.ts';

/** The value of `Quorate-Quorum`: what was really done. */
export function quorumHeaderValue(
  { n, required, acks, sloppy, ordered }: QuorumFacts,
  letter: 'r' | 'w',
): string {
  const base = `n=${n}, ${letter}=${required}, acks=${acks}, sloppy=${sloppy ? '?1' : '?0'}`;
  return ordered ? `${base}, ordered=?1` : base;
}

/** `Server-Timing` of what was decided by a round: what its phases took where it was coordinated. The app adds the whole. */
export function addPhases(headers: Record<string, string>, { phases }: QuorumFacts): Record<string, string> {
  if (phases === undefined || phases.length === 0) return headers;
  headers['Server-Timing'] = phases.map(({ phase, ms }) => `${phase};dur=${ms.toFixed(2)}`).join(', ');
  return headers;
}

/** Headers of an answer that shows a record. */
export function recordHeaders(
  entry: EntryName,
  record: KeyRecord,
  quorum: QuorumFacts,
  liveSiblings: number,
): Record<string, string> {
  const headers = {
    [HEADERS.context]: encodeContextToken(entry, record.context),
    ETag: quotedEtag(record),
    [HEADERS.siblings]: String(liveSiblings),
    [HEADERS.quorum]: quorumHeaderValue(quorum, 'r'),
    [HEADERS.coordinator]: quorum.coordinator,
  };
  return addPhases(headers, quorum);
}

/**
 * Headers of an answer that shows no value: a tombstone's context, so that re-creating the key makes no sibling; its ETag, which is
 * the one that the deletion was answered, and by which If-Match tells this deletion from a later one; and what was done to know.
 */
export function absentHeaders(
  entry: EntryName,
  record: KeyRecord | undefined,
  quorum: QuorumFacts,
): Record<string, string> {
  const headers: Record<string, string> = {
    [HEADERS.siblings]: '0',
    [HEADERS.quorum]: quorumHeaderValue(quorum, 'r'),
    [HEADERS.coordinator]: quorum.coordinator,
  };
  if (record !== undefined) {
    headers[HEADERS.context] = encodeContextToken(entry, record.context);
    // What has no sibling has none that an If-Match would hold by.
    if (record.siblings.length > 0) headers['ETag'] = quotedEtag(record);
  }
  return addPhases(headers, quorum);
}

/** The envelope as an answer. */
export function envelopeReply(
  status: number,
  headers: Record<string, string>,
  { entry, record }: { entry: EntryName; record: KeyRecord },
): Reply {
  headers['Content-Type'] = ENTRY_MEDIA_TYPE;
  return { status, headers, body: envelopeText(entry, record) };
}

/**
 * One value's bytes as they were stored. They are a client's own and may be a page with scripts, so a browser is told
 * neither to guess a type nor to run them with the rights of this origin.
 */
export function valueReply(headers: Record<string, string>, { content }: LiveSibling): Reply {
  headers['Content-Type'] = content.contentType;
  headers['X-Content-Type-Options'] = 'nosniff';
  headers['Content-Security-Policy'] = 'sandbox';
  return { status: 200, headers, body: content.bytes };
}
