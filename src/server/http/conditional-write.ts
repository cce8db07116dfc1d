/** Conditional PUT and DELETE (compare-and-set), and the linearizable GET: what a majority of the home replicas decides. */
import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { KeyRecord, SiblingContent } from '../../core/causality/record.ts';
import { liveSiblings } from '../../core/causality/visible-siblings.ts';
import type { EntryName } from '../../core/ids.ts';
import type { PreconditionFailed, ReadSuccess, WriteSuccess } from '../../core/outcome.ts';
import type { Condition } from '../../core/paxos/conditional.ts';
import type { WriteIdentity } from '../../core/request.ts';
import { absentHeaders, recordHeaders } from './entry-reply.ts';
import { envelopeText } from './envelope.ts';
import { headerOf } from './exchange.ts';
import { bucketOf, type EntryService } from './operation.ts';
import { Problem, problemOfFailure } from './problem.ts';

const DRAWN_ID_BYTES = 16;

export interface ConditionalWriteRequest {
  readonly entry: EntryName;
  readonly condition: Condition;
  readonly content: SiblingContent;
  readonly identity: WriteIdentity | undefined;
  readonly timeoutMs: number;
  /** Whether the answer shows the record: after a success, or what was there instead. */
  readonly wantsRecord: boolean;
}

/** What a write's headers, which were found to be well formed, make it depend on; undefined: nothing. */
export function conditionOf(headers: IncomingHttpHeaders): Condition | undefined {
  const ifMatch = headerOf(headers, 'if-match');
  if (ifMatch !== undefined) return { type: 'if-match', etags: new Set([ifMatch.slice(1, -1)]) };
  return headers['if-none-match'] === undefined ? undefined : { type: 'if-absent' };
}

/** Throws problems; a lost race is 412 with what is there. */
export async function writeConditionally(
  service: EntryService,
  { entry, condition, content, identity, timeoutMs, wantsRecord }: ConditionalWriteRequest,
): Promise<WriteSuccess> {
  const { bucket, key } = entry;
  const named = identity ?? { id: randomBytes(DRAWN_ID_BYTES).toString('base64url'), firstAttempt: true };
  const outcome = await service.node.conditional({
    ...{ bucket, key, timeoutMs },
    n: bucketOf(service, entry).n,
    operation: { type: 'write', condition, content, identity: { ...named, notBefore: undefined } },
    returnRecord: wantsRecord,
  });
  switch (outcome.type) {
    case 'written':
      return outcome;
    case 'precondition-failed':
      throw lostRace(entry, condition, outcome, wantsRecord);
    case 'failed':
      throw problemOfFailure(outcome, 'conditional write', named.id);
    case 'read':
    case 'settled':
      throw new Error(`a conditional write ended in ${outcome.type}`);
  }
}

/** Throws problems. */
export async function readLinearizably(
  service: EntryService,
  entry: EntryName,
  timeoutMs: number,
): Promise<ReadSuccess> {
  const { bucket, key } = entry;
  const { n } = bucketOf(service, entry);
  const operation = { type: 'read' } as const;
  const outcome = await service.node.conditional({
    bucket,
    key,
    n,
    timeoutMs,
    operation,
    returnRecord: false,
  });
  if (outcome.type === 'read') return outcome;
  if (outcome.type === 'failed') throw problemOfFailure(outcome, 'linearizable read');
  throw new Error(`a linearizable read ended in ${outcome.type}`);
}

function lostRace(
  entry: EntryName,
  condition: Condition,
  { record, wasRefused, quorum }: PreconditionFailed,
  wantsRecord: boolean,
): Problem {
  const live = record === undefined ? 0 : liveSiblings(record).length;
  const headers =
    record === undefined || live === 0
      ? absentHeaders(entry, record, quorum)
      : recordHeaders(entry, record, quorum, live);
  return new Problem('precondition-failed', wasRefused ? REFUSED_BEFORE : detailOf(condition, record, live), {
    headers,
    ...(live === 0 ? { hint: 'To create the key, send If-None-Match: * in place of If-Match.' } : {}),
    ...(wantsRecord && record !== undefined ? { entryText: shown(entry, record, headers) } : {}),
  });
}

const REFUSED_BEFORE =
  'An earlier attempt of this write was refused, and its write id with it. Nothing was written, and nothing will be under this id.';

function shown(entry: EntryName, record: KeyRecord, headers: Record<string, string>): string {
  headers['Preference-Applied'] = 'return=representation';
  return envelopeText(entry, record);
}

function detailOf(condition: Condition, record: KeyRecord | undefined, live: number): string {
  if (condition.type === 'if-absent') return 'The key holds something already. Nothing was written.';
  if (record === undefined) return 'The key holds nothing, so it has no ETag. Nothing was written.';
  return live === 0
    ? 'The key was deleted, and has another ETag by now. Nothing was written.'
    : 'The key has another ETag by now. Nothing was written.';
}
