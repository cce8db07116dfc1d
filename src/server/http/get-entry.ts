/** GET (and HEAD) of one entry, and of a bucket's keys. */
import { ENTRY_MEDIA_TYPE } from '../../api/headers.ts';
import { PATHS } from '../../api/paths.ts';
import { formatDot } from '../../core/causality/dot.ts';
import type { KeyRecord } from '../../core/causality/record.ts';
import { liveSiblings, type LiveSibling } from '../../core/causality/visible-siblings.ts';
import type { EntryName } from '../../core/ids.ts';
import type { ReadSuccess } from '../../core/outcome.ts';
import type { ReadRequest } from '../../core/request.ts';
import { negotiate } from './accept.ts';
import { readLinearizably } from './conditional-write.ts';
import { checkReadConditions, matchesNone } from './conditions.ts';
import { bucketAndKey } from './entry-name.ts';
import { absentHeaders, envelopeReply, recordHeaders, valueReply } from './entry-reply.ts';
import { type Exchange, headerOf } from './exchange.ts';
import { bucketOf, type EntryService, knownQuery, notImplemented } from './operation.ts';
import { contextOf, refuseUnknownHeaders, timeoutOf } from './operation-headers.ts';
import { Problem, problemOfFailure } from './problem.ts';
import { chooseQuorum, presetOf } from './quorum-choice.ts';
import type { Reply } from './reply.ts';

/** Answers a GET below /v1/kv. Throws problems. */
export async function getEntry(service: EntryService, exchange: Exchange): Promise<Reply> {
  const { bucket, key } = bucketAndKey(exchange.path, PATHS.kv);
  if (key === undefined) throw notImplemented('Listing the keys of a bucket');
  const entry = { bucket, key };
  const siblingId = exchange.query === '' ? undefined : siblingIn(exchange.query);
  const { request, isLinearizable } = readRequest(service, exchange, entry);
  if (isLinearizable) {
    const read = await readLinearizably(service, entry, request.timeoutMs);
    return present(exchange, entry, read, siblingId);
  }
  const outcome = await service.node.get(request);
  if (outcome.type === 'failed') throw problemOfFailure(outcome, 'read');
  return present(exchange, entry, outcome, siblingId);
}

function siblingIn(query: string): string | undefined {
  return knownQuery(query, ['sibling']).get('sibling') ?? undefined;
}

interface CheckedRead {
  readonly request: ReadRequest;
  /** Whether a majority decides it: then R is the bucket's affair. */
  readonly isLinearizable: boolean;
}

function readRequest(service: EntryService, { headers }: Exchange, entry: EntryName): CheckedRead {
  refuseUnknownHeaders(headers);
  const preset = presetOf(headers);
  checkReadConditions(headers, preset);
  const { n, r, sloppy } = chooseQuorum({
    headers,
    preset,
    bucket: bucketOf(service, entry),
    members: service.config.nodes.length,
    uses: { r: true, w: false },
  });
  const timeoutMs = timeoutOf(headers);
  const context = contextOf(headers, entry);
  // Without a context the client has seen nothing yet, and any answer is as new as that.
  const atLeast = preset === 'session' ? context : undefined;
  const request = { bucket: entry.bucket, key: entry.key, n, r, sloppy, timeoutMs, atLeast };
  return { request, isLinearizable: preset === 'linearizable' };
}

function present(
  exchange: Exchange,
  entry: EntryName,
  { record, quorum }: ReadSuccess,
  siblingId: string | undefined,
): Reply {
  const live = record === undefined ? [] : liveSiblings(record);
  const accept = headerOf(exchange.headers, 'accept');
  if (record === undefined || live.length === 0) {
    const headers = absentHeaders(entry, record, quorum);
    if (negotiate(accept, []) === undefined) throw notAcceptable([], headers);
    throw notFound(record, headers);
  }
  const headers = recordHeaders(entry, record, quorum, live.length);
  if (siblingId !== undefined) return oneSibling(live, siblingId, accept, headers);
  const form = negotiate(
    accept,
    live.map(({ content }) => content.contentType),
  );
  if (form === undefined) throw notAcceptable(live, headers);
  if (isUnchanged(exchange, headers)) return { status: 304, headers, body: null };
  const [first] = live;
  if (form === 'envelope') return envelopeReply(200, headers, { entry, record });
  return live.length === 1 && first !== undefined
    ? valueReply(headers, first)
    : envelopeReply(300, headers, { entry, record });
}

function oneSibling(
  live: readonly LiveSibling[],
  id: string,
  accept: string | undefined,
  headers: Record<string, string>,
): Reply {
  const sibling = live.find(({ dot }) => formatDot(dot) === id);
  if (sibling === undefined) {
    throw new Problem('not-found', `This key has no live sibling ${JSON.stringify(id)} (any more).`, {
      headers,
    });
  }
  if (negotiate(accept, [sibling.content.contentType]) !== 'bytes') throw notAcceptable([sibling], headers);
  return valueReply(headers, sibling);
}

function isUnchanged(exchange: Exchange, headers: Record<string, string>): boolean {
  const ifNoneMatch = headerOf(exchange.headers, 'if-none-match');
  return ifNoneMatch !== undefined && matchesNone(ifNoneMatch, (headers['ETag'] as string).slice(1, -1));
}

function notFound(record: KeyRecord | undefined, headers: Record<string, string>): Problem {
  return record === undefined
    ? new Problem('not-found', 'This key was never written.', { headers })
    : new Problem('not-found', 'This key was deleted.', {
        headers,
        hint: 'Write it again with the Quorate-Context of this answer, so that the deletion does not become a sibling.',
      });
}

function notAcceptable(live: readonly LiveSibling[], headers: Record<string, string>): Problem {
  const types = new Set([...live.map(({ content }) => content.contentType), ENTRY_MEDIA_TYPE]);
  const available = [...types].join(', ');
  return new Problem('not-acceptable', `Accept excludes everything there is: ${available}.`, {
    headers,
    hint: 'Leave Accept out, or send */*.',
  });
}
