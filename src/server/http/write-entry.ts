/** PUT and DELETE of one entry. Everything that can be refused is refused before the body is read. */
import { ENTRY_MEDIA_TYPE, HEADERS } from '../../api/headers.ts';
import { PATHS } from '../../api/paths.ts';
import { encodeContextToken } from '../../codec/context-token.ts';
import type { CausalContext } from '../../core/causality/causal-context.ts';
import type { EntryName } from '../../core/ids.ts';
import type { WriteSuccess } from '../../core/outcome.ts';
import type { Condition } from '../../core/paxos/conditional.ts';
import type { WriteIdentity } from '../../core/request.ts';
import { readBody } from './body.ts';
import { conditionOf, writeConditionally } from './conditional-write.ts';
import { checkWriteConditions } from './conditions.ts';
import { entryName } from './entry-name.ts';
import { absentHeaders, addPhases, quorumHeaderValue } from './entry-reply.ts';
import { envelopeText } from './envelope.ts';
import type { Exchange } from './exchange.ts';
import { bucketOf, type EntryService, knownQuery, timeLeftMs } from './operation.ts';
import {
  contentTypeOf,
  contextOf,
  identityOf,
  refuseEncodedBodies,
  refuseUnknownHeaders,
  timeoutOf,
  wantsRepresentation,
} from './operation-headers.ts';
import { Problem, problemOfFailure } from './problem.ts';
import { chooseQuorum, presetOf, type QuorumChoice } from './quorum-choice.ts';
import type { Reply } from './reply.ts';

interface CheckedWrite {
  readonly entry: EntryName;
  readonly quorum: QuorumChoice;
  readonly timeoutMs: number;
  readonly context: CausalContext | undefined;
  readonly identity: WriteIdentity | undefined;
  /** Undefined: it is a plain write. */
  readonly condition: Condition | undefined;
}

/** Answers a PUT below /v1/kv. Throws problems. */
export async function putEntry(service: EntryService, exchange: Exchange): Promise<Reply> {
  const { headers } = exchange;
  const write = checkWrite(service, exchange, 'put');
  refuseEncodedBodies(headers);
  const contentType = contentTypeOf(headers);
  service.refuseIfFull();
  const value = await readBody(exchange.incoming, exchange.outgoing, {
    maxBytes: service.config.limits.maxValueBytes,
    timeoutMs: timeLeftMs(exchange, write.timeoutMs),
  });
  const { bucket, key } = write.entry;
  const returnRecord = wantsRepresentation(headers);
  const timeoutMs = Math.max(1, timeLeftMs(exchange, write.timeoutMs));
  if (write.condition !== undefined) {
    const content = { type: 'value', contentType, bytes: value } as const;
    const conditional = {
      ...write,
      condition: write.condition,
      content,
      timeoutMs,
      wantsRecord: returnRecord,
    };
    const done = await writeConditionally(service, conditional);
    return written(write.entry, done, done.created ? 201 : 204, returnRecord);
  }
  const outcome = await service.node.put({
    bucket,
    key,
    n: write.quorum.n,
    w: write.quorum.w,
    sloppy: write.quorum.sloppy,
    timeoutMs,
    context: write.context,
    identity: write.identity,
    returnRecord,
    contentType,
    value,
  });
  if (outcome.type === 'failed') throw problemOfFailure(outcome, 'write');
  return written(write.entry, outcome, outcome.created ? 201 : 204, returnRecord);
}

/** Answers a DELETE below /v1/kv. Throws problems. A body is not looked at. */
export async function deleteEntry(service: EntryService, exchange: Exchange): Promise<Reply> {
  const write = checkWrite(service, exchange, 'delete');
  service.refuseIfFull();
  if (write.condition !== undefined) {
    const content = { type: 'tombstone' } as const;
    const wantsRecord = wantsRepresentation(exchange.headers);
    const conditional = { ...write, condition: write.condition, content, wantsRecord };
    return written(write.entry, await writeConditionally(service, conditional), 204, false);
  }
  const { bucket, key } = write.entry;
  const outcome = await service.node.delete({
    bucket,
    key,
    n: write.quorum.n,
    r: write.quorum.r,
    w: write.quorum.w,
    sloppy: write.quorum.sloppy,
    timeoutMs: write.timeoutMs,
    context: write.context,
    identity: write.identity,
    returnRecord: false,
  });
  if (outcome.type === 'failed') throw problemOfFailure(outcome, 'write');
  if (outcome.type === 'written') return written(write.entry, outcome, 204, false);
  throw new Problem('not-found', 'There was nothing to delete: no live value was found.', {
    headers: absentHeaders(write.entry, outcome.record, outcome.quorum),
  });
}

function checkWrite(service: EntryService, exchange: Exchange, operation: 'put' | 'delete'): CheckedWrite {
  const { headers, path, query } = exchange;
  const entry = entryName(path, PATHS.kv);
  if (query !== '') knownQuery(query, []);
  refuseUnknownHeaders(headers);
  const bucket = bucketOf(service, entry);
  const preset = presetOf(headers);
  checkWriteConditions({ headers, preset, bucket });
  const condition = conditionOf(headers);
  const members = service.config.nodes.length;
  const readsFirst = operation === 'delete' && headers['quorate-context'] === undefined;
  const quorum = chooseQuorum({ headers, preset, bucket, members, uses: { r: readsFirst, w: true } });
  const timeoutMs = timeoutOf(headers);
  const identity = identityOf(headers);
  const context = contextOf(headers, entry);
  if (bucket.mode === 'cas' && condition === undefined) {
    throw new Problem(
      'precondition-required',
      `The bucket ${entry.bucket} takes conditional writes only. Nothing was written.`,
      { hint: 'Add If-Match with the ETag of a GET, or If-None-Match: * to create the key.' },
    );
  }
  return { entry, quorum, timeoutMs, context, identity, condition };
}

function written(entry: EntryName, outcome: WriteSuccess, status: 201 | 204, returnRecord: boolean): Reply {
  const headers: Record<string, string> = {
    [HEADERS.context]: encodeContextToken(entry, outcome.context),
    [HEADERS.siblings]: String(outcome.liveSiblings),
    [HEADERS.quorum]: quorumHeaderValue(outcome.quorum, 'w'),
    [HEADERS.coordinator]: outcome.quorum.coordinator,
  };
  addPhases(headers, outcome.quorum);
  if (outcome.etag !== undefined) headers['ETag'] = `"${outcome.etag}"`;
  if (!returnRecord || outcome.record === undefined) return { status, headers, body: null };
  headers['Content-Type'] = ENTRY_MEDIA_TYPE;
  headers['Preference-Applied'] = 'return=representation';
  return { status: status === 201 ? 201 : 200, headers, body: envelopeText(entry, outcome.record) };
}
